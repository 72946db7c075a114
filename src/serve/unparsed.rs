//! What the HTTP library answers by itself, before anybody here sees the request: a head that is no HTTP, or too long. It
//! says a status and nothing else. Here such an answer becomes a problem like every other one, is counted and logged.

use super::listen::Peer;
use super::observe::Observer;
use super::{Problem, headers};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// No answer of the library's own is longer; every one of ours is, by the headers that all of them have.
const LONGEST: usize = 200;

/// A stream on which those answers are told in full.
pub(super) struct Explained<S> {
    stream: S,
    observer: Observer,
    peer: Peer,
    /// What is still to be written in the place of one.
    instead: Vec<u8>,
}

impl<S> Explained<S> {
    pub(super) fn new(stream: S, observer: Observer, peer: Peer) -> Self {
        Self { stream, observer, peer, instead: Vec::new() }
    }
}

impl<S: AsyncWrite + Unpin> Explained<S> {
    /// Takes an answer of the library's own and has ours written in its place.
    fn takes(&mut self, bytes: &[u8]) -> bool {
        let Some((version, status)) = bare(bytes) else { return false };
        self.observer.unparsed(status, self.peer);
        self.instead = whole(version, status);
        true
    }

    fn poll_instead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.instead.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.instead))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.instead.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

/// Version and status of a refusal that the library made: nothing but a line and headers about the connection.
fn bare(bytes: &[u8]) -> Option<(&str, StatusCode)> {
    if bytes.len() > LONGEST || !bytes.starts_with(b"HTTP/1.") {
        return None;
    }
    let mut lines = std::str::from_utf8(bytes).ok()?.strip_suffix("\r\n\r\n")?.split("\r\n");
    let (version, rest) = lines.next()?.split_once(' ')?;
    let status = StatusCode::from_bytes(rest.get(..3)?.as_bytes()).ok()?;
    let plain = |line: &str| {
        let name = line.split(':').next().unwrap_or_default();
        ["content-length", "connection", "date"].iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    (status.is_client_error() && lines.all(plain)).then_some((version, status))
}

/// The same with a body and the headers of every answer.
fn whole(version: &str, status: StatusCode) -> Vec<u8> {
    let problem = match status {
        StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            Problem::new(status, "urn:unleak:too-large", "The request is too large")
                .detailed("the head of a request has some 64 KiB at most, and 100 lines")
        }
        _ => Problem::new(status, "urn:unleak:request", "The request is not understood")
            .detailed("this is no HTTP/1.1"),
    };
    let body = problem.text();
    let mut response = problem.into_response();
    headers::dress(response.headers_mut());
    let reason = status.canonical_reason().unwrap_or_default();
    let mut text = format!("{version} {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in response.headers() {
        if name != "content-length" {
            text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
    }
    write!(text, "content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .expect("a vector takes any bytes");
    text
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(context))?;
        if self.takes(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(context))?;
        // Such an answer has no body, so that it is all there is.
        if let [only] = parts
            && self.takes(only)
        {
            return Poll::Ready(Ok(only.len()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_library_says_by_itself_is_replaced() {
        let own = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        assert_eq!(bare(own), Some(("HTTP/1.1", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)));
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nx-content-type-options: nosniff\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 1\r\n\r\nx",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "0\r\n\r\n",
            "HTTP/1.1 400",
        ] {
            assert_eq!(bare(other.as_bytes()), None, "{other}");
        }
        let told = String::from_utf8(whole("HTTP/1.1", StatusCode::BAD_REQUEST)).unwrap();
        assert!(bare(told.as_bytes()).is_none());
        let (head, body) = told.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        assert!(body.contains("\"type\":\"urn:unleak:request\""), "{body}");
    }
}
