//! A store that is there and refuses to answer: nobody is let in, not even with `--fail-open`, and nobody is logged out.

use super::contract::{EXPRESS, SECRET_FROM, express, secret};
use super::server::{Server, database, run};

fn open(url: &str) -> Server {
    Server::start(url, &secret(), &[&SECRET_FROM[..], &["--fail-open"]].concat())
}

fn refuses(server: &Server, reason: &str) {
    for cookie in [express("live"), express("orphan")] {
        for mode in ["nginx", "redirect"] {
            let answer = server.ask(&format!("/verify?mode={mode}"), &[("cookie", &cookie)]);
            assert_eq!((answer.status, answer.reason(), answer.user()), (503, reason, ""), "{mode}");
            assert!(answer.all("set-cookie").is_empty(), "{answer:?}");
        }
    }
}

fn answers(server: &Server) {
    let cookie = express("live");
    let answer = server.ask("/verify", &[("cookie", &cookie)]);
    assert_eq!((answer.status, answer.user()), (200, "1"), "{answer:?}");
    assert_eq!(server.ask("/verify", &[("cookie", &express("orphan"))]).reason(), "unknown-user");
}

#[test]
fn a_table_that_is_made_anew_logs_nobody_out() {
    let url = database(EXPRESS);
    let server = open(&url);
    for table in ["users", "session"] {
        answers(&server);
        run(&url, &format!("ALTER TABLE {table} RENAME TO elsewhere"));
        refuses(&server, "unanswered");
        run(&url, &format!("ALTER TABLE elsewhere RENAME TO {table}"));
    }
    answers(&server);
}

#[test]
fn a_database_that_takes_no_more_connections_is_no_outage() {
    let admin = database(EXPRESS);
    let role = format!("verify_full_{}", std::process::id());
    let make = format!(
        "CREATE ROLE {role} LOGIN PASSWORD '{}'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        secret()
    );
    run(&admin, &make);
    let mut url = url::Url::parse(&admin).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some(&secret())).unwrap();
    let server = open(url.as_str());
    answers(&server);
    let limit = |connections: i8| run(&admin, &format!("ALTER ROLE {role} CONNECTION LIMIT {connections}"));
    limit(0);
    let end = "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE usename";
    run(&admin, &format!("{end} = '{role}'"));
    refuses(&server, "overloaded");
    limit(-1);
    answers(&server);
    drop(server);
    run(&admin, &format!("{end} = '{role}'; DROP OWNED BY {role}; DROP ROLE {role}"));
}
