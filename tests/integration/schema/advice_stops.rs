//! Applies and rollbacks of advice that end half-way, by kill -9 or by Ctrl-C, on each database: what the server was busy
//! with, what it kept, and how the next run goes on.

use super::on::{APPLY, INDEXES, On, ROLLBACK};
use super::table::said;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};
use std::time::Duration;

/// A transaction that keeps the keys of `sessions` from being changed.
enum Holder {
    Postgres(PgConnection),
    MariaDb(MySqlConnection),
}

/// On PostgreSQL a build waits for all who could still look for rows of before, a drop only for who uses the table.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM users";
const WRITES: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; UPDATE sessions SET id = id WHERE id < 0";

impl Holder {
    async fn of(on: &On, hold: &'static str) -> Self {
        if matches!(on, On::Postgres(_)) {
            let mut connection = PgConnection::connect(&on.url()).await.unwrap();
            sqlx::raw_sql(hold).execute(&mut connection).await.unwrap();
            return Self::Postgres(connection);
        }
        let mut connection = MySqlConnection::connect(&on.url()).await.unwrap();
        for hold in ["START TRANSACTION", "SELECT count(*) FROM sessions"] {
            sqlx::raw_sql(hold).execute(&mut connection).await.unwrap();
        }
        Self::MariaDb(connection)
    }

    async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_one(connection).await.unwrap(),
            Self::MariaDb(connection) => sqlx::query_scalar(sql).fetch_one(connection).await.unwrap(),
        }
    }

    /// How many statements of `unleak` wait for this one.
    async fn waiting(&mut self) -> i64 {
        let waiting = match self {
            Self::Postgres(_) => {
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
                 AND query LIKE '%sessions_unleak%'"
            }
            Self::MariaDb(_) => {
                "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND info LIKE 'ALTER%' \
                 AND state LIKE 'Waiting for table metadata lock%'"
            }
        };
        // What a transaction saw of others once, it sees again.
        if let Self::Postgres(connection) = self {
            sqlx::raw_sql("SELECT pg_stat_clear_snapshot()").execute(connection).await.unwrap();
        }
        self.number(waiting).await
    }

    async fn release(self) {
        match self {
            Self::Postgres(connection) => connection.close().await.unwrap(),
            Self::MariaDb(connection) => connection.close().await.unwrap(),
        }
    }
}

/// Starts a command and gives it a signal once the server is busy with what it asked for.
async fn signalled(on: &On, holder: &mut Holder, args: &[&str], signal: &str) -> Output {
    let mut child = on.command(args).spawn().unwrap();
    while holder.waiting().await == 0 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it must wait: {}",
            said(&child.wait_with_output().unwrap())
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    child.wait_with_output().unwrap()
}

/// Ctrl-C ends the statement on the server, leaves nothing half-made, and says what is left.
#[tokio::test]
async fn ctrl_c_ends_what_the_server_is_busy_with() {
    let [postgres, mariadb, _] = On::all().await;
    for on in [postgres, mariadb] {
        let bare = on.form().await;
        let steps =
            [(&APPLY[..], SNAPSHOT, "create index sessions_unleak_unique"), (&ROLLBACK[..], WRITES, "drop")];
        for (args, hold, step) in steps {
            let mut holder = Holder::of(&on, hold).await;
            let output = signalled(&on, &mut holder, args, "-INT").await;
            let text = said(&output);
            assert_eq!(output.status.code(), Some(5), "{text}");
            assert_eq!(holder.waiting().await, 0, "the server goes on with it: {text}");
            holder.release().await;
            let (_, left) = text.split_once("Stopped: 0 of ").expect(&text);
            assert!(left.contains("run the command again to go on") && left.contains(step), "{text}");
            let log = std::fs::read_to_string(on.dir().join("state/audit/audit.jsonl")).unwrap();
            assert!(log.lines().last().unwrap().contains("\"stopped\""), "{log}");
            if args == APPLY {
                assert_eq!(on.form().await, bare, "{text}");
            }
            on.said(args, 0);
        }
        assert_eq!(on.form().await, bare);
    }
}

/// What cannot be dropped at once, since somebody uses the table, is named, and the next run builds it anew.
#[tokio::test]
async fn what_a_stop_must_leave_is_named() {
    let [on, ..] = On::all().await;
    let bare = on.form().await;
    let mut holder = Holder::of(&on, WRITES).await;
    let output = signalled(&on, &mut holder, &APPLY, "-INT").await;
    holder.release().await;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(
        text.contains("what was built of the index sessions_unleak_unique could not be dropped"),
        "{text}"
    );
    on.said(&APPLY, 0);
    assert!(on.said(&["schema", "plan"], 0).contains("lacks nothing"));
    on.said(&ROLLBACK, 0);
    assert_eq!(on.form().await, bare);
}

