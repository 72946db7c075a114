//! Whether a value that fits a pattern is a secret: what its characters say, beyond their shape.

mod checksum;
mod code;
mod elsewhere;
mod encoded;
mod entropy;
mod hashed;
mod judge;
mod label;
mod otherwise;
mod phrase;
mod place;
mod placeholder;
mod published;
mod quantity;
mod thing;
mod unfit;
mod verdict;
mod weak;
mod words;

pub use hashed::is_password_hash;
pub(super) use judge::{judge_or_word, likely};
pub(super) use otherwise::{is_digest_like, says_otherwise};
pub use unfit::{Unfit, is_generated, may_be_password, may_be_secret, unfit};
pub(super) use verdict::Form;
pub use verdict::{Reason, Refusal, Verdict};
pub(super) use weak::is_chosen_word;
pub use weak::is_common;
pub(super) use words::is_of_words;

use super::compiled;
use crate::rule::{CharClass, Checksum, Filters};
use code::is_reference;
use regex_automata::meta::{BuildError, Regex};

/// The conditions of one rule, ready to run.
pub(super) struct ValueFilter {
    entropy: f32,
    require: Vec<CharClass>,
    checksum: Option<Checksum>,
    not: Vec<Regex>,
    allow_placeholders: bool,
    /// What is code, if that is among the conditions.
    code: Option<Regex>,
    words: bool,
}

/// What is judged.
pub(super) struct Judge<'b> {
    pub(super) value: &'b [u8],
    /// Whether it may be a word.
    pub(super) is_word: bool,
}

impl ValueFilter {
    pub(super) fn new(filters: &Filters) -> Result<Self, Box<BuildError>> {
        let code = crate::rule::expanded("{{code}}");
        Ok(Self {
            entropy: filters.entropy.unwrap_or(0.0),
            require: filters.require.clone(),
            checksum: filters.checksum,
            not: filters
                .not
                .iter()
                .map(|pattern| crate::rule::expanded(pattern))
                .filter(|pattern| *pattern != code)
                .map(|pattern| compiled::regex(&pattern))
                .collect::<Result<_, _>>()?,
            allow_placeholders: filters.allow_placeholders,
            code: filters
                .not
                .iter()
                .any(|pattern| crate::rule::expanded(pattern) == code)
                .then(|| compiled::regex(&code))
                .transpose()?,
            words: filters.words,
        })
    }

    /// Whether a check sum is among the conditions.
    pub(super) fn has_checksum(&self) -> bool {
        self.checksum.is_some()
    }

    /// Whether a word counts where passwords are kept; and what is base64 of one.
    pub(super) fn takes_word(&self, value: &[u8]) -> bool {
        self.words && (is_chosen_word(value) || encoded::holds_word(value))
    }

    /// Why the value is no secret as far as this rule can tell; the cheap conditions come first.
    pub(super) fn refuses(&self, judge: &Judge<'_>) -> Option<Refusal> {
        let value = judge.value;
        let has = |class: &CharClass| value.iter().any(|byte| holds(*class, *byte));
        if !judge.is_word && !self.require.iter().all(has)
            || self.checksum.is_some_and(|kind| !checksum::is_valid(kind, value))
        {
            return Some(Refusal::Filter);
        }
        if !self.allow_placeholders && !judge.is_word && placeholder::is_placeholder(value) {
            return Some(Refusal::Placeholder);
        }
        // A value that a program gets from elsewhere stands behind every name.
        if self.code.is_some() && is_reference(value) {
            return Some(Refusal::Code);
        }
        if !judge.is_word && self.code.is_some() && (label::is_label(value) || label::names_itself(value)) {
            return Some(Refusal::Words);
        }
        if self.entropy > 0.0 && entropy::shannon(value) < self.entropy {
            return Some(Refusal::Regular);
        }
        let is_code = |regex: &Regex| !judge.is_word && regex.is_match(value);
        if self.code.as_ref().is_some_and(is_code) || self.not.iter().any(|regex| regex.is_match(value)) {
            return Some(Refusal::Filter);
        }
        if judge.is_word {
            return None;
        }
        (encoded::is_stand_in(value) || published::is_published(value)).then_some(Refusal::Placeholder)
    }
}

fn holds(class: CharClass, byte: u8) -> bool {
    match class {
        CharClass::Digit => byte.is_ascii_digit(),
        CharClass::Lower => byte.is_ascii_lowercase(),
        CharClass::Upper => byte.is_ascii_uppercase(),
        CharClass::Letter => byte.is_ascii_alphabetic(),
    }
}

/// Values of a regular expression, by chance and yet the same ones each time.
#[cfg(test)]
fn generated(pattern: &str, count: usize) -> Vec<String> {
    use proptest::strategy::{Strategy as _, ValueTree as _};
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = proptest::string::string_regex(pattern).expect("a regular expression");
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("no condition").current()).collect()
}
