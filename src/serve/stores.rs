//! A few open stores, lent to one piece of work at a time. Work runs on a thread of its own, so that it comes to its end
//! also when the client who asked for it goes away: a backup without its record would be worse than a late answer.

use crate::rotate::StoreAccess;
use crate::session::{Error, Store};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// How many stores are lent at a time to those who look.
const READING: usize = 3;
/// One more is kept for the one change that can be under way, however many look.
const CHANGING: usize = 1;
/// How long work waits for one.
const PATIENCE: Duration = Duration::from_secs(20);

/// The open stores.
#[derive(Clone)]
pub(super) struct Stores(Arc<Shared>);

struct Shared {
    access: StoreAccess,
    idle: Mutex<Vec<Store>>,
    reading: Arc<Semaphore>,
    changing: Arc<Semaphore>,
}

impl Stores {
    pub(super) fn new(access: StoreAccess) -> Self {
        let lane = |many| Arc::new(Semaphore::new(many));
        let (reading, changing) = (lane(READING), lane(CHANGING));
        Self(Arc::new(Shared { access, idle: Mutex::default(), reading, changing }))
    }

    /// Looks at something in a store.
    pub(super) async fn work<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: AsyncFnOnce(&mut Store) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.lend(&self.0.reading, work).await
    }

    /// Changes something in a store.
    pub(super) async fn change<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: AsyncFnOnce(&mut Store) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.lend(&self.0.changing, work).await
    }

    /// Does something with a store. One that failed is closed with all others: they have the same trouble.
    async fn lend<T, F>(&self, lane: &Arc<Semaphore>, work: F) -> Result<T, Error>
    where
        F: AsyncFnOnce(&mut Store) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let late = || Error::Timeout { doing: "waiting for a free connection", seconds: PATIENCE.as_secs() };
        let free = Arc::clone(lane).acquire_owned();
        let permit = tokio::time::timeout(PATIENCE, free).await.ok().and_then(Result::ok).ok_or_else(late)?;
        let shared = Arc::clone(&self.0);
        let runtime = Handle::current();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            runtime.block_on(async {
                let mut store = match shared.take() {
                    Some(store) => store,
                    None => shared.access.connect().await?,
                };
                let result = work(&mut store).await;
                shared.give_back(store, result.as_ref().err());
                result
            })
        });
        done.await.unwrap_or_else(|_| {
            Err(Error::Unsupported {
                what: "what was asked for: it ended by a fault of this program".to_owned(),
            })
        })
    }
}

impl Shared {
    fn take(&self) -> Option<Store> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, store: Store, failed: Option<&Error>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match failed {
            Some(Error::Connect { .. } | Error::Timeout { .. } | Error::Database { .. }) => idle.clear(),
            _ => idle.push(store),
        }
    }
}
