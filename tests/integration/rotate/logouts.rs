//! Users who log out while every session is being purged: fewer rows go than were counted, and none is left.

use super::world::unleak;
use super::{ends, hex_value, put, stderr};
use crate::session::fixture::{Database, block_on};
use sqlx::{Connection as _, PgConnection};
use std::process::Stdio;
use std::time::{Duration, Instant};

const TABLE: &str = "
CREATE TABLE session (sid varchar NOT NULL PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
INSERT INTO session SELECT 'tok-' || n, '{}', now() + interval '1 day' FROM generate_series(1, 3) n";

#[test]
fn who_logs_out_meanwhile_makes_no_purge_fail() {
    let database = block_on(Database::with(TABLE));
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    put(&path("store"), database.url.as_bytes());
    put(&path("env"), format!("KEY={}\n", hex_value()).as_bytes());
    // A logout under way: its row is counted, and the purge waits for it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut user = runtime.block_on(PgConnection::connect(&database.url)).unwrap();
    let run = |user: &mut PgConnection, sql: &'static str| {
        runtime.block_on(sqlx::raw_sql(sql).execute(user)).unwrap();
    };
    run(&mut user, "BEGIN; DELETE FROM session WHERE sid = 'tok-2'");
    let mut command = unleak(&path("state"));
    command.args(["rotate", "--yes", "--format=json", "--reload=true"]);
    command.arg(format!("--target=env:{}#KEY", path("env").display()));
    command.arg(format!("--store-from=file:{}", path("store").display()));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    let waits = "SELECT pid::text FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while block_on(database.texts(waits)).is_empty() {
        assert!(started.elapsed() < Duration::from_mins(1), "the purge never waited");
        std::thread::sleep(Duration::from_millis(20));
    }
    run(&mut user, "COMMIT");
    let output = child.wait_with_output().unwrap();
    ends(&output, 0);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = &report["purges"][0];
    assert_eq!((&first["before"], &first["deleted"], &first["after"]), (&3.into(), &2.into(), &0.into()));
    let checks = report["checks"].as_array().unwrap();
    let check =
        checks.iter().find(|check| check["claim"].as_str().unwrap().contains("backed up and deleted"));
    let check = check.unwrap();
    assert_eq!(check["status"], "verified", "{}", stderr(&output));
    assert!(check["evidence"].as_str().unwrap().contains("1 that were counted were deleted by others"));
    assert_eq!(block_on(database.texts("SELECT sid FROM session")), Vec::<String>::new());
}
