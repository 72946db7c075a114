//! The first pass: where any rule's keyword stands, in any case. It looks at every byte of a history, so its speed is the
//! scan's speed.
//!
//! Four bytes that are rare in text are chosen of each keyword, and a bitmap says for the hash of any four bytes whether they
//! could be some keyword's. Only every other place is looked at, so a keyword has two such grams, one byte apart: one of
//! them stands at an even place. Nearly all places end there; only the rest is compared.

mod keywords;
mod rarity;

use super::Error;
use crate::rule::Rule;
use keywords::Keywords;
use std::ops::Range;

/// The bytes of a keyword that are hashed.
const GRAM: usize = 4;
/// The shortest keyword.
const SHORTEST: usize = 3;
/// Keywords are looked for by so many bytes at most; the rule's pattern sees to the rest. What was copied from another
/// text is looked at again this far beyond its edges.
const LONGEST: usize = 16;
/// How far apart the places are that are looked at.
const STRIDE: usize = 2;
/// How many grams the bitmap tells apart. It outgrows the nearest cache, which costs less than to compare the places that a
/// smaller one would let through.
const BITS: u32 = 20;
const WORDS: usize = 1 << (BITS - u64::BITS.ilog2());
const BUCKET_BITS: u32 = 14;
/// What of four bytes counts: not the case of letters, and of the outer two not all, since of a short keyword they may be
/// any. The comparison tells apart what this folds together.
const FOLD: u32 = u32::from_le_bytes([0x1f, 0x5f, 0x5f, 0x1f]);

/// The keywords of all rules, ready to be searched for together.
pub(super) struct Prefilter {
    bitmap: Box<[u64; WORDS]>,
    /// The folded grams, bucket by bucket, and of each the keyword.
    grams: Vec<(u32, Sign)>,
    /// Where in `grams` the hashes with each value of the upper bits begin.
    buckets: Vec<u32>,
    keywords: Keywords,
    /// The length of the longest keyword.
    longest: usize,
}

/// What a gram is a sign of, in one number, since there are tens of thousands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sign(u32);

impl Sign {
    /// Enough for the places of a keyword.
    const BITS: u32 = 5;

    fn new(keyword: u32, offset: u32) -> Self {
        Self(keyword << Self::BITS | offset)
    }

    fn keyword(self) -> usize {
        (self.0 >> Self::BITS) as usize
    }

    /// How far behind the keyword's start the gram's second byte stands: its first may be the one before the keyword.
    fn offset(self) -> usize {
        (self.0 & ((1 << Self::BITS) - 1)) as usize
    }
}

const _: () = assert!(LONGEST < 1 << Sign::BITS);

/// A keyword that stands in the text.
pub(super) struct Hit {
    pub(super) keyword: usize,
    pub(super) range: Range<usize>,
}

