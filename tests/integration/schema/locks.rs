//! Held locks, two runs at once, builds that were stopped, and traffic all the while.

use super::table::{Table, said};
use crate::session::fixture::block_on;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

async fn connect(table: &Table) -> PgConnection {
    PgConnection::connect(&table.database.url).await.unwrap()
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.expect(sql);
}

/// Whoever holds the table is waited for in moments, and others pass meanwhile.
#[tokio::test]
async fn a_held_table_is_waited_for_and_nobody_waits_behind() {
    let table = Table::new().await;
    let mut holder = connect(&table).await;
    run(&mut holder, "BEGIN; SELECT count(*) FROM auth_sessions").await;
    let mut child =
        table.command(&["apply", "--yes", "--no-backup", "--lock-timeout", "50"]).spawn().unwrap();
    let mut other = connect(&table).await;
    // Until it has come to the first change of the table, and failed at it at least once.
    for _ in 0..40 {
        run(&mut other, "UPDATE auth_sessions SET last_used_at = now()").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(child.try_wait().unwrap().is_none(), "it must wait for the holder");
    run(&mut holder, "COMMIT").await;
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("others hold the lock"), "{}", said(&output));
}

/// Rows that somebody holds come when they are free again; no other row waits for them.
#[tokio::test]
async fn held_rows_are_passed_over_and_come_later() {
    let table = Table::new().await;
    table.database.run("ALTER TABLE auth_sessions ADD COLUMN current_jti uuid").await;
    let fault = "create constraint auth_sessions_family_id_check:begun";
    let mut holder = connect(&table).await;
    drop(table.schema(&["apply", "--yes", "--no-backup", "--fault", "fill rows backfill:begun"]));
    run(&mut holder, "BEGIN; UPDATE auth_sessions SET last_used_at = now() WHERE refresh_token_hash < '4'")
        .await;
    let mut child = table.command(&["apply", "--yes", "--no-backup", "--fault", fault]).spawn().unwrap();
    let waiting =
        "SELECT count(*)::text FROM auth_sessions WHERE auth_time IS NULL AND refresh_token_hash >= '4'";
    for _ in 0..200 {
        if table.text(waiting).await == "0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(table.text(waiting).await, "0");
    run(&mut holder, "COMMIT").await;
    child.wait().unwrap();
    assert_eq!(table.text("SELECT count(*)::text FROM auth_sessions WHERE auth_time IS NULL").await, "0");
}

#[tokio::test]
async fn a_second_run_is_told_of_the_first() {
    let table = Table::new().await;
    let oid = table.text("SELECT 'auth_sessions'::regclass::oid::text").await;
    let mut first = connect(&table).await;
    run(&mut first, &format!("SELECT pg_advisory_lock(1970170987, {oid})")).await;
    let text = table.said(&["apply", "--yes", "--no-backup"], 2);
    assert!(text.contains("another unleak changes the schema"), "{text}");
    assert_eq!(table.steps().len(), 30);
}

/// A build that was killed while it waited leaves an index that the server does not use; it is recognised and built anew.
#[cfg(unix)]
#[tokio::test]
async fn a_killed_build_is_recognised_and_built_again() {
    let table = Table::new().await;
    let mut old = connect(&table).await;
    drop(table.schema(&[
        "apply",
        "--yes",
        "--no-backup",
        "--fault",
        "create index idx_auth_sessions_current_jti:begun",
    ]));
    // A snapshot that every concurrent build must wait for.
    run(&mut old, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM auth_sessions").await;
    let mut child = table.command(&["apply", "--yes", "--no-backup"]).spawn().unwrap();
    let invalid = "SELECT count(*)::text FROM pg_index WHERE NOT indisvalid";
    for _ in 0..200 {
        if table.text(invalid).await == "1" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(table.text(invalid).await, "1");
    // Its server process waits on for as long as the snapshot lives; an older server notices nothing before.
    table
        .database
        .run("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'unleak' AND datname = current_database()")
        .await;
    assert_eq!(table.steps()[0], "rebuild index idx_auth_sessions_current_jti");
    run(&mut old, "COMMIT").await;
    table.said(&["apply", "--yes", "--no-backup"], 0);
    assert_eq!(table.text(invalid).await, "0");
    table.said(&["rollback", "--yes", "--no-backup"], 0);
}

/// Sessions are made, used and looked up all the while; no statement of theirs fails.
#[tokio::test]
async fn traffic_goes_on_all_the_while() {
    let table = Table::new().await;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut workers = Vec::new();
    for worker in 0..3 {
        let (url, stop, done) = (table.database.url.clone(), Arc::clone(&stop), Arc::clone(&done));
        let work = async move {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            while !stop.load(Ordering::Relaxed) {
                let number = done.fetch_add(1, Ordering::Relaxed);
                for sql in [
                    format!(
                        "INSERT INTO auth_sessions (user_id, refresh_token_hash, user_agent, ip, expires_at) \
                         SELECT id, md5('{worker} {number}'), 'A', '10.0.0.1', now() + interval '1 day' FROM users LIMIT 1"
                    ),
                    format!("UPDATE auth_sessions SET last_used_at = now() WHERE refresh_token_hash = md5('{worker} {number}')"),
                    "UPDATE auth_sessions SET last_used_at = now() WHERE id IN (SELECT id FROM auth_sessions LIMIT 1)".to_owned(),
                    "SELECT * FROM auth_sessions ORDER BY created_at LIMIT 5".to_owned(),
                ] {
                    run(&mut connection, &sql).await;
                }
            }
        };
        // Threads of their own: this one waits for the command.
        workers.push(std::thread::spawn(|| block_on(work)));
    }
    let applied = table.schema(&["apply", "--yes", "--no-backup", "--batch", "10"]);
    let rolled_back = table.schema(&["rollback", "--yes", "--no-backup"]);
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.join().expect("no statement of the application fails");
    }
    assert_eq!(applied.status.code(), Some(0), "{}", said(&applied));
    assert_eq!(rolled_back.status.code(), Some(0), "{}", said(&rolled_back));
    assert!(done.load(Ordering::Relaxed) > 0);
}
