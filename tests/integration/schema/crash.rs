//! kill -9 at each point of an apply and of a rollback: every next run goes on, and the end is the same as without.

use super::table::{BASE, Table, said};
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

/// An index of another form gives way only once the new one stands: killed in between, both are there, and the next run
/// takes the new one as it is.
#[tokio::test]
async fn an_index_that_is_replaced_is_never_missing() {
    const NAME: &str = "idx_auth_sessions_family_active";
    let table = Table::with(&format!(
        "{BASE}; CREATE INDEX {NAME} ON auth_sessions (family_id, revoked_at) WHERE revoked_at IS NULL"
    ))
    .await;
    let bare = table.dump();
    let number = |name: &str| format!("SELECT coalesce(to_regclass('{name}')::oid::text, 'none')");
    let [old, stand_in] = [number(NAME), number(&format!("{NAME}_unleak_new"))];
    let first = table.text(&old).await;
    let step = format!("replace index {NAME}");
    killed(&table, &["apply"], &format!("{step}:begun"));
    assert_eq!(table.text(&stand_in).await, "none");
    killed(&table, &["apply"], &format!("{step}:built"));
    let built = table.text(&stand_in).await;
    assert_ne!(built, "none");
    assert_eq!(table.text(&old).await, first, "the old one is still there");
    killed(&table, &["apply"], &format!("{step}:changed"));
    assert_eq!((table.text(&old).await, table.text(&stand_in).await), (built, "none".to_owned()));
    table.said(&["apply", "--yes", "--no-backup"], 0);

    let back = format!("bring back index {NAME}");
    let ours = table.text(&old).await;
    killed(&table, &["rollback"], &format!("{back}:built"));
    assert_eq!(table.text(&old).await, ours, "ours is still there");
    killed(&table, &["rollback"], &format!("{back}:changed"));
    assert_eq!(table.text(&stand_in).await, "none");
    table.said(&["rollback", "--yes", "--no-backup"], 0);
    assert_eq!(table.dump(), bare);
}

/// Who gives up after the crash gets rid of what it left.
#[tokio::test]
async fn a_rollback_drops_the_stand_in_that_a_crash_left() {
    const NAME: &str = "idx_auth_sessions_auth_time";
    let own = format!("{BASE}; CREATE INDEX {NAME} ON auth_sessions (expires_at)");
    let table = Table::with(&own).await;
    let bare = table.dump();
    killed(&table, &["apply"], &format!("replace index {NAME}:begun"));
    let differs = table.dump();
    killed(&table, &["apply"], &format!("replace index {NAME}:built"));
    assert_ne!(table.dump(), differs);
    let text = table.said(&["rollback", "--yes", "--no-backup"], 0);
    assert!(text.contains(&format!("drop index {NAME}_unleak_new")), "{text}");
    assert_eq!(table.dump(), bare);
}
