//! A hash of a secret that the people of a repository share: its key, the salt, stands beside the hashes in a file of theirs.
//!
//! So whoever has the file can try guesses. The salt makes a table of hashes made beforehand useless and keeps two
//! repositories from being compared; a value short enough to be guessed is hashed many times over, so that each try costs.

use super::{Fingerprint, Secret};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;
use std::panic::resume_unwind;
use std::str::FromStr;

/// Values from this length on are what a generator makes; nobody guesses them.
const STRONG: usize = 24;
/// How often a shorter one is hashed: about a millisecond, since a baseline of thousands is hashed in every scan.
const ROUNDS: u32 = 4096;
/// Fewer values than this are not worth a thread.
const SHARE: usize = 64;

/// The salt of one file of hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt([u8; Self::LEN]);

/// What is no salt.
#[derive(Debug, thiserror::Error)]
#[error("a salt has {} hexadecimal digits", Salt::LEN * 2)]
pub struct BadSalt;

impl Salt {
    const LEN: usize = 16;

    /// Makes a new salt from the operating system's generator.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn generate() -> Result<Self, rand::rngs::SysError> {
        use rand::TryRng as _;
        let mut bytes = [0; Self::LEN];
        rand::rngs::SysRng.try_fill_bytes(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The fingerprint of a value under this salt: the same on every machine that has the file.
    pub fn fingerprint(&self, secret: &Secret) -> Fingerprint {
        let rounds = if secret.len() < STRONG { ROUNDS } else { 1 };
        Fingerprint::start_of(&stretched(secret.expose(), &self.0, rounds))
    }

    /// The fingerprints of many values, on all cores.
    pub fn fingerprints(&self, secrets: &[&Secret]) -> Vec<Fingerprint> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = secrets.len().div_ceil(threads).max(SHARE);
        let part =
            |part: &[&Secret]| -> Vec<_> { part.iter().map(|secret| self.fingerprint(secret)).collect() };
        if secrets.len() <= share {
            return part(secrets);
        }
        std::thread::scope(|scope| {
            let parts: Vec<_> = secrets.chunks(share).map(|some| scope.spawn(move || part(some))).collect();
            let joined =
                parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)));
            joined.flatten().collect()
        })
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Salt {
    type Err = BadSalt;

    fn from_str(text: &str) -> Result<Self, BadSalt> {
        let mut bytes = [0; Self::LEN];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| BadSalt)?;
        Ok(Self(bytes))
    }
}

/// The first block of PBKDF2 with HMAC-SHA-256 (RFC 8018).
fn stretched(value: &[u8], salt: &[u8], rounds: u32) -> [u8; 32] {
    let keyed = Hmac::<Sha256>::new_from_slice(value).expect("HMAC takes a key of any length");
    let once =
        |message: &[u8]| -> [u8; 32] { keyed.clone().chain_update(message).finalize().into_bytes().into() };
    let mut last = once(&[salt, &1_u32.to_be_bytes()].concat());
    let mut sum = last;
    for _ in 1..rounds {
        last = once(&last);
        sum.iter_mut().zip(last).for_each(|(sum, byte)| *sum ^= byte);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_pbkdf2() {
        // The vectors of RFC 7914, section 11.
        let once = stretched(b"passwd", b"salt", 1);
        assert_eq!(hex::encode(&once[..16]), "55ac046e56e3089fec1691c22544b605");
        let often = stretched(b"Password", b"NaCl", 80_000);
        assert_eq!(hex::encode(&often[..16]), "4ddcd8f60b98be21830cee5ef22701f9");
    }

    #[test]
    fn many_at_once_are_each_as_alone_and_in_order() {
        let secrets: Vec<Secret> =
            (0..200).map(|n| Secret::from(format!("a value that is long enough {n}"))).collect();
        let all: Vec<&Secret> = secrets.iter().collect();
        let salt = Salt([3; 16]);
        let alone: Vec<_> = all.iter().map(|secret| salt.fingerprint(secret)).collect();
        assert_eq!(salt.fingerprints(&all), alone);
    }

    #[test]
    fn another_salt_or_value_gives_another_fingerprint() {
        let (a, b) = (Salt([1; 16]), Salt([2; 16]));
        for value in ["short", "a value that is long enough"] {
            let secret = Secret::from(value.to_owned());
            assert_eq!(a.fingerprint(&secret), a.to_string().parse::<Salt>().unwrap().fingerprint(&secret));
            assert_ne!(a.fingerprint(&secret), b.fingerprint(&secret));
            assert_ne!(a.fingerprint(&secret), a.fingerprint(&Secret::from(format!("{value}r"))));
        }
    }
}