/// SQLite has no server: the command itself is busy, and is asked to stop while it reads many rows.
#[tokio::test]
async fn ctrl_c_ends_a_build_in_a_file() {
    let [.., on] = On::all().await;
    on.run(
        "INSERT INTO sessions WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 600000) \
         SELECT i, hex(randomblob(30)), 1, '2031-01-01 00:00:00' FROM n",
    )
    .await;
    let bare = on.form().await;
    let mut child = on.command(&APPLY).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("1/2 create index") {
        assert!(told.read_line(&mut text).unwrap() > 0, "{text}");
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    told.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5), "{text}");
    assert!(
        text.contains("Stopped: 0 of 2 steps") && text.contains("run the command again to go on"),
        "{text}"
    );
    assert_eq!(on.form().await, bare);
    assert!(on.said(&APPLY, 0).contains("2 added"));
    on.said(&ROLLBACK, 0);
    assert_eq!(on.form().await, bare);
}

/// kill -9 while the server is busy with each step: it may come to its end all the same, and the next run knows.
#[tokio::test]
async fn what_a_killed_run_had_asked_for_is_taken_as_it_is() {
    let [postgres, mariadb, _] = On::all().await;
    for on in [postgres, mariadb] {
        let bare = on.form().await;
        for only in ["token", "expiry", "user"] {
            let apply = [&APPLY[..], &["--only", only]].concat();
            for args in [&apply[..], &ROLLBACK[..]] {
                let mut holder = Holder::of(&on, WRITES).await;
                let output = signalled(&on, &mut holder, args, "-KILL").await;
                assert_eq!(output.status.signal(), Some(9), "{}", said(&output));
                holder.release().await;
                on.said(args, 0);
                on.said(&["schema", "plan", "--only", only], i32::from(args == ROLLBACK));
            }
        }
        assert_eq!(on.form().await, bare);
    }
}

/// kill -9 around each step of an apply and of a rollback: the next run goes on.
#[tokio::test]
async fn killed_runs_go_on() {
    for on in On::all().await {
        let bare = on.form().await;
        let mut steps = vec!["create index sessions_unleak_unique", "create index sessions_unleak_expiry"];
        steps.extend(matches!(on, On::Postgres(_)).then_some("create index sessions_unleak_by_user"));
        steps.extend(on.adds_references().then_some("create constraint sessions_unleak_user"));
        let more: &[&str] = if on.adds_references() { &[] } else { &INDEXES };
        let killed = |args: &[&str], fault: &str| {
            let output = on.unleak(&[args, &["--fault", fault]].concat());
            assert_eq!(output.status.signal(), Some(9), "{fault}: {}", said(&output));
        };
        for step in &steps {
            killed(&[&APPLY[..], more].concat(), &format!("{step}:begun"));
            killed(&[&APPLY[..], more].concat(), &format!("{step}:changed"));
        }
        // All of it is there, and a rollback knows all of it.
        let text = on.said(&[&APPLY[..], more].concat(), 0);
        // On MariaDB nobody knows whether the old rows were looked at.
        let end = if matches!(on, On::MariaDb(..)) { "1 added" } else { "lacks nothing" };
        assert!(text.contains(end) || text.contains("0 added"), "{text}");
        for step in &steps {
            let step = step.replace("create", "drop");
            killed(&["schema", "rollback", "--yes"], &format!("{step}:begun"));
            killed(&["schema", "rollback", "--yes"], &format!("{step}:changed"));
        }
        assert_eq!(on.form().await, bare);
        on.said(&["schema", "rollback", "--yes"], 0);
        for step in &steps {
            killed(&[&APPLY[..], more].concat(), &format!("{step}:recorded"));
        }
        assert!(on.said(&[&APPLY[..], more].concat(), 0).contains("lacks nothing"));
        for step in &steps {
            killed(&["schema", "rollback", "--yes"], &format!("{}:recorded", step.replace("create", "drop")));
        }
        assert_eq!(on.form().await, bare);
        // The last one was undone and recorded.
        assert!(on.said(&ROLLBACK, 2).contains("is recorded in"));
    }
}

/// The server adds the reference to the end, whoever died meanwhile, and looks at no old row.
#[tokio::test]
async fn rows_that_a_killed_run_left_unchecked_are_found_by_the_next() {
    let [_, on, _] = On::all().await;
    let bare = on.form().await;
    let fault = ["--fault", "create constraint sessions_unleak_user:changed"];
    drop(on.unleak(&[&APPLY[..], &fault].concat()));
    on.run("SET SESSION foreign_key_checks = 0; UPDATE sessions SET user_id = 77 WHERE id = 2").await;
    let text = on.said(&["schema", "plan"], 1);
    assert!(text.contains("were never checked against the reference sessions_unleak_user"), "{text}");
    let text = on.said(&APPLY, 2);
    assert!(text.contains("1 rows stand in the way: `unleak sessions orphans`"), "{text}");
    on.said(&["sessions", "orphans", "--yes", "--max-share", "100"], 0);
    assert!(on.said(&APPLY, 0).contains("validate constraint sessions_unleak_user"));
    assert!(on.said(&["schema", "plan"], 0).contains("lacks nothing"));
    on.said(&["schema", "rollback", "--yes"], 0);
    assert_eq!(on.form().await, bare);
}
