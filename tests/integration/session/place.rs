//! One store of each kind of database for a test, so that the same test runs on all of them.

use super::fixture::Database;
use super::mysql;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::path::PathBuf;
use unleak::session::{BackupKey, Error, Options, Store, StoreUrl};

/// Auth.js-like sessions with everything that a procedure can go by, and users beside them; PostgreSQL and SQLite read the
/// DDL alike, and `in_mariadb` says it for the third.
pub(super) const TABLES: &str = r#"
CREATE TABLE users (id integer PRIMARY KEY, name text, email text, deleted_at timestamp);
CREATE TABLE sessions ("sessionToken" text, "userId" integer, expires timestamp NOT NULL, "createdAt" timestamp,
  last_activity bigint);
INSERT INTO users VALUES (1, 'Ada Byron', 'ada@example.org', NULL), (2, 'Bruno', 'bruno@example.org', NULL),
  (3, 'Bru_no', 'b3@example.org', '2026-01-01 00:00:00'), (4, 'Carla', NULL, NULL)"#;

pub(super) enum Base {
    Postgres(Database),
    Sqlite(PathBuf),
    MariaDb(mysql::Database),
}

/// A store with a folder for backups and their key.
pub(super) struct Place {
    pub(super) base: Base,
    pub(super) dir: tempfile::TempDir,
    pub(super) key: BackupKey,
}

impl Place {
    /// One of each kind, with the same content.
    pub(super) async fn every(sql: &str) -> Vec<Self> {
        let mut places = Self::both(sql).await;
        let base = Base::MariaDb(mysql::Database::with(&in_mariadb(sql)).await);
        places.push(Self { base, dir: tempfile::tempdir().unwrap(), key: BackupKey::generate().unwrap() });
        places
    }

    /// One of each kind that reads the same SQL.
    pub(super) async fn both(sql: &str) -> Vec<Self> {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let file = dirs[1].path().join("app.db");
        let bases = [Base::Postgres(Database::new().await), Base::Sqlite(file)];
        let places = bases.into_iter().zip(dirs).map(|(base, dir)| {
            let key = BackupKey::generate().unwrap();
            Self { base, dir, key }
        });
        let places: Vec<Self> = places.collect();
        for place in &places {
            place.run(sql).await;
        }
        places
    }

    /// On SQLite, and on the servers where `tests/run` started them.
    #[expect(clippy::disallowed_methods, reason = "tests/run passes the server in")]
    pub(super) async fn some(sql: &str) -> Vec<Self> {
        match std::env::var_os("UNLEAK_TEST_POSTGRES") {
            Some(_) => Self::every(sql).await,
            None => vec![Self::sqlite(sql).await],
        }
    }

    /// One SQLite file.
    pub(super) async fn sqlite(sql: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = Base::Sqlite(dir.path().join("app.db"));
        let place = Self { base, dir, key: BackupKey::generate().unwrap() };
        place.run(sql).await;
        place
    }

    pub(super) fn name(&self) -> &'static str {
        match self.base {
            Base::Postgres(_) => "PostgreSQL",
            Base::Sqlite(_) => "SQLite",
            Base::MariaDb(_) => "MariaDB",
        }
    }

    pub(super) fn url(&self) -> String {
        match &self.base {
            Base::Postgres(database) => database.url.clone(),
            Base::Sqlite(path) => format!("sqlite:{}", path.display()),
            Base::MariaDb(database) => database.url.clone(),
        }
    }

    pub(super) fn backups(&self) -> PathBuf {
        self.dir.path().join("backups")
    }

    pub(super) async fn run(&self, sql: &str) {
        match &self.base {
            Base::Postgres(database) => database.run(sql).await,
            Base::MariaDb(database) => database.run(&in_mariadb(sql)).await,
            Base::Sqlite(path) => {
                sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut raw(path).await).await.expect(sql);
            }
        }
    }

    /// One text per row.
    pub(super) async fn texts(&self, sql: &str) -> Vec<String> {
        match &self.base {
            Base::Postgres(database) => database.texts(sql).await,
            Base::MariaDb(database) => database.texts(&in_mariadb(sql)).await,
            Base::Sqlite(path) => {
                let sql = AssertSqlSafe(sql.to_owned());
                sqlx::query_scalar(sql).fetch_all(&mut raw(path).await).await.unwrap()
            }
        }
    }

    /// The tokens that are there, in order.
    pub(super) async fn tokens(&self) -> Vec<String> {
        let mut tokens = self.texts(r#"SELECT coalesce("sessionToken", '-') FROM sessions"#).await;
        tokens.sort();
        tokens
    }

    pub(super) async fn open(&self) -> Store {
        self.open_with(&Options::default()).await.unwrap()
    }

    pub(super) async fn open_with(&self, options: &Options) -> Result<Store, Error> {
        let url: StoreUrl = self.url().parse().unwrap();
        Store::connect(&url, options).await
    }
}

async fn raw(path: &std::path::Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

/// The same for MariaDB, whose text can have no key, whose `timestamp` ends in 2038, and whose rows need a key to be told
/// apart.
fn in_mariadb(sql: &str) -> String {
    let said = [
        (" timestamp", " datetime(6)"),
        (
            "sessions (\"sessionToken\" text",
            "sessions (nr bigint AUTO_INCREMENT PRIMARY KEY INVISIBLE, \"sessionToken\" varchar(191)",
        ),
        ("id text PRIMARY KEY", "id varchar(99) PRIMARY KEY"),
        (" AS text)", " AS char)"),
        ("\"", "`"),
    ];
    said.iter().fold(sql.to_owned(), |sql, (this, that)| sql.replace(this, that))
}
