//! Finds any of thousands of texts in another one, in any case, and keeps none of them: of each only a keyed number.
//!
//! The numbers are those of Karp and Rabin ("Efficient randomized pattern-matching algorithms", 1987): polynomials over a
//! random base modulo the prime 2⁶¹ − 1, by which the number of any stretch of a text follows from those of its beginnings.
//! An automaton for the same texts would be a hundred times slower to make than a run of this program is long, and would
//! hold them. That another text has the number of one of them happens once in 10¹⁸ comparisons.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::ops::Range;

/// How many bytes are looked up at every place of a text, unless a needle is shorter.
const HEAD: usize = 6;
const PRIME: u64 = (1 << 61) - 1;
/// How much of a text is looked at together, since each of its bytes takes nine of memory.
const BLOCK: usize = 1 << 16;

/// The texts that are looked for.
pub(super) struct Needles {
    base: u64,
    head: usize,
    /// By the number of its head, the length and the number of each needle.
    known: HashMap<u64, Vec<(usize, u64)>>,
    /// The powers of the base, up to the length of the longest needle.
    powers: Vec<u64>,
}

impl Needles {
    /// Takes the texts; `None` without any.
    pub(super) fn new(needles: &[Vec<u8>]) -> Option<Self> {
        let head = needles.iter().map(Vec::len).min()?.min(HEAD);
        let longest = needles.iter().map(Vec::len).max()?;
        // Random enough: whoever could choose texts by their numbers would have to know it.
        let base = RandomState::new().hash_one(longest) % (PRIME - 512) + 256;
        let powers: Vec<u64> =
            std::iter::successors(Some(1), |power| Some(times(*power, base))).take(longest + 1).collect();
        let mut known: HashMap<u64, Vec<(usize, u64)>> = HashMap::new();
        for needle in needles {
            let numbers = beginnings(needle, base);
            known.entry(numbers[head]).or_default().push((needle.len(), numbers[needle.len()]));
        }
        Some(Self { base, head, known, powers })
    }

    /// Where they stand, each of them.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for start in (0..text.len()).step_by(BLOCK) {
            let seen = &text[start..text.len().min(start + BLOCK + self.powers.len())];
            self.each_in(seen, BLOCK, |range| found.push(range.start + start..range.end + start));
        }
        found
    }

    /// Tells of those that begin before `end`.
    fn each_in(&self, text: &[u8], end: usize, mut tell: impl FnMut(Range<usize>)) {
        let numbers = beginnings(text, self.base);
        let number = |start: usize, len: usize| {
            let before = times(numbers[start], self.powers[len]);
            (numbers[start + len] + PRIME - before) % PRIME
        };
        for start in 0..end.min((text.len() + 1).saturating_sub(self.head)) {
            let Some(known) = self.known.get(&number(start, self.head)) else { continue };
            for (len, known) in known {
                if start + len <= text.len() && number(start, *len) == *known {
                    tell(start..start + len);
                }
            }
        }
    }
}

/// The number of every beginning of a text, from none of it to all.
fn beginnings(text: &[u8], base: u64) -> Vec<u64> {
    let mut number = 0;
    // A zero at the start counts as well.
    let further = text.iter().map(|byte| {
        number = (times(number, base) + u64::from(byte.to_ascii_lowercase()) + 1) % PRIME;
        number
    });
    std::iter::once(0).chain(further).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "a rest is smaller than the prime")]
fn times(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// As comparing every text at every place finds them.
        #[test]
        fn agrees_with_comparing_everywhere(
            needles in proptest::collection::btree_set("[abA\u{0}]{3,9}", 1..9),
            text in "[abAB\u{0}]{0,60}",
        ) {
            let needles: Vec<Vec<u8>> = needles.into_iter().map(String::into_bytes).collect();
            let mut found = Needles::new(&needles).unwrap().find(text.as_bytes());
            let mut expected = Vec::new();
            for needle in &needles {
                for start in 0..=text.len().saturating_sub(needle.len()) {
                    let range = start..start + needle.len();
                    if text.as_bytes().get(range.clone()).is_some_and(|there| there.eq_ignore_ascii_case(needle)) {
                        expected.push(range);
                    }
                }
            }
            let key = |range: &Range<usize>| (range.start, range.end);
            found.sort_unstable_by_key(key);
            expected.sort_unstable_by_key(key);
            prop_assert_eq!(found, expected);
        }
    }
}
