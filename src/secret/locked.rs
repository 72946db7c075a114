//! The buffers of secrets kept in memory: out of swap, where the system allows it.
//!
//! For what replaces secrets, and not for scans, which hold thousands. A page stays locked until the process ends: another
//! secret may share it, and the system does not count how often a page was locked.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static WANTED: AtomicBool = AtomicBool::new(false);
static LOCKED: AtomicUsize = AtomicUsize::new(0);
static REFUSED: AtomicUsize = AtomicUsize::new(0);

/// How far the buffers of secrets are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// Nobody asked for it.
    Off,
    /// Every buffer of a secret was locked.
    All,
    /// The system refused some, or all.
    Some,
}

/// Locks the buffer of every secret that is made from now on.
pub fn lock_from_now_on() {
    WANTED.store(true, Ordering::Relaxed);
}

/// How far that went.
pub fn locking() -> Locking {
    match (WANTED.load(Ordering::Relaxed), REFUSED.load(Ordering::Relaxed)) {
        (false, _) => Locking::Off,
        (true, 0) => Locking::All,
        (true, _) => Locking::Some,
    }
}

/// Locks a buffer, before anything secret is in it where that can be.
pub(super) fn keep(bytes: &[u8]) {
    if bytes.is_empty() || !WANTED.load(Ordering::Relaxed) {
        return;
    }
    let count = match region::lock(bytes.as_ptr(), bytes.len()) {
        Ok(guard) => {
            // To unlock the page would unlock what else is on it.
            std::mem::forget(guard);
            &LOCKED
        }
        Err(_) => &REFUSED,
    };
    count.fetch_add(1, Ordering::Relaxed);
}
