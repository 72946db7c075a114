//! TLS of the server itself: stalled handshakes, and certificates that are renewed while it runs.

use super::world::{Server, World};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A certificate and its key in the world's folder, in place of those of before.
pub(super) fn certificate(world: &World) -> (PathBuf, PathBuf) {
    let (cert, key) = (world.dir.path().join("cert.pem"), world.dir.path().join("key.pem"));
    let made = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1".split(' '))
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (cert, key)
}

pub(super) fn serve(world: &World, (cert, key): &(PathBuf, PathBuf), more: &[&str]) -> Server {
    let files = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    world.serve(&[&files[..], more].concat())
}

/// Head and body of an answer to somebody who trusts this certificate alone.
fn ask(server: &Server, cert: &Path, path: &str) -> String {
    let answer = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--max-time", "20", "--cacert"])
        .arg(cert)
        .arg(format!("{}{path}", server.url))
        .output()
        .unwrap();
    String::from_utf8_lossy(&[answer.stdout, answer.stderr].concat()).into_owned()
}

#[test]
fn a_handshake_that_stalls_holds_nobody_up() {
    let world = World::sqlite();
    let files = certificate(&world);
    let server = serve(&world, &files, &[]);
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let stalled = std::net::TcpStream::connect(server.url.trim_start_matches("https://")).unwrap();
    let answer = ask(&server, &files.0, "/healthz");
    assert!(answer.ends_with("ok\n"), "{answer}");
    drop(stalled);
    let key = files.1.to_str().unwrap();
    let wrong = world.output(&["serve", "--store-from", "env:STORE", "--tls-cert", key, "--tls-key", key]);
    assert_eq!(wrong.status.code(), Some(2), "{}", String::from_utf8_lossy(&wrong.stderr));
}

#[test]
fn a_renewed_certificate_is_read_when_the_server_is_told_and_a_broken_one_is_not_taken() {
    let world = World::sqlite();
    let files = certificate(&world);
    let mut server = serve(&world, &files, &[]);
    let head = ask(&server, &files.0, "/login").to_lowercase();
    assert!(head.contains("strict-transport-security: max-age=31536000"), "{head}");
    assert!(!ask(&server, &files.0, "/healthz").to_lowercase().contains("strict-transport"));
    let renewed = certificate(&world);
    assert!(!ask(&server, &renewed.0, "/healthz").ends_with("ok\n"), "it still has the old one");
    let until = |what: &str| {
        for _ in 0..600 {
            if server.log().contains(what) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{what} was not logged: {}", server.log());
    };
    server.signal("HUP");
    until("certificate and key were read again");
    assert!(ask(&server, &renewed.0, "/healthz").ends_with("ok\n"));
    let good = std::fs::read_to_string(&renewed.0).unwrap();
    super::world::put(&renewed.0, "damaged");
    server.signal("HUP");
    until("the certificate stays the one from before");
    super::world::put(&renewed.0, &good);
    assert!(ask(&server, &renewed.0, "/healthz").ends_with("ok\n"));
    assert!(server.stop().success());
}
