//! What is no request, too long a one, or one that nothing answers: told as a problem, counted and logged like all others.

use super::world::{Server, World};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// The status and the body of what comes back for these bytes.
fn send(server: &Server, bytes: &[u8]) -> (u16, String) {
    let mut client = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    client.write_all(bytes).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"));
    let lower = head.to_ascii_lowercase();
    assert!(lower.contains("content-type: application/problem+json"), "{answer}");
    assert!(lower.contains("x-content-type-options: nosniff"), "{answer}");
    assert!(lower.contains(&format!("content-length: {}", body.len())), "{answer}");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn whatever_cannot_be_read_or_is_not_there_is_a_problem_and_stands_in_log_and_metrics() {
    let world = World::sqlite();
    let token = world.token("ops", "read");
    let mut server = world.serve(&[]);
    let get = |path: &str, more: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}\r\n").into_bytes()
    };
    let many = "x: 1\r\n".repeat(101);
    for (bytes, status, kind) in [
        (b"evil\r\n\r\n".to_vec(), 400, "request"),
        (b"GET / HTTP/9.9\r\n\r\n".to_vec(), 400, "request"),
        (get("/healthz", "evil\0: 1\r\n"), 400, "request"),
        (get("/healthz", "content-length: 1\r\ncontent-length: 2\r\n"), 400, "request"),
        (get("/healthz", &many), 431, "too-large"),
        (get(&format!("/{}", "e".repeat(65_535)), ""), 414, "too-large"),
        (get("/evil", ""), 404, "not-found"),
        (
            b"PUT /admin/sessions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".to_vec(),
            405,
            "method",
        ),
        (b"PUT /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".to_vec(), 405, "method"),
    ] {
        let (found, body) = send(&server, &bytes);
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        let body: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{start}: {body}"));
        let expected = format!("urn:unleak:{kind}");
        assert_eq!(
            (found, body["status"].as_u64(), body["type"].as_str()),
            (status, Some(status.into()), Some(&*expected)),
            "{start}"
        );
    }
    // A request that was answered says nothing of one that comes behind it on the same connection.
    let mut two = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec();
    two.extend(b"evil\r\n\r\n");
    let mut client = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    client.write_all(&two).unwrap();
    let mut both = String::new();
    client.read_to_string(&mut both).unwrap();
    assert!(
        both.starts_with("HTTP/1.1 200 OK\r\n") && both.contains("\r\n\r\nok\nHTTP/1.1 400 Bad Request\r\n"),
        "{both}"
    );
    assert!(both.ends_with('}'), "{both}");

    let (_, metrics) = server.text("GET", &token, "/metrics", None);
    for label in [
        "method=\"OTHER\",route=\"(unread)\",status=\"400\"} 5",
        "method=\"OTHER\",route=\"(unread)\",status=\"414\"} 1",
        "method=\"OTHER\",route=\"(unread)\",status=\"431\"} 1",
        "method=\"GET\",route=\"(none)\",status=\"404\"} 1",
        "method=\"PUT\",route=\"/admin/sessions\",status=\"405\"} 1",
        "method=\"PUT\",route=\"/healthz\",status=\"405\"} 1",
    ] {
        assert!(metrics.contains(label), "{label}: {metrics}");
    }
    assert!(server.stop().success());
    let log = server.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (route, status, times) in [
        ("(unread)", 400, 5),
        ("(unread)", 414, 1),
        ("(none)", 404, 1),
        ("/admin/sessions", 405, 1),
        ("/healthz", 405, 1),
    ] {
        let found = lines.iter().filter(|line| line["route"] == route && line["status"] == status).count();
        assert_eq!(found, times, "{route} {status}: {log}");
    }
    assert!(!log.contains("evil"), "{log}");
}
