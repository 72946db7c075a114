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
