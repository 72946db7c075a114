//! What every handler can reach: the stores, who may ask, what was sampled and counted.

use super::Error;
use super::access::{Access, Logins, TrustedProxy};
use super::findings::Findings;
use super::metrics::Metrics;
use super::samples::Samples;
use super::stores::Stores;
use super::traffic::Traffic;
use super::verify;
use crate::rotate::StoreAccess;
use crate::secret::FingerprintKey;
use crate::session::{self, Store, UsersTable, UsersWanted};
use crate::token::Tokens;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// What a server is started with.
#[derive(Debug)]
pub struct Settings {
    /// The session store.
    pub store: StoreAccess,
    /// What is known about the users table.
    pub users: UsersWanted,
    /// The folder of backups, keys, incidents, the audit log and the tokens.
    pub state: PathBuf,
    /// The key of fingerprints.
    pub fingerprints: FingerprintKey,
    /// The JSON report of a scan.
    pub findings: Option<PathBuf>,
    /// Whether browsers reach this server by TLS.
    pub secure: bool,
    /// Whether it is this server itself that speaks TLS.
    pub tls: bool,
    /// Names by which it is asked, beside numbers and `localhost`.
    pub hosts: Vec<String>,
    /// A proxy that says who asks.
    pub proxy: Option<TrustedProxy>,
    /// Whether everybody may read the metrics.
    pub metrics_open: bool,
    /// What forward-auth counts, where there is one.
    pub verifications: Option<verify::Metrics>,
}

/// A server's state.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What is behind it.
pub struct Inner {
    pub(super) access: Access,
    pub(super) stores: Stores,
    pub(super) users: UsersWanted,
    pub(super) state: PathBuf,
    pub(super) fingerprints: FingerprintKey,
    pub(super) findings: Findings,
    pub(super) metrics_open: bool,
    pub(super) tls: bool,
    pub(super) hosts: Vec<String>,
    pub(super) samples: Samples,
    pub(super) metrics: Arc<Metrics>,
    pub(super) traffic: Traffic,
    /// Held by the one change to sessions that is under way.
    pub(super) changing: Arc<Mutex<()>>,
}

impl App {
    /// Reads what has to be read; the store is connected to later.
    ///
    /// # Errors
    /// When the tokens cannot be read or there is no randomness.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let Settings {
            store,
            users,
            state,
            fingerprints,
            findings,
            secure,
            tls,
            hosts,
            proxy,
            metrics_open,
            verifications,
        } = settings;
        let key = FingerprintKey::generate().map_err(|_| Error::Random)?;
        let access = Access::new(Tokens::open(&state)?, Logins::new(secure), proxy, key);
        Ok(Self(Arc::new(Inner {
            access,
            stores: Stores::new(store),
            users,
            state,
            fingerprints,
            findings: Findings::new(findings),
            metrics_open,
            tls,
            hosts,
            samples: Samples::default(),
            metrics: Arc::new(Metrics::new(verifications.as_ref())),
            traffic: Traffic::new(verifications),
            changing: Arc::default(),
        })))
    }

    /// Whether a change to sessions is under way.
    pub fn is_changing(&self) -> bool {
        self.changing.try_lock().is_err()
    }

    /// Ends what only looks, and waits for the change that is under way. No other one begins before what this gives is
    /// dropped.
    pub async fn rest(&self) -> OwnedMutexGuard<()> {
        self.stores.end().await;
        Arc::clone(&self.changing).lock_owned().await
    }

    /// Looks at the sessions and at what was verified from time to time, for as long as it is polled.
    pub async fn keep_sampling(self) {
        let sampling = async {
            loop {
                self.samples.tick(&self).await;
            }
        };
        tokio::join!(sampling, self.traffic.keep_counting());
    }
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The users table, where there is one that sessions can be compared with: not every application keeps its users in
/// the same database.
pub(super) async fn users_table(
    store: &mut Store,
    wanted: &UsersWanted,
) -> Result<Option<UsersTable>, session::Error> {
    use session::Error as E;
    match store.users_table(wanted).await {
        Ok(users) => Ok(Some(users)),
        Err(E::NoUsersTable { .. } | E::Ambiguous { .. } | E::Column { .. } | E::Unsupported { .. })
            if wanted.table.is_none() && wanted.id.is_none() =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
