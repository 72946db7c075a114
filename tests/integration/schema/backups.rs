//! What the backup is good for that an apply or a rollback makes first: tried, with rows that were lost.

use super::table::{BASE, Table};
use std::path::Path;

/// Every value of every row but the families, of which an apply gives those that have none.
const ROWS: &str = "SELECT count(*) || md5(string_agg((to_jsonb(s) - 'family_id')::text, ',' ORDER BY id)) FROM auth_sessions s";
const LOSS: &str = "DELETE FROM auth_sessions WHERE refresh_token_hash < '8'";

/// The backup that a command made, by what it printed.
fn made(table: &Table, command: &str) -> String {
    let done = table.json(&[command, "--yes"], 0);
    let name = if command == "apply" { "applied" } else { command };
    done[name]["backup"]["path"].as_str().unwrap().to_owned()
}

fn restore(table: &Table, backup: &str, exit: i32) -> String {
    let state = table.dir.path().join("state");
    table
        .said(&["sessions", "restore", backup, "--revive", "--yes", "--state", state.to_str().unwrap()], exit)
}

#[tokio::test]
async fn rows_that_were_lost_come_back_in_the_form_that_the_backup_has() {
    let table = Table::new().await;
    let bare = table.text(ROWS).await;
    let before = made(&table, "apply");
    assert!(Path::new(&before).exists());
    table.database.run("UPDATE auth_sessions SET current_jti = gen_random_uuid()").await;
    let hardened = table.text(ROWS).await;
    let after = made(&table, "rollback");
    assert_eq!(table.text(ROWS).await, bare, "a rollback needs no backup");

    table.database.run(LOSS).await;
    let lost = 100 - table.text("SELECT count(*)::text FROM auth_sessions").await.parse::<u32>().unwrap();
    let text = restore(&table, &before, 0);
    assert!(lost > 10 && text.contains(&format!("{lost} restored")) && text.contains("copied "), "{text}");
    assert_eq!(table.text(ROWS).await, bare);
    assert!(restore(&table, &before, 0).contains("0 restored"), "what is there stays as it is");

    let text = restore(&table, &after, 2);
    assert!(
        text.contains("fits again once the change of the schema that it was made before is undone"),
        "{text}"
    );
    table.said(&["apply", "--yes", "--no-backup"], 0);
    restore(&table, &before, 2);
    table.database.run("DELETE FROM auth_sessions").await;
    assert!(restore(&table, &after, 0).contains("100 restored"));
    assert_eq!(table.text(ROWS).await, hardened, "the tokens on record came back as well");
    table.said(&["verify"], 0);
}

/// A table that is of no known form needs no description for that.
#[tokio::test]
async fn rows_of_any_table_that_was_hardened_come_back() {
    let table = Table::with(&format!("{BASE}; ALTER TABLE auth_sessions DROP COLUMN family_id")).await;
    let bare = table.text(ROWS).await;
    let backup = made(&table, "apply");
    table.said(&["rollback", "--yes", "--no-backup"], 0);
    table.database.run(LOSS).await;
    restore(&table, &backup, 0);
    assert_eq!(table.text(ROWS).await, bare);
}

#[tokio::test]
async fn what_a_backup_is_good_for_is_said_before_and_when_it_is_made() {
    let table = Table::new().await;
    assert!(table.said(&["plan"], 1).contains("the rollback itself needs no backup"));
    let text = table.said(&["apply", "--yes"], 0);
    assert!(text.contains("(100 rows)") && text.contains("undo this change first, then"), "{text}");
    assert!(table.said(&["rollback", "--yes"], 0).contains("`unleak sessions restore FILE --revive`"));
}
