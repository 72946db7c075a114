//! The one handle to a session store of any kind.

use super::backup::{BackupInfo, BackupSpec};
use super::mysql::MySql;
use super::postgres::Postgres;
use super::redis::{Emptied, Redis, no_marks, no_users};
use super::schema::Selected;
use super::sqlite::Sqlite;
use super::url::Address;
use super::{
    Bounds, Counts, Deleted, Error, Facts, Lifetime, ListQuery, Mark, Options, Orphaned, Page, Selection,
    StoreKind, StoreSummary, StoreUrl, User, UserPattern, UsersTable, UsersWanted, ZoneCount,
};
use crate::secret::Secret;
use jiff::SignedDuration;
use std::time::Duration;

/// How often a purge or restore is tried while somebody else holds a lock.
const ATTEMPTS: u32 = 3;

/// A session store whose table was found.
#[derive(Debug)]
pub struct Store {
    url: StoreUrl,
    pub(super) backend: Backend,
}

/// What one deletion took.
pub(super) struct Removed {
    /// What there was before, where the deletion itself saw all of it.
    pub(super) before: Option<Counts>,
    pub(super) deleted: u64,
    /// Gone when their delete came, and those of them whose time had not come.
    pub(super) gone: u64,
    pub(super) taken: u64,
    pub(super) backups: Vec<BackupInfo>,
}

impl From<Vec<BackupInfo>> for Removed {
    fn from(backups: Vec<BackupInfo>) -> Self {
        let deleted = backups.iter().map(|backup| backup.rows).sum();
        Self { before: None, deleted, gone: 0, taken: 0, backups }
    }
}

impl From<Option<BackupInfo>> for Removed {
    fn from(backup: Option<BackupInfo>) -> Self {
        Self::from(backup.into_iter().collect::<Vec<_>>())
    }
}

impl From<Emptied> for Removed {
    fn from(Emptied { before, deleted, gone, taken, backups, .. }: Emptied) -> Self {
        Self { before, deleted, gone, taken, backups }
    }
}

#[derive(Debug)]
pub(super) enum Backend {
    Postgres(Box<Postgres>),
    Sqlite(Box<Sqlite>),
    MySql(Box<MySql>),
    Redis(Box<Redis>),
}

impl Store {
    /// Connects and finds the session table. Writes nothing.
    ///
    /// # Errors
    /// When the store cannot be reached, or when not exactly one plain table has the form of a known dialect.
    pub async fn connect(url: &StoreUrl, options: &Options) -> Result<Self, Error> {
        let shown = url.to_string();
        let backend = match &url.0 {
            Address::Postgres(address) => {
                Backend::Postgres(Box::new(Postgres::connect(address, shown, options).await?))
            }
            Address::Sqlite(path) => Backend::Sqlite(Box::new(Sqlite::connect(path, shown, options).await?)),
            Address::MySql(address) => {
                Backend::MySql(Box::new(MySql::connect(address, shown, options).await?))
            }
            Address::Redis(address) => {
                Backend::Redis(Box::new(Redis::connect(address, shown, options).await?))
            }
        };
        Ok(Self { url: url.clone(), backend })
    }

    /// The kind of store.
    pub fn kind(&self) -> StoreKind {
        self.url.kind()
    }

    /// How long a session lives after its last use, where its row does not tell.
    pub fn lifetime(&self) -> Option<Lifetime> {
        self.selected().lifetime()
    }

    /// The address without its password.
    pub fn shown(&self) -> String {
        self.url.to_string()
    }

    /// The address by which files beside it know the store.
    pub(crate) fn place(&self) -> String {
        self.url.place()
    }

