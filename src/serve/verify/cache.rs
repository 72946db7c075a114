//! Who was let in a moment ago. What was refused is asked about again each time.
//!
//! Entries are known by a hash with a key of this process, so that the memory of it holds no token. Two generations
//! bound its size: when the young one is full or old, it takes the place of the old one, which is forgotten.

use super::check::Identity;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use rand::TryRng as _;
use sha2::Sha256;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Entries in one generation: two thousand a second for as long as any is kept.
const MOST: usize = 10_000;

/// What an entry is known by.
pub(super) type Key = [u8; 32];

pub(super) struct Cache {
    secret: Zeroizing<[u8; 32]>,
    keep: Duration,
    generations: Mutex<Generations>,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("keep", &self.keep).finish_non_exhaustive()
    }
}

struct Generations {
    young: HashMap<Key, (Instant, Identity)>,
    old: HashMap<Key, (Instant, Identity)>,
    born: Instant,
}

impl Cache {
    /// A cache that keeps verdicts so long; `None` when the system gives no randomness for its key.
    pub(super) fn new(keep: Duration) -> Option<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        rand::rngs::SysRng.try_fill_bytes(&mut *secret).ok()?;
        let generations = Generations { young: HashMap::new(), old: HashMap::new(), born: Instant::now() };
        Some(Self { secret, keep, generations: Mutex::new(generations) })
    }

    pub(super) fn key(&self, name: &str, value: &str) -> Key {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.secret).expect("HMAC takes a key of any length");
        mac.update(name.as_bytes());
        mac.update(b"=");
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().into()
    }

    pub(super) fn get(&self, key: &Key) -> Option<Identity> {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, identity) = generations.young.get(key).or_else(|| generations.old.get(key))?;
        let alive = identity.expires.is_none_or(|expires| expires > Timestamp::now());
        (since.elapsed() < self.keep && alive).then(|| identity.clone())
    }

    /// Keeps what was true at `since`.
    pub(super) fn put(&self, key: Key, since: Instant, identity: &Identity) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.young.len() >= MOST || generations.born.elapsed() >= self.keep {
            generations.old = std::mem::take(&mut generations.young);
            generations.born = Instant::now();
        }
        generations.young.insert(key, (since, identity.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_bounded_and_the_ended_are_not_let_in() {
        let cache = Cache::new(Duration::from_mins(1)).unwrap();
        let identity = |expires: &str| Identity {
            user: "7".to_owned(),
            expires: Some(expires.parse().unwrap()),
            verified: true,
        };
        let over = cache.key("sid", "over");
        cache.put(over, Instant::now(), &identity("2001-01-01T00:00:00Z"));
        assert!(cache.get(&over).is_none());
        let first = cache.key("sid", "0");
        for number in 0..=2 * MOST {
            cache.put(
                cache.key("sid", &number.to_string()),
                Instant::now(),
                &identity("2999-01-01T00:00:00Z"),
            );
        }
        assert!(cache.get(&first).is_none(), "the oldest are forgotten");
        assert!(cache.get(&cache.key("sid", &(2 * MOST).to_string())).is_some());
        let generations = cache.generations.lock().unwrap();
        assert!(generations.young.len() <= MOST && generations.old.len() <= MOST);
    }

    #[test]
    fn a_key_is_of_one_process_and_one_name() {
        let (one, other) = (Cache::new(Duration::MAX).unwrap(), Cache::new(Duration::MAX).unwrap());
        assert_ne!(one.key("sid", "a"), other.key("sid", "a"));
        assert_ne!(one.key("sid", "a"), one.key("id", "a"));
    }
}
