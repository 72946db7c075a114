//! Who is let in, and what is refused at the start.

use super::world::World;
use std::process::Command;

#[test]
fn a_token_works_until_it_is_removed_and_stands_in_no_log() {
    let world = World::sqlite();
    let token = world.token("ops", "read");
    let mut server = world.serve(&[]);
    assert_eq!(server.get(&token, "/admin/stats?secret=1").0, 200);
    assert_eq!(server.get("", "/admin/stats").0, 401);
    assert_eq!(server.text("GET", "", "/healthz", None), (200, "ok\n".to_owned()));
    assert!(world.output(&["serve", "token", "remove", "ops"]).status.success());
    assert_eq!(server.get(&token, "/admin/stats").0, 401);
    let list = world.output(&["serve", "token", "list"]);
    assert_eq!(String::from_utf8(list.stdout).unwrap(), "");
    assert!(server.stop().success());
    let log = server.log();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["route"] == "/admin/stats" && line["who"] == "ops"), "{log}");
    assert!(!log.contains(&token) && !log.contains("secret"), "{log}");
}

#[test]
fn nothing_is_sent_over_a_network_in_the_clear() {
    let world = World::sqlite();
    let refused = world.output(&["serve", "--store-from", "env:STORE", "--listen", "0.0.0.0:0"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("--tls-cert") && said.contains("--behind-proxy"), "{said}");
}

#[test]
fn it_speaks_tls_and_a_handshake_that_stalls_holds_nobody_up() {
    let world = World::sqlite();
    let (cert, key) = (world.dir.path().join("cert.pem"), world.dir.path().join("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "1",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let server = world.serve(&["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()]);
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let stalled = std::net::TcpStream::connect(server.url.trim_start_matches("https://")).unwrap();
    let answer = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20", "--cacert"])
        .arg(&cert)
        .arg(format!("{}/healthz", server.url))
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&answer.stdout),
        "ok\n",
        "{}",
        String::from_utf8_lossy(&answer.stderr)
    );
    drop(stalled);
    let wrong = world.output(&[
        "serve",
        "--store-from",
        "env:STORE",
        "--tls-cert",
        key.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ]);
    assert_eq!(wrong.status.code(), Some(2), "{}", String::from_utf8_lossy(&wrong.stderr));
}

#[test]
fn a_proxy_is_believed_only_when_it_was_named() {
    let world = World::sqlite();
    let ask = |server: &super::world::Server| {
        let url = format!("{}/admin/stats", server.url);
        let answer =
            ureq::get(&url).header("x-user", "ada").config().http_status_as_error(false).build().call();
        answer.unwrap().status().as_u16()
    };
    assert_eq!(ask(&world.serve(&[])), 401);
    assert_eq!(ask(&world.serve(&["--trust-header", "X-User", "--trusted-proxy", "127.0.0.1"])), 200);
    assert_eq!(ask(&world.serve(&["--trust-header", "X-User", "--trusted-proxy", "10.9.8.7"])), 401);
}
