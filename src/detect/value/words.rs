//! How much of a value words account for. People and programmers write words; a generator makes hardly any.
//!
//! `words.txt` holds the commonest words, by length, of the manual pages, package documentation and source code of a
//! Debian system, counted by the files that hold them.

use std::sync::LazyLock;

/// Sorted by bytes.
static WORDS: LazyLock<Vec<&'static [u8]>> =
    LazyLock::new(|| include_str!("words.txt").lines().map(str::as_bytes).collect());

/// Where in the list the words begin that share their first three letters, by the number of those.
static BEGINNINGS: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let place = |at| u16::try_from(at).unwrap_or(u16::MAX);
    let mut begin = vec![place(WORDS.len()); (1 << 15) + 1];
    for (at, word) in WORDS.iter().enumerate().rev() {
        begin[beginning(word)] = place(at);
    }
    for number in (0..1 << 15).rev() {
        begin[number] = begin[number].min(begin[number + 1]);
    }
    begin
});

const SHORTEST: usize = 3;
const LONGEST: usize = 14;
/// A power of two above the longest word.
const WINDOW: usize = 16;

/// How many of the value's letters belong to words, when as many as possible do. A word counts in small letters, in
/// capitals, or with a capital first, as `camelCase` has them.
pub(super) fn covered(value: &[u8]) -> usize {
    // Of every place the most that can be covered from there on; no word reaches further than the window.
    let mut best = [0; WINDOW];
    let mut letters = 0;
    for start in (0..value.len()).rev() {
        letters = if value[start].is_ascii_alphabetic() { (letters + 1).min(LONGEST) } else { 0 };
        let mut most = best[(start + 1) % WINDOW];
        for word in words_of(&value[start..start + letters]) {
            most = most.max(word.len() + best[(start + word.len()) % WINDOW]);
        }
        best[start % WINDOW] = most;
    }
    best[0]
}

/// Whether words account for half of the letters, and so for what it says.
pub(in crate::detect) fn is_of_words(value: &[u8]) -> bool {
    covered(value) * 2 >= value.iter().filter(|byte| byte.is_ascii_alphabetic()).count()
}

/// The words that the letters begin with.
fn words_of(letters: &[u8]) -> impl Iterator<Item = &'static [u8]> + '_ {
    let begin = if letters.len() < SHORTEST {
        0..0
    } else {
        let number = beginning(letters);
        usize::from(BEGINNINGS[number])..usize::from(BEGINNINGS[number + 1])
    };
    WORDS[begin].iter().copied().filter(|word| {
        letters.get(SHORTEST..word.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(&word[SHORTEST..]))
            && is_one_case(&letters[..word.len()])
    })
}

/// A number for the first three letters, whatever their case; in the order of the words.
fn beginning(text: &[u8]) -> usize {
    text[..SHORTEST].iter().fold(0, |number, byte| number << 5 | usize::from(byte & 0x1f))
}

fn is_one_case(text: &[u8]) -> bool {
    text[1..].iter().all(u8::is_ascii_lowercase) || text.iter().all(u8::is_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same by trying every part of the value.
    fn tried(value: &[u8]) -> usize {
        let mut best = vec![0; value.len() + 1];
        for start in (0..value.len()).rev() {
            best[start] = best[start + 1];
            for end in start + 1..=value.len() {
                let part = &value[start..end];
                if is_one_case(part) && WORDS.contains(&part.to_ascii_lowercase().as_slice()) {
                    best[start] = best[start].max(part.len() + best[end]);
                }
            }
        }
        best[0]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn no_way_to_cover_more_is_missed(
            parts in proptest::collection::vec("[a-zA-Z0-9_]{0,2}|get|Pass|word|PASSWORD|in|internal|connection|nation", 0..6),
        ) {
            let value = parts.concat();
            prop_assert_eq!(covered(value.as_bytes()), tried(value.as_bytes()), "{}", value);
        }
    }

    #[test]
    fn the_list_is_sorted_and_of_the_lengths_that_are_looked_up() {
        assert!(WORDS.is_sorted());
        assert!(WORDS.iter().all(|word| (SHORTEST..=LONGEST).contains(&word.len())));
    }

    #[test]
    fn words_are_told_from_what_a_generator_makes() {
        assert_eq!(covered(b"forgot-password"), 14);
        assert_eq!(covered(b"getUserPassword"), 15);
        assert_eq!(covered(b"MAXIMUM_LENGTH"), 13);
        assert!(covered(b"x9Qz-Tr4vLmPw7kD") <= 3);
    }
}
