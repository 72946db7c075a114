//! One other machine's address takes no more than its share of the connections. In a network of its own, since this machine's
//! addresses have no limit and other machines are none of a test's business.

use super::tls::{certificate, serve};
use super::world::World;
use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

/// An address of that network.
const ADDRESS: &str = "192.0.2.7";
const INSIDE: &str = "UNLEAK_TEST_NETWORK";
const MOST: usize = 256;

#[test]
#[expect(clippy::disallowed_methods, reason = "the test calls itself, within a network of its own")]
fn one_address_takes_no_more_than_its_share() {
    if std::env::var_os(INSIDE).is_some() {
        return within();
    }
    let network = format!("ip address add {ADDRESS} dev lo && ip link set lo up && exec \"$@\"");
    let own = std::thread::current().name().unwrap().to_owned();
    let done = Command::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c", &network, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &own, "--nocapture"])
        .env(INSIDE, "yes")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

fn within() {
    let world = World::sqlite();
    // Without TLS and a proxy no other machine's address is listened to.
    let server = serve(&world, &certificate(&world), &["--listen", &format!("{ADDRESS}:0")]);
    let address = server.url.trim_start_matches("https://");
    let mut held: Vec<TcpStream> = (0..MOST).map(|_| TcpStream::connect(address).unwrap()).collect();
    for _ in 0..50 {
        assert!(is_refused(&mut TcpStream::connect(address).unwrap()), "one more than {MOST} is taken");
    }
    for client in &mut held {
        client.set_nonblocking(true).unwrap();
        let kept = client.read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(kept, Err(ErrorKind::WouldBlock), "one of the {MOST} was let go");
    }
    // Whoever goes makes room, as soon as the server has noticed.
    held.truncate(MOST - 1);
    let taken = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        !is_refused(&mut TcpStream::connect(address).unwrap())
    });
    assert!(taken, "there is room, and nobody is let in");
}

/// Whether the server ends a connection at once, of which it has heard nothing yet.
fn is_refused(client: &mut TcpStream) -> bool {
    client.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    match client.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}
