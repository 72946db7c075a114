//! Ctrl-C while others hold the lock: the run ends soon, says so, and what it recorded lets the next one go on.

use super::table::{Table, said};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Command;

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.expect(sql);
}

/// Starts a command while somebody holds what it needs, waits until it says so, and asks it to stop as a terminal does.
async fn interrupted(table: &Table, command: &str, held: &str, until: &str) -> String {
    let mut holder = PgConnection::connect(&table.database.url).await.unwrap();
    run(&mut holder, &format!("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM {held}")).await;
    let args = [command, "--yes", "--no-backup", "--lock-timeout", "50"];
    let mut child = table.command(&args).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    // A step is told as `7/30 create ...`, after the plan that names it as well.
    while !(line.contains("others hold the lock") || line.contains(until) && line.contains('/')) {
        line.clear();
        assert!(told.read_line(&mut line).unwrap() > 0, "it must come to what is held");
    }
    // What is held is free again only afterwards: it stops although it never got it.
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5), "{rest}");
    run(&mut holder, "COMMIT").await;
    rest
}

#[tokio::test]
async fn ctrl_c_stops_while_others_hold_a_lock_and_the_next_run_goes_on() {
    let table = Table::new().await;
    let bare = table.dump();
    let text = interrupted(&table, "apply", "auth_sessions", "others hold the lock").await;
    assert!(text.contains("stopping") && text.contains("run the command again"), "{text}");
    // A build waits for older transactions without a word, and would for minutes.
    interrupted(&table, "apply", "users", "create index idx_auth_sessions_current_jti").await;
    let invalid = "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid";
    assert_eq!(
        table.texts(invalid).await,
        [""; 0],
        "nothing of it is left that writes would have to keep up"
    );
    table.said(&["apply", "--yes", "--no-backup"], 0);
    assert!(table.steps().is_empty());
    let log = std::fs::read_to_string(table.dir.path().join("state/audit/audit.jsonl")).unwrap();
    assert!(log.contains("\"stopped\""), "{log}");
    interrupted(&table, "rollback", "auth_sessions", "drop index").await;
    table.said(&["rollback", "--yes", "--no-backup"], 0);
    assert_eq!(table.dump(), bare);
}

/// What was stopped before it made anything leaves nothing to undo but what came before it.
#[tokio::test]
async fn a_step_that_was_stopped_while_it_waited_is_not_owned() {
    let table = Table::new().await;
    let bare = table.dump();
    interrupted(&table, "apply", "auth_sessions", "others hold the lock").await;
    table.database.run("ALTER TABLE auth_sessions ADD COLUMN current_jti uuid").await;
    table.said(&["rollback", "--yes", "--no-backup"], 0);
    assert_ne!(table.dump(), bare, "the column that somebody else added stays");
    table.database.run("ALTER TABLE auth_sessions DROP COLUMN current_jti").await;
    assert_eq!(table.dump(), bare);
}

/// A check of old rows waits for others for minutes, or reads for minutes: it is ended on the server.
#[tokio::test]
async fn ctrl_c_ends_a_check_of_old_rows() {
    const STEP: &str = "validate constraint auth_sessions_family_id_check";
    let table = Table::new().await;
    let fault = format!("{STEP}:begun");
    drop(table.schema(&["apply", "--yes", "--no-backup", "--fault", &fault]));
    assert_eq!(table.steps()[0], STEP);
    let mut holder = PgConnection::connect(&table.database.url).await.unwrap();
    run(&mut holder, "BEGIN; LOCK TABLE auth_sessions IN SHARE UPDATE EXCLUSIVE MODE").await;
    let child = table.command(&["apply", "--yes", "--no-backup"]).spawn().unwrap();
    let busy = "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() \
        AND wait_event_type = 'Lock' AND query LIKE '%VALIDATE CONSTRAINT%'";
    while table.text(busy).await == "0" {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert_eq!(table.text(busy).await, "0", "{text}");
    run(&mut holder, "COMMIT").await;
    assert!(text.contains("Stopped: 0 of ") && text.contains(&format!("Left:\n  {STEP}")), "{text}");
    assert_eq!(table.steps()[0], STEP, "nothing false is recorded");
    table.said(&["apply", "--yes", "--no-backup"], 0);
}
