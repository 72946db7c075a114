//! Places at which nothing was found, known again wherever the same bytes stand.
//!
//! What is new in one version of a file stands near the same lines as what is new in the next, and branches bring the same
//! change again and again: in the history of rust-lang/cargo three of five places at which rules are run have been seen
//! before with all bytes around them that their answers can depend on.

use super::reach::Around;
use foldhash::quality::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many places are remembered, in 4 MiB; a newer one takes an older one's slot. Tests are to see that too.
const SLOTS: usize = if cfg!(test) { 1 << 5 } else { 1 << 19 };

/// A set of hashes that forgets. They are of 64 bits and hold a number of this process, so that nobody can write a text whose
/// secret has the hash of another place; by chance one of a million places is taken for another in one scan of some ten million.
pub(super) struct Memo {
    hasher: RandomState,
    slots: Box<[AtomicU64]>,
}

impl Memo {
    pub(super) fn new() -> Self {
        Self { hasher: RandomState::default(), slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect() }
    }

    /// What a keyword is remembered by that stands so far into `window`, beyond which nothing counts; with what
    /// makes the window, since at the ends of a text two reaches can make the same.
    pub(super) fn key(&self, keyword: (u32, Around), at: usize, window: &[u8]) -> u64 {
        self.hasher.hash_one((keyword, at, window))
    }

    pub(super) fn holds(&self, key: u64) -> bool {
        self.slot(key).load(Ordering::Relaxed) == key
    }

    pub(super) fn insert(&self, key: u64) {
        self.slot(key).store(key, Ordering::Relaxed);
    }

    fn slot(&self, key: u64) -> &AtomicU64 {
        #[expect(clippy::cast_possible_truncation, reason = "the lower bits are what counts")]
        &self.slots[key as usize % SLOTS]
    }
}
