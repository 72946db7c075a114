//! Backup, purge and restore on PostgreSQL: nothing is deleted that is not backed up, and all of it comes back.

use super::fixture::{CONNECT_PG_SIMPLE, Database, names, rows, spec};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use unleak::session::{BackupKey, BackupState, Error, ProcedurePlan, Selection, list_backups, verify_backup};

#[tokio::test]
async fn a_purge_is_counted_backed_up_and_restored_to_the_letter() {
    let database = Database::with(&format!("{CONNECT_PG_SIMPLE}; {}", rows(0, 3000))).await;
    let before = database.dump().await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut store = database.open().await.unwrap();
    let purged = store.purge(&spec(dir.path(), &key)).await.unwrap();
    assert_eq!((purged.before.total, purged.before.active, purged.before.expired), (3000, 2000, 1000));
    assert_eq!((purged.deleted, purged.backed_up, purged.after.total), (3000, 3000, 0));
    assert!(database.dump().await.is_empty());

    let backup = purged.backup.unwrap();
    assert_eq!(verify_backup(&backup.path, &key).unwrap(), backup);
    assert_eq!(list_backups(dir.path()).unwrap().backups, std::slice::from_ref(&backup));
    assert_eq!((backup.state, backup.rows), (BackupState::Committed, 3000));
    assert_eq!(backup.incident, "INC-20261121-001");

    // Nothing is left to purge: no second backup.
    let again = store.purge(&spec(dir.path(), &key)).await.unwrap();
    assert_eq!((again.deleted, again.backup), (0, None));
    assert_eq!(names(dir.path()).len(), 1);

    let restored = store.restore(&backup.path, &key).await.unwrap();
    assert_eq!((restored.before.total, restored.restored, restored.after.total), (0, 3000, 3000));
    assert_eq!(database.dump().await, before);
    // The sessions are there already, so they cannot come back twice, and none does.
    let error = store.restore(&backup.path, &key).await.unwrap_err();
    assert!(!super::fixture::everything(&error).contains("tok-"), "{error:?}");
    assert_eq!(database.dump().await, before);
}

#[tokio::test]
async fn every_column_type_survives() {
    let database = Database::with(
        r#"CREATE TABLE session (id bigint GENERATED ALWAYS AS IDENTITY, "sessionToken" text, "userId" uuid, expires timestamptz,
           ip inet, meta jsonb, raw bytea, tags text[], score float8, n numeric, span interval, twice int GENERATED ALWAYS AS (2) STORED);
           INSERT INTO session ("sessionToken", "userId", expires, ip, meta, raw, tags, score, n, span) VALUES
           ('a', gen_random_uuid(), 'infinity', '10.0.0.1', '{"a": "\\n\\t"}', '\x00ff5c0a', '{a,"b,c",NULL}', 0.1, 1e30, '1 mon 2 d'),
           (E'\\N', NULL, NULL, NULL, NULL, NULL, NULL, 'NaN', 'NaN', NULL)"#,
    )
    .await;
    let before = database.dump().await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut store = database.open().await.unwrap();
    let purged = store.purge(&spec(dir.path(), &key)).await.unwrap();
    assert_eq!((purged.deleted, purged.after.total), (2, 0));
    store.restore(&purged.backup.unwrap().path, &key).await.unwrap();
    assert_eq!(database.dump().await, before);
}

/// Sessions are made all the while: each ends up in a backup or in the table, and none in both or neither.
#[tokio::test]
async fn sessions_that_arrive_during_the_purge_are_not_lost() {
    let database = Database::with(&format!("{CONNECT_PG_SIMPLE}; {}", rows(0, 20_000))).await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut store = database.open().await.unwrap();
    let mut writer = PgConnection::connect(&database.url).await.unwrap();
    let inserting = tokio::spawn(async move {
        for n in 0..400 {
            let sql = AssertSqlSafe(rows(100_000 + n, 1));
            sqlx::raw_sql(sql).execute(&mut writer).await.unwrap();
        }
    });
    let mut backups = Vec::new();
    let mut deleted = 0;
    while !inserting.is_finished() {
        let purged = store.purge(&spec(dir.path(), &key)).await.unwrap();
        deleted += purged.deleted;
        backups.extend(purged.backup.into_iter().chain(purged.later).map(|backup| backup.path));
        tokio::task::yield_now().await;
    }
    inserting.await.unwrap();
    let left: BTreeSet<String> = database.dump().await.into_iter().collect();
    assert_eq!(deleted + left.len() as u64, 20_400);
    for path in backups {
        // The primary key would refuse a session that is in two of them.
        store.restore(&path, &key).await.unwrap();
    }
    let all: BTreeSet<String> = database.dump().await.into_iter().collect();
    assert_eq!(all.len(), 20_400);
    assert!(all.is_superset(&left));
}

