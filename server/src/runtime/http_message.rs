//! HTTP/1.1 as RFC 9112 has it, where hyper is more lenient than a server behind a proxy should be. What two programs
//! read differently, one request or two, is how a request is smuggled past the first of them.

use crate::doors::problem::Problem;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, Request, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest head of a request: request line, headers and the empty line, in bytes.
pub const MAX_HEAD_LENGTH: usize = 32 * 1024;

/// What is wrong with the bytes of a head, although hyper reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// A line that ends with LF alone (RFC 9112, section 2.2, lets a recipient refuse it).
    BareLineFeed,
    /// `Content-Length` beside `Transfer-Encoding` (RFC 9112, section 6.1): hyper forgets the first.
    TwoLengths,
    /// More than [`MAX_HEAD_LENGTH`].
    TooLong,
}

/// What the heads of one connection were like, for whoever answers their requests.
#[derive(Debug, Default)]
pub struct Heads {
    answered: AtomicUsize,
    /// The first head with a fault, by its number. Nothing after it is read.
    fault: OnceLock<(usize, Fault)>,
}

impl Heads {
    /// The answer to the next request of this connection, when it is one that must not be carried out. The connection
    /// ends with it.
    pub fn refuse<B>(&self, request: &Request<B>) -> Option<Response> {
        let number = self.answered.fetch_add(1, Ordering::SeqCst);
        let fault = self.fault.get().filter(|(faulty, _)| *faulty == number).map(|(_, fault)| *fault);
        let mut response = match fault {
            Some(Fault::TooLong) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response(),
            Some(Fault::BareLineFeed) => Problem::malformed("Lines of HTTP end with CR LF.").into_response(),
            Some(Fault::TwoLengths) => {
                Problem::malformed("A request has Content-Length or Transfer-Encoding, not both.").into_response()
            }
            None if request.method() == Method::CONNECT => Problem::WrongMethod.into_response(),
            None => Problem::malformed(wrong_host(request)?).into_response(),
        };
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        Some(response)
    }
}

/// After a body in chunks the connection ends: where such a body ends, only hyper sees, and [`Guarded`] would not know
/// where the next head begins.
pub fn ends_connection<B>(request: &Request<B>) -> bool {
    request.headers().contains_key(header::TRANSFER_ENCODING)
}

/// What is wrong with the `Host` header (RFC 9112, section 3.2). Only HTTP/1.0 may leave it out.
fn wrong_host<B>(request: &Request<B>) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() < Version::HTTP_11 => None,
        (Some(host), None) if is_host(host) => None,
        (Some(_), None) => Some("The Host header is a host, and a port where it is not the usual one."),
        _ => Some("A request has one Host header."),
    }
}

fn is_host(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    let Ok(authority) = text.parse::<Authority>() else { return false };
    let host = authority.host();
    let port = text.strip_prefix(host).map(|rest| rest.strip_prefix(':').unwrap_or(rest));
    // A comma may stand in a name (RFC 3986, section 3.2.2) and does in none; it is where two headers were joined.
    !host.is_empty() && !host.contains(',') && port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Where in the stream the next byte stands.
#[derive(Debug, Clone, Copy)]
enum At {
    Head,
    /// In a body of which so many bytes are left.
    Body(u64),
    /// After what ends the connection.
    Rest,
}

/// Watches the bytes of a connection on their way to hyper, head by head.
#[derive(Debug)]
struct Watch {
    heads: Arc<Heads>,
    at: At,
    /// How many heads have ended.
    ended: usize,
    /// The line so far, without its line feed.
    line: Vec<u8>,
    /// The length of this head so far.
    length: usize,
    has_request_line: bool,
    content_length: Option<u64>,
    transfer_encoding: bool,
    fault: Option<Fault>,
}

impl Watch {
    fn new(heads: Arc<Heads>) -> Self {
        Self {
            heads,
            at: At::Head,
            ended: 0,
            line: Vec::new(),
            length: 0,
            has_request_line: false,
            content_length: None,
            transfer_encoding: false,
            fault: None,
        }
    }

    fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.at {
                At::Rest => return,
                At::Body(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = &bytes[here..];
                    let left = left - here as u64;
                    self.at = if left == 0 { At::Head } else { At::Body(left) };
                }
                At::Head => {
                    let (part, ends, rest) = match bytes.iter().position(|byte| *byte == b'\n') {
                        Some(place) => (&bytes[..place], true, &bytes[place + 1..]),
                        None => (bytes, false, &[][..]),
                    };
                    bytes = rest;
                    self.length = self.length.saturating_add(part.len() + usize::from(ends));
                    if self.length > MAX_HEAD_LENGTH {
                        self.fault = Some(Fault::TooLong);
                    } else {
                        self.line.extend_from_slice(part);
                    }
                    if ends {
                        self.end_line();
                    }
                }
            }
        }
    }

    fn end_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        if line.pop_if(|last| *last == b'\r').is_none() {
            self.fault.get_or_insert(Fault::BareLineFeed);
        }
        if !line.is_empty() {
            if self.has_request_line {
                self.header(&line);
            }
            self.has_request_line = true;
        } else if self.has_request_line {
            self.end_head();
        }
    }

    fn header(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.transfer_encoding = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            // What is no number, or another one than before, hyper refuses.
            self.content_length = Some(std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(0));
        }
    }

    fn end_head(&mut self) {
        if self.transfer_encoding && self.content_length.is_some() {
            self.fault.get_or_insert(Fault::TwoLengths);
        }
        if let Some(fault) = self.fault {
            // It is the first: nothing is looked at after it.
            let _ = self.heads.fault.set((self.ended, fault));
        }
        let at = match (self.fault, self.transfer_encoding, self.content_length) {
            (Some(_), ..) | (None, true, _) => At::Rest,
            (None, false, Some(length @ 1..)) => At::Body(length),
            (None, false, _) => At::Head,
        };
        *self = Self { at, ended: self.ended + 1, ..Self::new(Arc::clone(&self.heads)) };
    }
}

