//! Single sessions by their token, over a pool of connections: what an application or a server asks many times a second.
//!
//! The store is detected as [`super::Store`] does it. What ends more than one session goes through a `Store`, so that
//! it has a backup and a second look.

mod directory;
mod payload;
mod pool;
mod query;
mod warm;

pub use directory::{Account, Directory};
pub use payload::user as user_in;
use pool::Texts;
pub(super) use pool::{Kind as PoolKind, Pool};
use query::ByUser;
pub(super) use query::Queries;
pub(super) use warm::Warm;

use super::procedure::ProcedurePlan;
use super::redis::RedisPool;
use super::schema::Selected;
use super::store::Backend as Stored;
use super::{
    BackupSpec, Error, Options, ProcedureReport, Selection, Store, StoreKind, StoreUrl, UsersWanted,
};
use crate::secret::Secret;
use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How many connections there may be, and how long anybody waits for one.
#[derive(Clone, Copy, Debug)]
pub struct Pooling {
    /// Connections at a time.
    pub connections: u32,
    /// The longest wait for one.
    pub acquire: Duration,
}

impl Default for Pooling {
    fn default() -> Self {
        Self { connections: 8, acquire: Duration::from_secs(2) }
    }
}

/// One session. The token is a live credential.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id or token, as the store has it.
    pub token: Secret,
    /// Whose it is, where its row or its payload tells; a session before the log-in is nobody's.
    pub user: Option<String>,
    /// When it ends, where that can be read.
    pub expires: Option<Timestamp>,
    /// What the application keeps in it.
    pub payload: Option<Secret>,
}

impl Session {
    /// Whether it has not ended by now.
    pub fn is_active(&self) -> bool {
        self.expires.is_none_or(|expires| expires > Timestamp::now())
    }
}

/// A session to be made.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its id or token, which nobody can guess.
    pub token: Secret,
    /// Whose it is, where the table has a column for that.
    pub user: Option<String>,
    /// When it ends.
    pub expires: Timestamp,
    /// What the application keeps in it, where there is a place for that.
    pub payload: Option<Secret>,
}

/// What a token stands for.
#[derive(Clone, Debug)]
pub enum Found {
    /// No session has it.
    Nothing,
    /// This one.
    Session(Session),
    /// Sessions of several users have it, so that nobody can say whose it is.
    Shared,
}

/// What is known of the user whom a session names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They exist, and no column says that they are disabled or deleted.
    Enabled,
    /// They exist, and one does.
    Disabled,
    /// They do not exist.
    Absent,
}

/// Reads and writes single sessions, and ends those of a user.
///
/// ```
/// # async fn example() -> Result<(), unleak::session::Error> {
/// use unleak::session::{Found, Manager, Options, Pooling, StoreUrl, UsersWanted};
///
/// let url: StoreUrl = "postgres://app@127.0.0.1/shop".parse()?;
/// let users = UsersWanted::default();
/// let manager = Manager::open(&url, &Options::default(), Pooling::default(), Some(&users)).await?;
/// let token = unleak::secret::Secret::from("from the cookie".to_owned());
/// if let (Found::Session(session), Some(user)) = manager.get_with_user(&token).await? {
///     println!("{} is logged in until {:?}", user.id, session.expires);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Manager {
    url: StoreUrl,
    options: Options,
    selected: Selected,
    backend: Backend,
    directory: Option<Directory>,
    /// Whether users are asked for by themselves, since the database refused to compare their ids with those of sessions.
    apart: AtomicBool,
}

enum Backend {
    Table { pool: Arc<Pool>, queries: Box<Queries> },
    Keys(Box<RedisPool>),
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table { .. } => "Table",
            Self::Keys(_) => "Keys",
        })
    }
}

