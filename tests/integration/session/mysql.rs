//! The same on MySQL and MariaDB: what is found, what a purge takes, what comes back, and what is refused.

use super::fixture::{block_on, everything, names, spec};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use unleak::session::{
    Advance, BackupKey, CustomTable, Error, Options, ProcedurePlan, Selection, Settled, Store, StoreClass,
    Unit, verify_backup,
};

/// A database of its own on the shared server, left to the end of the run.
pub(crate) struct Database {
    pub(crate) url: String,
    dir: tempfile::TempDir,
    pub(super) key: BackupKey,
}

#[expect(clippy::disallowed_methods, reason = "tests/run passes the server in")]
fn server() -> String {
    std::env::var("UNLEAK_TEST_MYSQL").expect("no UNLEAK_TEST_MYSQL: run tests/run")
}

async fn execute(url: &str, sql: &str) {
    let mut connection = MySqlConnection::connect(url).await.expect("the test server answers");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect(sql);
}

impl Database {
    pub(crate) async fn with(sql: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("unleak_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        execute(&server(), &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")).await;
        let url = format!("{}/{name}", server());
        execute(&url, sql).await;
        Self { url, dir: tempfile::tempdir().unwrap(), key: BackupKey::generate().unwrap() }
    }

    pub(crate) async fn run(&self, sql: &str) {
        execute(&self.url, sql).await;
    }

    /// One text per row.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let mut connection = MySqlConnection::connect(&self.url).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.unwrap()
    }

    pub(super) async fn open(&self) -> Result<Store, Error> {
        self.open_with(&Options::default()).await
    }

    pub(super) async fn open_with(&self, options: &Options) -> Result<Store, Error> {
        Store::connect(&self.url.parse().unwrap(), options).await
    }

    /// The same database for another user.
    fn url_as(&self, user: &str, password: &str) -> String {
        let mut url = url::Url::parse(&self.url).unwrap();
        url.set_username(user).unwrap();
        url.set_password(Some(password)).unwrap();
        url.into()
    }

    pub(super) fn backups(&self) -> PathBuf {
        self.dir.path().join("backups")
    }
}

/// express-mysql-session's table, as its documentation gives it.
pub(super) const EXPRESS: &str = "CREATE TABLE IF NOT EXISTS `sessions` (`session_id` varchar(128) COLLATE utf8mb4_bin NOT NULL,
    `expires` int(11) unsigned NOT NULL, `data` mediumtext COLLATE utf8mb4_bin, PRIMARY KEY (`session_id`)) ENGINE=InnoDB";

/// Rows for it, every third one expired.
fn rows(n: u32) -> String {
    format!(
        "INSERT INTO sessions SELECT concat('tok-', md5(seq)), unix_timestamp() + if(seq % 3 = 0, -9999, 9999),
         concat('{{\"cookie\":{{}},\"note\":\"tab\\t newline\\n back\\\\slash \u{e9}\u{1f600} ', seq, '\"}}') FROM seq_1_to_{n}"
    )
}

const DUMP: &str = "SELECT concat_ws('|', session_id, expires, data) FROM sessions ORDER BY 1";

#[tokio::test]
async fn a_purge_is_backed_up_and_comes_back_row_for_row() {
    let database = Database::with(&format!("{EXPRESS}; {}", rows(3000))).await;
    let before = database.texts(DUMP).await;
    let mut store = database.open().await.unwrap();
    let purged = store.purge(&spec(&database.backups(), &database.key)).await.unwrap();
    assert_eq!((purged.before.total, purged.before.active, purged.before.expired), (3000, 2000, 1000));
    assert_eq!((purged.deleted, purged.backed_up, purged.after.total), (3000, 3000, 0));
    let backup = purged.backup.unwrap();
    assert_eq!(verify_backup(&backup.path, &database.key).unwrap(), backup);
    let bytes = std::fs::read(&backup.path).unwrap();
    assert!(!bytes.windows(4).any(|window| window == b"tok-"));
    assert_eq!(store.purge(&spec(&database.backups(), &database.key)).await.unwrap().backup, None);
    assert_eq!(names(&database.backups()).len(), 1);
    let restored = store.restore(&backup.path, &database.key).await.unwrap();
    assert_eq!((restored.before.total, restored.restored, restored.after.total), (0, 3000, 3000));
    assert_eq!(database.texts(DUMP).await, before);
    // The sessions are there already, so none comes back twice, and the refusal quotes no token.
    let error = store.restore(&backup.path, &database.key).await.unwrap_err();
    assert!(!everything(&error).contains("tok-"), "{error:?}");
    assert_eq!(database.texts(DUMP).await, before);
}

