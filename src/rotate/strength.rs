//! How hard the old value was to guess, judged without showing anything of it.
//!
//! A value that can be guessed was out before it leaked: whoever rotates should know that the exposure is older.

use crate::secret::Secret;
use serde::Serialize;

/// A judgement of a value. It tells a class and never a length or a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// It is empty.
    Empty,
    /// It stands in documentation and examples everywhere.
    KnownDefault,
    /// It has fewer characters than any framework asks for.
    Short,
    /// It is made of few different characters, a repetition, or words.
    Predictable,
    /// It is less than a framework's own generator makes.
    Fair,
    /// Guessing it is out of reach.
    Strong,
}

/// Values that examples and templates have carried into production.
const DEFAULTS: &[&str] = &[
    "secret",
    "changeme",
    "change-me",
    "change_me",
    "changeit",
    "keyboard cat",
    "keyboardcat",
    "password",
    "default",
    "supersecret",
    "super-secret",
    "super secret",
    "mysecret",
    "my-secret",
    "my secret",
    "sessionsecret",
    "session-secret",
    "shhhh",
    "shhhhh",
    "your-secret-key",
    "your-secret-here",
    "your_secret_key",
    "yoursecret",
    "thisisasecret",
    "this is a secret",
    "test",
    "dev",
    "development",
    "insecure",
    "placeholder",
];

impl Strength {
    /// Judges a value.
    pub(super) fn of(value: &Secret) -> Self {
        let bytes = value.expose();
        let lower = zeroize::Zeroizing::new(bytes.to_ascii_lowercase());
        if bytes.is_empty() {
            Self::Empty
        } else if DEFAULTS.iter().any(|known| *lower == known.as_bytes())
            || lower.starts_with(b"django-insecure-")
        {
            Self::KnownDefault
        } else if bytes.len() < 16 {
            Self::Short
        } else {
            match bits(bytes) {
                ..64 => Self::Predictable,
                64..128 => Self::Fair,
                _ => Self::Strong,
            }
        }
    }

    /// The judgement as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Empty => "The old value was empty: anybody could sign with it.",
            Self::KnownDefault => {
                "The old value is a well-known default: anybody could have used it long before it leaked."
            }
            Self::Short => {
                "The old value was short enough to be guessed: the exposure may be older than the leak."
            }
            Self::Predictable => {
                "The old value was predictable, made of few characters or of words: the exposure may be older than the leak."
            }
            Self::Fair => {
                "The old value was weaker than what a generator makes, and hard to guess all the same."
            }
            Self::Strong => "The old value was strong: only a leak gives it away.",
        }
    }

    /// Whether it could have been guessed.
    pub fn is_weak(self) -> bool {
        !matches!(self, Self::Fair | Self::Strong)
    }
}

/// A careful estimate of the bits: what a frequency count sees, less for runs and repetitions.
fn bits(bytes: &[u8]) -> usize {
    let mut counts = [0_usize; 256];
    let mut fresh = 0_usize;
    for (at, &byte) in bytes.iter().enumerate() {
        counts[usize::from(byte)] += 1;
        let step = at.checked_sub(1).map(|before| byte.abs_diff(bytes[before]));
        // A letter that only continues a run, or a pair that stood before, tells nothing new.
        let repeated = at > 0 && bytes[..at].windows(2).any(|pair| pair == &bytes[at - 1..=at]);
        fresh += usize::from(!matches!(step, Some(0 | 1)) && (!repeated || bytes.len() > 256));
    }
    let different = counts.iter().filter(|&&count| count > 0).count();
    // Words: letters and blanks in one case carry about two bits each.
    let words = bytes.iter().all(|byte| byte.is_ascii_lowercase() || b" -_.".contains(byte))
        && bytes.iter().any(|byte| b" -_.".contains(byte));
    let per_letter = if words { 2 } else { different.ilog2() as usize };
    fresh * per_letter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotate::Format;
    use clap::ValueEnum as _;

    fn of(text: &str) -> Strength {
        Strength::of(&Secret::from(text.to_owned()))
    }

    #[test]
    fn what_can_be_guessed_is_weak() {
        assert_eq!(of(""), Strength::Empty);
        for known in ["secret", "Keyboard Cat", "CHANGEME", "django-insecure-abcdefgh"] {
            assert_eq!(of(known), Strength::KnownDefault, "{known}");
        }
        assert_eq!(of("hunter2"), Strength::Short);
        for predictable in
            ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abcdefghijklmnopqrstuvwxyz", "please do not tell anyone"]
        {
            assert_eq!(of(predictable), Strength::Predictable, "{predictable}");
        }
    }

    #[test]
    fn what_is_generated_is_strong() {
        for format in Format::value_variants() {
            let value = format.generate().unwrap();
            assert_eq!(Strength::of(&value), Strength::Strong, "{format:?}");
        }
    }
}
