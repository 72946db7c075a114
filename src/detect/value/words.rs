//! How much of a value words account for. People and programmers write words; a generator makes hardly any.
//!
//! `words.txt` holds the commonest words, by length, of the manual pages, package documentation and source code of a
//! Debian system, counted by the files that hold them.

use std::sync::LazyLock;

/// Sorted by bytes.
static WORDS: LazyLock<Vec<&'static [u8]>> =
    LazyLock::new(|| include_str!("words.txt").lines().map(str::as_bytes).collect());

/// Which three letters any word begins with.
static BEGINNINGS: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut begins = vec![false; 1 << 15];
    WORDS.iter().for_each(|word| begins[beginning(word)] = true);
    begins
});

const SHORTEST: usize = 3;
const LONGEST: usize = 14;

/// How many of the value's letters belong to words, when as many as possible do. A word counts in small letters, in
/// capitals, or with a capital first, as `camelCase` has them.
pub(super) fn covered(value: &[u8]) -> usize {
    let mut best = vec![0; value.len() + 1];
    for start in (0..value.len()).rev() {
        best[start] = best[start + 1];
        let letters =
            value[start..].iter().take(LONGEST).take_while(|byte| byte.is_ascii_alphabetic()).count();
        if letters < SHORTEST || !BEGINNINGS[beginning(&value[start..])] {
            continue;
        }
        for len in SHORTEST..=letters {
            if is_word(&value[start..start + len]) {
                best[start] = best[start].max(len + best[start + len]);
            }
        }
    }
    best[0]
}

/// A number for the first three letters, whatever their case.
fn beginning(text: &[u8]) -> usize {
    text[..SHORTEST].iter().fold(0, |number, byte| number << 5 | usize::from(byte & 0x1f))
}

fn is_word(text: &[u8]) -> bool {
    let rest = &text[1..];
    let one_case = rest.iter().all(u8::is_ascii_lowercase) || text.iter().all(u8::is_ascii_uppercase);
    one_case && WORDS.binary_search(&text.to_ascii_lowercase().as_slice()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