/// Each part begins behind the one before; who logs in meanwhile may come in before it.
#[tokio::test]
async fn a_table_that_is_emptied_in_parts_leaves_nobody_behind() {
    let database = Database::with(&format!("{EXPRESS}; {}", rows(3000))).await;
    let before = database.texts(DUMP).await;
    let mut store = database.open().await.unwrap();
    let plan = ProcedurePlan::prepare(&mut store, Selection::All, None).await.unwrap();
    let folder = database.backups();
    let (spec, mut parts) = (spec(&folder, &database.key), 0);
    let mut login = |_: &Advance| {
        parts += 1;
        let (url, early) = (database.url.clone(), parts % 2 == 0);
        let sql = format!(
            "INSERT INTO sessions VALUES ('{}{parts}', 9999999, '{{}}')",
            if early { "a" } else { "z" }
        );
        std::thread::spawn(move || block_on(execute(&url, &sql))).join().unwrap();
    };
    let report = plan.apply(&mut store, &spec, Some(500), &|| false, &mut login).await.unwrap();
    // Those of the last parts may be left, and are told.
    let left = database.texts("SELECT session_id FROM sessions").await.len() as u64;
    assert_eq!((report.deleted + left, report.after.total), (3000 + parts, left));
    assert!(parts >= 7 && left <= 2, "{parts} parts, {left} left");
    database.run("DELETE FROM sessions").await;
    for backup in &report.backups {
        store.restore(&backup.path, &database.key).await.unwrap();
    }
    database.run("DELETE FROM sessions WHERE session_id NOT LIKE 'tok-%'").await;
    assert_eq!(database.texts(DUMP).await, before);
}

#[tokio::test]
async fn every_column_type_survives() {
    let database = Database::with(
        "CREATE TABLE session (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, sessionToken varchar(191), userId binary(16),
         expires datetime(6), seen timestamp(3) NULL, f float, d double, n decimal(40, 10), b bit(12), j json, big longblob,
         t time(2), y year, e enum('a', 'b'), s set('x', 'y'), latin varchar(20) CHARACTER SET latin1, p point,
         twice bigint GENERATED ALWAYS AS (y + 1) STORED);
         SET sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';
         INSERT INTO session (id, sessionToken, userId, expires, seen, f, d, n, b, j, big, t, y, e, s, latin, p) VALUES
         (0, 'a', unhex('00ff5c27000000000000000000000001'), '2099-12-31 23:59:59.999999', '2038-01-01 00:00:00.123', 16777217, 0.1,
          123456789012345678901234567890.0123456789, b'101010101010', '{\"a\": \"\\\\n\"}', unhex('00275c0aff'), '-838:59:58.99', 1999,
          'b', 'x,y', 'caf\u{e9}', point(0.1, 2)),
         (18446744073709551615, '', NULL, '0000-00-00', NULL, NULL, 1e308, NULL, NULL, NULL, '', NULL, NULL, NULL, '', NULL, NULL)",
    )
    .await;
    let dump = "SELECT concat_ws('|', id, hex(sessionToken), hex(userId), expires, seen, f + 0e0, d, n, b + 0, j, hex(big), t, y, e, s,
                hex(latin), hex(st_aswkb(p)), twice, big IS NULL, seen IS NULL) FROM session ORDER BY id";
    let before = database.texts(dump).await;
    let mut store = database.open().await.unwrap();
    assert_eq!(store.describe().await.unwrap().dialect, "authjs");
    let purged = store.purge(&spec(&database.backups(), &database.key)).await.unwrap();
    assert_eq!((purged.deleted, purged.after.total), (2, 0));
    store.restore(&purged.backup.unwrap().path, &database.key).await.unwrap();
    assert_eq!(database.texts(dump).await, before);
}