/// A connection whose heads are watched while they are read. What it finds is in [`Heads`] before hyper has the end of
/// that head, and so before its request is answered.
pub struct Guarded<S> {
    stream: S,
    watch: Watch,
}

impl<S> Guarded<S> {
    /// Watches this connection for whoever answers it.
    pub fn new(stream: S, heads: Arc<Heads>) -> Self {
        Self { stream, watch: Watch::new(heads) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.watch.see(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    /// The fault that is found when the bytes come in pieces of this size.
    fn found(bytes: &[u8], piece: usize) -> Option<(usize, Fault)> {
        let heads = Arc::new(Heads::default());
        let mut watch = Watch::new(Arc::clone(&heads));
        bytes.chunks(piece).for_each(|piece| watch.see(piece));
        heads.fault.get().copied()
    }

    #[test]
    fn a_fault_is_found_in_the_head_that_has_it_and_nowhere_else() {
        use Fault::{BareLineFeed, TwoLengths};
        let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n";
        let bare = "GET / HTTP/1.1\nHost: a\r\n\r\n";
        let two = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n";
        for (bytes, fault) in [
            (GET.to_owned(), None),
            (format!("\r\n{GET}{GET}"), None),
            (bare.to_owned(), Some((0, BareLineFeed))),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n".to_owned(), Some((0, BareLineFeed))),
            (format!("\n{GET}"), Some((0, BareLineFeed))),
            (format!("{GET}{GET}{bare}"), Some((2, BareLineFeed))),
            // What stands in a body is nobody's head.
            (format!("{post}a\nb\n\nc\n{GET}"), None),
            (format!("{post}a\nb\n\nc\n{bare}"), Some((1, BareLineFeed))),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\n\n\r\n0\r\n\r\n".to_owned(), None),
            (two.to_owned(), Some((0, TwoLengths))),
            (format!("{post}1234567{two}"), Some((1, TwoLengths))),
        ] {
            for piece in [1, 2, 7, 4096] {
                assert_eq!(found(bytes.as_bytes(), piece), fault, "{bytes:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_head_may_be_as_long_as_is_said_and_no_longer() {
        let head = |length: usize| {
            let rest = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
            format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(length - rest))
        };
        for piece in [1000, 100_000] {
            let two = format!("{}{}", head(MAX_HEAD_LENGTH), head(MAX_HEAD_LENGTH));
            assert_eq!(found(two.as_bytes(), piece), None);
            assert_eq!(found(head(MAX_HEAD_LENGTH + 1).as_bytes(), piece), Some((0, Fault::TooLong)));
        }
    }

    #[test]
    fn a_host_is_a_host_and_perhaps_a_port() {
        let right = |text: &str| HeaderValue::from_str(text).is_ok_and(|value| is_host(&value));
        for host in ["login.example", "login.example:8443", "127.0.0.1:80", "[::1]", "[::1]:8080", "my_server"] {
            assert!(right(host), "{host}");
        }
        for host in ["", "a b", "a/b", "user@a", "a:b", "a:80:80", "http://a", "a,b", "[::1", "a?b", ":80"] {
            assert!(!right(host), "{host}");
        }
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(bytes in "[GET:a1\r\n ]{0,200}", piece in 1_usize..50) {
            prop_assert_eq!(found(bytes.as_bytes(), piece), found(bytes.as_bytes(), bytes.len().max(1)));
        }
    }
}
