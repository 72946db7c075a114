//! A large table on PostgreSQL is emptied in two places at once: nothing is lost between them, whatever is written
//! meanwhile, and an account with one connection empties it all the same.

use super::fixture::{CONNECT_PG_SIMPLE, Database, rows, spec};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use unleak::session::{BackupKey, Options, ProcedurePlan, ProcedureReport, Selection, Store};

const ALL: u32 = 120_000;
const BATCH: u64 = 40_000;

/// A third of its pages hold nothing any more.
async fn bloated() -> Database {
    let gone = "DELETE FROM session WHERE sid IN (SELECT 'tok-' || md5(i::text) FROM generate_series(0, 39999) AS i)";
    Database::with(&format!("{CONNECT_PG_SIMPLE}; {}; {gone}; {}", rows(0, ALL), rows(ALL, 40_000))).await
}

async fn purged(store: &mut Store, dir: &std::path::Path, key: &BackupKey) -> ProcedureReport {
    let plan = ProcedurePlan::prepare(store, Selection::All, None).await.unwrap();
    let report = plan.apply(store, &spec(dir, key), Some(BATCH), &|| false, &mut |_| {}).await.unwrap();
    assert_eq!((report.selected_after, report.after.total, report.cause.is_none()), (0, 0, true));
    assert_eq!(report.deleted, report.backups.iter().map(|backup| backup.rows).sum::<u64>());
    report
}

fn set(rows: Vec<String>) -> BTreeSet<String> {
    rows.into_iter().collect()
}

#[tokio::test]
async fn all_of_a_large_table_goes_and_comes_back() {
    let database = bloated().await;
    let before = database.dump().await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut store = database.open().await.unwrap();
    let report = purged(&mut store, dir.path(), &key).await;
    assert_eq!((report.deleted, before.len()), (u64::from(ALL), ALL as usize));
    let largest = report.backups.iter().map(|backup| backup.rows).max().unwrap();
    assert!(largest < BATCH, "{largest} rows in one part: no half of a batch");
    for backup in &report.backups {
        store.restore(&backup.path, &key).await.unwrap();
    }
    assert_eq!(database.dump().await, before);
}

/// An update writes the row anew, in a page that was passed already or comes again.
#[tokio::test]
async fn sessions_that_are_used_meanwhile_go_once_as_they_are() {
    let database = bloated().await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut store = database.open().await.unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&ended);
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    let using = tokio::spawn(async move {
        let mut used = 0;
        while !told.load(Ordering::Relaxed) {
            let one = format!("'tok-' || md5((40000 + (random() * {ALL})::int)::text)");
            let sql =
                format!("UPDATE session SET expire = expire + interval '1 s' WHERE sid = (SELECT {one})");
            used += sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut other).await.unwrap().rows_affected();
        }
        used
    });
    let report = purged(&mut store, dir.path(), &key).await;
    ended.store(true, Ordering::Relaxed);
    assert!(using.await.unwrap() > 0);
    assert_eq!(report.deleted, u64::from(ALL));
    for backup in &report.backups {
        // The primary key would refuse a session that is in two of them.
        store.restore(&backup.path, &key).await.unwrap();
    }
    assert_eq!(set(database.texts("SELECT sid FROM session").await).len(), ALL as usize);
}

#[tokio::test]
async fn an_account_with_one_connection_empties_it_alone() {
    let database = bloated().await;
    let role = format!("alone_{}", std::process::id());
    let word = format!("w{}", std::process::id());
    database
        .run(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{word}' CONNECTION LIMIT 1; GRANT ALL ON session TO {role}"
        ))
        .await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut store = Store::connect(&database.url_as(&role, &word), &Options::default()).await.unwrap();
    let report = purged(&mut store, dir.path(), &key).await;
    drop(store);
    database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    assert_eq!(report.deleted, u64::from(ALL));
    assert_eq!(report.backups.iter().map(|backup| backup.rows).max(), Some(BATCH));
}
