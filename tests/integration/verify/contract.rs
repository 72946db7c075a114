//! The contract of forward-auth, row by row: who is let in, who is sent to sign in, and what is cleared when.

use super::server::{Server, ask, database, run, service};
use jiff::Timestamp;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use unleak::cookie::{Contents, Form};

/// Users 1 (there) and 2 (deleted), and sessions of every kind in connect-pg-simple's table.
pub(super) const EXPRESS: &str = r#"
CREATE TABLE "session" ("sid" varchar NOT NULL PRIMARY KEY, "sess" json NOT NULL, "expire" timestamp(6) NOT NULL);
CREATE TABLE users (id serial PRIMARY KEY, name text, deleted_at timestamptz);
INSERT INTO users (name, deleted_at) VALUES ('ada', NULL), ('bob', now());
INSERT INTO session SELECT sid, sess::json, now() AT TIME ZONE 'UTC' + ends FROM (VALUES
  ('live', '{"cookie":{},"userId":1}', interval '1 day'), ('orphan', '{"cookie":{},"userId":9}', '1 day'),
  ('disabled', '{"cookie":{},"userId":2}', '1 day'), ('over', '{"cookie":{},"userId":1}', '-1 day'),
  ('visitor', '{"cookie":{}}', '1 day'), ('odd', '{"cookie":{},"userId":"1 OR 1=1"}', '1 day')) v (sid, sess, ends)"#;

pub(super) const SECRET_FROM: [&str; 2] = ["--cookie-secret-from", "env:COOKIE_SECRET"];

pub(super) fn secret() -> String {
    format!("made-at-run-time-{}", std::process::id())
}

pub(super) fn express(sid: &str) -> String {
    let value = Form::Express.make(secret().as_bytes(), "", &Contents::new(sid), Timestamp::now()).unwrap();
    format!("connect.sid={}", *value)
}

#[test]
fn every_state_of_a_session_has_its_answer() {
    let server = Server::start(&database(EXPRESS), &secret(), &SECRET_FROM);
    let forged = format!("connect.sid={}", "s%3Alive.c2lnbmF0dXJl");
    for (cookie, user, reason, clears) in [
        (express("live"), "1", "", false),
        (express("orphan"), "", "unknown-user", true),
        (express("odd"), "", "unknown-user", true),
        (express("disabled"), "", "disabled-user", true),
        (express("over"), "", "expired", true),
        (express("nobody knows it"), "", "unknown-session", true),
        (express("visitor"), "", "anonymous", false),
        (forged, "", "invalid", true),
        ("connect.sid=".to_owned(), "", "no-cookie", false),
        ("other=1".to_owned(), "", "no-cookie", false),
    ] {
        let headers =
            [("cookie", cookie.as_str()), ("x-forwarded-uri", "/account?x=1"), ("x-session-user", "root")];
        // nginx takes a yes or a no, and loses cookies.
        let answer = server.ask("/verify?mode=nginx", &headers);
        assert_eq!(answer.status, if user.is_empty() { 401 } else { 204 }, "{reason}");
        assert_eq!((answer.user(), answer.reason()), (user, reason));
        assert_eq!(answer.one("x-session-expires").is_empty(), user.is_empty());
        assert!(answer.all("set-cookie").is_empty() && answer.one("cache-control") == "no-store");
        assert_eq!(answer.all("www-authenticate").len(), usize::from(user.is_empty()));
        // The others hand the answer on.
        let answer = server.ask("/verify?mode=redirect", &headers);
        assert_eq!((answer.user(), answer.reason()), (user, reason));
        match reason {
            "" => assert_eq!(answer.status, 200),
            "no-cookie" => {
                assert_eq!(answer.status, 401);
                assert!(answer.all("set-cookie").is_empty(), "nothing is cleared that is not there");
                assert!(answer.body.contains("/signin?callbackUrl=%2Faccount%3Fx%3D1"), "{}", answer.body);
            }
            _ => {
                assert_eq!(answer.status, 302);
                assert_eq!(answer.one("location"), "/signin?callbackUrl=%2Faccount%3Fx%3D1");
                assert_eq!(answer.cleared(), if clears { vec!["connect.sid"] } else { vec![] });
            }
        }
    }
}