impl Prefilter {
    /// The rules are numbered from 0, whether or not they are wanted; behind them the further keywords are, each as if it
    /// were a rule of its own.
    pub(super) fn new<'k>(
        rules: &'k [Rule],
        is_wanted: &dyn Fn(usize) -> bool,
        further: impl Iterator<Item = &'k [u8]>,
    ) -> Result<Self, Error> {
        let keywords = Keywords::new(rules, is_wanted, further)?;
        let mut grams: Vec<(u32, Sign)> = Vec::with_capacity(4 * keywords.count());
        for (keyword, text) in (0..).zip(keywords.iter()) {
            each_gram(text, |gram, offset| grams.push((gram, Sign::new(keyword, offset))));
        }
        let bitmap = vec![0; WORDS].into_boxed_slice();
        let mut bitmap: Box<[u64; WORDS]> = bitmap.try_into().expect("it has that length");
        let mut buckets = vec![0_u32; (1 << BUCKET_BITS) + 1];
        for (gram, _) in &grams {
            let (word, bit) = slot(*gram);
            bitmap[word] |= bit;
            buckets[bucket(*gram) + 1] += 1;
        }
        for at in 1..buckets.len() {
            buckets[at] += buckets[at - 1];
        }
        let (mut ordered, mut next) = (grams.clone(), buckets.clone());
        for entry in grams {
            let place = &mut next[bucket(entry.0)];
            ordered[*place as usize] = entry;
            *place += 1;
        }
        let longest = keywords.iter().map(<[u8]>::len).max().unwrap_or(0);
        Ok(Self { bitmap, grams: ordered, buckets, keywords, longest })
    }

    /// Calls `hit` for every keyword that stands in `text`, roughly in the order of the places.
    pub(super) fn each_hit(&self, text: &[u8], mut hit: impl FnMut(Hit)) {
        const BLOCK: usize = 8;
        const STEP: usize = 3 * STRIDE;
        let (mut at, mut rest) = (0, text);
        while let Some(block) = rest.first_chunk::<BLOCK>() {
            let block = u64::from_le_bytes(*block);
            for place in (0..STEP).step_by(STRIDE) {
                let gram = u32::try_from(block >> (8 * place) & u64::from(FOLD)).unwrap_or_default();
                let (word, bit) = slot(gram);
                if self.bitmap[word] & bit != 0 {
                    self.compare(text, at + place, gram, &mut hit);
                }
            }
            (at, rest) = (at + STEP, &rest[STEP..]);
        }
        // The last place has room for three bytes only.
        while let [a, b, c, behind @ ..] = rest {
            let gram = fold([*a, *b, *c, behind.first().copied().unwrap_or(0)]);
            let (word, bit) = slot(gram);
            if self.bitmap[word] & bit != 0 {
                self.compare(text, at, gram, &mut hit);
            }
            (at, rest) = (at + STRIDE, &rest[STRIDE..]);
        }
    }

    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, gram: u32, hit: &mut impl FnMut(Hit)) {
        let bucket = bucket(gram);
        let known = &self.grams[self.buckets[bucket] as usize..self.buckets[bucket + 1] as usize];
        for (_, sign) in known.iter().filter(|(known, _)| *known == gram) {
            let (number, Some(start)) = (sign.keyword(), (at + 1).checked_sub(sign.offset())) else {
                continue;
            };
            let keyword = self.keywords.text(number);
            let range = start..start + keyword.len();
            if text.get(range.clone()).is_some_and(|there| there.eq_ignore_ascii_case(keyword)) {
                hit(Hit { keyword: number, range });
            }
        }
    }

    /// How many keywords there are.
    pub(super) fn count(&self) -> usize {
        self.keywords.count()
    }

    /// The length of the longest keyword.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// The length of a keyword.
    pub(super) fn len_of(&self, keyword: usize) -> usize {
        self.keywords.text(keyword).len()
    }

    /// The numbers of the rules that a keyword calls for.
    pub(super) fn rules_of(&self, keyword: usize) -> &[usize] {
        self.keywords.rules(keyword)
    }
}

/// Tells the grams that a keyword is looked for by: of all pairs that stand one byte apart the rarest, each with the place of
/// its second byte. Of a short keyword they reach beyond it, where any byte may stand.
fn each_gram(keyword: &[u8], mut tell: impl FnMut(u32, u32)) {
    let pairs = match keyword.len() {
        0..=GRAM => 0..keyword.len() - SHORTEST + 1,
        len => 1..len - SHORTEST,
    };
    let frequency = |pair: &usize| {
        let mut sum = 0_u32;
        for second in *pair..*pair + STRIDE {
            each_gram_at(keyword, second, |gram| sum = sum.saturating_add(rarity::frequency(gram)));
        }
        sum
    };
    let Some(rarest) = pairs.min_by_key(frequency) else { return };
    for (second, offset) in (rarest..rarest + STRIDE).zip(0..) {
        each_gram_at(keyword, second, |gram| tell(gram, offset + u32::try_from(rarest).unwrap_or_default()));
    }
}

/// Tells the gram whose second byte stands there, or all that it can be.
fn each_gram_at(keyword: &[u8], second: usize, mut tell: impl FnMut(u32)) {
    // The lower bits of the outer two count, so that these are all values that are told apart.
    let any = |place: usize| 0..=FOLD.to_le_bytes()[place];
    let known = |byte: u8| byte..=byte;
    let first = second.checked_sub(1).map_or(any(0), |at| known(keyword[at]));
    let last = keyword.get(second + 2).map_or(any(3), |byte| known(*byte));
    for first in first {
        for last in last.clone() {
            tell(fold([first, keyword[second], keyword[second + 1], last]));
        }
    }
}

fn fold(bytes: [u8; GRAM]) -> u32 {
    u32::from_le_bytes(bytes) & FOLD
}

/// A multiplication by a constant that mixes well; the upper bits are the better ones.
fn hash(gram: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1)
}

fn bucket(gram: u32) -> usize {
    (hash(gram) >> (32 - BUCKET_BITS)) as usize
}

/// The place of a gram in the bitmap.
#[inline]
fn slot(gram: u32) -> (usize, u64) {
    let hash = hash(gram) >> (32 - BITS);
    ((hash >> u64::BITS.ilog2()) as usize, 1 << (hash % u64::BITS))
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
            let prefilter = Prefilter::new(&rules, &|_| true, std::iter::empty()).unwrap();
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
