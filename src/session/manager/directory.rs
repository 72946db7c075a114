//! The users of an application, one at a time: whether somebody exists and may log in.

use super::super::mysql::MySql;
use super::super::postgres::Postgres;
use super::super::schema::Column;
use super::super::selection::{Spelling, gone, told};
use super::super::sqlite::Sqlite;
use super::super::url::Address;
use super::super::{Error, Options, StoreKind, StoreUrl, UsersTable, UsersWanted};
use super::query::{can_be, equals};
use super::{Pool, Pooling, unsupported};
use std::fmt;
use std::sync::Arc;

/// A user who exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The id, as text.
    pub id: String,
    /// Whether no column says that they are disabled or deleted.
    pub enabled: bool,
    /// What else the table says about who it is, as `column: value`.
    pub about: Vec<String>,
}

/// The users table of an application, over a pool of connections.
pub struct Directory {
    pool: Arc<Pool>,
    users: UsersTable,
    get: Arc<str>,
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("users", &self.users.name()).finish_non_exhaustive()
    }
}

impl Directory {
    /// Connects to a database that need not hold sessions, and finds its users table. Writes nothing.
    ///
    /// # Errors
    /// When it cannot be reached, or when not exactly one table looks like that of the users.
    pub async fn open(
        url: &StoreUrl,
        options: &Options,
        pooling: Pooling,
        wanted: &UsersWanted,
    ) -> Result<Self, Error> {
        let shown = url.to_string();
        let (pool, users) = match &url.0 {
            Address::Postgres(at) => Postgres::users_only(at, shown, options, pooling, wanted).await?,
            Address::Sqlite(path) => Sqlite::users_only(path, shown, options, pooling, wanted).await?,
            Address::MySql(at) => MySql::users_only(at, shown, options, pooling, wanted).await?,
            Address::Redis(_) => return Err(unsupported("a users table", url.kind())),
        };
        Self::of(Arc::new(pool), &users)
    }

    pub(super) fn of(pool: Arc<Pool>, users: &UsersTable) -> Result<Self, Error> {
        let get = match &pool.kind {
            super::pool::Kind::Postgres(_) => {
                statement(users, &super::super::postgres::spelling_in_utc(), StoreKind::Postgres)?
            }
            super::pool::Kind::Sqlite(_) => {
                statement(users, &super::super::sqlite::plain_spelling(), StoreKind::Sqlite)?
            }
            super::pool::Kind::MySql(_) => {
                statement(users, &super::super::mysql::spelling_in_utc(), StoreKind::MySql)?
            }
        };
        Ok(Self { pool, users: users.clone(), get: Arc::from(get) })
    }

    /// How many can ask at a time.
    pub fn connections(&self) -> u32 {
        self.pool.connections
    }

    /// The table.
    pub fn users(&self) -> &UsersTable {
        &self.users
    }

    /// The user with this id; `None` when nobody has it.
    pub async fn get(&self, id: &str) -> Result<Option<Account>, Error> {
        if !can_be(Some(&self.users.id), id) {
            return Ok(None);
        }
        let rows = self.pool.rows("looking a user up", &self.get, &[id]).await?;
        let account = |row: Vec<Option<String>>| {
            let enabled = row.last().cloned().flatten().as_deref() == Some("1");
            let user = told(&self.users, |at| row.get(at).cloned().flatten())?;
            // What looks alike to the database need not be the same.
            (user.id == id).then_some(Account { id: user.id, enabled, about: user.about })
        };
        Ok(rows.into_iter().find_map(account))
    }
}

/// The id, what tells who it is, and whether no column says that they are gone.
fn statement(users: &UsersTable, sql: &impl Spelling, kind: StoreKind) -> Result<String, Error> {
    let column = |column: &Column| format!("u.{}", sql.quoted(&column.name));
    let mut selected = vec![sql.text_of(&users.id, &column(&users.id))];
    let about = users.names.iter().chain(&users.emails);
    selected.extend(about.map(|about| format!("substr({}, 1, 200)", sql.text(&column(about)))));
    selected.push(enabled(users, sql)?);
    Ok(format!(
        "SELECT {} FROM {} AS u WHERE {} LIMIT 2",
        selected.join(", "),
        users.name.quoted_by(sql),
        equals(sql, kind, &users.id, &column(&users.id), 1)
    ))
}

/// `'1'` for the user `u`, or `'0'` where a column says that they are gone.
pub(super) fn enabled(users: &UsersTable, sql: &impl Spelling) -> Result<String, Error> {
    let gone: Result<Vec<_>, _> = users.disabled.iter().map(|column| gone(users, column, sql)).collect();
    let gone = gone?;
    Ok(if gone.is_empty() {
        "'1'".to_owned()
    } else {
        format!("CASE WHEN {} THEN '0' ELSE '1' END", gone.join(" OR "))
    })
}