impl Manager {
    /// Connects, finds the session table and, when `users` says so, the users table beside it. Writes nothing.
    ///
    /// # Errors
    /// As [`Store::connect`] and [`Store::users_table`].
    pub async fn open(
        url: &StoreUrl,
        options: &Options,
        pooling: Pooling,
        users: Option<&UsersWanted>,
    ) -> Result<Self, Error> {
        let mut store = Store::connect(url, options).await?;
        let table = match (users, url.kind()) {
            (Some(_), StoreKind::Redis) => return Err(unsupported("a users table", StoreKind::Redis)),
            (Some(wanted), _) => Some(store.users_table(wanted).await?),
            (None, _) => None,
        };
        let (queries, (selected, pool)) = match store.backend {
            Stored::Postgres(store) => (store.queries(table.as_ref())?, store.pooled(pooling)),
            Stored::Sqlite(store) => (store.queries(table.as_ref())?, store.pooled(pooling)),
            Stored::MySql(store) => (store.queries(table.as_ref())?, store.pooled(pooling)),
            Stored::Redis(store) => {
                let (url, options, selected) = (url.clone(), options.clone(), store.selected().clone());
                let backend = Backend::Keys(Box::new(store.pooled(pooling)));
                return Ok(Self {
                    url,
                    options,
                    selected,
                    backend,
                    directory: None,
                    apart: AtomicBool::new(true),
                });
            }
        };
        let pool = Arc::new(pool);
        let directory = table.map(|table| Directory::of(Arc::clone(&pool), &table)).transpose()?;
        let backend = Backend::Table { pool, queries: Box::new(queries) };
        let (url, options) = (url.clone(), options.clone());
        Ok(Self { url, options, selected, backend, directory, apart: AtomicBool::new(false) })
    }

