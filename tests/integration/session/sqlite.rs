//! The same on SQLite files: detection, counts, backup, purge, restore, locks, crashes.

use super::fixture::{names, spec};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::path::PathBuf;
use std::time::Duration;
use unleak::session::{BackupKey, Error, Options, Settled, Store, StoreClass, StoreUrl};

struct File {
    dir: tempfile::TempDir,
    key: BackupKey,
}

impl File {
    async fn with(sql: &str) -> Self {
        let file = Self { dir: tempfile::tempdir().unwrap(), key: BackupKey::generate().unwrap() };
        file.run(sql).await;
        file
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("app.db")
    }

    fn backups(&self) -> PathBuf {
        self.dir.path().join("backups")
    }

    async fn raw(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.path()).create_if_missing(true).connect().await.unwrap()
    }

    async fn run(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.raw().await).await.expect(sql);
    }

    async fn dump(&self, columns: &[&str]) -> Vec<String> {
        let all: Vec<String> = columns
            .iter()
            .map(|column| format!("typeof({column}) || ':' || coalesce(hex({column}), '')"))
            .collect();
        let sql = AssertSqlSafe(format!("SELECT {} FROM sessions ORDER BY 1", all.join(" || ',' || ")));
        sqlx::query_scalar(sql).fetch_all(&mut self.raw().await).await.unwrap()
    }

    async fn open(&self) -> Result<Store, Error> {
        let mut options = Options::default();
        options.limits.lock = Duration::from_millis(300);
        Store::connect(&StoreUrl::sqlite(self.path()), &options).await
    }
}

const CONNECT_SQLITE3: &str = "CREATE TABLE IF NOT EXISTS sessions (sid PRIMARY KEY, expired, sess)";

/// What was deleted is in the encrypted backup and nowhere else: not in the free pages of the file either.
#[tokio::test]
async fn a_purged_session_cannot_be_read_out_of_the_file() {
    let rows: Vec<String> = (0..200)
        .map(|n| format!("('planted-id-{n:04}', 1, '{{\"user\":\"planted-user-{n:04}\"}}')"))
        .collect();
    let file =
        File::with(&format!("{CONNECT_SQLITE3}; INSERT INTO sessions VALUES {}", rows.join(","))).await;
    let planted = || {
        let bytes = std::fs::read(file.path()).unwrap();
        bytes.windows(8).filter(|window| *window == b"planted-").count()
    };
    assert!(planted() >= 400);
    let purged = file.open().await.unwrap().purge(&spec(&file.backups(), &file.key)).await.unwrap();
    assert_eq!((purged.deleted, purged.after.total), (200, 0));
    assert_eq!(planted(), 0);
}

/// One live and one expired session each.
#[tokio::test]
async fn the_documented_tables_of_the_frameworks_are_found() {
    for (ddl, dialect, class) in [
        (
            format!("{CONNECT_SQLITE3}; INSERT INTO sessions VALUES ('a', 4102444800000, '{{}}'), ('b', 1000000000000, '{{}}')"),
            "connect-sqlite3",
            StoreClass::A,
        ),
        (
            "CREATE TABLE sessions (sid TEXT NOT NULL PRIMARY KEY, sess JSON NOT NULL, expire TEXT NOT NULL);
             INSERT INTO sessions VALUES ('a', '{}', '2100-01-01T00:00:00.000Z'), ('b', '{}', '2001-09-09T01:46:40.000Z')"
                .to_owned(),
            "better-sqlite3-session-store",
            StoreClass::A,
        ),
        (
            r#"CREATE TABLE "Session" ("sessionToken" TEXT NOT NULL, "userId" TEXT NOT NULL, "expires" DATETIME NOT NULL);
             INSERT INTO "Session" VALUES ('a', '1', 4102444800000), ('b', '1', '2001-09-09 01:46:40')"#
                .to_owned(),
            "authjs",
            StoreClass::B,
        ),
        (
            "CREATE TABLE session (sessionToken text PRIMARY KEY, userId text NOT NULL, expires integer NOT NULL);
             INSERT INTO session VALUES ('a', '1', 4102444800), ('b', '1', 1000000000000)"
                .to_owned(),
            "authjs",
            StoreClass::B,
        ),
    ] {
        let file = File::with(&ddl).await;
        let summary = file.open().await.expect(&ddl).describe().await.unwrap();
        assert_eq!((summary.dialect, summary.class), (dialect, class), "{ddl}");
        assert_eq!((summary.counts.active, summary.counts.expired), (1, 1), "{ddl}");
    }
}

