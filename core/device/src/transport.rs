//! The way to the network, which each platform brings: a request in, a response out.

use async_trait::async_trait;
use std::time::Duration;

/// The longest response body that is read, in bytes.
pub const MAX_RESPONSE_LENGTH: usize = 256 * 1024;

/// An HTTP request, ready to be sent as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method, in capitals.
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// Header names, in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
    /// How long to wait for the whole response.
    pub timeout: Duration,
}

/// An HTTP response, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Header names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`MAX_RESPONSE_LENGTH`].
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// There was no response: no network, no route, no TLS, cut in the middle, too slow, too long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server cannot be reached: {reason}")]
pub struct Unreachable {
    /// What the platform said, for a person who looks into it. It must not carry the request.
    pub reason: String,
}

/// Sends HTTP requests. Platforms check TLS, follow no redirect, send no cookies, and read at most
/// [`MAX_RESPONSE_LENGTH`].
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request and reads the whole response, whatever its status.
    ///
    /// It is polled by whoever polls the authenticator's call, so it waits without blocking the thread. Calls that are
    /// made side by side send side by side. A call that is dropped drops this future, which must then let the
    /// connection go. It keeps the request's timeout by itself: the core sets no other.
    ///
    /// # Errors
    /// [`Unreachable`] when there is no whole response in time, or one that is too long. An error's status is a
    /// response.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable>;
}
