//! Encoded text that says something: the user and the password of a header, or a sentence.

use super::judge::judge;
use super::verdict::Form;
use super::weak::{is_chosen_word, is_weak};
use super::{placeholder, words};
use crate::rule::Promise;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest text that is looked at.
const LONGEST: usize = 400;

/// Whether a value is the base64 of a stand-in: `user:password`, `Aladdin:open sesame`, words.
pub(super) fn is_stand_in(value: &[u8]) -> bool {
    let is_base64 = (8..=LONGEST).contains(&value.len()) && value.len().is_multiple_of(4);
    let Some(text) = is_base64.then(|| STANDARD.decode(value).ok()).flatten() else { return false };
    // `echo password | base64` encodes the end of the line too.
    let text = text.trim_ascii_end();
    // Random bytes of this length are hardly ever all printable.
    if text.len() < 6 || !text.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return false;
    }
    let Some(colon) = text.iter().position(|byte| *byte == b':') else {
        return placeholder::is_placeholder(text) || is_weak(text) || says_words(text);
    };
    let password = &text[colon + 1..];
    placeholder::is_placeholder(password)
        || placeholder::says_stand_in(password)
        || (password.len() < 40 && judge(password, Form::Quoted, Promise::Password).is_err())
}

/// Whether a value is the base64 of a word, or of a user with one for a password.
pub(super) fn holds_word(value: &[u8]) -> bool {
    let is_base64 = (6..=LONGEST).contains(&value.len()) && value.len().is_multiple_of(4);
    let text = is_base64.then(|| STANDARD.decode(value).ok()).flatten();
    text.is_some_and(|text| {
        let password = memchr::memchr(b':', &text).map_or(&*text, |colon| &text[colon + 1..]);
        is_chosen_word(password)
    })
}

/// Whether a value is the base64 of a JSON object: where a list goes on, or another state that a client keeps.
pub(super) fn is_state(value: &[u8]) -> bool {
    let whole = value.len() / 4 * 4;
    let text = (value.len() <= LONGEST * 4 && value.starts_with(b"eyJ"))
        .then(|| STANDARD.decode(&value[..whole]).ok());
    text.flatten()
        .is_some_and(|text| text.starts_with(b"{\"") && text.iter().all(|byte| (b' '..=b'~').contains(byte)))
}

/// Words, and nothing else.
fn says_words(text: &[u8]) -> bool {
    let letters = text.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let signs = text.iter().filter(|byte| b".,!?'".contains(byte)).count();
    let others = memchr::memchr2_iter(b' ', b'_', text).count();
    let others = if others > 0 { others + signs } else { others };
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let others = if others > 0 && digits < 3 { others + digits } else { others };
    letters >= 8 && letters + others == text.len() && words::covered(text) * 4 >= letters * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> String {
        STANDARD.encode(text)
    }

    #[test]
    fn what_says_nothing_secret_is_none() {
        for text in [
            "user:password",
            "Aladdin:open sesame",
            "my_id:my_secret",
            "password1\n",
            "admin:changeme",
            "this is only some text",
            "Hello, World!",
        ] {
            assert!(is_stand_in(encoded(text).as_bytes()), "{text}");
        }
        assert!(is_state(encoded("{\"offset\": 100, \"shard\": 7}").as_bytes()));
        for text in ["deploy:kX9#mPq2vL", "ci:h8Jw!zz_41", "x:3f9a1c7be2d4"] {
            assert!(!is_stand_in(encoded(text).as_bytes()), "{text}");
        }
    }
}
