//! The core's way to the network, over reqwest.

use async_trait::async_trait;
use countersign_device::transport::{HttpRequest, HttpResponse, MAX_RESPONSE_LENGTH, Transport, Unreachable};
use https_client::UnusableClient;

/// Sends the core's requests over HTTP/1.1 or HTTP/2, with TLS by rustls.
pub struct ReqwestTransport(reqwest::Client);

impl ReqwestTransport {
    /// A transport that trusts the system's certificate authorities.
    ///
    /// # Errors
    /// [`UnusableClient`] when the system does not let a client be made.
    pub fn new() -> Result<Self, UnusableClient> {
        https_client::build(https_client::builder(https_client::system_roots())?).map(Self)
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let unreachable = |error: reqwest::Error| Unreachable { reason: https_client::reason(error) };
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|error| Unreachable { reason: error.to_string() })?;
        let mut sending = self.0.request(method, &request.url).timeout(request.timeout).body(request.body);
        for (name, value) in request.headers {
            sending = sending.header(name, value);
        }
        let mut response = sending.send().await.map_err(unreachable)?;
        let headers = response.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        let (status, headers) = (response.status().as_u16(), headers.collect());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_RESPONSE_LENGTH {
                return Err(Unreachable { reason: "the answer is too long".into() });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse { status, headers, body })
    }
}