/// One live and one expired session each, in the frameworks' documented tables.
#[tokio::test]
async fn the_documented_tables_of_the_frameworks_are_found() {
    for (ddl, dialect, class, expired) in [
        (format!("{EXPRESS}; INSERT INTO sessions VALUES ('a', 4102444800, '{{}}'), ('b', 1000000000, '{{}}')"), "express-mysql-session", StoreClass::A, 1),
        (
            "CREATE TABLE Session (id varchar(191) PRIMARY KEY, sessionToken varchar(191) UNIQUE, userId varchar(191), expires datetime(3) NOT NULL);
             INSERT INTO Session VALUES ('1', 'a', 'u', '2099-01-01'), ('2', 'b', 'u', '2001-01-01')".to_owned(),
            "authjs", StoreClass::B, 1,
        ),
        (
            "CREATE TABLE session (id varchar(36) PRIMARY KEY, expiresAt timestamp(3) NOT NULL, token varchar(255) UNIQUE, userId varchar(36));
             INSERT INTO session VALUES ('1', '2037-01-01', 'a', 'u'), ('2', '2001-01-01', 'b', 'u')".to_owned(),
            "better-auth", StoreClass::A, 1,
        ),
        (
            "CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data longtext NOT NULL, expire_date datetime(6) NOT NULL);
             INSERT INTO django_session VALUES ('a', '', '2099-01-01'), ('b', '', '2001-01-01')".to_owned(),
            "django", StoreClass::C, 1,
        ),
        (
            "CREATE TABLE sessions (id varchar(255) PRIMARY KEY, user_id bigint unsigned NULL, ip_address varchar(45), user_agent text,
             payload longtext NOT NULL, last_activity int NOT NULL);
             INSERT INTO sessions VALUES ('a', 1, '', '', '', unix_timestamp() - 7000), ('b', 1, '', '', '', unix_timestamp() - 7400)".to_owned(),
            "laravel", StoreClass::C, 1,
        ),
        (
            "CREATE TABLE sessions (id bigint PRIMARY KEY, session_id varchar(255), data text, created_at datetime(6), updated_at datetime(6));
             INSERT INTO sessions VALUES (1, 'a', '', now(), now()), (2, 'b', '', '2001-01-01', '2001-01-01')".to_owned(),
            "rails", StoreClass::B, 0,
        ),
        (
            "CREATE TABLE sessions (id int PRIMARY KEY, session_id varchar(255), data longblob, expiry datetime);
             INSERT INTO sessions VALUES (1, 'session:a', '', '2099-01-01'), (2, 'session:b', '', '2001-01-01')".to_owned(),
            "flask-session", StoreClass::B, 1,
        ),
        (
            "CREATE TABLE SPRING_SESSION (PRIMARY_ID CHAR(36) PRIMARY KEY, SESSION_ID CHAR(36) NOT NULL, CREATION_TIME BIGINT NOT NULL,
             LAST_ACCESS_TIME BIGINT NOT NULL, MAX_INACTIVE_INTERVAL INT NOT NULL, EXPIRY_TIME BIGINT NOT NULL, PRINCIPAL_NAME VARCHAR(100));
             INSERT INTO SPRING_SESSION VALUES ('1', 'a', 0, 0, 0, 4102444800000, 'u'), ('2', 'b', 0, 0, 0, 1000000000000, 'u')".to_owned(),
            "spring-session", StoreClass::B, 1,
        ),
        (
            "CREATE TABLE session (id char(22) PRIMARY KEY, data blob NOT NULL, expiry_date timestamp(6) NOT NULL);
             INSERT INTO session VALUES ('a', '', '2037-01-01'), ('b', '', '2001-01-01')".to_owned(),
            "tower-sessions", StoreClass::B, 1,
        ),
    ] {
        let database = Database::with(&ddl).await;
        let summary = database.open().await.expect(&ddl).describe().await.unwrap();
        assert_eq!((summary.dialect, summary.class), (dialect, class), "{ddl}");
        assert_eq!((summary.counts.total, summary.counts.expired), (2, expired), "{ddl}");
    }
}

/// The server's clocks are two hours ahead of UTC, so a wall clock one hour ago in UTC is still to come.
#[tokio::test]
async fn a_wall_clock_is_read_in_utc_and_in_the_servers_zone() {
    let database = Database::with(
        "CREATE TABLE session (sessionToken varchar(99), userId int, expires datetime);
         INSERT INTO session VALUES ('a', 1, date_add(utc_timestamp(), INTERVAL 1 HOUR))",
    )
    .await;
    let counts = database.open().await.unwrap().counts().await.unwrap();
    assert_eq!((counts.active, counts.expired), (1, 0));
    let elsewhere = counts.in_server_zone.unwrap();
    assert_eq!((elsewhere.zone.as_str(), elsewhere.active, elsewhere.expired), ("+02:00", 0, 1));
    database.run("ALTER TABLE session MODIFY expires timestamp NULL").await;
    assert_eq!(database.open().await.unwrap().counts().await.unwrap().in_server_zone, None);
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let table = "a`\"; DROP TABLE victim; --";
    let quoted = format!("`{}`", table.replace('`', "``"));
    let database = Database::with(&format!(
        "CREATE TABLE victim (x int); CREATE TABLE {quoted} (`S_I_D` varchar(9), `sess``ion\"_id` int, session_id varchar(9),
         expires int, data text); INSERT INTO {quoted} VALUES ('x', 1, 'x', 1, 'd')"
    ))
    .await;
    let mut store = database.open().await.unwrap();
    let purged = store.purge(&spec(&database.backups(), &database.key)).await.unwrap();
    assert_eq!((purged.deleted, purged.after.total), (1, 0));
    assert_eq!(store.restore(&purged.backup.unwrap().path, &database.key).await.unwrap().after.total, 1);
    let options =
        Options { table: Some("session`; DROP TABLE victim; -- ".to_owned()), ..Options::default() };
    assert!(matches!(database.open_with(&options).await, Err(Error::NoSuchTable { .. })));
    assert_eq!(database.texts("SELECT cast(count(*) AS char) FROM victim").await, ["0"]);
}

