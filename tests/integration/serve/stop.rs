//! A server that is told to stop while a change to sessions is under way, and one that outlives its terminal.

use super::world::World;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

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