#[tokio::test]
async fn every_storage_class_survives_a_purge_and_a_restore() {
    let file = File::with(&format!(
        "PRAGMA journal_mode = WAL; {CONNECT_SQLITE3}; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
         WHERE i < 2000) INSERT INTO sessions SELECT 'tok-' || i, i * 1000000000, json_object('i', i, 'pad', hex(randomblob(50))) FROM n; \
         INSERT INTO sessions VALUES ('null', NULL, NULL), ('real', 0.1, x'00ff'), (x'0102', '', 'caf\u{e9}'), \
         (7, 9223372036854775807, CAST(x'ff41' AS TEXT)), ('nul', 1, 'a' || char(0) || 'b')"
    ))
    .await;
    let columns = ["sid", "expired", "sess"];
    let before = file.dump(&columns).await;
    let mut store = file.open().await.unwrap();
    let purged = store.purge(&spec(&file.backups(), &file.key)).await.unwrap();
    assert_eq!(
        (purged.before.total, purged.deleted, purged.backed_up, purged.after.total),
        (2005, 2005, 2005, 0)
    );
    let backup = purged.backup.unwrap();
    let bytes = std::fs::read(&backup.path).unwrap();
    assert!(!bytes.windows(4).any(|window| window == b"tok-"));
    assert_eq!(store.purge(&spec(&file.backups(), &file.key)).await.unwrap().backup, None);
    assert_eq!(store.restore(&backup.path, &file.key).await.unwrap().restored, 2005);
    assert_eq!(file.dump(&columns).await, before);
    assert_eq!(names(&file.backups()).len(), 1);
    assert!(store.restore(&backup.path, &file.key).await.is_err());
    assert_eq!(file.dump(&columns).await, before);
}

#[tokio::test]
async fn a_writer_is_waited_for_and_then_named() {
    let file = File::with(&format!("{CONNECT_SQLITE3}; INSERT INTO sessions VALUES ('a', 1, '')")).await;
    let mut store = file.open().await.unwrap();
    let mut holder = file.raw().await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut holder).await.unwrap();
    let error = store.purge(&spec(&file.backups(), &file.key)).await.unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    assert_eq!(store.purge(&spec(&file.backups(), &file.key)).await.unwrap().deleted, 1);
}

/// A reader blocks the commit in rollback-journal mode: the purge is undone as a whole.
#[tokio::test]
async fn a_commit_that_fails_leaves_the_rows_and_no_backup() {
    let file = File::with(&format!("{CONNECT_SQLITE3}; INSERT INTO sessions VALUES ('a', 1, '')")).await;
    let mut store = file.open().await.unwrap();
    let mut reader = file.raw().await;
    sqlx::raw_sql("BEGIN; SELECT * FROM sessions").execute(&mut reader).await.unwrap();
    let error = store.purge(&spec(&file.backups(), &file.key)).await.unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    assert!(names(&file.backups()).is_empty());
    sqlx::raw_sql("ROLLBACK").execute(&mut reader).await.unwrap();
    assert_eq!(store.counts().await.unwrap().total, 1);
}

#[tokio::test]
async fn a_prepared_backup_is_settled_by_what_the_table_holds() {
    let file =
        File::with(&format!("{CONNECT_SQLITE3}; INSERT INTO sessions VALUES ('a', 1, ''), (x'00', 2, '')"))
            .await;
    let mut store = file.open().await.unwrap();
    let backup = store.purge(&spec(&file.backups(), &file.key)).await.unwrap().backup.unwrap();
    let prepared = backup.path.with_extension("prepared");
    let unrename = || std::process::Command::new("mv").args([&backup.path, &prepared]).status().unwrap();
    unrename();
    assert_eq!(
        store.settle(&prepared, &file.key).await.unwrap(),
        Settled::Committed(Box::new(backup.clone()))
    );
    store.restore(&backup.path, &file.key).await.unwrap();
    unrename();
    assert_eq!(store.settle(&prepared, &file.key).await.unwrap(), Settled::RolledBack);
    assert!(names(&file.backups()).is_empty());
}

#[tokio::test]
async fn files_that_are_no_store_are_said_to_be_none() {
    let file = File::with("CREATE TABLE users (id)").await;
    assert!(file.open().await.unwrap_err().to_string().contains("tables seen: users"));
    let missing = file.dir.path().join("missing.db");
    let error = Store::connect(&StoreUrl::sqlite(&missing), &Options::default()).await.unwrap_err();
    assert!(error.to_string().contains("No such file"), "{error}");
    assert!(!missing.exists());
    let text = file.dir.path().join("text");
    std::io::Write::write_all(&mut std::fs::File::create(&text).unwrap(), &[b'x'; 4096]).unwrap();
    let error = Store::connect(&StoreUrl::sqlite(&text), &Options::default()).await.unwrap_err();
    assert!(error.to_string().contains("not a database"), "{error}");
}

#[tokio::test]
async fn what_would_change_other_tables_is_refused() {
    let file = File::with(&format!(
        "{CONNECT_SQLITE3}; CREATE TABLE device (sid REFERENCES sessions (sid) ON DELETE CASCADE)"
    ))
    .await;
    let error = file.open().await.unwrap().preflight().await.unwrap_err();
    assert!(error.to_string().contains("would also change device"), "{error}");
}
