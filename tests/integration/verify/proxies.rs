//! A real Express application behind real nginx and Caddy, configured by exactly what `unleak serve --example` prints:
//! log in, the user is deleted, the next click lands on the sign-in without a cookie, and logging in again works.

use super::server::{Answer, Server, ask, database, run, service};
use crate::rotate::matrix::app::{App, Kind, Login};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Proxy {
    child: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _status = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The example with the addresses of this test in the place of its own.
fn example(name: &str, port: u16, app: &str, server: &str) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_unleak")).args(["serve", "--example", name]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("127.0.0.1:3000") && text.contains("127.0.0.1:8790"), "{text}");
    let own = format!("127.0.0.1:{port}");
    let text = text.replace("127.0.0.1:3000", app).replace("127.0.0.1:8790", server);
    text.replace("127.0.0.1:8080", &own).replace("127.0.0.1:8081", &own)
}

fn nginx(app: &str, server: &str) -> Proxy {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let folder = dir.path().display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .concat();
    let text = format!(
        "daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr warn;\n\
         events {{}}\nhttp {{\naccess_log off;\n{temporary}{}\n}}\n",
        example("nginx", port, app, server)
    );
    std::fs::write(dir.path().join("nginx.conf"), text).unwrap();
    let child = Command::new(service("UNLEAK_TEST_NGINX"))
        .args(["-e", "stderr", "-c"])
        .arg(dir.path().join("nginx.conf"))
        .arg("-p")
        .arg(dir.path())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    listening(Proxy { child, port, _dir: dir })
}

fn caddy(app: &str, server: &str) -> Proxy {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let text = format!("{{\n\tadmin off\n\tauto_https off\n}}\n{}", example("caddy", port, app, server));
    std::fs::write(dir.path().join("Caddyfile"), text).unwrap();
    let child = Command::new(service("UNLEAK_TEST_CADDY"))
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(dir.path().join("Caddyfile"))
        .env("HOME", dir.path())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    listening(Proxy { child, port, _dir: dir })
}

fn listening(proxy: Proxy) -> Proxy {
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", proxy.port)).is_err() {
        assert!(Instant::now() < deadline, "the proxy did not start");
        std::thread::sleep(Duration::from_millis(30));
    }
    proxy
}

#[test]
fn behind_nginx_a_deleted_user_lands_on_the_sign_in_with_no_cookie_left() {
    the_story(nginx);
}

#[test]
fn behind_caddy_a_deleted_user_lands_on_the_sign_in_with_no_cookie_left() {
    the_story(caddy);
}

fn the_story(proxy: impl Fn(&str, &str) -> Proxy) {
    let url = database("CREATE TABLE users (id text PRIMARY KEY); INSERT INTO users VALUES ('ada')");
    let settings = vec![("DATABASE_URL", url.clone())];
    let app =
        App::start(Kind { fixture: "express-app", variable: "SESSION_SECRET", settings, login: Login::Form });
    // The application makes its session table with its first session.
    let at = app.url("");
    let at = at.strip_prefix("http://").unwrap().trim_end_matches('/');
    log_in(&app.url(""));
    let more = ["--cookie-secret-from", "env:COOKIE_SECRET"];
    let server = Server::start(&url, &app.secret(), &more);
    let proxy = proxy(at, &server.address);
    let site = format!("http://127.0.0.1:{}", proxy.port);
    let page = |cookie: &str, more: &[(&str, &str)]| {
        let headers = [&[("cookie", cookie), ("x-session-user", "root")], more].concat();
        ask("GET", &format!("{site}/account"), &headers)
    };

    assert_eq!(page("", &[]).status, 401, "nobody gets in");
    let cookie = log_in(&site);
    let answer = page(&cookie, &[]);
    assert_eq!((answer.status, answer.body.as_str()), (200, "<p>Hello, ada"));

    run(&url, "DELETE FROM users");
    let answer = page(&cookie, &[]);
    assert_eq!(
        (answer.status, answer.one("location")),
        (302, "/signin?callbackUrl=%2Faccount"),
        "{answer:?}"
    );
    assert_eq!(answer.cleared(), ["connect.sid"]);
    let api = page(&cookie, &[("accept", "application/json")]);
    assert_eq!((api.status, api.one("content-type")), (401, "application/problem+json"));
    let posted = ask("POST", &format!("{site}/account"), &[("cookie", &cookie)]);
    assert_eq!((posted.status, posted.cleared()), (401, vec!["connect.sid"]), "a write is not repeated");

    run(&url, "INSERT INTO users VALUES ('ada')");
    assert_eq!(page(&log_in(&site), &[]).status, 200, "logging in again works");
    let cleared = ask("GET", &format!("{site}/session/clear?rd=/account"), &[("cookie", &cookie)]);
    assert_eq!((cleared.status, cleared.cleared()), (302, vec!["connect.sid"]));
}

fn log_in(site: &str) -> String {
    let answer: Answer = ask("POST", &format!("{site}/login?user=ada"), &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.one("set-cookie").split(';').next().unwrap().to_owned()
}
