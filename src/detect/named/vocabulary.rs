//! Lists of words, asked after in any case and at every name of a history.

use foldhash::fast::FixedState;
use std::collections::HashSet;

/// The longest word of a list.
const LONGEST: usize = 24;

/// Words in small letters.
pub(super) struct Vocabulary(HashSet<&'static [u8], FixedState>);

impl Vocabulary {
    /// The words of a text, between blanks.
    pub(super) fn of(words: &'static str) -> Self {
        Self(words.split_ascii_whitespace().map(str::as_bytes).collect())
    }

    /// Whether a word is one of them, whatever its case.
    pub(super) fn has(&self, word: &[u8]) -> bool {
        let mut lower = [0; LONGEST];
        let Some(lower) = lower.get_mut(..word.len()) else { return false };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        self.0.contains(&*lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_in_any_case_and_only_whole() {
        let words = Vocabulary::of("hash url\n  expiration");
        assert!(["hash", "URL", "Expiration"].iter().all(|word| words.has(word.as_bytes())));
        let others = ["has", "hashes", "", "a word that is longer than any of them is"];
        assert!(!others.iter().any(|word| words.has(word.as_bytes())));
    }
}
