//! The first pass: where any rule's keyword stands, in any case. It looks at every byte of a history, so its speed is the
//! scan's speed.
//!
//! Of each keyword four bytes are chosen that are rare in text, and a bitmap says for the hash of any four bytes
//! whether they could be some keyword's. Nearly all positions end there; only the rest is compared.

use super::Error;
use crate::rule::Rule;
use std::collections::BTreeMap;
use std::ops::Range;

/// The bytes of a keyword that are hashed.
const GRAM: usize = 4;
/// Keywords are looked for by so many bytes at most; the rule's pattern sees to the rest. What was copied from another
/// text is looked at again this far beyond its edges.
const LONGEST: usize = 16;
const WORDS: usize = 1 << 11;
const BUCKET_BITS: u32 = 12;
/// Folds ASCII letters to lower case, and some other bytes together, which the comparison tells apart.
const FOLD: u32 = 0x2020_2020;

/// The keywords of all rules, ready to be searched for together.
pub(super) struct Prefilter {
    bitmap: Box<[u64; WORDS]>,
    /// The keywords by the folded four bytes that were chosen of them, ordered by the hash of those.
    grams: Vec<(u32, Keyword)>,
    /// Where in `grams` the hashes with each value of the upper bits begin.
    buckets: Vec<u32>,
    rules: Vec<Vec<usize>>,
    /// The length of each keyword.
    lens: Vec<usize>,
}

#[derive(Clone)]
struct Keyword {
    text: Box<[u8]>,
    /// Where in the keyword the four bytes stand.
    offset: usize,
    number: usize,
}

/// A keyword that stands in the text.
pub(super) struct Hit {
    pub(super) keyword: usize,
    pub(super) range: Range<usize>,
}

impl Prefilter {
    /// The rules are numbered from 0; behind them the further keywords are, each as if it were a rule of its own.
    pub(super) fn new<'k>(rules: &[Rule], further: impl Iterator<Item = &'k [u8]>) -> Result<Self, Error> {
        let mut by_keyword: BTreeMap<Box<[u8]>, Vec<usize>> = BTreeMap::new();
        for (index, rule) in rules.iter().enumerate() {
            for keyword in &rule.keywords {
                if keyword.len() < GRAM - 1 {
                    return Err(Error::ShortKeyword { rule: rule.id.clone(), keyword: keyword.clone() });
                }
                let text = keyword.to_ascii_lowercase().into_bytes();
                by_keyword.entry(text[..text.len().min(LONGEST)].into()).or_default().push(index);
            }
        }
        for (number, keyword) in (rules.len()..).zip(further) {
            let text = keyword.to_ascii_lowercase();
            by_keyword.entry(text[..text.len().min(LONGEST)].into()).or_default().push(number);
        }
        let mut prefilter = Self {
            bitmap: Box::new([0; WORDS]),
            grams: Vec::new(),
            buckets: Vec::new(),
            rules: Vec::new(),
            lens: Vec::new(),
        };
        for (number, (text, mut rules)) in by_keyword.into_iter().enumerate() {
            rules.dedup();
            prefilter.rules.push(rules);
            prefilter.lens.push(text.len());
            prefilter.add(text, number);
        }
        prefilter.grams.sort_unstable_by_key(|(gram, keyword)| (hash(*gram), *gram, keyword.number));
        prefilter.buckets = (0..=1 << BUCKET_BITS)
            .map(|bucket| {
                prefilter.grams.partition_point(|(gram, _)| hash(*gram) >> (32 - BUCKET_BITS) < bucket)
            })
            .map(|start| u32::try_from(start).unwrap_or(u32::MAX))
            .collect();
        Ok(prefilter)
    }

    fn add(&mut self, text: Box<[u8]>, number: usize) {
        if text.len() < GRAM {
            // Three bytes and any fourth, of which folding leaves those with its bit.
            for last in (0..=u8::MAX).filter(|last| last & 0x20 != 0) {
                let gram = fold([text[0], text[1], text[2], last]);
                self.mark(gram, Keyword { text: text.clone(), offset: 0, number });
            }
            return;
        }
        let rarest = (0..=text.len() - GRAM).min_by_key(|&at| commonness(&text[at..at + GRAM])).unwrap_or(0);
        let gram = fold([text[rarest], text[rarest + 1], text[rarest + 2], text[rarest + 3]]);
        self.mark(gram, Keyword { text, offset: rarest, number });
    }

    fn mark(&mut self, gram: u32, keyword: Keyword) {
        let (word, bit) = slot(gram);
        self.bitmap[word] |= bit;
        self.grams.push((gram, keyword));
    }

    /// Calls `hit` for every keyword that stands in `text`, in the order of the places.
    pub(super) fn each_hit(&self, text: &[u8], mut hit: impl FnMut(Hit)) {
        for (at, window) in text.windows(GRAM).enumerate() {
            let gram = fold([window[0], window[1], window[2], window[3]]);
            let (word, bit) = slot(gram);
            if self.bitmap[word] & bit != 0 {
                self.compare(text, at, gram, &mut hit);
            }
        }
        // The last place has room for three bytes only.
        if let Some(at) = text.len().checked_sub(GRAM - 1) {
            self.compare(text, at, fold([text[at], text[at + 1], text[at + 2], 0]), &mut hit);
        }
    }

    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, gram: u32, hit: &mut impl FnMut(Hit)) {
        let bucket = (hash(gram) >> (32 - BUCKET_BITS)) as usize;
        let bucket = &self.grams[self.buckets[bucket] as usize..self.buckets[bucket + 1] as usize];
        for (_, keyword) in bucket.iter().filter(|(known, _)| *known == gram) {
            let Some(start) = at.checked_sub(keyword.offset) else { continue };
            let range = start..start + keyword.text.len();
            if text.get(range.clone()).is_some_and(|there| there.eq_ignore_ascii_case(&keyword.text)) {
                hit(Hit { keyword: keyword.number, range });
            }
        }
    }

    /// How many keywords there are.
    pub(super) fn count(&self) -> usize {
        self.lens.len()
    }

    /// The length of the longest keyword.
    pub(super) fn longest(&self) -> usize {
        self.lens.iter().copied().max().unwrap_or(0)
    }

    /// The length of a keyword.
    pub(super) fn len_of(&self, keyword: usize) -> usize {
        self.lens[keyword]
    }

    /// The numbers of the rules that a keyword calls for.
    pub(super) fn rules_of(&self, keyword: usize) -> &[usize] {
        &self.rules[keyword]
    }
}

