//! A few open stores, lent to one piece of work at a time. Work runs on a thread of its own, so that it comes to its end
//! also when the client who asked for it goes away: a backup without its record would be worse than a late answer.

use crate::rotate::StoreAccess;
use crate::session::{Error, Store};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

/// How many stores are lent at a time to those who look.
const READING: usize = 3;
/// One more is kept for the one change that can be under way, however many look.
const CHANGING: usize = 1;
/// How long work waits for one.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long an end waits for those who look, who are told of it and need no time.
const FAREWELL: Duration = Duration::from_secs(5);

/// The open stores.
#[derive(Clone)]
pub(super) struct Stores(Arc<Shared>);

struct Shared {
    access: StoreAccess,
    idle: Mutex<Vec<Store>>,
    reading: Arc<Semaphore>,
    changing: Arc<Semaphore>,
    /// Whether the server ends: nobody need see any more what they were about to look at.
    over: watch::Sender<bool>,
}

impl Stores {
    pub(super) fn new(access: StoreAccess) -> Self {
        let lane = |many| Arc::new(Semaphore::new(many));
        let (reading, changing) = (lane(READING), lane(CHANGING));
        let over = watch::Sender::new(false);
        Self(Arc::new(Shared { access, idle: Mutex::default(), reading, changing, over }))
    }

    /// Breaks off all looking, and waits until nobody does any more: without the runtime's timers and sockets, which go next,
    /// they would fail half-way. A change is left alone.
    pub(super) async fn end(&self) {
        self.0.over.send_replace(true);
        let all = self.0.reading.acquire_many(u32::try_from(READING).unwrap_or(u32::MAX));
        drop(tokio::time::timeout(FAREWELL, all).await);
    }

    /// Looks at something in a store.
    pub(super) async fn work<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: AsyncFnOnce(&mut Store) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let mut over = self.0.over.subscribe();
        let looking = async move |store: &mut Store| {
            let ended = || Error::Unsupported { what: "to go on: the server ends".to_owned() };
            tokio::select! {
                biased;
                _ = over.wait_for(|over| *over) => Err(ended()),
                seen = work(store) => seen,
            }
        };
        self.lend(&self.0.reading, looking).await
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
