//! How a rotation reaches the session store: the one place where it waits for a database.

use super::Error;
use crate::secret::Secret;
use crate::session::{
    BackupKey, BackupSpec, CustomTable, Directory, Manager, Options, Pooling, Purged, Settled, Store,
    StoreSummary, StoreUrl, UsersWanted, list_backups,
};
use jiff::{SignedDuration, Timestamp};
use std::future::Future;
use std::path::{Path, PathBuf};

/// How long a backup is meant to be kept: it holds sessions that a restore would revive.
const KEEP: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A session store with what it takes to connect.
#[derive(Clone, Debug)]
pub struct StoreAccess {
    url: StoreUrl,
    options: Options,
    secrets: Vec<Secret>,
}

impl StoreAccess {
    /// Takes the store's address, which may hold the password, and the options.
    ///
    /// # Errors
    /// When the text is no address of a store.
    pub fn new(url: &str, options: Options) -> Result<Self, Error> {
        let mut secrets: Vec<_> = options.password.iter().cloned().collect();
        let authority =
            url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
        if let Some((_, password)) = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':')) {
            secrets.push(Secret::from(password.to_owned()));
            secrets.extend(percent_decoded(password).map(Secret::from));
        }
        Ok(Self { url: url.parse()?, options, secrets })
    }

    /// Connects to the store and finds the session table.
    ///
    /// # Errors
    /// See [`Store::connect`].
    pub async fn connect(&self) -> Result<Store, crate::session::Error> {
        Store::connect(&self.url, &self.options).await
    }

    /// The same store, for many look-ups of single sessions; with the users beside them when `users` says so.
    pub async fn manager(
        &self,
        pooling: Pooling,
        users: Option<&UsersWanted>,
    ) -> Result<Manager, crate::session::Error> {
        Manager::open(&self.url, &self.options, pooling, users).await
    }

    /// The users of a database that need not hold sessions.
    pub async fn directory(
        &self,
        pooling: Pooling,
        wanted: &UsersWanted,
    ) -> Result<Directory, crate::session::Error> {
        Directory::open(&self.url, &self.options, pooling, wanted).await
    }

    /// The same store, found again without a look at what it holds: a Redis that was emptied has nothing to be known by.
    #[must_use]
    pub fn known_as(mut self, dialect: &str, table: &str) -> Self {
        self.options.dialect = Some(dialect.to_owned());
        self.options.table = Some(table.to_owned());
        self
    }

    /// The same store with its session table in the caller's words.
    #[must_use]
    pub fn described(mut self, table: CustomTable) -> Self {
        self.options.custom = Some(table);
        self
    }

    /// The store's address.
    pub fn url(&self) -> &StoreUrl {
        &self.url
    }

    /// What to connect with besides the address.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What must never be shown.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// Whether the address itself carried a password.
    pub fn url_has_password(&self) -> bool {
        self.url.has_password()
    }

    /// What the store is and holds, and whether a purge could be complete. Writes nothing.
    pub(super) fn describe(&self) -> Result<StoreSummary, Error> {
        block_on(async {
            let mut store = Store::connect(&self.url, &self.options).await?;
            store.preflight().await?;
            Ok(store.describe().await?)
        })
    }

    /// Finds out how the purges of this incident had ended that an earlier run began, by their backups.
    pub(super) fn settle(&self, state: &Path, incident: &str) -> Result<Vec<Earlier>, Error> {
        let key = BackupKey::load_or_create(&state.join("backup.key"))?;
        let backups = list_backups(&state.join("backups"))?.backups;
        let ours = backups.into_iter().filter(|backup| backup.incident == incident);
        block_on(async {
            let mut store = Store::connect(&self.url, &self.options).await?;
            let mut found = Vec::new();
            for backup in ours {
                // A backup that cannot be opened must not keep the purge from going on.
                let end = store.settle(&backup.path, &key).await.map_err(Error::from);
                found.push(Earlier { backup: backup.path, end });
            }
            Ok(found)
        })
    }

    /// Backs up and deletes every session; `told` learns how many are gone, of how many.
    pub(super) fn purge(
        &self,
        state: &Path,
        incident: &str,
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<Purged, Error> {
        let key = BackupKey::load_or_create(&state.join("backup.key"))?;
        let created = Timestamp::now();
        let dir = state.join("backups");
        let spec =
            BackupSpec { dir: &dir, key: &key, incident, created, expires: created + KEEP, owner: None };
        block_on(async {
            let mut store = Store::connect(&self.url, &self.options).await?;
            Ok(store.purge_telling(&spec, told).await?)
        })
    }
}

/// What is known about a purge that was interrupted.
#[derive(Debug)]
pub(super) struct Earlier {
    /// The file of its backup.
    pub(super) backup: PathBuf,
    /// How it had ended; why that cannot be found out otherwise.
    pub(super) end: Result<Settled, Error>,
}

fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(work)
}

/// The text with `%XX` decoded, if that changes it.
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let byte = (*first == b'%').then(|| tail.get(..2)).flatten().and_then(|two| hex::decode(two).ok());
        out.push(byte.as_ref().map_or(*first, |byte| byte[0]));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    (out != text.as_bytes()).then_some(out)
}
