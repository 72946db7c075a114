//! One store of either kind for a test, so that the same test runs on both.

use super::fixture::Database;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::path::PathBuf;
use unleak::session::{BackupKey, Error, Options, Store, StoreUrl};

/// Auth.js-like sessions with everything that a procedure can go by, and users beside them; the DDL means the same on
/// both stores.
pub(super) const TABLES: &str = r#"
CREATE TABLE users (id integer PRIMARY KEY, name text, email text, deleted_at timestamp);
CREATE TABLE sessions ("sessionToken" text, "userId" integer, expires timestamp NOT NULL, "createdAt" timestamp,
  last_activity bigint);
INSERT INTO users VALUES (1, 'Ada Byron', 'ada@example.org', NULL), (2, 'Bruno', 'bruno@example.org', NULL),
  (3, 'Bru_no', 'b3@example.org', '2026-01-01 00:00:00'), (4, 'Carla', NULL, NULL)"#;

pub(super) enum Base {
    Postgres(Database),
    Sqlite(PathBuf),
}

/// A store with a folder for backups and their key.
pub(super) struct Place {
    pub(super) base: Base,
    pub(super) dir: tempfile::TempDir,
    pub(super) key: BackupKey,
}

impl Place {
    /// One of each kind, with the same content.
    pub(super) async fn both(sql: &str) -> [Self; 2] {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let file = dirs[1].path().join("app.db");
        let bases = [Base::Postgres(Database::new().await), Base::Sqlite(file)];
        let mut places = bases.into_iter().zip(dirs).map(|(base, dir)| {
            let key = BackupKey::generate().unwrap();
            Self { base, dir, key }
        });
        let places = [places.next().unwrap(), places.next().unwrap()];
        for place in &places {
            place.run(sql).await;
        }
        places
    }

    /// On SQLite, and on PostgreSQL where `tests/run` started one.
    #[expect(clippy::disallowed_methods, reason = "tests/run passes the server in")]
    pub(super) async fn some(sql: &str) -> Vec<Self> {
        match std::env::var_os("UNLEAK_TEST_POSTGRES") {
            Some(_) => Self::both(sql).await.into(),
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
        }
    }

    pub(super) fn url(&self) -> String {
        match &self.base {
            Base::Postgres(database) => database.url.clone(),
            Base::Sqlite(path) => format!("sqlite:{}", path.display()),
        }
    }

    pub(super) fn backups(&self) -> PathBuf {
        self.dir.path().join("backups")
    }

    pub(super) async fn run(&self, sql: &str) {
        match &self.base {
            Base::Postgres(database) => database.run(sql).await,
            Base::Sqlite(path) => {
                sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut raw(path).await).await.expect(sql);
            }
        }
    }

    /// One text per row.
    pub(super) async fn texts(&self, sql: &str) -> Vec<String> {
        match &self.base {
            Base::Postgres(database) => database.texts(sql).await,
            Base::Sqlite(path) => {
                let sql = AssertSqlSafe(sql.to_owned());
                sqlx::query_scalar(sql).fetch_all(&mut raw(path).await).await.unwrap()
            }
        }
    }

    /// The tokens that are there, in order.
    pub(super) async fn tokens(&self) -> Vec<String> {
        self.texts(r#"SELECT coalesce("sessionToken", '-') FROM sessions ORDER BY 1"#).await
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