#[tokio::test]
async fn a_lock_is_waited_for_and_then_named() {
    let database = Database::with(&format!("{EXPRESS}; {}", rows(10))).await;
    let mut options = Options::default();
    options.limits.lock = Duration::from_secs(1);
    let mut store = database.open_with(&options).await.unwrap();
    let mut holder = MySqlConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql("START TRANSACTION; UPDATE sessions SET expires = 1 LIMIT 1")
        .execute(&mut holder)
        .await
        .unwrap();
    let error = store.purge(&spec(&database.backups(), &database.key)).await.unwrap_err();
    assert!(matches!(error, Error::Locked { attempts: 3, .. }), "{error:?}");
    assert!(names(&database.backups()).is_empty());
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    assert_eq!(store.purge(&spec(&database.backups(), &database.key)).await.unwrap().deleted, 10);
}

/// Sessions are made all the while: each ends up in a backup or in the table, and none in both or neither.
#[tokio::test]
async fn sessions_that_arrive_during_the_purge_are_not_lost() {
    let database = Database::with(&format!("{EXPRESS}; {}", rows(5000))).await;
    let mut store = database.open().await.unwrap();
    let mut writer = MySqlConnection::connect(&database.url).await.unwrap();
    let inserting = tokio::spawn(async move {
        for n in 0..200 {
            // Either of two transactions may be undone to end a deadlock.
            for _ in 0..100 {
                let sql = AssertSqlSafe(format!("INSERT INTO sessions VALUES ('late-{n}', 1, '')"));
                if sqlx::raw_sql(sql).execute(&mut writer).await.is_ok() {
                    break;
                }
            }
        }
    });
    let (mut backups, mut deleted) = (Vec::new(), 0);
    while !inserting.is_finished() {
        let purged = store.purge(&spec(&database.backups(), &database.key)).await.unwrap();
        deleted += purged.deleted;
        backups.extend(purged.backup.into_iter().chain(purged.later).map(|backup| backup.path));
        tokio::task::yield_now().await;
    }
    inserting.await.unwrap();
    assert_eq!(deleted + store.counts().await.unwrap().total, 5200);
    for path in backups {
        // The primary key would refuse a session that is in two of them.
        store.restore(&path, &database.key).await.unwrap();
    }
    assert_eq!(store.counts().await.unwrap().total, 5200);
}

#[tokio::test]
async fn a_prepared_backup_is_settled_by_what_the_table_holds() {
    let database = Database::with(&format!("{EXPRESS}; {}", rows(5))).await;
    let mut store = database.open().await.unwrap();
    let backup = store.purge(&spec(&database.backups(), &database.key)).await.unwrap().backup.unwrap();
    let prepared = backup.path.with_extension("prepared");
    let unrename = || std::process::Command::new("mv").args([&backup.path, &prepared]).status().unwrap();
    unrename();
    let settled = store.settle(&prepared, &database.key).await.unwrap();
    assert_eq!(settled, Settled::Committed(Box::new(backup.clone())));
    store.restore(&backup.path, &database.key).await.unwrap();
    unrename();
    assert_eq!(store.settle(&prepared, &database.key).await.unwrap(), Settled::RolledBack);
    assert!(names(&database.backups()).is_empty());
}