    /// The users with one of these ids. On Redis there are none beside the sessions, and that is an error.
    pub async fn users_by_id(&mut self, users: &UsersTable, ids: Vec<String>) -> Result<Vec<User>, Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.users_by_id(users, ids).await,
            Backend::Sqlite(store) => store.users_by_id(users, ids).await,
            Backend::MySql(store) => store.users_by_id(users, ids).await,
            Backend::Redis(_) => Err(no_users()),
        }
    }

    /// What the store is and holds. Writes nothing.
    pub async fn describe(&mut self) -> Result<StoreSummary, Error> {
        let counts = self.counts().await?;
        Ok(self.summary(counts))
    }

    pub(super) fn summary(&self, counts: Counts) -> StoreSummary {
        let selected = self.selected();
        StoreSummary {
            kind: self.kind(),
            url: self.url.to_string(),
            table: selected.table.name.clone(),
            dialect: selected.dialect.name,
            class: selected.dialect.class,
            lifetime: selected.lifetime(),
            counts,
        }
    }

    /// Counts the sessions, always by the same query.
    pub async fn counts(&mut self) -> Result<Counts, Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.counts().await,
            Backend::Sqlite(store) => store.counts().await,
            Backend::MySql(store) => store.counts().await,
            Backend::Redis(store) => store.counts().await,
        }
    }

    /// Checks everything that would keep a purge from being complete: a read-only store, missing privileges,
    /// row-level security, cascades into other tables. Writes nothing; `purge` does it too.
    pub async fn preflight(&mut self) -> Result<(), Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.preflight().await,
            Backend::Sqlite(store) => store.preflight().await,
            Backend::MySql(store) => store.preflight().await,
            Backend::Redis(store) => store.preflight().await,
        }
    }

    /// Counts the selected sessions, by the condition that [`Self::delete`] deletes by.
    pub async fn count(&mut self, selection: &Selection) -> Result<u64, Error> {
        let selection = &*self.resolved(selection).await?;
        match &mut self.backend {
            Backend::Postgres(store) => store.count(selection).await,
            Backend::Sqlite(store) => store.count(selection).await,
            Backend::MySql(store) => store.count(selection).await,
            Backend::Redis(store) => store.count(selection).await,
        }
    }

    /// Counts the selected sessions by both readings at one moment, when the server's zone makes another one than ours.
    pub async fn count_in_server_zone(&mut self, selection: &Selection) -> Result<Option<ZoneCount>, Error> {
        match &mut self.backend {
            Backend::Postgres(store) if selection.is_timed() => store.count_in_server_zone(selection).await,
            Backend::MySql(store) if selection.is_timed() => store.count_in_server_zone(selection).await,
            _ => Ok(None),
        }
    }

    /// Deletes the selected sessions, with a backup of exactly the deleted rows, in one transaction.
    ///
    /// The backup is complete, synced and read back before the delete is committed. On an error nothing is
    /// deleted and no backup is left, except for [`Error::CommitUnknown`] and [`Error::Uncounted`], which say so.
    /// A second call takes what arrived meanwhile.
    ///
    /// Redis has no such transaction: there a session is deleted only if it is still as it was backed up, those that were rewritten meanwhile are backed up and deleted once more, and
    /// [`Error::Partial`] tells how far it came.
    pub async fn delete(&mut self, selection: &Selection, spec: &BackupSpec<'_>) -> Result<Deleted, Error> {
        self.delete_bounded(selection, spec, Bounds::default()).await
    }

    /// The same, of a bounded number of rows.
    pub async fn delete_bounded(
        &mut self,
        selection: &Selection,
        spec: &BackupSpec<'_>,
        bounds: Bounds,
    ) -> Result<Deleted, Error> {
        self.preflight().await?;
        let (before, selected_before, removed) = match &mut self.backend {
            Backend::Redis(store) if matches!(selection, Selection::All) => {
                let mut emptied = store.delete(selection, spec, bounds).await?;
                let before = emptied.before.take().unwrap_or_else(Counts::none);
                let selected = before.total;
                (before, selected, Removed::from(emptied))
            }
            _ => {
                let before = self.counts().await?;
                let selected = self.count_of(selection, &before).await?;
                if selected == 0 {
                    return Ok(Deleted::nothing(before));
                }
                (before, selected, self.delete_unlocked(selection, spec, bounds).await?)
            }
        };
        let Removed { deleted, gone, taken, backups, .. } = removed;
        let counted = async {
            let after = self.counts().await?;
            Ok((self.count_of(selection, &after).await?, after))
        };
        match counted.await {
            Ok((selected_after, after)) => {
                let mut backups = backups.into_iter();
                Ok(Deleted {
                    before,
                    selected_before,
                    deleted,
                    backed_up: deleted,
                    gone,
                    taken,
                    selected_after,
                    after,
                    backup: backups.next(),
                    later: backups.collect(),
                })
            }
            Err(cause) => Err(Error::Uncounted {
                deleted,
                backups: backups.into_iter().map(|backup| backup.path).collect(),
                cause: Box::new(cause),
            }),
        }
    }

    /// The selected sessions, without asking again for what is known.
    pub(super) async fn count_of(&mut self, selection: &Selection, counts: &Counts) -> Result<u64, Error> {
        match selection {
            Selection::All => Ok(counts.total),
            _ => self.count(selection).await,
        }
    }

    /// Deletes without counting; waits for locks.
    pub(super) async fn delete_unlocked(
        &mut self,
        selection: &Selection,
        spec: &BackupSpec<'_>,
        bounds: Bounds,
    ) -> Result<Removed, Error> {
        let selection = &*self.resolved(selection).await?;
        for attempt in 1.. {
            let result = match &mut self.backend {
                Backend::Postgres(store) => store.delete(selection, spec, bounds).await.map(Removed::from),
                Backend::Sqlite(store) => store.delete(selection, spec, bounds).await.map(Removed::from),
                Backend::MySql(store) => store.delete(selection, spec, bounds).await.map(Removed::from),
                Backend::Redis(store) => store.delete(selection, spec, bounds).await.map(Removed::from),
            };
            match result {
                Err(error) if error.is_lock_conflict() => self.wait_for_lock(attempt).await?,
                result => return result,
            }
        }
        unreachable!("attempts end by returning")
    }

    /// Looks the users table up in the catalogue.
    pub async fn users_table(&mut self, wanted: &UsersWanted) -> Result<UsersTable, Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.users_table(wanted).await,
            Backend::Sqlite(store) => store.users_table(wanted).await,
            Backend::MySql(store) => store.users_table(wanted).await,
            Backend::Redis(_) => Err(no_users()),
        }
    }

    /// The users that a pattern fits, at most `limit` of them.
    pub async fn find_users(
        &mut self,
        users: &UsersTable,
        pattern: &UserPattern,
        limit: u32,
    ) -> Result<Vec<User>, Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.find_users(users, pattern, limit).await,
            Backend::Sqlite(store) => store.find_users(users, pattern, limit).await,
            Backend::MySql(store) => store.find_users(users, pattern, limit).await,
            Backend::Redis(_) => Err(no_users()),
        }
    }

    /// Refuses a users table that the sessions cannot be held against: of another type of key, or with sessions that do not
    /// tell whose they are.
    pub fn comparable(&self, users: &UsersTable) -> Result<(), Error> {
        match &self.backend {
            Backend::Postgres(store) => store.comparable(users),
            Backend::Sqlite(store) => store.comparable(users),
            Backend::MySql(store) => store.comparable(users),
            Backend::Redis(_) => Err(no_users()),
        }
    }

    /// How many users there are, and how many sessions are of none of them.
    pub async fn orphaned(&mut self, users: &UsersTable) -> Result<Orphaned, Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.orphaned(users).await,
            Backend::Sqlite(store) => store.orphaned(users).await,
            Backend::MySql(store) => store.orphaned(users).await,
            Backend::Redis(_) => Err(no_users()),
        }
    }

    /// One page of the sessions that a query fits. Tokens in it are live credentials.
    pub async fn page(&mut self, query: &ListQuery) -> Result<Page, Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.page(query).await,
            Backend::Sqlite(store) => store.page(query).await,
            Backend::MySql(store) => store.page(query).await,
            Backend::Redis(store) => store.page(query).await,
        }
    }

    /// What can be told about all sessions, and with the users table about orphans.
    pub async fn facts(&mut self, users: Option<&UsersTable>, soon: SignedDuration) -> Result<Facts, Error> {
        let mut facts = match &mut self.backend {
            Backend::Postgres(store) => store.facts(soon).await?,
            Backend::Sqlite(store) => store.facts(soon).await?,
            Backend::MySql(store) => store.facts(soon).await?,
            Backend::Redis(store) => store.facts(soon).await?,
        };
        if let Some(users) = users {
            match self.orphaned(users).await {
                Ok(found) => facts.orphaned = Some(found),
                // Monitoring needs no right on the users; what it has none for is said, and the rest is told.
                Err(error) if error.is_forbidden() => facts.orphans_untold = Some(users.name().to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(facts)
    }

    /// The different tokens that a test fits.
    pub async fn find_tokens(&mut self, fits: &dyn Fn(&Secret) -> bool) -> Result<Vec<Secret>, Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.find_tokens(fits).await,
            Backend::Sqlite(store) => store.find_tokens(fits).await,
            Backend::MySql(store) => store.find_tokens(fits).await,
            Backend::Redis(store) => store.find_tokens(fits).await,
        }
    }

    /// The different texts of a mark that a test fits: what [`Selection::Marked`] takes.
    pub async fn marks(&mut self, mark: Mark, fits: &dyn Fn(&str) -> bool) -> Result<Vec<String>, Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.marks(mark, fits).await,
            Backend::Sqlite(store) => store.marks(mark, fits).await,
            Backend::MySql(store) => store.marks(mark, fits).await,
            Backend::Redis(_) => Err(no_marks()),
        }
    }

    /// Whether the store itself refuses a second session with one token.
    pub async fn token_is_unique(&mut self) -> Result<bool, Error> {
        match &mut self.backend {
            Backend::Postgres(store) => store.token_is_unique().await,
            Backend::Sqlite(store) => store.token_is_unique().await,
            Backend::MySql(store) => store.token_is_unique().await,
            // A key is there once as it is.
            Backend::Redis(_) => Ok(true),
        }
    }

    pub(super) async fn wait_for_lock(&self, attempt: u32) -> Result<(), Error> {
        if attempt >= ATTEMPTS {
            return Err(Error::Locked { table: self.selected().table.name.to_string(), attempts: attempt });
        }
        tokio::time::sleep(Duration::from_millis(200) * attempt).await;
        Ok(())
    }

    pub(super) fn selected(&self) -> &Selected {
        match &self.backend {
            Backend::Postgres(store) => store.selected(),
            Backend::Sqlite(store) => store.selected(),
            Backend::MySql(store) => store.selected(),
            Backend::Redis(store) => store.selected(),
        }
    }
}

/// Bounds the time that something takes.
pub(super) async fn within<T>(
    limit: Duration,
    doing: &'static str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(Error::Timeout { doing, seconds: limit.as_secs() }))
}
