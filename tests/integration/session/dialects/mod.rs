//! The same behaviour on every dialect and each database that it runs on, in the tables that its framework makes: found,
//! counted, purged, by user, expired, duplicates, orphans, and every row back.

/// `INSERT` of users 1 and 2 into a table whose first column is the id.
macro_rules! users {
    ($create:literal, $table:literal) => {
        concat!($create, "; INSERT INTO ", $table, " VALUES (1, 'ada'), (2, 'bruno'); ")
    };
}

mod keys; // the same on Redis
mod made; // the same in the tables that the packages themselves make
mod node;
mod others;

use super::fixture::{Database, spec};
use super::mysql;
use super::place::{Base, Place};
use std::collections::BTreeSet;
use unleak::session::{BackupKey, DIALECTS, Error, Options, Selection, StoreKind, UsersWanted};

const PG: StoreKind = StoreKind::Postgres;
const MY: StoreKind = StoreKind::MySql;
const LITE: StoreKind = StoreKind::Sqlite;

/// One session of the suite.
struct Row {
    n: u32,
    user: u32,
    live: bool,
}

/// Of the user 1 a live and an expired one, of 2 a live one, and a live one of 99, who does not exist.
const ROWS: [Row; 4] = [
    Row { n: 1, user: 1, live: true },
    Row { n: 2, user: 1, live: false },
    Row { n: 3, user: 2, live: true },
    Row { n: 4, user: 99, live: true },
];

impl Row {
    fn time(&self) -> &'static str {
        if self.live { "'2037-01-01 00:00:00'" } else { "'2001-01-01 00:00:00'" }
    }

    fn seconds(&self) -> u64 {
        if self.live { 2_114_380_800 } else { 978_307_200 }
    }

    fn uuid(&self) -> String {
        uuid(self.n)
    }
}

fn uuid(n: u32) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

/// A table as a framework makes it on one database.
struct Form {
    dialect: &'static str,
    kind: StoreKind,
    ddl: &'static str,
    table: &'static str,
    columns: &'static str,
    values: fn(&Row) -> String,
    /// Where the payload says whose session it is.
    user_path: Option<&'static str>,
    /// In minutes, where rows do not tell.
    lifetime: Option<u32>,
    /// Whether its rows say whose they are, when they end, and whether the users are beside them.
    tells: (bool, bool, bool),
    /// Whether nothing keeps two rows from having one token.
    twins: bool,
    /// How many sessions of the suite are of nobody.
    orphans: u64,
}

const COLUMNS: Form = Form {
    dialect: "",
    kind: PG,
    ddl: "",
    table: "",
    columns: "",
    values: |_| String::new(),
    user_path: None,
    lifetime: None,
    tells: (true, true, true),
    twins: false,
    orphans: 1,
};

impl Form {
    /// The statement that makes the suite's sessions.
    fn insert(&self) -> String {
        let rows: Vec<String> = ROWS.iter().map(|row| format!("({})", (self.values)(row))).collect();
        let twins =
            ROWS.iter().filter(|row| self.twins && row.n == 3).map(|row| format!("({})", (self.values)(row)));
        let rows: Vec<String> = rows.into_iter().chain(twins).collect();
        let into = format!("{} ({})", self.table, self.columns);
        let into = if self.kind == MY { into.replace('"', "`") } else { into };
        format!("INSERT INTO {into} VALUES {}", rows.join(", "))
    }

    /// Makes them. What a payload holds is not to be spelled anew for MariaDB.
    async fn fill(&self, place: &Place) {
        match &place.base {
            Base::MariaDb(database) => database.run(&self.insert()).await,
            _ => place.run(&self.insert()).await,
        }
    }

    /// A database of its own with the table alone.
    async fn place(&self) -> Place {
        let dir = tempfile::tempdir().unwrap();
        let base = match self.kind {
            StoreKind::Postgres => Base::Postgres(Database::with(self.ddl).await),
            StoreKind::MySql => Base::MariaDb(mysql::Database::with(self.ddl).await),
            _ => return Place::sqlite(self.ddl).await,
        };
        Place { base, dir, key: BackupKey::generate().unwrap() }
    }

    /// Every row in full.
    async fn rows(&self, place: &Place) -> Vec<String> {
        let columns: Vec<String> =
            self.columns.split(", ").map(|column| format!("coalesce({column}, '-')")).collect();
        let whole = match self.kind {
            StoreKind::Postgres => "s::text".to_owned(),
            StoreKind::MySql => format!("CAST(concat_ws('|', {}) AS char)", columns.join(", ")),
            _ => format!("concat_ws('|', {})", columns.join(", ")),
        };
        let mut rows = place.texts(&format!("SELECT {whole} FROM {} s", self.table)).await;
        rows.sort();
        rows
    }

    async fn check(&self, place: &Place) {
        let name = format!("{} on {}: {}", self.dialect, self.kind, self.table);
        let before = self.rows(place).await;
        let options = Options {
            user_path: self.user_path.map(str::to_owned),
            lifetime: self.lifetime,
            ..Options::default()
        };
        let mut store = place.open_with(&options).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let summary = store.describe().await.unwrap();
        let (by_user, ends, has_users) = self.tells;
        let all = before.len() as u64;
        assert_eq!((summary.dialect, summary.counts.total), (self.dialect, all), "{name}");
        assert_eq!(summary.counts.expired, u64::from(ends), "{name}");
        let mut selections = vec![(Selection::All, all), (Selection::Duplicates, u64::from(self.twins))];
        if ends {
            selections.push((Selection::Expired, 1));
        }
        let one = if self.dialect == "auth-sessions" { uuid(1) } else { "1".to_owned() };
        if by_user {
            selections.push((Selection::Users(vec![one, "nobody".to_owned()]), 2));
        } else {
            let error = store.count(&Selection::Users(vec![one])).await.unwrap_err();
            assert!(matches!(error, Error::Column { .. }), "{name}: {error}");
        }
        if has_users {
            let users = store
                .users_table(&UsersWanted::default())
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            selections.push((Selection::Orphans(users), self.orphans));
        }
        for (selection, taken) in selections {
            let name = format!("{name}, {}", selection.name());
            assert_eq!(store.count(&selection).await.unwrap(), taken, "{name}");
            let done = Box::pin(store.delete(&selection, &spec(&place.backups(), &place.key))).await;
            let done = done.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!((done.deleted, done.backed_up, done.selected_after), (taken, taken, 0), "{name}");
            assert_eq!(self.rows(place).await.len() as u64, all - taken, "{name}");
            if let Some(backup) = done.backup {
                store
                    .restore(&backup.path, &place.key)
                    .await
                    .unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
            assert_eq!(self.rows(place).await, before, "{name}");
        }
    }
}

#[tokio::test]
async fn every_dialect_behaves_alike_on_every_database() {
    let forms: Vec<Form> = node::forms().into_iter().chain(others::forms()).collect();
    let tested: BTreeSet<(String, &str)> =
        forms.iter().map(|form| (form.kind.to_string(), form.dialect)).collect();
    let named: BTreeSet<(String, &str)> = DIALECTS
        .iter()
        .flat_map(|dialect| dialect.kinds.iter().map(|kind| (kind.to_string(), dialect.name)))
        .filter(|(kind, _)| *kind != StoreKind::Redis.to_string())
        .collect();
    assert_eq!(tested, named, "each dialect that the table names is here, on each of its databases");
    for form in &forms {
        let place = form.place().await;
        form.fill(&place).await;
        form.check(&place).await;
    }
}
