//! As much of HTTP/1.1 as the application needs: small requests without a body, one a connection, within a deadline.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// More than any request of the demo.
const LONGEST: usize = 8 * 1024;
/// How long a client may take to send one.
const DEADLINE: Duration = Duration::from_secs(2);

/// A request that was understood.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    /// What stands after `?`, without it.
    pub(super) query: String,
    /// Each cookie header.
    pub(super) cookies: Vec<String>,
}

/// Reads one request, or gives the status that refuses it.
pub(super) fn read(stream: &mut TcpStream) -> Result<Request, u16> {
    let head = head(stream)?;
    parse(std::str::from_utf8(&head).map_err(|_| 400_u16)?)
}

/// Everything up to the empty line.
fn head(stream: &mut TcpStream) -> Result<Vec<u8>, u16> {
    let end = Instant::now() + DEADLINE;
    let (mut head, mut piece) = (Vec::new(), [0; 1024]);
    while !head.ends_with(b"\r\n\r\n") {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return Err(408);
        }
        match stream.read(&mut piece) {
            Ok(0) => return Err(400),
            Ok(length) => head.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(408),
        }
        if head.len() > LONGEST {
            return Err(431);
        }
    }
    Ok(head)
}

fn parse(head: &str) -> Result<Request, u16> {
    let mut lines = head.trim_end_matches("\r\n").split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1"), None) =
        (first.next(), first.next(), first.next(), first.next())
    else {
        return Err(400);
    };
    let mut cookies = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(400_u16)?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        match name.as_str() {
            "cookie" => cookies.push(value.to_owned()),
            // A body would be taken for the next request.
            "content-length" if value != "0" => return Err(413),
            "transfer-encoding" => return Err(413),
            _ => {}
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok(Request { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), cookies })
}

/// An answer.
pub(super) struct Reply {
    status: u16,
    body: String,
    cookie: Option<String>,
}

impl Reply {
    pub(super) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), cookie: None }
    }

    pub(super) fn with_cookie(mut self, cookie: String) -> Self {
        self.cookie = Some(cookie);
        self
    }

    /// Sends it and ends the connection.
    pub(super) fn send(&self, stream: &mut TcpStream) -> io::Result<()> {
        let cookie =
            self.cookie.as_ref().map_or_else(String::new, |value| format!("Set-Cookie: {value}\r\n"));
        let (status, length, body) = (self.status, self.body.len(), &self.body);
        let text = format!(
            "HTTP/1.1 {status} {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{cookie}Cache-Control: no-store\r\nConnection: close\r\n\r\n{body}",
            if status == 200 { "OK" } else { "Refused" },
        );
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_small_plain_request_is_refused() {
        let good = parse("GET /api/user?x=1 HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\n\r\n").unwrap();
        assert_eq!((good.path.as_str(), good.query.as_str()), ("/api/user", "x=1"));
        assert_eq!(good.cookies, ["a=b"]);
        for (bad, status) in [
            ("\r\n\r\n", 400),
            ("GET /\r\n\r\n", 400),
            ("GET / HTTP/1.0\r\n\r\n", 400),
            ("GET / HTTP/1.1 x\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nnonsense\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 413),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
        ] {
            assert_eq!(parse(bad).err(), Some(status), "{bad}");
        }
    }
}