#[tokio::test]
async fn what_would_make_a_purge_incomplete_is_refused_before_anything_changes() {
    let database = Database::with(&format!("{EXPRESS}; {}", rows(5))).await;
    let word = format!("w{}", std::process::id());
    let user = format!("reader_{}", std::process::id());
    let name = url::Url::parse(&database.url).unwrap().path().trim_start_matches('/').to_owned();
    database
        .run(&format!("CREATE USER {user} IDENTIFIED BY '{word}'; GRANT SELECT ON {name}.* TO {user}"))
        .await;
    let url = database.url_as(&user, &word);
    let mut store = Store::connect(&url.parse().unwrap(), &Options::default()).await.unwrap();
    let error = store.preflight().await.unwrap_err();
    assert!(error.to_string().ends_with(&format!("lacks DELETE on {name}.sessions")), "{error}");
    assert!(error.hint().unwrap().starts_with("GRANT DELETE"));
    // What it is not shown may be there.
    database.run(&format!("GRANT DELETE ON {name}.sessions TO {user}")).await;
    let error = store.preflight().await.unwrap_err();
    assert!(
        error.to_string().starts_with("its triggers and the foreign keys on it cannot be seen"),
        "{error}"
    );
    assert!(error.hint().unwrap().starts_with(&format!("GRANT TRIGGER ON {name}.* TO {user}")));
    database.run("CREATE TRIGGER hidden BEFORE DELETE ON sessions FOR EACH ROW SET @deleted = 1").await;
    let error = store.preflight().await.unwrap_err();
    // Some versions of MariaDB show it to whoever may delete.
    assert!(matches!(error, Error::Unseen { .. } | Error::Triggered { .. }), "{error:?}");
    database.run(&format!("GRANT TRIGGER ON {name}.* TO {user}")).await;
    let mut store = Store::connect(&url.parse().unwrap(), &Options::default()).await.unwrap();
    assert!(matches!(store.preflight().await, Err(Error::Triggered { .. })));
    database.run("DROP TRIGGER hidden").await;
    store.preflight().await.unwrap();

    let mut store = database.open().await.unwrap();
    database
        .run("CREATE TABLE device (sid varchar(128) COLLATE utf8mb4_bin, FOREIGN KEY (sid) REFERENCES sessions (session_id) ON DELETE CASCADE)")
        .await;
    let error = store.preflight().await.unwrap_err();
    assert!(
        error.to_string().contains("would also change") && error.to_string().contains("device"),
        "{error}"
    );
    database.run("DROP TABLE device").await;
    let error = store.purge(&spec(&database.backups(), &database.key)).await;
    assert_eq!(error.unwrap().deleted, 5);

    for (ddl, what) in [
        (
            "CREATE TABLE sessions (session_id varchar(9), expires int, data text) ENGINE=MyISAM",
            "without transactions",
        ),
        ("CREATE VIEW sessions AS SELECT 'x' session_id, 1 expires, '' data", "view"),
        (
            "CREATE TABLE sessions (session_id varchar(9), expires int, data text) WITH SYSTEM VERSIONING",
            "system-versioned",
        ),
    ] {
        let error = Database::with(ddl).await.open().await.unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    let error = Database::with("CREATE TABLE orders (id int)").await.open().await.unwrap_err();
    assert!(error.to_string().contains("orders"), "{error}");
    let wrong = database.url_as("unleak", "wrong");
    let error = Store::connect(&wrong.parse().unwrap(), &Options::default()).await.unwrap_err();
    assert!(everything(&error).contains("check both"), "{error:?}");
    assert!(!everything(&error).contains("wrong@"), "{error:?}");
}

#[tokio::test]
async fn an_own_table_can_be_described() {
    let database = Database::with(
        "CREATE TABLE logins (secret varchar(99), who int, until bigint); INSERT INTO logins VALUES ('a', 1, 4102444800000), ('b', 2, 1)",
    )
    .await;
    assert!(matches!(database.open().await, Err(Error::NoSessionTable { .. })));
    let table = CustomTable {
        table: "logins".to_owned(),
        token: "secret".to_owned(),
        user: Some("who".to_owned()),
        expiry: Some(("until".to_owned(), Unit::Milliseconds)),
    };
    let options = |custom| Options { custom: Some(custom), ..Options::default() };
    let mut store = database.open_with(&options(table.clone())).await.unwrap();
    let summary = store.describe().await.unwrap();
    assert_eq!((summary.dialect, summary.counts.active, summary.counts.expired), ("custom", 1, 1));
    assert_eq!(store.purge(&spec(&database.backups(), &database.key)).await.unwrap().deleted, 2);
    let wrong = CustomTable { token: "secret\"; --".to_owned(), ..table };
    assert!(matches!(database.open_with(&options(wrong)).await, Err(Error::WrongShape { .. })));
}