#[test]
fn no_cookie_hides_another_that_the_application_may_read() {
    let server = Server::start(&database(EXPRESS), &secret(), &SECRET_FROM);
    let value = |sid: &str| express(sid).strip_prefix("connect.sid=").unwrap().to_owned();
    let (alive, orphan, disabled) = (value("live"), value("orphan"), value("disabled"));
    let escaped = format!("\\163{}", orphan.strip_prefix('s').unwrap());
    for (cookies, user, reason) in [
        (format!("connect.sid={orphan}; connect.sid.0=x; __Secure-connect.sid={alive}"), "", "unknown-user"),
        (format!("__Secure-connect.sid={alive}; connect.sid.0=x; connect.sid={orphan}"), "", "unknown-user"),
        (format!("connect.sid={disabled}; connect.sid.0={alive}"), "", "disabled-user"),
        (format!("connect.sid={alive}; connect.sid=\"{orphan}\""), "", "unknown-user"),
        (format!("connect.sid=\"{escaped}\"; connect.sid={alive}"), "", "unknown-user"),
        (format!("connect.sid=\"{disabled}\""), "", "disabled-user"),
        (format!("connect.sid={alive}; connect.sid=\"{alive}\""), "1", ""),
        // Express reads no pieces.
        (format!("connect.sid={alive}; connect.sid.0=x"), "1", ""),
    ] {
        for mode in ["nginx", "redirect"] {
            let answer = server.ask(&format!("/verify?mode={mode}"), &[("cookie", &cookies)]);
            assert_eq!((answer.user(), answer.reason()), (user, reason), "{cookies}");
            assert_eq!(answer.status < 300, !user.is_empty(), "{cookies}");
        }
    }
}

#[test]
fn programs_and_writes_are_never_redirected_and_nobody_goes_in_circles() {
    let server = Server::start(&database(EXPRESS), &secret(), &SECRET_FROM);
    let cookie = express("orphan");
    let twice = format!("{cookie}; unleak_cleared=1");
    for (what, cookie, name, value) in [
        ("JSON", &cookie, "accept", "application/json"),
        ("fetch", &cookie, "sec-fetch-mode", "cors"),
        ("XHR", &cookie, "x-requested-with", "XMLHttpRequest"),
        ("POST", &cookie, "x-forwarded-method", "POST"),
        ("DELETE", &cookie, "x-original-method", "DELETE"),
        ("a second time", &twice, "accept", "text/html"),
    ] {
        let answer = server.ask("/verify?mode=redirect", &[("cookie", cookie), (name, value)]);
        assert_eq!(answer.status, 401, "{what}");
        assert!(
            answer.all("location").is_empty() && answer.cleared() == ["connect.sid"],
            "{what}: {answer:?}"
        );
        assert!(!answer.body.contains("http-equiv"), "{what}");
    }
    let json = server.ask("/verify", &[("cookie", &cookie), ("accept", "application/json")]);
    assert_eq!(json.one("content-type"), "application/problem+json");
    assert_eq!(server.ask("/verify?mode=other", &[]).status, 400);
    // Envoy: the original path behind ours, and nothing but 200 is a yes.
    let envoy = server.ask("/verify/deep/page", &[("cookie", &express("live"))]);
    assert_eq!(envoy.status, 200);
    let envoy = server.ask("/verify/deep/page", &[("cookie", &cookie)]);
    assert_eq!(envoy.one("location"), "/signin?callbackUrl=%2Fdeep%2Fpage");
}

#[test]
fn every_variant_of_a_cookie_is_cleared_and_nobody_is_sent_elsewhere() {
    let server = Server::start(&database(EXPRESS), &secret(), &SECRET_FROM);
    let sent = "connect.sid=a; connect.sid.0=b; connect.sid.1=c; __Secure-connect.sid=d; __Host-connect.sid=e; \
                connect.sidelong=f; theme=dark";
    let headers = [("cookie", sent), ("x-forwarded-host", "shop.app.example.com:8443")];
    let answer = server.ask("/session/clear?rd=/account", &headers);
    assert_eq!((answer.status, answer.one("location")), (302, "/signin?callbackUrl=%2Faccount"));
    let names =
        ["__Host-connect.sid", "__Secure-connect.sid", "connect.sid", "connect.sid.0", "connect.sid.1"];
    assert_eq!(answer.cleared(), names);
    let lines = answer.all("set-cookie");
    for domain in ["", "Domain=shop.app.example.com", "Domain=app.example.com", "Domain=example.com"] {
        let of_domain = |line: &&&str| match domain {
            "" => !line.contains("Domain="),
            domain => line.contains(&format!("{domain};")),
        };
        let expected = if domain.is_empty() { 5 } else { 4 };
        assert_eq!(lines.iter().filter(of_domain).count(), expected, "{domain}: {lines:?}");
    }
    assert!(lines.iter().all(|line| line.starts_with("__") == line.ends_with("; Secure")), "{lines:?}");
    for rd in [
        "//evil.example",
        "/%5cevil.example",
        "https://evil.example",
        "/%0d%0aset-cookie:a=b",
        "%2f%2fevil",
        "/session/clear",
    ] {
        let answer = server.ask(&format!("/session/clear?rd={rd}"), &headers);
        assert_eq!(answer.one("location"), "/signin", "{rd}");
    }
    // A picture on another page logs nobody out, and neither does its form.
    let picture = [("cookie", sent), ("sec-fetch-mode", "no-cors")];
    assert_eq!(server.ask("/session/clear", &picture).status, 403);
    let url = format!("http://{}/api/auth/clear-session", server.address);
    let answer = ask("POST", &url, &headers);
    assert_eq!((answer.status, answer.cleared()), (200, names.to_vec()));
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body, serde_json::json!({"success": true, "message": "Session cleared successfully"}));
    assert_eq!(ask("POST", &url, &[("cookie", sent), ("sec-fetch-site", "cross-site")]).status, 403);
}

