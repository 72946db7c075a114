//! A server of HTTP that answers as a test says: for stores that no package brings.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What was asked.
pub(super) struct Request {
    /// `METHOD /path`.
    pub(super) line: String,
    pub(super) authorization: String,
    pub(super) kind: String,
    /// Every header, its name in lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Value,
    /// The body as it came.
    pub(super) raw: String,
}

type Handler<S> = fn(&mut S, &Request) -> (u16, Value);

/// A running server; it ends with the test's process.
pub(super) struct Fake<S> {
    pub(super) url: String,
    pub(super) state: Arc<Mutex<S>>,
}

impl<S: Send + 'static> Fake<S> {
    pub(super) fn new(state: S, handler: Handler<S>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &shared, handler);
            }
        });
        Self { url, state }
    }
}

fn answer<S>(mut stream: TcpStream, state: &Mutex<S>, handler: Handler<S>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
            break;
        }
        let (name, value) = line.trim_end().split_once(": ").unwrap();
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut raw = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut raw).unwrap();
    let line = first.rsplit_once(' ').unwrap().0.to_owned();
    let body = serde_json::from_slice(&raw).unwrap_or_default();
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let (authorization, kind, raw) =
        (header("authorization"), header("content-type"), String::from_utf8(raw).unwrap());
    let (status, value) =
        handler(&mut state.lock().unwrap(), &Request { line, authorization, kind, headers, body, raw });
    let text = if status == 204 { String::new() } else { value.to_string() };
    write!(
        stream,
        "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
    .unwrap();
}
