//! Live values that are not worth an exact search: they stand in many places that leak nothing.

use super::judge::{judge, judge_or_word};
use super::thing::{is_thing, is_uuid};
use super::verdict::Form;
use super::{placeholder, words};
use crate::detect::Known;
use crate::finding::Confidence;
use crate::rule::Promise;
use std::fmt;

/// The fewest different bytes of a value that means something.
const DISTINCT: usize = 5;
/// From how many bytes on several words together are a passphrase.
const PASSPHRASE: usize = 16;
/// From how many digits on a number is not a count, a date or a telephone's.
const LONG_NUMBER: usize = 20;

/// Why a value is not looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfit {
    /// Nothing is there.
    Empty,
    /// It would stand in other texts by chance.
    Short,
    /// No reader keeps so much together.
    Long,
    /// It consists of very few different characters.
    Uniform,
    /// It stands for a value.
    Placeholder,
    /// It gets its value from elsewhere.
    Reference,
    /// A number or a date.
    Number,
    /// An address that holds no password.
    Address,
    /// A host, a path, a file or another thing with a form of its own.
    Thing,
    /// Words that people and programs write.
    Words,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Short => "shorter than 8 bytes",
            Self::Long => "longer than 4096 bytes",
            Self::Uniform => "few different characters",
            Self::Placeholder => "a placeholder",
            Self::Reference => "a reference to another variable",
            Self::Number => "a number or a date",
            Self::Address => "an address without a password",
            Self::Thing => "a host, a path or the like, not a secret",
            Self::Words => "words that stand in many texts",
        })
    }
}

/// Why a live value is not worth a search, if it is not. `named_secret` tells whether its name says that it is a secret:
/// then several words are a passphrase.
pub fn unfit(value: &[u8], named_secret: bool) -> Option<Unfit> {
    if value.is_empty() {
        return Some(Unfit::Empty);
    }
    if value.len() < Known::SHORTEST {
        return Some(Unfit::Short);
    }
    if value.len() > Known::LONGEST {
        return Some(Unfit::Long);
    }
    let mut seen = [false; 256];
    value.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    if seen.iter().filter(|seen| **seen).count() < DISTINCT {
        return Some(Unfit::Uniform);
    }
    if value.starts_with(b"-----BEGIN ") {
        return None;
    }
    if placeholder::is_placeholder(value) {
        return Some(Unfit::Placeholder);
    }
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let signs: &[u8] = if value.contains(&b':') { b".-:/ +_,TZ" } else { b".-/ +_," };
    if digits < LONG_NUMBER && value.iter().all(|byte| byte.is_ascii_digit() || signs.contains(byte)) {
        return Some(Unfit::Number);
    }
    if let Some((_, rest)) = parts_of_url(value) {
        return (!has_password(rest) && !rest.split(|byte| b"/?&=#:@".contains(byte)).any(is_generated))
            .then_some(Unfit::Address);
    }
    // What is base64 of a key may begin like a certificate.
    if !value.starts_with(b"MII")
        && !is_uuid(value)
        && (is_thing(value) || is_host(value) || is_list_of_paths(value))
    {
        return Some(Unfit::Thing);
    }
    is_wordy(value, named_secret).then_some(Unfit::Words)
}

/// Whether a value looks like what a machine makes for a key.
pub fn is_generated(value: &[u8]) -> bool {
    judge(value, Form::Quoted, Promise::Key).is_ok_and(|verdict| verdict.confidence >= Confidence::Medium)
}

/// Whether a value can be a secret that is all that its file holds: as sure as if a name said so.
pub fn may_be_secret(value: &[u8]) -> bool {
    let is_sure = |promise| {
        judge(value, Form::Line, promise).is_ok_and(|verdict| verdict.confidence >= Confidence::Medium)
    };
    value.len() >= 6 && (is_sure(Promise::Password) || is_sure(Promise::Key))
}

/// Whether a value can be a password where nothing but passwords stand: also a weak one.
pub fn may_be_password(value: &[u8]) -> bool {
    judge_or_word(value, Form::Line, Promise::Password).is_ok()
}

/// The scheme of a URL and what follows it.
fn parts_of_url(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = value.windows(3).position(|window| window == b"://")?;
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.:".contains(byte);
    (at > 0 && value[..at].iter().all(is_scheme)).then(|| (&value[..at], &value[at + 3..]))
}

