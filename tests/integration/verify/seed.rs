//! After a re-seed: what an npm script calls, so that sessions of users who are gone never reach the application.

use super::server::{Server, database, run};
use std::process::Command;

const SQL: &str = r#"CREATE TABLE users (id serial PRIMARY KEY, name text, deleted_at timestamptz);
    CREATE TABLE sessions (id serial PRIMARY KEY, "userId" integer NOT NULL, expires timestamptz NOT NULL, "sessionToken" varchar(255) UNIQUE NOT NULL);
    INSERT INTO users (name) SELECT 'user ' || n FROM generate_series(1, 20) n;
    INSERT INTO sessions ("userId", expires, "sessionToken") SELECT n, now() + interval '1 day', 'tok-' || n FROM generate_series(1, 20) n"#;

#[test]
fn a_seed_leaves_no_session_of_a_user_who_is_gone() {
    let (url, dir) = (database(SQL), tempfile::tempdir().unwrap());
    let server = Server::start(&url, "", &[]);
    let ask = |user: u8| {
        server.ask("/verify", &[("cookie", &format!("authjs.session-token=tok-{user}"))]).reason().to_owned()
    };
    assert_eq!(ask(7), "");
    // The seed deletes all users and makes some of them again, of whom one is marked as deleted.
    run(
        &url,
        "DELETE FROM users; INSERT INTO users (id, name, deleted_at) SELECT n, 'new', CASE WHEN n = 4 THEN now() END FROM generate_series(1, 6) n",
    );
    assert_eq!((ask(7), ask(4)), ("unknown-user".to_owned(), "disabled-user".to_owned()));
    let hook = || {
        Command::new(env!("CARGO_BIN_EXE_unleak"))
            .args([
                "sessions",
                "stale",
                "--after-seed",
                "--yes",
                "--store-from",
                "env:DATABASE_URL",
                "--state",
            ])
            .arg(dir.path())
            .env("DATABASE_URL", &url)
            .output()
            .unwrap()
    };
    let done = hook();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(
        (ask(7), ask(4), ask(1)),
        ("unknown-session".to_owned(), "unknown-session".to_owned(), String::new())
    );
    // A second seed that changes nothing ends nothing, and is no error.
    assert!(hook().status.success());
    assert_eq!(ask(6), "");
}