#[test]
fn a_store_that_is_away_lets_nobody_in_and_clears_nothing() {
    let url = database(EXPRESS);
    let cut = Cut::before(&url);
    let server = Server::start(&cut.url, &secret(), &SECRET_FROM);
    let open = Server::start(&cut.url, &secret(), &[&SECRET_FROM[..], &["--fail-open"]].concat());
    let cookie = express("live");
    assert_eq!(server.ask("/verify", &[("cookie", &cookie)]).status, 200);
    drop(cut);
    for cookie in [&cookie, &express("orphan")] {
        for mode in ["nginx", "redirect"] {
            let answer = server.ask(&format!("/verify?mode={mode}"), &[("cookie", cookie)]);
            assert_eq!((answer.status, answer.reason(), answer.user()), (503, "unavailable", ""));
            assert!(answer.all("set-cookie").is_empty());
        }
        let answer = open.ask("/verify?mode=redirect", &[("cookie", cookie)]);
        assert_eq!((answer.status, answer.reason(), answer.user()), (200, "unavailable", ""));
    }
    // What needs no store is still known.
    assert_eq!(open.ask("/verify", &[("cookie", "connect.sid=forged")]).reason(), "invalid");
}

#[test]
fn bare_tokens_of_authjs_are_asked_of_their_table() {
    let url = database(
        r#"CREATE TABLE users (id serial PRIMARY KEY, name text);
           CREATE TABLE sessions (id serial PRIMARY KEY, "userId" integer NOT NULL, expires timestamptz NOT NULL, "sessionToken" varchar(255) NOT NULL);
           INSERT INTO users (name) VALUES ('ada'), ('bob');
           INSERT INTO sessions ("userId", expires, "sessionToken") VALUES (1, now() + interval '1 day', 'tok-live'),
             (1, now() + interval '1 day', 'tok-shared'), (2, now() + interval '1 day', 'tok-shared'), (2, now() + interval '1 day', 'tok-other'), (9, now() + interval '1 day', 'tok-orphan')"#,
    );
    let server = Server::start(&url, "", &[]);
    for (cookie, reason) in [
        ("authjs.session-token=tok-live", ""),
        ("__Secure-authjs.session-token=tok-live", ""),
        ("next-auth.session-token=tok-live", ""),
        ("authjs.session-token=tok-LIVE", "unknown-session"),
        ("authjs.session-token=tok-shared", "shared-token"),
        ("authjs.session-token=tok-orphan", "unknown-user"),
        ("authjs.session-token=old; __Secure-authjs.session-token=tok-live", ""),
        // One that is alive does not vouch for another that the application would take.
        ("authjs.session-token=tok-live; __Secure-authjs.session-token=tok-orphan", "unknown-user"),
        ("authjs.session-token=tok-orphan; next-auth.session-token=tok-live", "unknown-user"),
        ("authjs.session-token=tok-live; __Secure-authjs.session-token=tok-other", "ambiguous"),
        // Auth.js takes whatever begins like its cookie for a piece.
        ("authjs.session-token=tok-live; authjs.session-token.zzz=tok-orphan", "ambiguous"),
        ("__Secure-authjs.session-token-old=x; authjs.session-token=tok-live", "ambiguous"),
    ] {
        let answer = server.ask("/verify", &[("cookie", cookie)]);
        assert_eq!(answer.reason(), reason, "{cookie}");
        assert_eq!(answer.user(), if reason.is_empty() { "1" } else { "" }, "{cookie}");
    }
    // Else whoever has such a cookie would never get in again.
    let strange = "authjs.session-token=tok-live; authjs.session-token.zzz=x";
    let answer = server.ask("/verify?mode=redirect", &[("cookie", strange)]);
    assert_eq!(answer.cleared(), ["authjs.session-token", "authjs.session-token.zzz"]);
    run(&url, "DELETE FROM users WHERE id = 1");
    let answer = server.ask("/verify", &[("cookie", "authjs.session-token=tok-live")]);
    assert_eq!(
        (answer.status, answer.reason()),
        (302, "unknown-user"),
        "nothing is remembered with --cache 0"
    );
}

