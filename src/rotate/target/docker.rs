//! Requests to the Docker Engine over its Unix socket: HTTP/1.0, so that an answer ends where the connection does.

use super::Surroundings;
use serde_json::Value;
#[cfg(unix)]
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
#[cfg(unix)]
use std::time::Duration;
use zeroize::Zeroizing;

/// How long one answer may take.
#[cfg(unix)]
const ANSWER: Duration = Duration::from_secs(30);
/// No answer that is of use is larger.
#[cfg(unix)]
const LARGEST: u64 = 16 * 1024 * 1024;

/// An engine of this machine.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    socket: PathBuf,
}

impl Engine {
    /// The engine that DOCKER_HOST names, or the usual one.
    pub(super) fn find(around: &Surroundings<'_>) -> Result<Self, &'static str> {
        let Some(host) = around.text("DOCKER_HOST") else {
            return Ok(Self { socket: "/var/run/docker.sock".into() });
        };
        match host.strip_prefix("unix://") {
            Some(socket) if !socket.is_empty() => Ok(Self { socket: socket.into() }),
            _ => Err("DOCKER_HOST is no unix:// address; run this on a manager of the swarm"),
        }
    }

    /// Where it is.
    pub(super) fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Sends a request; the status and the body.
    #[cfg(unix)]
    pub(super) fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Zeroizing<Vec<u8>>), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.address());
        let body = body.map(|body| Zeroizing::new(serde_json::to_vec(body).expect("plain data")));
        let body = body.as_ref().map_or(&[][..], |body| &body[..]);
        let mut stream = std::os::unix::net::UnixStream::connect(&self.socket).map_err(failed)?;
        stream.set_read_timeout(Some(ANSWER)).map_err(failed)?;
        stream.set_write_timeout(Some(ANSWER)).map_err(failed)?;
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).map_err(failed)?;
        let mut answer = Zeroizing::new(Vec::new());
        stream.take(LARGEST + 1).read_to_end(&mut answer).map_err(failed)?;
        parse(&answer).ok_or_else(|| format!("{}: no whole HTTP answer", self.address()))
    }

    #[cfg(not(unix))]
    pub(super) fn ask(
        &self,
        _method: &str,
        _path: &str,
        _body: Option<&Value>,
    ) -> Result<(u16, Zeroizing<Vec<u8>>), String> {
        Err("this system has no Unix sockets".to_owned())
    }
}

/// The status and the body of an answer that is whole.
#[cfg(unix)]
fn parse(answer: &[u8]) -> Option<(u16, Zeroizing<Vec<u8>>)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let body = &answer[end + 4..];
    let mut lines = head.lines();
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == "transfer-encoding" || name == "content-length" && value.parse() != Ok(body.len()) {
            return None;
        }
    }
    (answer.len() as u64 <= LARGEST).then(|| (status, Zeroizing::new(body.to_vec())))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn half_an_answer_is_none() {
        let whole = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(
            parse(whole.as_bytes()).map(|(status, body)| (status, body.to_vec())),
            Some((200, b"{}".to_vec()))
        );
        for cut in [whole.len() - 1, 30, 10, 0] {
            assert!(parse(&whole.as_bytes()[..cut]).is_none(), "{cut}");
        }
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n").is_none());
        assert_eq!(parse(b"HTTP/1.1 204 No Content\r\n\r\n").map(|(status, _)| status), Some(204));
    }
}
