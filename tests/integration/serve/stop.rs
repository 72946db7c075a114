//! A server that is told to stop while a change to sessions is under way, and one that outlives its terminal.

use super::world::World;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} never happened");
}

#[test]
fn a_change_under_way_comes_to_its_end_first() {
    for world in World::some() {
        let token = world.token("ops", "write");
        let mut server = world.serve(&[]);
        world.while_written_to(|| {
            let address = server.url.trim_start_matches("http://");
            let body = r#"{"action": "purge"}"#;
            let mut client = TcpStream::connect(address).unwrap();
            write!(
                client,
                "POST /admin/sessions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
            until("the purge", || server.get(&token, "/admin/audit").1["records"][0]["state"] == "begun");
            // Whoever asked is gone; the purge waits for another program's lock.
            drop(client);
            server.terminate();
            until("a word about it", || server.log().contains("a change to sessions is under way"));
        });
        assert!(server.wait().success());
        let server = world.serve(&[]);
        let (_, stats) = server.get(&token, "/admin/stats");
        assert_eq!(stats["store"]["counts"]["total"], 0, "{stats}");
        let (_, audit) = server.get(&token, "/admin/audit");
        assert_eq!(audit["records"][0]["state"], "done", "{audit}");
    }
}

#[test]
fn whoever_only_looks_is_not_waited_for() {
    for world in World::some() {
        let token = world.token("ops", "read");
        let mut server = world.serve(&[]);
        assert_eq!(server.get(&token, "/admin/sessions").0, 200);
        world.while_closed(|| {
            let address = server.url.trim_start_matches("http://");
            let looking = ["/admin/sessions", "/admin/sessions?page=2", "/users?name=*"].map(|path| {
                let mut client = TcpStream::connect(address).unwrap();
                let head = format!("host: {address}\r\nauthorization: Bearer {token}");
                write!(client, "GET {path} HTTP/1.1\r\n{head}\r\n\r\n").unwrap();
                client
            });
            // They wait for the other program's lock; one more request gets no turn at a connection.
            for client in &looking {
                client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
                assert!(client.peek(&mut [0]).is_err(), "it was answered");
            }
            drop(looking);
            let begun = Instant::now();
            assert!(server.stop().success());
            assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
        });
        assert!(!server.log().contains("panicked"), "{}", server.log());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_server_that_nohup_began_outlives_its_terminal() {
    let world = World::sqlite();
    let mut server = world.serve_by(&["nohup"]);
    for _ in 0..20 {
        server.signal("HUP");
        let asked = server.text("GET", "", "/healthz", None);
        assert_eq!(asked, (200, "ok\n".to_owned()));
    }
    // Who was told to stop takes a second word for an order to end at once, with another status.
    assert!(server.stop().success());
}
