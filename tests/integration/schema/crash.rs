//! kill -9 at each point of an apply and of a rollback: every next run goes on, and the end is the same as without.

use super::table::{Table, said};
use std::os::unix::process::ExitStatusExt as _;

fn killed(table: &Table, args: &[&str], fault: &str) {
    let output = table.schema(&[args, &["--yes", "--no-backup", "--fault", fault]].concat());
    assert_eq!(output.status.signal(), Some(9), "{fault}: {}", said(&output));
}

#[tokio::test]
async fn a_killed_apply_goes_on_from_every_step() {
    let [undisturbed, table] = [Table::new().await, Table::new().await];
    undisturbed.said(&["apply", "--yes", "--no-backup"], 0);
    let hardened = undisturbed.dump();
    let bare = table.dump();
    for (index, step) in table.steps().into_iter().enumerate() {
        // A step that was changed is not planned again; one that was only begun is.
        let moment = ["begun", "changed", "recorded"][index % 3];
        killed(&table, &["apply"], &format!("{step}:{moment}"));
        if moment == "begun" {
            killed(&table, &["apply"], &format!("{step}:changed"));
        }
    }
    table.said(&["apply", "--yes", "--no-backup"], 0);
    assert_eq!(table.dump(), hardened);

    let plan = table.json(&["rollback", "--dry-run"], 0);
    let steps = plan["rollback"]["steps"].as_array().unwrap();
    for (index, step) in steps.iter().enumerate() {
        let moment = ["changed", "begun", "recorded"][index % 3];
        let step = step.as_str().unwrap();
        killed(&table, &["rollback"], &format!("{step}:{moment}"));
        if moment == "begun" {
            killed(&table, &["rollback"], &format!("{step}:changed"));
        }
    }
    assert_eq!(table.dump(), bare);
}

/// Half of the rows are filled when it dies; only the others are written afterwards.
#[tokio::test]
async fn a_filling_that_was_stopped_writes_no_row_twice() {
    let table = Table::new().await;
    killed(&table, &["apply"], "fill rows backfill:begun");
    table
        .database
        .run("UPDATE auth_sessions SET family_id = coalesce(family_id, gen_random_uuid()), auth_time = created_at, \
              device_hash = encode(sha256(convert_to(nullif(user_agent, ''), 'UTF8')), 'hex'), last_ip_cidr = '10.1.2.0/24' \
              WHERE refresh_token_hash < '8'")
        .await;
    let filled: u64 = table
        .text("SELECT count(*)::text FROM auth_sessions WHERE auth_time IS NOT NULL")
        .await
        .parse()
        .unwrap();
    let applied = table.json(&["apply", "--yes", "--no-backup", "--batch", "7"], 0);
    assert_eq!(applied["applied"]["rows_filled"], 100 - filled);
}