/// Whoever logs out deletes a row that a batch had chosen, so that the batch is a short one, and not the last.
#[tokio::test]
async fn sessions_that_others_end_meanwhile_do_not_end_a_procedure() {
    let database = Database::with(&format!("{CONNECT_PG_SIMPLE}; {}", rows(0, 20_000))).await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut store = database.open().await.unwrap();
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&ended);
    let leaving = tokio::spawn(async move {
        let one = "DELETE FROM session WHERE sid = (SELECT sid FROM session ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED)";
        while !told.load(Ordering::Relaxed) {
            sqlx::raw_sql(one).execute(&mut other).await.unwrap();
        }
    });
    let spec = spec(dir.path(), &key);
    let plan = ProcedurePlan::prepare(&mut store, Selection::All, None).await.unwrap();
    let report = plan.apply(&mut store, &spec, Some(500), &|| false, &mut |_| {}).await.unwrap();
    assert_eq!((report.selected_after, report.after.total), (0, 0), "{} deleted", report.deleted);
    // All is told of what was deleted here, and by nobody else.
    let kept: u64 = report.backups.iter().map(|backup| backup.rows).sum();
    assert_eq!(report.deleted, kept);
    ended.store(true, Ordering::Relaxed);
    leaving.await.unwrap();
}

/// Whoever logs in all the while must not keep a procedure going.
#[tokio::test]
async fn sessions_that_never_stop_arriving_do_not_keep_a_procedure_going() {
    let database = Database::with(&format!("{CONNECT_PG_SIMPLE}; {}", rows(0, 100))).await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut store = database.open().await.unwrap();
    let mut writer = PgConnection::connect(&database.url).await.unwrap();
    let plan = ProcedurePlan::prepare(&mut store, Selection::All, None).await.unwrap();
    let (ended, mut parts) = (Arc::new(AtomicBool::new(false)), 0);
    let told = Arc::clone(&ended);
    let arriving = tokio::spawn(async move {
        let mut next = 100_000;
        while !told.load(Ordering::Relaxed) {
            sqlx::raw_sql(AssertSqlSafe(rows(next, 50))).execute(&mut writer).await.unwrap();
            next += 50;
        }
    });
    let spec = spec(dir.path(), &key);
    let applying =
        async { plan.apply(&mut store, &spec, Some(10), &|| false, &mut |_| parts += 1).await.unwrap() };
    let report = tokio::time::timeout(Duration::from_mins(1), applying).await.expect("it ends");
    ended.store(true, Ordering::Relaxed);
    arriving.await.unwrap();
    assert!(report.deleted >= 100, "{} deleted in {parts} parts", report.deleted);
}

#[tokio::test]
async fn a_lock_is_waited_for_and_then_named() {
    let database = Database::with(&format!("{CONNECT_PG_SIMPLE}; {}", rows(0, 10))).await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut options = unleak::session::Options::default();
    options.limits.lock = Duration::from_millis(300);
    let mut store = database.open_with(&options).await.unwrap();
    let mut holder = PgConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE session IN SHARE MODE").execute(&mut holder).await.unwrap();
    let error = store.purge(&spec(dir.path(), &key)).await.unwrap_err();
    assert!(matches!(error, Error::Locked { attempts: 3, .. }), "{error:?}");
    assert!(names(dir.path()).is_empty());

    let release = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(400)).await;
        sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    });
    assert_eq!(store.purge(&spec(dir.path(), &key)).await.unwrap().deleted, 10);
    release.await.unwrap();
}
