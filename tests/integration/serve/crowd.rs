//! Many clients at once: those who send half a request, and a tester who sends whatever the API's document allows.

use super::world::{World, put};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

/// Fewer than a process may have open files.
const MANY: usize = 400;

#[test]
fn half_requests_hold_nobody_up_and_are_not_waited_for_for_long() {
    let world = World::sqlite();
    let token = world.token("ops", "read");
    let server = world.serve(&[]);
    let address = server.url.trim_start_matches("http://");
    let half = |number: usize| {
        let mut client = TcpStream::connect(address).unwrap();
        let start = [
            "",
            "GET",
            "GET /admin/stats HTTP/1.1\r\n",
            "GET / HTTP/1.1\r\nhost: localhost\r\nx-a: b",
            "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: 500\r\n\r\ntoken=",
        ];
        client.write_all(start[number % start.len()].as_bytes()).unwrap();
        client
    };
    let mut slow: Vec<TcpStream> = (0..MANY).map(half).collect();
    for _ in 0..20 {
        assert_eq!(server.get(&token, "/admin/sessions").0, 200);
        // Some of them go on, a letter at a time.
        for client in slow.iter_mut().step_by(7) {
            drop(client.write_all(b"x"));
        }
    }
    // Whatever they send, their time is up at last.
    for client in &mut slow {
        let answer = last_word(client);
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(server.get(&token, "/admin/sessions").0, 200);
}

/// What a server says before it ends the connection.
fn last_word(client: &mut TcpStream) -> String {
    client.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
    let mut answer = Vec::new();
    let end = client.read_to_end(&mut answer).map_err(|error| error.kind());
    assert!(!matches!(end, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "it is still waited for");
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_body_that_comes_too_late_is_told_so() {
    let world = World::sqlite();
    let token = world.token("ops", "write");
    let mut server = world.serve(&[]);
    let late = |head: &str| {
        let mut client = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
        let common =
            "host: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 500";
        write!(client, "{head}\r\n{common}\r\n\r\n{{").unwrap();
        client
    };
    let asked = [
        format!("POST /admin/sessions HTTP/1.1\r\nauthorization: Bearer {token}"),
        format!("DELETE /admin/sessions HTTP/1.1\r\nauthorization: Bearer {token}"),
        format!("POST /apply HTTP/1.1\r\nauthorization: Bearer {token}"),
        "POST /login HTTP/1.1".to_owned(),
    ];
    let mut clients: Vec<TcpStream> = asked.iter().map(|head| late(head)).collect();
    for (client, head) in clients.iter_mut().zip(asked) {
        let answer = last_word(client);
        let (line, _) = head.split_once('\r').unwrap_or((&head, ""));
        assert!(answer.starts_with("HTTP/1.1 408 "), "{line}: {answer}");
        assert!(answer.contains("\"type\":\"urn:unleak:too-slow\""), "{line}: {answer}");
    }
    // The log tells it as what it was.
    assert!(server.stop().success());
    let log = server.log();
    assert_eq!(log.lines().filter(|line| line.contains("\"status\":408")).count(), 4, "{log}");
}

/// What no document can say: one of two parameters or a field of the body must be there.
const SETTINGS: &str = r#"
[[operations]]
include-operation-id = "deleteSessions"
checks.positive_data_acceptance.enabled = false
"#;

/// Asks by what the document says and by what it does not, and holds every answer against it.
fn schemathesis(world: &World, token: &str, url: &str) {
    put(&world.dir.path().join("schemathesis.toml"), SETTINGS);
    let output = Command::new(super::service("UNLEAK_TEST_SCHEMATHESIS"))
        .args(["run", &format!("{url}/openapi.json"), "--header", &format!("Authorization: Bearer {token}")])
        .args(["--rate-limit", "45/s", "--no-color", "--phases", "coverage,fuzzing", "--max-examples", "8"])
        // Whoever guesses tokens is held up after a few, which is an answer that this check does not know.
        .args(["--exclude-checks", "ignored_auth"])
        .args(["--generation-deterministic", "--suppress-health-check", "all", "--continue-on-failure"])
        .current_dir(world.dir.path())
        .env("HOME", world.dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Tested: 12"), "{said}");
}

#[test]
fn every_answer_is_as_the_document_says_whatever_is_asked() {
    let world = World::sqlite();
    let server = world.serve(&[]);
    for scope in ["read", "write"] {
        let token = world.token(&format!("tester-{scope}"), scope);
        schemathesis(&world, &token, &server.url);
        assert!(!server.log().contains(&token), "the log holds a token");
    }
    // Nothing of it broke the store, the log of changes or the server.
    let token = world.token("ops", "read");
    assert_eq!(server.get(&token, "/admin/audit?limit=200").0, 200);
    assert!(world.output(&["audit", "verify"]).status.success());
}