    /// The dialect's name.
    pub fn dialect(&self) -> &'static str {
        self.selected.dialect.name
    }

    /// How many can ask at a time.
    pub fn connections(&self) -> u32 {
        match &self.backend {
            Backend::Table { pool, .. } => pool.connections,
            // One connection that takes the questions of all.
            Backend::Keys(_) => Pooling::default().connections,
        }
    }

    /// The users beside the sessions.
    pub fn directory(&self) -> Option<&Directory> {
        self.directory.as_ref()
    }

    /// Whether rows or payloads of this dialect can tell whose a session is.
    pub fn tells_users(&self) -> bool {
        match &self.backend {
            Backend::Table { queries, .. } => queries.tells_users,
            Backend::Keys(pool) => pool.tells_users(),
        }
    }

    /// The session with this token, ended or not.
    pub async fn get(&self, token: &Secret) -> Result<Found, Error> {
        let Ok(text) = std::str::from_utf8(token.expose()) else { return Ok(Found::Nothing) };
        match &self.backend {
            Backend::Table { pool, queries } => {
                let rows = self.with_token(pool, &queries.get, text).await?;
                Ok(only(rows.into_iter().map(|row| self.session(row)).collect()))
            }
            // Apart, since a look-up in a table would carry the room for it.
            Backend::Keys(pool) => {
                let get = Box::pin(pool.get(token, self.options.user_path.as_deref()));
                Ok(only(get.await?))
            }
        }
    }

    /// The session with this token, and what is known of its user where the same question tells: it is half the work of two.
    pub async fn get_with_standing(&self, token: &Secret) -> Result<(Found, Option<Standing>), Error> {
        let both = match &self.backend {
            Backend::Table { pool, queries } if !self.apart.load(Ordering::Relaxed) => {
                queries.get_with_user.as_ref().map(|both| (pool, both))
            }
            _ => None,
        };
        let (Some((pool, both)), Ok(text)) = (both, std::str::from_utf8(token.expose())) else {
            return Ok((self.get(token).await?, None));
        };
        match self.with_token(pool, both, text).await {
            Ok(rows) => {
                let sessions = rows.into_iter().map(|mut row| {
                    let told = row.pop().flatten();
                    let session = self.session(row);
                    let standing = standing(&session, told.as_deref());
                    (session, standing)
                });
                let (sessions, standings): (Vec<_>, Vec<_>) = sessions.unzip();
                Ok((only(sessions), standings.into_iter().next().flatten()))
            }
            // A table is missing or may not be read, which its own question tells; or ids cannot be compared, which stays.
            Err(Error::Database { cause, .. }) if !cause.is_outage() => {
                if cause.is_of_comparison() {
                    self.apart.store(true, Ordering::Relaxed);
                }
                Ok((self.get(token).await?, None))
            }
            Err(error) => Err(error),
        }
    }

    /// The rows with this very token; the newest is the first.
    async fn with_token(&self, pool: &Pool, sql: &Arc<str>, token: &str) -> Result<Vec<Texts>, Error> {
        // What the column cannot hold is nobody's token, and the database would only refuse the question.
        if !query::can_be(Some(&self.selected.roles.token), token) {
            return Ok(Vec::new());
        }
        let mut rows = pool.rows("reading a session", sql, &[token]).await?;
        // Databases may take one text for another that is written differently.
        rows.retain(|row| row.first().and_then(Option::as_deref) == Some(token));
        Ok(rows)
    }

    /// The session with this token and the account that it names; no account when it is nobody's or there is none.
    pub async fn get_with_user(&self, token: &Secret) -> Result<(Found, Option<Account>), Error> {
        let found = self.get(token).await?;
        let user = match (&found, &self.directory) {
            (Found::Session(Session { user: Some(user), .. }), Some(directory)) => {
                directory.get(user).await?
            }
            _ => None,
        };
        Ok((found, user))
    }

    /// Makes a session.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the dialect has no place for the user or the payload; [`Error::Database`] where the
    /// table needs more columns than these, or the token exists.
    pub async fn create(&self, session: &NewSession) -> Result<(), Error> {
        match &self.backend {
            Backend::Table { pool, queries } => {
                let insert = queries.insert(session)?;
                let token = text(&session.token)?;
                let mut values = vec![token.to_owned(), session.expires.as_millisecond().to_string()];
                values.extend(session.user.clone());
                if let Some(payload) = &session.payload {
                    values.push(text(payload)?.to_owned());
                }
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                pool.execute("making a session", &insert, &values).await.map(drop)
            }
            Backend::Keys(pool) => pool.create(session).await,
        }
    }

    /// Lets a session end at another time; gives whether there was one.
    pub async fn update(&self, token: &Secret, expires: Timestamp) -> Result<bool, Error> {
        match &self.backend {
            Backend::Table { pool, queries } => {
                let millis = expires.as_millisecond().to_string();
                let update = queries.update.as_deref().ok_or_else(|| {
                    let table = self.selected.table.name.to_string();
                    Error::Column { table, reason: "its rows do not tell when a session ends".to_owned() }
                })?;
                Ok(pool.execute("changing a session", update, &[&millis, text(token)?]).await? > 0)
            }
            Backend::Keys(pool) => pool.update(token, expires).await,
        }
    }

    /// Ends one session; gives whether there was one.
    pub async fn delete(&self, token: &Secret) -> Result<bool, Error> {
        match &self.backend {
            Backend::Table { pool, queries } => {
                Ok(pool.execute("ending a session", &queries.delete, &[text(token)?]).await? > 0)
            }
            Backend::Keys(pool) => pool.delete(token).await,
        }
    }

    /// The active sessions of a user, the next to end first, at most 1000 of them.
    pub async fn active_by_user(&self, user: &str) -> Result<Vec<Session>, Error> {
        let Some((pool, queries)) = self.by_user(user)? else { return Ok(Vec::new()) };
        let now = Timestamp::now().as_millisecond().to_string();
        let rows = pool.rows("reading the sessions of a user", &queries.list, &[user, &now]).await?;
        Ok(rows.into_iter().map(|row| self.session(row)).collect())
    }

    /// How many active sessions a user has.
    pub async fn count_by_user(&self, user: &str) -> Result<u64, Error> {
        let Some((pool, queries)) = self.by_user(user)? else { return Ok(0) };
        let now = Timestamp::now().as_millisecond().to_string();
        let rows = pool.rows("counting the sessions of a user", &queries.count, &[user, &now]).await?;
        Ok(rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok()).unwrap_or_default())
    }

    /// Ends every session of a user, with a backup: the procedure `unleak sessions user`.
    pub async fn delete_by_user(&self, user: &str, spec: &BackupSpec<'_>) -> Result<ProcedureReport, Error> {
        Box::pin(self.procedure(Selection::Users(vec![user.to_owned()]), spec)).await
    }

    /// Deletes what has ended, with a backup: the procedure `unleak sessions expired`.
    pub async fn clean_up_expired(&self, spec: &BackupSpec<'_>) -> Result<ProcedureReport, Error> {
        Box::pin(self.procedure(Selection::Expired, spec)).await
    }

    async fn procedure(&self, meant: Selection, spec: &BackupSpec<'_>) -> Result<ProcedureReport, Error> {
        /// Rows in one transaction.
        const BATCH: u64 = 10_000;
        let mut store = Store::connect(&self.url, &self.options).await?;
        let plan = ProcedurePlan::prepare(&mut store, meant, None).await?;
        plan.apply(&mut store, spec, Some(BATCH), &|| false, &mut |_| {}).await
    }

    /// The queries by user; none when no user can have this id.
    fn by_user(&self, user: &str) -> Result<Option<(&Pool, &ByUser)>, Error> {
        let Backend::Table { pool, queries } = &self.backend else {
            return Err(unsupported("the sessions of one user", self.url.kind()));
        };
        let by_user = queries.by_user.as_ref().ok_or_else(|| Error::Column {
            table: self.selected.table.name.to_string(),
            reason:
                "it has no column with the user's id; where the payload holds it, say so with --user-path"
                    .to_owned(),
        })?;
        Ok(query::can_be(queries.user_column.as_ref(), user).then_some((&**pool, by_user)))
    }

    fn session(&self, row: Vec<Option<String>>) -> Session {
        let [token, user, millis, payload] = <[_; 4]>::try_from(row).unwrap_or_default();
        let payload = payload.map(Secret::from);
        let told = || payload::user(payload.as_ref()?.expose(), self.options.user_path.as_deref());
        Session {
            user: user.or_else(told),
            token: Secret::from(token.unwrap_or_default()),
            expires: millis.and_then(|millis| Timestamp::from_millisecond(millis.parse().ok()?).ok()),
            payload,
        }
    }
}

/// What the fifth column says of a session's user; nothing where it is about somebody whose id is only alike.
fn standing(session: &Session, told: Option<&str>) -> Option<Standing> {
    let user = session.user.as_deref()?;
    let Some(told) = told else { return Some(Standing::Absent) };
    let (flag, id) = told.split_at_checked(1)?;
    match flag {
        _ if id != user => None,
        "1" => Some(Standing::Enabled),
        _ => Some(Standing::Disabled),
    }
}

/// The newest of several sessions of one user; what several users have is nobody's.
fn only(sessions: Vec<Session>) -> Found {
    let mut sessions = sessions.into_iter();
    let Some(newest) = sessions.next() else { return Found::Nothing };
    if sessions.all(|other| other.user == newest.user) { Found::Session(newest) } else { Found::Shared }
}

fn text(secret: &Secret) -> Result<&str, Error> {
    std::str::from_utf8(secret.expose())
        .map_err(|_| Error::Unsupported { what: "a token or payload that is not UTF-8".to_owned() })
}

pub(super) fn unsupported(what: &str, kind: StoreKind) -> Error {
    Error::Unsupported { what: format!("{what} on {kind}") }
}