fn fold(bytes: [u8; GRAM]) -> u32 {
    u32::from_le_bytes(bytes) | FOLD
}

/// A multiplication by a constant that mixes well; the upper bits are the better ones.
fn hash(gram: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1)
}

/// The place of a gram in the bitmap.
fn slot(gram: u32) -> (usize, u64) {
    let hash = hash(gram);
    ((hash >> 21) as usize, 1 << ((hash >> 15) & 63))
}

/// How often four bytes can be expected in source code and prose, in arbitrary units.
fn commonness(gram: &[u8]) -> u64 {
    gram.iter()
        .map(|byte| match byte.to_ascii_lowercase() {
            b'e' | b't' | b' ' | b's' | b'r' | b'n' | b'i' | b'a' | b'o' => 9,
            b'l' | b'c' | b'd' | b'u' | b'm' | b'p' | b'f' | b'h' | b'_' | b'-' => 6,
            b'g' | b'y' | b'b' | b'v' | b'w' | b'k' | b'.' | b'/' | b'x' | b'0' | b'1' => 3,
            _ => 1,
        })
        .product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every occurrence of every keyword is told once, as a plain comparison at every place finds it.
        #[test]
        fn agrees_with_comparing_everywhere(
            keywords in proptest::collection::btree_set("[ab_@`]{3,6}", 1..6),
            text in "[abAB_@`]{0,60}",
        ) {
            let rules: Vec<Rule> = keywords.iter().map(|keyword| crate::detect::tests::rule("x", keyword, "x", crate::finding::Confidence::High)).collect();
            let prefilter = Prefilter::new(&rules, std::iter::empty()).unwrap();
            let mut found = Vec::new();
            prefilter.each_hit(text.as_bytes(), |hit| found.push((hit.keyword, hit.range)));
            let mut expected = Vec::new();
            for (number, keyword) in keywords.iter().enumerate() {
                for at in 0..=text.len().saturating_sub(keyword.len()) {
                    let range = at..at + keyword.len();
                    if text.get(range.clone()).is_some_and(|there| there.eq_ignore_ascii_case(keyword)) {
                        expected.push((number, range));
                    }
                }
            }
            found.sort_unstable_by_key(|(number, range)| (*number, range.start));
            prop_assert_eq!(found, expected);
        }
    }
}
