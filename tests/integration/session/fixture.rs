//! A database of its own for each test, and what most tests do with it.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use unleak::session::{BackupKey, BackupSpec, Error, Options, Store, StoreUrl};

/// connect-pg-simple's table, as its documentation gives it.
pub(super) const CONNECT_PG_SIMPLE: &str = r#"
CREATE TABLE "session" ("sid" varchar NOT NULL COLLATE "default", "sess" json NOT NULL, "expire" timestamp(6) NOT NULL)
WITH (OIDS=FALSE);
ALTER TABLE "session" ADD CONSTRAINT "session_pkey" PRIMARY KEY ("sid") NOT DEFERRABLE INITIALLY IMMEDIATE;
CREATE INDEX "IDX_session_expire" ON "session" ("expire")"#;

/// Rows for it: `$n` of them from number `$from` on, every third one expired.
pub(super) fn rows(from: u32, n: u32) -> String {
    format!(
        "INSERT INTO session SELECT 'tok-' || md5(i::text) , json_build_object('cookie', json_build_object('path', '/'), \
         'note', E'tab\\t newline\\n back\\\\slash \u{e9}\u{1f600} ' || i), \
         (now() AT TIME ZONE 'UTC') + CASE WHEN i % 3 = 0 THEN interval '-2 days' ELSE interval '2 days' END \
         FROM generate_series({from}, {from} + {n} - 1) i"
    )
}

pub(crate) struct Database {
    name: String,
    pub(crate) url: String,
}

#[expect(clippy::disallowed_methods, reason = "tests/run passes the server in")]
pub(super) fn server() -> String {
    std::env::var("UNLEAK_TEST_POSTGRES").expect("no UNLEAK_TEST_POSTGRES: run tests/run")
}

impl Database {
    pub(crate) async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("unleak_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut url = url::Url::parse(&server()).unwrap();
        execute(url.as_str(), &format!("CREATE DATABASE {name}")).await;
        url.set_path(&name);
        Self { name, url: url.into() }
    }

    pub(crate) async fn with(sql: &str) -> Self {
        let database = Self::new().await;
        database.run(sql).await;
        database
    }

    pub(crate) async fn run(&self, sql: &str) {
        execute(&self.url, sql).await;
    }

    /// One text per row.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.unwrap()
    }

    /// Every row of the table in full, in a fixed order.
    pub(super) async fn dump(&self) -> Vec<String> {
        self.texts("SELECT t::text FROM session t ORDER BY 1").await
    }

    pub(super) async fn open(&self) -> Result<Store, Error> {
        self.open_with(&Options::default()).await
    }

    pub(super) async fn open_with(&self, options: &Options) -> Result<Store, Error> {
        Store::connect(&self.store_url(), options).await
    }

    pub(super) fn store_url(&self) -> StoreUrl {
        self.url.parse().unwrap()
    }

    /// The same database for another user.
    pub(super) fn url_as(&self, user: &str, password: &str) -> StoreUrl {
        let mut url = url::Url::parse(&self.url).unwrap();
        url.set_username(user).unwrap();
        url.set_password(Some(password)).unwrap();
        url.as_str().parse().unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (server(), self.name.clone());
        // A runtime cannot be entered twice on one thread.
        let dropped = std::thread::spawn(move || {
            block_on(async {
                if let Ok(mut connection) = PgConnection::connect(&server).await {
                    let sql = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
                    drop(sqlx::raw_sql(sql).execute(&mut connection).await);
                }
            });
        });
        drop(dropped.join());
    }
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

async fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.expect("the test server answers");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect(sql);
}

pub(super) fn spec<'a>(dir: &'a Path, key: &'a BackupKey) -> BackupSpec<'a> {
    let created: Timestamp = "2026-11-21T03:00:00Z".parse().unwrap();
    let expires = created + jiff::SignedDuration::from_hours(24 * 30);
    BackupSpec { dir, key, incident: "INC-20261121-001", created, expires, owner: None }
}

/// The names in a folder; none when it does not exist.
pub(super) fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Everything that an error can say: its text, its causes, its next step and its debug form.
pub(super) fn everything(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {}", error.hint().unwrap_or_default());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text} {error} {error:?}");
        cause = error.source();
    }
    text
}
