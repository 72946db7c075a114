//! The values of a scan, to be found in the texts that are told about it.
//!
//! There may be hundreds of thousands, and an automaton of them takes kilobytes for each. The texts are short: a set of
//! first bytes rules out almost every position, and a binary search among the ordered values decides the rest.

use std::collections::HashSet;
use std::ops::Range;

/// The length of what a search starts with.
const SHORTEST: usize = Values::SHORTEST;

/// The first bytes of a value.
type Start = [u8; SHORTEST];

/// Values, ordered, without copies of them.
#[derive(Default)]
pub(crate) struct Values<'v> {
    starts: HashSet<Start>,
    sorted: Vec<&'v [u8]>,
    /// For each value the number of the longest other one that it starts with.
    within: Vec<Option<u32>>,
}

impl Values<'_> {
    /// Values shorter than this are not searched: they are ordinary text.
    pub(crate) const SHORTEST: usize = 8;
}

impl<'v> Values<'v> {
    pub(crate) fn new(values: impl Iterator<Item = &'v [u8]>) -> Self {
        let mut sorted: Vec<&[u8]> = values.filter(|value| value.len() >= SHORTEST).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let (mut within, mut open) = (Vec::with_capacity(sorted.len()), Vec::<u32>::new());
        for (number, value) in (0..).zip(&sorted) {
            while open.last().is_some_and(|&outer| !value.starts_with(sorted[outer as usize])) {
                open.pop();
            }
            within.push(open.last().copied());
            open.push(number);
        }
        let starts = sorted.iter().filter_map(|value| value.first_chunk().copied()).collect();
        Self { starts, sorted, within }
    }

    /// Where values stand in a text: in order, without overlaps, at each place the longest.
    pub(crate) fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let (mut found, mut at) = (Vec::new(), 0);
        if self.sorted.is_empty() {
            return found;
        }
        while let Some(start) = text[at..].first_chunk::<SHORTEST>() {
            match self.starts.get(start).and_then(|_| self.longest_at(&text[at..])) {
                Some(length) => {
                    found.push(at..at + length);
                    at += length;
                }
                None => at += 1,
            }
        }
        found
    }

    /// The length of the longest value that the text starts with. In the order of bytes all of them stand before the
    /// text, and all that stand between one of them and the text start with it too.
    fn longest_at(&self, text: &[u8]) -> Option<usize> {
        let before = self.sorted.partition_point(|value| *value <= text).checked_sub(1)?;
        let mut number = before;
        while !text.starts_with(self.sorted[number]) {
            number = self.within[number]? as usize;
        }
        Some(self.sorted[number].len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The same places as a search for every value at every position.
        #[test]
        fn finds_what_a_plain_search_finds(
            values in prop::collection::vec("a{8}[ab]{0,5}", 0..12),
            text in "[ab]{0,60}",
        ) {
            let (mut expected, mut at) = (Vec::new(), 0);
            while at < text.len() {
                let here = values.iter().filter(|value| text[at..].starts_with(value.as_str()));
                let length = here.map(String::len).max();
                expected.extend(length.map(|length| at..at + length));
                at += length.unwrap_or(1);
            }
            let found = Values::new(values.iter().map(String::as_bytes)).find(text.as_bytes());
            prop_assert_eq!(found, expected);
        }
    }
}
