//! Who was let in a moment ago. What was refused is asked about again each time.
//!
//! Entries are known by a hash with a key of this process, so that the memory of it holds no token. Two generations
//! bound its size: when the young one is full or old, it takes the place of the old one, which is forgotten. Both have all
//! the room they will ever need, and an entry owns none: what lives for seconds among what lives for a request would keep
//! the allocator from giving anything back.

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

/// The longest id of a user, in bytes, whose entries are kept: a UUID has 36.
const LONGEST: usize = 47;

/// What an entry is known by.
pub(super) type Key = [u8; 16];

/// An [`Identity`] in one piece, and since when it held.
struct Entry {
    since: Instant,
    expires: Option<Timestamp>,
    verified: bool,
    len: u8,
    user: [u8; LONGEST],
}

impl Entry {
    /// `None` of an identity that has no room here.
    fn new(since: Instant, identity: &Identity) -> Option<Self> {
        let mut user = [0; LONGEST];
        user.get_mut(..identity.user.len())?.copy_from_slice(identity.user.as_bytes());
        let len = u8::try_from(identity.user.len()).ok()?;
        Some(Self { since, expires: identity.expires, verified: identity.verified, len, user })
    }

    fn identity(&self) -> Option<Identity> {
        let user = str::from_utf8(&self.user[..usize::from(self.len)]).ok()?.to_owned();
        Some(Identity { user, expires: self.expires, verified: self.verified })
    }
}

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
    young: HashMap<Key, Entry>,
    old: HashMap<Key, Entry>,
    born: Instant,
}

impl Cache {
    /// A cache that keeps verdicts so long; `None` when the system gives no randomness for its key.
    pub(super) fn new(keep: Duration) -> Option<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        rand::rngs::SysRng.try_fill_bytes(&mut *secret).ok()?;
        let generations = Generations {
            young: HashMap::with_capacity(MOST),
            old: HashMap::with_capacity(MOST),
            born: Instant::now(),
        };
        Some(Self { secret, keep, generations: Mutex::new(generations) })
    }

    pub(super) fn key(&self, name: &str, value: &str) -> Key {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.secret).expect("HMAC takes a key of any length");
        mac.update(name.as_bytes());
        mac.update(b"=");
        mac.update(value.as_bytes());
        let mut key = Key::default();
        let hash = mac.finalize().into_bytes();
        key.iter_mut().zip(hash).for_each(|(key, hash)| *key = hash);
        key
    }

    pub(super) fn get(&self, key: &Key) -> Option<Identity> {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = generations.young.get(key).or_else(|| generations.old.get(key))?;
        let alive = entry.expires.is_none_or(|expires| expires > Timestamp::now());
        if entry.since.elapsed() < self.keep && alive { entry.identity() } else { None }
    }

    /// Keeps what was true at `since`.
    pub(super) fn put(&self, key: Key, since: Instant, identity: &Identity) {
        let Some(entry) = Entry::new(since, identity) else { return };
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let Generations { young, old, born } = &mut *generations;
        if young.len() >= MOST || born.elapsed() >= self.keep {
            std::mem::swap(young, old);
            young.clear();
            *born = Instant::now();
        }
        young.insert(key, entry);
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
    fn who_is_let_in_again_is_who_was_let_in_and_long_names_are_asked_about() {
        let cache = Cache::new(Duration::from_mins(1)).unwrap();
        let known = cache.key("sid", "a");
        for (len, is_kept) in
            [(0, true), (1, true), (LONGEST - 1, true), (LONGEST + 1, false), (1_000, false)]
        {
            let user: String = "\u{e9}".repeat(len / 2) + &"u".repeat(len % 2);
            let expires = Some("2999-01-01T00:00:00Z".parse().unwrap());
            let identity = Identity { user, expires, verified: len % 2 == 0 };
            let key = cache.key("sid", &len.to_string());
            cache.put(key, Instant::now(), &identity);
            assert_eq!(cache.get(&key), is_kept.then_some(identity), "{len}");
        }
        assert_eq!(cache.get(&known), None);
    }

    #[test]
    fn a_key_is_of_one_process_and_one_name() {
        let (one, other) = (Cache::new(Duration::MAX).unwrap(), Cache::new(Duration::MAX).unwrap());
        assert_ne!(one.key("sid", "a"), other.key("sid", "a"));
        assert_ne!(one.key("sid", "a"), one.key("id", "a"));
    }
}