#[test]
fn a_token_in_the_cookie_is_held_against_the_users() {
    let url = database(EXPRESS);
    let now = Timestamp::now();
    let old = format!("{}-old", secret());
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("old"), &old).unwrap();
    let old_from = format!("file:{}", dir.path().join("old").display());
    for (form, name, kind) in [
        (Form::Authjs, "__Secure-authjs.session-token", "authjs"),
        (Form::Nextauth, "next-auth.session-token", "nextauth"),
        (Form::Flask, "session", "flask"),
        (Form::Django, "sessionid", "django"),
    ] {
        let more = [&SECRET_FROM[..], &["--cookie-form", kind, "--cookie-secret-from", &old_from]].concat();
        let server = Server::start(&url, &secret(), &more);
        // Long enough to be cut into pieces, where the framework does that.
        let padding = "x".repeat(if matches!(form, Form::Authjs | Form::Nextauth) { 5000 } else { 10 });
        let made = |secret: &str, user: &str, at: Timestamp| {
            let contents = format!(r#"{{"sub":"{user}","_user_id":"{user}","padding":"{padding}"}}"#);
            let value = form.make(secret.as_bytes(), name, &Contents::new(contents), at).unwrap();
            let mut cookies = Vec::new();
            unleak::cookie::replace(&mut cookies, name, &value);
            cookies.iter().map(|cookie| format!("{}={}", cookie.name, *cookie.value)).collect::<Vec<_>>()
        };
        let long_ago: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
        for (cookies, reason) in [
            (made(&secret(), "1", now), ""),
            (made(&old, "1", now), ""),
            (made("another", "1", now), "invalid"),
            (made(&secret(), "9", now), "unknown-user"),
            (made(&secret(), "2", now), "disabled-user"),
            (made(&secret(), "1", long_ago), "expired"),
        ] {
            let answer = server.ask("/verify", &[("cookie", &cookies.join("; "))]);
            assert_eq!(answer.reason(), reason, "{kind}");
            if !reason.is_empty() {
                let mut names: Vec<&str> = cookies.iter().map(|one| one.split('=').next().unwrap()).collect();
                names.sort_unstable();
                assert_eq!(answer.cleared(), names, "{kind}: every piece");
            }
        }
    }
}

#[test]
fn sessions_in_redis_have_their_users_elsewhere() {
    let users = database(EXPRESS);
    let store = format!("{}/9", service("UNLEAK_TEST_REDIS"));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("users"), &users).unwrap();
    let client = redis::Client::open(store.as_str()).unwrap();
    let prefix = format!("verify-{}:sess:", std::process::id());
    super::server::wait(async {
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        for (id, user) in
            [("live", r#""userId":1"#), ("orphan", r#""userId":9"#), ("visitor", r#""views":1"#)]
        {
            let set = redis::cmd("SET")
                .arg(format!("{prefix}{id}"))
                .arg(format!(r#"{{"cookie":{{}},{user}}}"#))
                .to_owned();
            let mut set = set;
            let () = set.arg("EX").arg(600).query_async(&mut connection).await.unwrap();
        }
    });
    let from = format!("file:{}", dir.path().join("users").display());
    let more = ["--dialect", "connect-redis", "--table", &prefix, "--users-store-from", &from];
    let server = Server::start(&store, &secret(), &[&SECRET_FROM[..], &more].concat());
    for (id, reason) in
        [("live", ""), ("orphan", "unknown-user"), ("visitor", "anonymous"), ("none", "unknown-session")]
    {
        assert_eq!(server.ask("/verify", &[("cookie", &express(id))]).reason(), reason, "{id}");
    }
}

/// A way to a server that can be cut: connections through it end, and no more are taken.
struct Cut {
    url: String,
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Cut {
    fn before(url: &str) -> Self {
        let mut url = url::Url::parse(url).unwrap();
        let to = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = std::sync::Arc::clone(&stop);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if stopped.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                let (client, server) = (client.unwrap(), TcpStream::connect(&to).unwrap());
                for (from, to) in
                    [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
                {
                    let stopped = std::sync::Arc::clone(&stopped);
                    std::thread::spawn(move || pass(from, to, &stopped));
                }
            }
        });
        Self { url: url.into(), stop }
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        // Wakes the listener, which ends.
        let url = url::Url::parse(&self.url).unwrap();
        drop(TcpStream::connect(("127.0.0.1", url.port().unwrap())));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, stopped: &std::sync::atomic::AtomicBool) {
    let mut buffer = [0; 4096];
    from.set_read_timeout(Some(std::time::Duration::from_millis(20))).unwrap();
    while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                if stopped.load(std::sync::atomic::Ordering::Relaxed)
                    || to.write_all(&buffer[..read]).is_err()
                {
                    break;
                }
            }
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _closed = (from.shutdown(std::net::Shutdown::Both), to.shutdown(std::net::Shutdown::Both));
}
