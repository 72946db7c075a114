//! Several backups in one run: all that a procedure deleted in batches comes back at once, and what fails is told with what is
//! back. And a purge while people log in, which must not end in very many backups.

use super::commands::{exit, said};
use super::fixture::{CONNECT_PG_SIMPLE, Database, rows, spec};
use super::place::{Place, TABLES};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use unleak::session::{BackupKey, ProcedurePlan, Selection};

/// With a key, so that no row can come back twice.
const KEYED: &str = r#"
CREATE TABLE sessions (id integer PRIMARY KEY, "sessionToken" text, "userId" integer, expires timestamp NOT NULL)"#;

fn sessions(n: usize) -> String {
    let row = |n| format!("({n}, 'tok-{n}', 1, '2100-01-01 00:00:00')");
    format!("{KEYED}; INSERT INTO sessions VALUES {}", (1..=n).map(row).collect::<Vec<_>>().join(", "))
}

/// Purges by batches and gives the backups.
fn purged(place: &Place, batch: &str) -> Vec<String> {
    let done = place.json(&["purge", "--yes", "--batch", batch], 0);
    let backups = done["report"]["backups"].as_array().unwrap();
    backups.iter().map(|backup| backup["path"].as_str().unwrap().to_owned()).collect()
}

fn restored(place: &Place, files: &[&str]) -> std::process::Output {
    place.sessions(&[&["restore", "--revive", "--yes"], files].concat())
}

#[tokio::test]
async fn all_backups_of_a_purge_come_back_in_one_run() {
    let insert = "INSERT INTO sessions VALUES ('tok-1', 1, '2100-01-01 00:00:00', NULL, NULL), ('tok-2', 1, '2100-01-01 00:00:00', NULL, NULL),
      ('tok-3', 2, '2100-01-01 00:00:00', NULL, NULL), ('tok-4', 2, '2100-01-01 00:00:00', NULL, NULL), ('tok-5', 2, '2100-01-01 00:00:00', NULL, NULL)";
    for place in Place::every(&format!("{TABLES}; {insert}")).await {
        let before = place.tokens().await;
        let files = purged(&place, "2");
        assert_eq!((files.len(), place.tokens().await.len()), (3, 0), "{}", place.name());
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let twice = restored(&place, &[&files[..], &files[..1]].concat());
        assert_eq!(exit(&twice), 2);
        assert!(said(&twice).contains("named twice"), "{}", said(&twice));
        assert!(place.tokens().await.is_empty(), "nothing was begun");

        let back = place.json(&[&["restore", "--revive", "--yes"], &files[..]].concat(), 0);
        let number = |name: &str| back["restored"][name].as_u64().unwrap();
        assert_eq!((number("backups"), number("restored")), (3, 5), "{}", place.name());
        assert_eq!(
            (back["restored"]["before"]["total"].as_u64(), back["restored"]["after"]["total"].as_u64()),
            (Some(0), Some(5))
        );
        assert!(place.tokens().await == before, "{}", place.name());
        let audit = said(&place.unleak(&["audit", "show"]));
        assert_eq!(audit.matches("sessions restore begun").count(), 3, "{audit}");
        assert!(audit.contains("5 restored from 3 backups; 0 sessions before, 5 now"), "{audit}");
    }
}

#[tokio::test]
async fn a_backup_that_fails_among_several_leaves_the_others_whole_and_named() {
    for place in Place::both(&sessions(6)).await {
        let files = purged(&place, "2");
        // Those of the second are there again: somebody restored it, and the keys refuse them.
        assert_eq!(exit(&restored(&place, &[&files[1]])), 0);
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let failed = restored(&place, &files);
        let text = said(&failed);
        assert_eq!(exit(&failed), 5, "{text}");
        assert!(
            text.contains(&format!("2 sessions are back, of {}; then restoring {}", files[0], files[1])),
            "{text}"
        );
        assert_eq!(place.tokens().await.len(), 4, "what is back stays, and the rest is not begun");
        assert_eq!(exit(&restored(&place, &files[2..])), 0);
        assert_eq!(place.tokens().await.len(), 6);
        let audit = said(&place.unleak(&["audit", "show"]));
        assert!(audit.contains("sessions restore failed"), "{audit}");
    }
}

#[tokio::test]
async fn backups_of_two_tables_are_not_restored_in_one_run() {
    let place = Place::both(&sessions(2)).await.remove(0);
    let first = purged(&place, "0").remove(0);
    place
        .run(&format!("ALTER TABLE sessions RENAME TO session; {}", sessions(2).replace("tok-", "tok-x")))
        .await;
    place.run("DROP TABLE session").await;
    let second = purged(&place, "0").remove(0);
    place.run("ALTER TABLE sessions RENAME TO session").await;
    place.run("INSERT INTO session VALUES (9, 'tok-9', 1, '2100-01-01 00:00:00')").await;
    let other = purged(&place, "0").remove(0);
    let refused = restored(&place, &[&first, &second, &other]);
    assert_eq!(exit(&refused), 2);
    assert!(said(&refused).contains("not of one table"), "{}", said(&refused));
    assert!(place.texts("SELECT \"sessionToken\" FROM session").await.is_empty());
}

/// Whoever logs in all the while is gathered into a few backups, and keeps no purge going.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_while_people_log_in_ends_with_few_backups() {
    const PARTS: usize = 20;
    let database = Database::with(&format!("{CONNECT_PG_SIMPLE}; {}", rows(0, 20_000))).await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let ended = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&ended);
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    let logging_in = tokio::spawn(async move {
        let mut made = 0;
        while !told.load(Ordering::Relaxed) {
            let login =
                format!("INSERT INTO session VALUES ('login-{made}', '{{}}', now() + interval '1 day')");
            sqlx::raw_sql(AssertSqlSafe(login)).execute(&mut other).await.unwrap();
            made += 1;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        made
    });
    let mut store = database.open().await.unwrap();
    let plan = ProcedurePlan::prepare(&mut store, Selection::All, None).await.unwrap();
    let report =
        plan.apply(&mut store, &spec(dir.path(), &key), Some(1000), &|| false, &mut |_| {}).await.unwrap();
    ended.store(true, Ordering::Relaxed);
    let made: u64 = logging_in.await.unwrap();
    assert!(report.deleted >= 20_000 && report.cause.is_none() && !report.stopped);
    assert!(report.backups.len() <= PARTS + 7, "{} backups", report.backups.len());
    // Whoever came meanwhile is in a backup or still there, and the report says how many.
    let left = store.counts().await.unwrap().total;
    assert_eq!(report.deleted + left, 20_000 + made);
    assert!(report.selected_after <= left);
    let back: Vec<_> = report.backups.iter().map(|backup| backup.rows).collect();
    assert_eq!(back.iter().sum::<u64>(), report.deleted);
}
