//! Express with connect-redis: the same as with PostgreSQL, in a store without tables. Needs tests/run.

use super::app::{App, Kind, Login, service};
use super::{is_proved, store};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

/// A database of the server that no other test uses.
const DATABASE: u32 = 177;

#[test]
fn express_sessions_in_redis_end_with_either() {
    let url = format!("{}/{DATABASE}", service("UNLEAK_TEST_REDIS"));
    let settings = vec![("REDIS_URL", url.clone())];
    let login = Login::Form;
    let app = App::start(Kind { fixture: "express-redis-app", variable: "SESSION_SECRET", settings, login });
    // The new secret alone: refused, and the keys are still there.
    let cookies = app.log_in();
    is_proved(&app, &app.rotate(&["--forge", "express"]), true);
    assert_eq!(app.asks(&cookies), 401);
    assert!(keys(&url) >= 2, "the sessions were still there");
    // The purge alone.
    let cookies = app.log_in();
    assert_eq!(app.asks(&cookies), 200);
    ask(&url, "FLUSHDB");
    assert_eq!(app.asks(&cookies), 401);
    // Both.
    let cookies = app.log_in();
    is_proved(&app, &app.rotate(&["--forge", "auto", &store(&app, &url)]), true);
    assert_eq!(app.asks(&cookies), 401);
    assert_eq!(keys(&url), 1, "only the session of the login that proved it is left");
    // Killed when the store is empty, which then shows nothing of what it was: the journal knows.
    let cookies = app.log_in();
    let killed = app.rotate(&[&store(&app, &url), "--fault=purge:after:kill"]);
    assert_eq!((killed.status.code(), keys(&url)), (None, 0));
    super::ends(&app.resume(), 0);
    assert_eq!(app.asks(&cookies), 401);
}

fn keys(url: &str) -> u64 {
    ask(url, "DBSIZE").trim_start_matches(':').parse().unwrap()
}

/// One command and the first line of its answer.
fn ask(url: &str, command: &str) -> String {
    let (password, server) = url.trim_start_matches("redis://:").split_once('@').unwrap();
    let mut stream = TcpStream::connect(server.split('/').next().unwrap()).unwrap();
    write!(stream, "AUTH {password}\r\nSELECT {DATABASE}\r\n{command}\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.nth(2).unwrap()
}
