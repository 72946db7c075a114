//! What any other session table lacks, on each database: told, added on request, dropped again, and refused while rows
//! stand in the way.

use super::table::{BASE, Table, said};
use crate::session::fixture::Database;
use crate::session::mysql;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Output};

/// Two tables without any key beside the users' own.
const BARE: &str = "CREATE TABLE users (id integer PRIMARY KEY); \
    CREATE TABLE sessions (id integer PRIMARY KEY, session_token varchar(64) NOT NULL, user_id integer, expires timestamp NULL); \
    INSERT INTO users VALUES (1), (2); \
    INSERT INTO sessions VALUES (1, 'a', 1, '2031-01-01 00:00:00'), (2, 'b', 2, '2031-01-01 00:00:00'), (3, 'c', NULL, '2031-01-01 00:00:00')";

/// A row that shares a token, and one of a user who does not exist.
const IN_THE_WAY: &str =
    "INSERT INTO sessions VALUES (4, 'b', 2, '2032-01-01 00:00:00'), (5, 'd', 77, '2031-01-01 00:00:00')";

/// A database of one kind, with a state folder.
enum On {
    Postgres(Table),
    MariaDb(mysql::Database, tempfile::TempDir),
    Sqlite(tempfile::TempDir),
}

impl On {
    async fn all() -> [Self; 3] {
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

    fn dir(&self) -> &Path {
        match self {
            Self::Postgres(table) => table.dir.path(),
            Self::MariaDb(_, dir) | Self::Sqlite(dir) => dir.path(),
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Postgres(table) => table.database.url.clone(),
            Self::MariaDb(database, _) => database.url.clone(),
            Self::Sqlite(dir) => format!("sqlite:{}", dir.path().join("app.db").display()),
        }
    }

    async fn run(&self, sql: &str) {
        match self {
            Self::Postgres(table) => table.database.run(sql).await,
            Self::MariaDb(database, _) => database.run(sql).await,
            Self::Sqlite(_) => drop(self.sqlite(sql).await),
        }
    }

    async fn sqlite(&self, sql: &str) -> Vec<String> {
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
    async fn form(&self) -> Vec<String> {
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

    fn unleak(&self, args: &[&str]) -> Output {
        let source = self.dir().join("url");
        std::io::Write::write_all(&mut std::fs::File::create(&source).unwrap(), self.url().as_bytes())
            .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
        command.env_clear().env("HOME", self.dir()).env("USER", "ada").args(args);
        command.arg("--store-from").arg(format!("file:{}", source.display()));
        command.arg("--state").arg(self.dir().join("state")).output().unwrap()
    }

    fn said(&self, args: &[&str], exit: i32) -> String {
        let output = self.unleak(args);
        assert_eq!(output.status.code(), Some(exit), "{args:?} on {}: {}", self.url(), said(&output));
        said(&output)
    }

    /// SQLite adds no reference to a table that is there.
    fn adds_references(&self) -> bool {
        !matches!(self, Self::Sqlite(_))
    }
}

const APPLY: [&str; 4] = ["schema", "apply", "--advice", "--yes"];
const INDEXES: [&str; 4] = ["--only", "token", "--only", "expiry"];

#[tokio::test]
async fn advice_is_followed_on_request_and_rolled_back() {
    for on in On::all().await {
        let bare = on.form().await;
        let text = on.said(&["schema", "plan"], 1);
        for lack in
            ["session_token is not unique", "no index begins with expires", "user_id is no foreign key"]
        {
            assert!(text.contains(lack), "{lack}: {text}");
        }
        assert!(on.said(&["schema", "apply", "--yes"], 2).contains("apply --advice"));
        on.said(&["schema", "apply", "--advice", "--dry-run", "--only", "token"], 0);
        assert!(on.said(&["schema", "apply", "--advice"], 2).contains("add --yes"));
        assert_eq!(on.form().await, bare, "nothing is changed unasked");
        if on.adds_references() {
            // The reference brings its index on MariaDB.
            let added = if matches!(on, On::Postgres(_)) { "4 added" } else { "3 added" };
            assert!(on.said(&APPLY, 0).contains(added));
            assert!(on.said(&["schema", "plan"], 0).contains("lacks nothing"));
        } else {
            let text = on.said(&[&APPLY[..], &["--only", "user"]].concat(), 2);
            assert!(text.contains("takes a reference only when a table is made"), "{text}");
            assert!(on.said(&APPLY, 0).contains("2 added"));
            assert!(on.said(&["schema", "plan"], 1).contains("user_id is no foreign key"));
        }
        let log = std::fs::read_to_string(on.dir().join("state/audit/audit.jsonl")).unwrap();
        assert!(log.contains("schema advice"), "{log}");
        assert_ne!(on.form().await, bare);
        let text = on.said(&["schema", "rollback", "--dry-run"], 0);
        assert!(text.contains("drop index sessions_unleak_unique"), "{text}");
        on.said(&["schema", "rollback", "--yes"], 0);
        assert_eq!(on.form().await, bare, "it ends where it began");
        assert!(on.said(&["schema", "rollback", "--yes"], 2).contains("is recorded in"));
    }
}

#[tokio::test]
async fn rows_in_the_way_are_counted_and_the_procedure_is_named() {
    for on in On::all().await {
        on.run(IN_THE_WAY).await;
        let bare = on.form().await;
        let text = on.said(&APPLY, 2);
        assert!(text.contains("1 rows stand in the way: `unleak sessions dedupe`"), "{text}");
        assert!(!on.adds_references() || text.contains("`unleak sessions orphans`"), "{text}");
        assert_eq!(on.form().await, bare);
        on.said(&["sessions", "dedupe", "--yes"], 0);
        on.said(&["sessions", "orphans", "--yes", "--max-share", "100"], 0);
        on.said(&APPLY, 0);
    }
}

/// What the application has itself is neither added again nor dropped.
#[tokio::test]
async fn keys_of_the_application_stay() {
    for on in On::all().await {
        on.run("CREATE INDEX own ON sessions (expires)").await;
        let bare = on.form().await;
        on.said(&[&APPLY[..], &["--only", "token"]].concat(), 0);
        on.said(&["schema", "rollback", "--yes"], 0);
        assert_eq!(on.form().await, bare);
        on.run("CREATE INDEX sessions_unleak_unique ON sessions (user_id)").await;
        let taken = on.form().await;
        let text = on.said(&[&APPLY[..], &["--only", "token"]].concat(), 2);
        assert!(text.contains("has a key named sessions_unleak_unique already"), "{text}");
        assert_eq!(on.form().await, taken);
    }
}

/// kill -9 around each step of an apply and of a rollback: the next run goes on.
#[cfg(unix)]
#[tokio::test]
async fn killed_runs_go_on() {
    use std::os::unix::process::ExitStatusExt as _;
    for on in On::all().await {
        let bare = on.form().await;
        let mut steps = vec!["create index sessions_unleak_unique", "create index sessions_unleak_expiry"];
        steps.extend(matches!(on, On::Postgres(_)).then_some("create index sessions_unleak_by_user"));
        steps.extend(on.adds_references().then_some("create constraint sessions_unleak_user"));
        let more: &[&str] = if on.adds_references() { &[] } else { &INDEXES };
        let killed = |args: &[&str], fault: &str| {
            let output = on.unleak(&[args, &["--fault", fault]].concat());
            assert_eq!(output.status.signal(), Some(9), "{fault}: {}", said(&output));
        };
        for step in &steps {
            killed(&[&APPLY[..], more].concat(), &format!("{step}:begun"));
            killed(&[&APPLY[..], more].concat(), &format!("{step}:changed"));
        }
        // All of it is there, and a rollback knows all of it.
        let text = on.said(&[&APPLY[..], more].concat(), 0);
        // On MariaDB nobody knows whether the old rows were looked at.
        let end = if matches!(on, On::MariaDb(..)) { "1 added" } else { "lacks nothing" };
        assert!(text.contains(end) || text.contains("0 added"), "{text}");
        for step in &steps {
            let step = step.replace("create", "drop");
            killed(&["schema", "rollback", "--yes"], &format!("{step}:begun"));
            killed(&["schema", "rollback", "--yes"], &format!("{step}:changed"));
        }
        assert_eq!(on.form().await, bare);
        on.said(&["schema", "rollback", "--yes"], 0);
    }
}

/// A reference that was added and never checked, and an index whose build was stopped, are finished and still dropped by
/// a rollback.
#[tokio::test]
async fn what_a_stopped_run_left_half_done_is_finished() {
    let [on, ..] = On::all().await;
    let bare = on.form().await;
    for step in ["create index sessions_unleak_unique", "create constraint sessions_unleak_user"] {
        drop(on.unleak(&[&APPLY[..], &["--fault", &format!("{step}:begun")]].concat()));
    }
    on.run(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'sessions_unleak_expiry'::regclass; \
         ALTER TABLE sessions ADD CONSTRAINT sessions_unleak_user FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID",
    )
    .await;
    let text = on.said(&APPLY, 0);
    assert!(text.contains("validate constraint sessions_unleak_user"), "{text}");
    assert!(on.said(&["schema", "plan"], 0).contains("lacks nothing"));
    on.said(&["schema", "rollback", "--yes"], 0);
    assert_eq!(on.form().await, bare);
}

/// The server adds the reference to the end, whoever died meanwhile, and looks at no old row.
#[cfg(unix)]
#[tokio::test]
async fn rows_that_a_killed_run_left_unchecked_are_found_by_the_next() {
    let [_, on, _] = On::all().await;
    let bare = on.form().await;
    let fault = ["--fault", "create constraint sessions_unleak_user:changed"];
    drop(on.unleak(&[&APPLY[..], &fault].concat()));
    on.run("SET SESSION foreign_key_checks = 0; UPDATE sessions SET user_id = 77 WHERE id = 2").await;
    let text = on.said(&["schema", "plan"], 1);
    assert!(text.contains("were never checked against the reference sessions_unleak_user"), "{text}");
    let text = on.said(&APPLY, 2);
    assert!(text.contains("1 rows stand in the way: `unleak sessions orphans`"), "{text}");
    on.said(&["sessions", "orphans", "--yes", "--max-share", "100"], 0);
    assert!(on.said(&APPLY, 0).contains("validate constraint sessions_unleak_user"));
    assert!(on.said(&["schema", "plan"], 0).contains("lacks nothing"));
    on.said(&["schema", "rollback", "--yes"], 0);
    assert_eq!(on.form().await, bare);
}

/// What a server process still builds, although its client died, is waited for and taken as it is.
#[tokio::test]
async fn an_index_that_is_being_built_is_not_dropped() {
    let [on, ..] = On::all().await;
    let On::Postgres(table) = &on else { unreachable!("the first is PostgreSQL") };
    let mut holder = sqlx::PgConnection::connect(&on.url()).await.unwrap();
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM users";
    sqlx::raw_sql(snapshot).execute(&mut holder).await.unwrap();
    let mut builder = sqlx::PgConnection::connect(&on.url()).await.unwrap();
    let build = "CREATE UNIQUE INDEX CONCURRENTLY sessions_unleak_unique ON sessions (session_token)";
    let built = tokio::spawn(async move { sqlx::raw_sql(build).execute(&mut builder).await.map(drop) });
    let begun = "SELECT c.oid::text FROM pg_class c JOIN pg_stat_progress_create_index p ON p.index_relid = c.oid \
        WHERE c.relname = 'sessions_unleak_unique'";
    let index = loop {
        if let [index] = &table.texts(begun).await[..] {
            break index.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let mut child = table.command(&["apply", "--advice", "--yes", "--only", "token"]).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("others hold the lock") {
        line.clear();
        assert!(told.read_line(&mut line).unwrap() > 0, "it must wait");
    }
    // Another one is kept away meanwhile.
    assert!(on.said(&[&APPLY[..], &["--only", "expiry"]].concat(), 2).contains("another"));
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    built.await.unwrap().unwrap();
    assert_eq!(table.text("SELECT 'sessions_unleak_unique'::regclass::oid::text").await, index);
}

/// A table of tokens that the database could hold apart only by their beginnings.
#[tokio::test]
async fn a_column_that_takes_no_unique_index_is_told() {
    let [_, on, _] = On::all().await;
    on.run("ALTER TABLE sessions MODIFY session_token text NOT NULL").await;
    let text = on.said(&[&APPLY[..], &["--only", "token"]].concat(), 2);
    assert!(text.contains("make it a varchar first"), "{text}");
    let text = on.said(&APPLY, 0);
    assert!(text.contains("make it a varchar first") && text.contains("2 added"), "{text}");
}

/// The hardened table can lack an index on its end as well, and its two journals do not mix.
#[tokio::test]
async fn the_hardened_table_takes_advice_too() {
    let table =
        Table::with(&format!("{BASE}; ALTER TABLE auth_sessions ALTER COLUMN expires_at SET NOT NULL")).await;
    let bare = table.dump();
    table.said(&["apply", "--yes", "--no-backup"], 0);
    let hardened = table.dump();
    assert!(table.said(&["plan", "--advice"], 1).contains("no index begins with expires_at"));
    table.said(&["apply", "--advice", "--yes"], 0);
    assert!(table.said(&["plan", "--advice"], 0).contains("lacks nothing"));
    table.said(&["rollback", "--advice", "--yes"], 0);
    assert_eq!(table.dump(), hardened);
    table.said(&["rollback", "--yes"], 0);
    assert_eq!(table.dump(), bare);
}
