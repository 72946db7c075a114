//! A session table that lacks every key, on each database, and `unleak` on it.

use super::table::{Table, said};
use crate::session::fixture::Database;
use crate::session::mysql;
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Two tables without any key beside the users' own.
const BARE: &str = "CREATE TABLE users (id integer PRIMARY KEY); \
    CREATE TABLE sessions (id integer PRIMARY KEY, session_token varchar(64) NOT NULL, user_id integer, expires timestamp NULL); \
    INSERT INTO users VALUES (1), (2); \
    INSERT INTO sessions VALUES (1, 'a', 1, '2031-01-01 00:00:00'), (2, 'b', 2, '2031-01-01 00:00:00'), (3, 'c', NULL, '2031-01-01 00:00:00')";

/// A row that shares a token, and one of a user who does not exist.
pub(super) const IN_THE_WAY: &str =
    "INSERT INTO sessions VALUES (4, 'b', 2, '2032-01-01 00:00:00'), (5, 'd', 77, '2031-01-01 00:00:00')";

/// A database of one kind, with a state folder.
pub(super) enum On {
    Postgres(Table),
    MariaDb(mysql::Database, tempfile::TempDir),
    Sqlite(tempfile::TempDir),
}

impl On {
    pub(super) async fn all() -> [Self; 3] {
        let all = [
            Self::Postgres(Table { database: Database::new().await, dir: tempfile::tempdir().unwrap() }),
            Self::MariaDb(mysql::Database::with("SELECT 1").await, tempfile::tempdir().unwrap()),
            Self::Sqlite(tempfile::tempdir().unwrap()),
        ];
        for on in &all {
            on.run(BARE).await;
        }
        all
    }

    pub(super) fn dir(&self) -> &Path {
        match self {
            Self::Postgres(table) => table.dir.path(),
            Self::MariaDb(_, dir) | Self::Sqlite(dir) => dir.path(),
        }
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Postgres(table) => table.database.url.clone(),
            Self::MariaDb(database, _) => database.url.clone(),
            Self::Sqlite(dir) => format!("sqlite:{}", dir.path().join("app.db").display()),
        }
    }

    pub(super) async fn run(&self, sql: &str) {
        match self {
            Self::Postgres(table) => table.database.run(sql).await,
            Self::MariaDb(database, _) => database.run(sql).await,
            Self::Sqlite(_) => drop(self.sqlite(sql).await),
        }
    }

    pub(super) async fn sqlite(&self, sql: &str) -> Vec<String> {
        let file = self.dir().join("app.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        if sql.starts_with("SELECT") {
            return sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
                .fetch_all(&mut connection)
                .await
                .unwrap();
        }
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect(sql);
        Vec::new()
    }

    /// The form of the tables, in the database's own words.
    pub(super) async fn form(&self) -> Vec<String> {
        match self {
            Self::Postgres(table) => vec![table.dump()],
            Self::MariaDb(database, _) => {
                let columns = "SELECT concat_ws(' ', index_name, column_name, non_unique) FROM information_schema.statistics \
                    WHERE table_schema = database() UNION ALL SELECT concat_ws(' ', constraint_name, constraint_type) \
                    FROM information_schema.table_constraints WHERE table_schema = database() ORDER BY 1";
                database.texts(columns).await
            }
            Self::Sqlite(_) => {
                self.sqlite("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY 1").await
            }
        }
    }

    pub(super) fn unleak(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The same, not started yet.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let source = self.dir().join("url");
        std::io::Write::write_all(&mut std::fs::File::create(&source).unwrap(), self.url().as_bytes())
            .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
        command.env_clear().env("HOME", self.dir()).env("USER", "ada").args(args);
        command.arg("--store-from").arg(format!("file:{}", source.display()));
        command.arg("--state").arg(self.dir().join("state"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(super) fn said(&self, args: &[&str], exit: i32) -> String {
        let output = self.unleak(args);
        assert_eq!(output.status.code(), Some(exit), "{args:?} on {}: {}", self.url(), said(&output));
        said(&output)
    }

    /// SQLite adds no reference to a table that is there.
    pub(super) fn adds_references(&self) -> bool {
        !matches!(self, Self::Sqlite(_))
    }
}

pub(super) const APPLY: [&str; 4] = ["schema", "apply", "--advice", "--yes"];
pub(super) const INDEXES: [&str; 4] = ["--only", "token", "--only", "expiry"];
pub(super) const ROLLBACK: [&str; 3] = ["schema", "rollback", "--yes"];
