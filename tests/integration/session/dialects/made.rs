//! The suite in tables that the frameworks' own packages make, and sessions that they write into them.

use super::super::fixture;
use super::super::place::Place;
use super::{COLUMNS, Form, LITE, MY, PG, Row, node};
use std::path::PathBuf;
use std::process::{Command, Output};
use unleak::session::{Options, Selection, StoreKind};

/// A package, and how many sessions it writes by itself.
struct Made {
    package: &'static str,
    sessions: u64,
    /// What the suite needs beside the table.
    beside: &'static str,
    form: Form,
}

const USERS: &str = "CREATE TABLE users (id integer PRIMARY KEY, name varchar(99)); INSERT INTO users VALUES (1, 'ada'), (2, 'bruno')";

/// better-auth's users are referred to, so that every session has one.
const OWNERS: &str = r#"INSERT INTO "user" ("id", "name", "email", "emailVerified", "updatedAt") VALUES ('1', 'ada', 'a@example.org', true, '2026-01-01'),
    ('2', 'bruno', 'b@example.org', true, '2026-01-01'), ('99', 'zoe', 'z@example.org', true, '2026-01-01')"#;

/// Auth.js's users are referred to as well.
const ACCOUNTS: &str = r#"INSERT INTO "user" ("id", "name", "email") VALUES ('1', 'ada', 'a@example.org'), ('2', 'bruno', 'b@example.org'),
    ('99', 'zoe', 'z@example.org')"#;

fn made() -> Vec<Made> {
    let documented = |dialect: &str, kind| {
        node::forms().into_iter().find(|form| form.dialect == dialect && form.kind == kind).unwrap()
    };
    let express = |package: &'static str, kind| Made {
        package,
        sessions: 2,
        beside: USERS,
        form: documented(package, kind),
    };
    let better_auth = |kind| Made {
        package: "better-auth",
        sessions: 0,
        beside: OWNERS,
        form: Form { orphans: 0, ..documented("better-auth", kind) },
    };
    let drizzle = |kind| {
        let of_drizzle = |form: &Form| form.kind == kind && form.columns == node::DRIZZLE;
        let form = node::forms().into_iter().find(of_drizzle).unwrap();
        Made { package: "drizzle", sessions: 0, beside: ACCOUNTS, form: Form { orphans: 0, ..form } }
    };
    let django = |kind| Made {
        package: "django",
        sessions: 2,
        beside: "",
        form: Form {
            dialect: "django",
            kind,
            table: "django_session",
            columns: "session_key, session_data, expire_date",
            values: |row: &Row| format!("'tok-{}', '.eJx', {}", row.n, row.time()),
            tells: (false, true, false),
            ..COLUMNS
        },
    };
    let flask = |kind| Made {
        package: "flask-session",
        sessions: 2,
        beside: "",
        form: Form {
            dialect: "flask-session",
            kind,
            table: "sessions",
            columns: "session_id, data, expiry",
            values: |row: &Row| format!("'session:tok-{}', '', {}", row.n, row.time()),
            tells: (false, true, false),
            ..COLUMNS
        },
    };
    vec![
        express("connect-pg-simple", PG),
        express("express-mysql-session", MY),
        express("connect-sqlite3", LITE),
        express("better-sqlite3-session-store", LITE),
        better_auth(PG),
        better_auth(MY),
        drizzle(PG),
        drizzle(MY),
        drizzle(LITE),
        django(PG),
        django(LITE),
        flask(PG),
        flask(MY),
        flask(LITE),
    ]
}

#[expect(clippy::disallowed_methods, reason = "tests/run passes the packages in")]
fn from_tests_run(variable: &str) -> PathBuf {
    std::env::var_os(variable).unwrap_or_else(|| panic!("no {variable}: run tests/run")).into()
}

/// Has the package make its table. The address of a test's database goes in argv, as its password is good for minutes.
#[expect(clippy::disallowed_methods, reason = "node is found by the PATH")]
pub(super) fn make(package: &str, url: &str, packages: &str) -> Output {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/session-schemas");
    let is_python = matches!(package, "django" | "flask-session");
    let mut command = if is_python {
        Command::new(from_tests_run("UNLEAK_TEST_APPS_PYTHON"))
    } else {
        Command::new("node")
    };
    let packages = from_tests_run("UNLEAK_TEST_APPS").join(packages).join("node_modules");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("UNLEAK_TEST_PACKAGES", packages);
    command.arg(folder.join(if is_python { "make.py" } else { "make.mjs" })).args([package, url]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{package}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

impl Made {
    /// A database in which the package made its table.
    async fn place(&self) -> Place {
        let place = match self.form.kind {
            StoreKind::Sqlite => Place::sqlite("CREATE TABLE other (id integer)").await,
            _ => Form { ddl: "CREATE TABLE other (id integer)", ..self.form }.place().await,
        };
        let output = make(self.package, &place.url(), "session-schemas");
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            place.run(&serde_json::from_str::<String>(line).unwrap()).await;
        }
        if !self.beside.is_empty() {
            place.run(self.beside).await;
        }
        place
    }

    async fn check(&self) {
        let name = format!("{} on {}", self.package, self.form.kind);
        let place = self.place().await;
        let options = Options { user_path: self.form.user_path.map(str::to_owned), ..Options::default() };
        let mut store = place.open_with(&options).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let summary = store.describe().await.unwrap();
        let told = (summary.dialect, summary.counts.total, summary.counts.expired);
        assert_eq!(told, (self.form.dialect, self.sessions, 0), "{name}");
        if self.form.user_path.is_some() {
            let users = Selection::Users(vec!["1".to_owned()]);
            let done = store.delete(&users, &fixture::spec(&place.backups(), &place.key)).await.unwrap();
            assert_eq!(done.deleted, 1, "{name}");
        }
        place.run(&format!("DELETE FROM {}", self.form.table)).await;
        self.form.fill(&place).await;
        self.form.check(&place).await;
    }
}

#[tokio::test]
async fn tables_that_packages_make_are_those_that_are_known() {
    for one in made() {
        Box::pin(one.check()).await;
    }
}
