//! A real Express application behind real nginx, Caddy, HAProxy, Envoy and Traefik, configured by exactly what `unleak serve
//! --example` prints: log in, the user is deleted, the next click lands on the sign-in without a cookie, and logging in
//! again works. Behind nginx, Caddy and Traefik in a real browser too.

use super::server::{Answer, Server, ask, database, run, service};
use crate::rotate::matrix::app::{App, Kind, Login};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(super) struct Proxy {
    child: Child,
    pub(super) port: u16,
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
    let mut text = String::from_utf8(output.stdout).unwrap();
    let own = format!("127.0.0.1:{port}");
    let (colon, yaml) = ("127.0.0.1:", "address: 127.0.0.1, port_value: ");
    for (from, to) in [("3000", app), ("8790", server), ("8080", own.as_str()), ("8081", own.as_str())] {
        let (_, to) = to.rsplit_once(':').unwrap();
        for form in [colon, yaml] {
            text = text.replace(&format!("{form}{from}"), &format!("{form}{to}"));
        }
    }
    assert!(!text.contains("127.0.0.1:3000") && text.contains(server), "{text}");
    text
}

pub(super) fn nginx(app: &str, server: &str) -> Proxy {
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

pub(super) fn caddy(app: &str, server: &str) -> Proxy {
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

pub(super) fn haproxy(app: &str, server: &str) -> Proxy {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let (text, script) = (example("haproxy", port, app, server), dir.path().join("unleak.lua"));
    let path = "/etc/haproxy/unleak.lua";
    assert!(text.contains(&format!("lua-load {path}")), "{text}");
    std::fs::write(dir.path().join("haproxy.cfg"), text.replace(path, script.to_str().unwrap())).unwrap();
    std::fs::write(script, example("haproxy-lua", port, app, server)).unwrap();
    let child = Command::new(service("UNLEAK_TEST_HAPROXY"))
        .args(["-db", "-f"])
        .arg(dir.path().join("haproxy.cfg"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    listening(Proxy { child, port, _dir: dir })
}

pub(super) fn envoy(app: &str, server: &str) -> Proxy {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let path = dir.path().join("envoy.yaml");
    std::fs::write(&path, example("envoy", port, app, server)).unwrap();
    let child = Command::new(service("UNLEAK_TEST_ENVOY"))
        .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "error", "-c"])
        .arg(path)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    listening(Proxy { child, port, _dir: dir })
}

pub(super) fn traefik(app: &str, server: &str) -> Proxy {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let path = dir.path().join("session.yaml");
    let text = example("traefik", port, app, server);
    // What its text says Traefik is to be started with.
    let said = text.split_whitespace().find(|word| word.starts_with("--entryPoints.web.")).unwrap();
    std::fs::write(&path, &text).unwrap();
    let child = Command::new(service("UNLEAK_TEST_TRAEFIK"))
        .arg(said)
        .arg(format!("--entryPoints.web.address=127.0.0.1:{port}"))
        .arg(format!("--providers.file.filename={}", path.display()))
        .args(["--global.checkNewVersion=false", "--global.sendAnonymousUsage=false", "--log.level=ERROR"])
        .current_dir(dir.path())
        .env("HOME", dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let proxy = listening(Proxy { child, port, _dir: dir });
    // It takes connections before it has read where they lead.
    let deadline = Instant::now() + Duration::from_mins(1);
    while ask("GET", &format!("http://127.0.0.1:{port}/account"), &[]).status == 404 {
        assert!(Instant::now() < deadline, "Traefik did not read its file");
        std::thread::sleep(Duration::from_millis(30));
    }
    proxy
}

fn listening(proxy: Proxy) -> Proxy {
    let deadline = Instant::now() + Duration::from_mins(1);
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

#[test]
fn behind_haproxy_a_deleted_user_lands_on_the_sign_in_with_no_cookie_left() {
    the_story(haproxy);
}

#[test]
fn behind_envoy_a_deleted_user_lands_on_the_sign_in_with_no_cookie_left() {
    the_story(envoy);
}

#[test]
fn behind_traefik_a_deleted_user_lands_on_the_sign_in_with_no_cookie_left() {
    the_story(traefik);
}

/// An application with one user, unleak and a proxy in front of both.
struct Site {
    url: String,
    database: String,
    _parts: (App, Server, Proxy),
}

impl Site {
    fn behind(proxy: impl Fn(&str, &str) -> Proxy) -> Self {
        let database = database("CREATE TABLE users (id text PRIMARY KEY); INSERT INTO users VALUES ('ada')");
        let settings = vec![("DATABASE_URL", database.clone())];
        let app = App::start(Kind {
            fixture: "express-app",
            variable: "SESSION_SECRET",
            settings,
            login: Login::Form,
        });
        // The application makes its session table with its first session.
        let at = app.url("");
        let at = at.strip_prefix("http://").unwrap().trim_end_matches('/');
        log_in(&app.url(""));
        let server = Server::start(&database, &app.secret(), &["--cookie-secret-from", "env:COOKIE_SECRET"]);
        let proxy = proxy(at, &server.address);
        Self { url: format!("http://127.0.0.1:{}", proxy.port), database, _parts: (app, server, proxy) }
    }
}

#[test]
fn in_a_browser_behind_nginx_the_next_click_of_a_deleted_user_is_the_sign_in_and_signing_in_again_works() {
    the_clicks(nginx);
}

#[test]
fn in_a_browser_behind_caddy_the_next_click_of_a_deleted_user_is_the_sign_in_and_signing_in_again_works() {
    the_clicks(caddy);
}

#[test]
fn in_a_browser_behind_traefik_the_next_click_of_a_deleted_user_is_the_sign_in_and_signing_in_again_works() {
    the_clicks(traefik);
}

/// What a person sees in Chromium, who goes on whenever a line is sent.
fn the_clicks(proxy: impl Fn(&str, &str) -> Proxy) {
    let site = Site::behind(proxy);
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/admin-browser/stale.js");
    let packages = Path::new(&service("UNLEAK_TEST_APPS")).join("admin-browser/node_modules");
    let mut browser = Command::new("node")
        .arg(fixture)
        .args([&site.url, &service("UNLEAK_TEST_BROWSER")])
        .env("NODE_PATH", packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(browser.stdout.take().unwrap()).lines();
    let mut input = browser.stdin.take().unwrap();
    let mut seen = || lines.next().map(Result::unwrap).unwrap_or_default();
    assert_eq!(seen(), r#"{"path":"/account","text":"Hello, ada","session":1}"#);
    run(&site.database, "DELETE FROM users");
    writeln!(input).unwrap();
    assert_eq!(seen(), r#"{"path":"/signin?callbackUrl=%2Faccount","text":"Sign in","session":0}"#);
    run(&site.database, "INSERT INTO users VALUES ('ada')");
    writeln!(input).unwrap();
    assert_eq!(seen(), r#"{"path":"/account","text":"Hello, ada","session":1}"#);
    drop(input);
    assert!(browser.wait().unwrap().success());
}

fn the_story(proxy: impl Fn(&str, &str) -> Proxy) {
    let behind = Site::behind(proxy);
    let (site, url) = (&behind.url, &behind.database);
    let page = |cookie: &str, more: &[(&str, &str)]| {
        let headers = [&[("cookie", cookie), ("x-session-user", "root")], more].concat();
        ask("GET", &format!("{site}/account"), &headers)
    };

    assert_eq!(page("", &[]).status, 401, "nobody gets in");
    for odd in [
        "/account/..%2flogin",
        "/signin/..;/account",
        "/login;x=/../account",
        "/signin/account",
        "/login%2f..%2faccount",
    ] {
        let status = ask("GET", &format!("{site}{odd}"), &[]).status;
        assert!([400, 401, 403].contains(&status), "{odd}: {status}");
    }
    let cookie = log_in(site);
    let answer = page(&cookie, &[]);
    assert_eq!((answer.status, answer.body.as_str()), (200, "<p>Hello, ada"));

    run(url, "DELETE FROM users");
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

    run(url, "INSERT INTO users VALUES ('ada')");
    assert_eq!(page(&log_in(site), &[]).status, 200, "logging in again works");
    let cleared = ask("GET", &format!("{site}/session/clear?rd=/account"), &[("cookie", &cookie)]);
    assert_eq!((cleared.status, cleared.cleared()), (302, vec!["connect.sid"]));
}

fn log_in(site: &str) -> String {
    let answer: Answer = ask("POST", &format!("{site}/login?user=ada"), &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.one("set-cookie").split(';').next().unwrap().to_owned()
}