fn has_password(rest: &[u8]) -> bool {
    let authority = rest.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next().unwrap_or_default();
    let user = authority.iter().rposition(|byte| *byte == b'@').map(|at| &authority[..at]);
    // A password may hold a slash that nobody escaped.
    let user = user.or_else(|| rest.iter().rposition(|byte| *byte == b'@').map(|at| &rest[..at]));
    user.is_some_and(|user| user.contains(&b':') || is_generated(user))
}

/// `db.internal:5432`, `redis-master.cache.svc`
fn is_host(value: &[u8]) -> bool {
    let host = value.split(|byte| *byte == b':').next().unwrap_or_default();
    let port = &value[host.len()..];
    let labels: Vec<&[u8]> = host.split(|byte| *byte == b'.').collect();
    let is_label = |label: &&[u8]| {
        !label.is_empty()
            && label.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
    };
    let top = labels.last().is_some_and(|top| top.iter().all(u8::is_ascii_lowercase));
    labels.iter().all(is_label)
        && port.iter().skip(1).all(u8::is_ascii_digit)
        && (labels.len() > 1 && top && labels.iter().all(|label| !is_generated(label))
            || port.len() > 1 && top)
}

fn is_list_of_paths(value: &[u8]) -> bool {
    value.starts_with(b"/")
        && value.split(|byte| *byte == b':').all(|path| path.starts_with(b"/"))
        && value.contains(&b':')
}

/// Whether hardly any letter is outside words, and too little else is there to make the whole rare.
fn is_wordy(value: &[u8], named_secret: bool) -> bool {
    let count = |is: fn(&u8) -> bool| value.iter().filter(|byte| is(byte)).count();
    let letters = count(u8::is_ascii_alphabetic);
    let digits = count(u8::is_ascii_digit);
    let signs = count(|byte| byte.is_ascii_punctuation() && !b"-_./:, ".contains(byte));
    // Two letters are a word of their own: a country, a unit.
    let runs = value.chunk_by(|a, b| a.is_ascii_alphabetic() == b.is_ascii_alphabetic());
    let short: usize =
        runs.filter(|run| run.len() <= 2 && run[0].is_ascii_alphabetic()).map(<[u8]>::len).sum();
    let is_covered = (words::covered(value) + short) * 4 >= letters * 3;
    if !is_covered || signs > 0 {
        return false;
    }
    let is_long = value.len() >= PASSPHRASE && value.split(|byte| b"-_./:, ".contains(byte)).count() >= 3;
    if named_secret { digits == 0 && !is_long } else { digits <= 3 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_stands_everywhere_is_refused() {
        for (value, reason) in [
            ("", Unfit::Empty),
            ("true", Unfit::Short),
            ("abababababab", Unfit::Uniform),
            ("changeme-in-production", Unfit::Placeholder),
            ("2026-11-21", Unfit::Number),
            ("1234567890", Unfit::Placeholder),
            ("192.168.17.42", Unfit::Number),
            ("https://api.example.net/v1/users", Unfit::Placeholder),
            ("https://api.company.net/v1/users", Unfit::Address),
            ("redis://cache.internal:6379/0", Unfit::Address),
            ("db.internal.company.net:5432", Unfit::Thing),
            ("/usr/local/bin:/usr/bin", Unfit::Thing),
            ("production", Unfit::Words),
            ("development", Unfit::Words),
            ("us-east-1a", Unfit::Words),
        ] {
            assert_eq!(unfit(value.as_bytes(), false), Some(reason), "{value}");
        }
        assert_eq!(unfit(b"postgres", true), Some(Unfit::Words));
    }

    #[test]
    fn what_can_be_a_secret_is_not() {
        for value in [
            "tr0ub4dor&3",
            "postgres://app:s3cr-t9Xw@db.internal:5432/shop",
            "https://hooks.chat.net/services/T0QX82/B7Y4/kq9ZxT2vLmWp8RbN4cJd",
            "correct horse battery staple",
            "qzxvkwptjr",
            "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw",
        ] {
            assert_eq!(unfit(value.as_bytes(), true), None, "{value}");
        }
    }

    #[test]
    fn what_a_generator_makes_is_searched_for() {
        let values = crate::detect::value::generated("[0-9a-f]{32,128}|[0-9A-Za-z]{16,64}", 5000);
        let refused = values.iter().filter(|value| unfit(value.as_bytes(), false).is_some()).count();
        // By chance one of them can spell a word of stand-ins.
        assert!(refused <= 2, "{refused}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = unfit(&bytes, true);
        }
    }
}
