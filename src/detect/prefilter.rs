//! The first pass: where any rule's keyword stands, in any case. It looks at every byte of a history, so its speed is the
//! scan's speed.
//!
//! Four bytes that are rare in text are chosen of each keyword, and a bitmap says for the hash of any four bytes whether they
//! could be some keyword's. Only every other place is looked at, so a keyword has two such grams, one byte apart: one of
//! them stands at an even place. Nearly all places end there; only the rest is compared.

use super::Error;
use crate::rule::Rule;
use std::collections::BTreeMap;
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
/// How many grams the bitmap tells apart: it should stay in the nearest cache.
const BITS: u32 = 18;
const WORDS: usize = 1 << (BITS - u64::BITS.ilog2());
const BUCKET_BITS: u32 = 13;
/// What of four bytes counts: not the case of letters, and of the outer two little, since of a short keyword they may be
/// any. The comparison tells apart what this folds together.
const FOLD: u32 = u32::from_le_bytes([0x0f, 0x5f, 0x5f, 0x0f]);

/// The keywords of all rules, ready to be searched for together.
pub(super) struct Prefilter {
    bitmap: Box<[u64; WORDS]>,
    /// The folded grams, bucket by bucket, and of each the keyword.
    grams: Vec<(u32, Sign)>,
    /// Where in `grams` the hashes with each value of the upper bits begin.
    buckets: Vec<u32>,
    keywords: Vec<Box<[u8]>>,
    rules: Vec<Vec<usize>>,
}

/// What a gram is a sign of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sign {
    keyword: u32,
    /// How far behind the keyword's start the gram's second byte stands: its first may be the one before the keyword.
    offset: u32,
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
                if keyword.len() < SHORTEST {
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
        let (keywords, rules): (Vec<_>, Vec<_>) = by_keyword.into_iter().unzip();
        let mut grams: Vec<(u32, Sign)> = Vec::new();
        for (keyword, text) in (0..).zip(&keywords) {
            each_gram(text, |gram, offset| grams.push((gram, Sign { keyword, offset })));
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
        Ok(Self { bitmap, grams: ordered, buckets, keywords, rules })
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
            let (number, Some(start)) = (sign.keyword as usize, (at + 1).checked_sub(sign.offset as usize))
            else {
                continue;
            };
            let keyword = &self.keywords[number];
            let range = start..start + keyword.len();
            if text.get(range.clone()).is_some_and(|there| there.eq_ignore_ascii_case(keyword)) {
                hit(Hit { keyword: number, range });
            }
        }
    }

    /// How many keywords there are.
    pub(super) fn count(&self) -> usize {
        self.keywords.len()
    }

    /// The length of the longest keyword.
    pub(super) fn longest(&self) -> usize {
        self.keywords.iter().map(|keyword| keyword.len()).max().unwrap_or(0)
    }

    /// The length of a keyword.
    pub(super) fn len_of(&self, keyword: usize) -> usize {
        self.keywords[keyword].len()
    }

    /// The numbers of the rules that a keyword calls for.
    pub(super) fn rules_of(&self, keyword: usize) -> &[usize] {
        &self.rules[keyword]
    }
}

/// Tells the grams of a keyword: some pair of them that stand one byte apart, each with the place of its second byte. Of a
/// short keyword they reach beyond it, where any byte may stand.
fn each_gram(keyword: &[u8], mut tell: impl FnMut(u32, u32)) {
    // The lower bits of these two count, so that this is every value that is told apart.
    let any = |place: usize| 0..=FOLD.to_le_bytes()[place];
    match *keyword {
        [a, b, c] => {
            any(0).for_each(|before| tell(fold([before, a, b, c]), 0));
            any(3).for_each(|behind| tell(fold([a, b, c, behind]), 1));
        }
        [a, b, c, d] if commonness(&[a, b, c]) < commonness(&[b, c, d]) => {
            any(0).for_each(|before| tell(fold([before, a, b, c]), 0));
            tell(fold([a, b, c, d]), 1);
        }
        [a, b, c, d] => {
            tell(fold([a, b, c, d]), 1);
            any(3).for_each(|behind| tell(fold([b, c, d, behind]), 2));
        }
        _ => {
            let pairs = (1..).zip(keyword.array_windows::<{ GRAM + STRIDE - 1 }>());
            let rarest =
                pairs.min_by_key(|(_, pair)| commonness(&pair[..GRAM]).max(commonness(&pair[STRIDE - 1..])));
            if let Some((offset, pair)) = rarest {
                (offset..).zip(pair.array_windows()).for_each(|(offset, gram)| tell(fold(*gram), offset));
            }
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

/// How often four bytes can be expected in source code and prose: about the logarithm, by the pairs they are made of.
fn commonness(gram: &[u8]) -> u32 {
    let class = |byte: u8| match byte {
        b'a'..=b'z' => usize::from(byte - b'a'),
        _ => 26,
    };
    gram.array_windows().map(|&[a, b]| u32::from(PAIRS[class(a)][class(b)] - b'0')).sum()
}

/// For each letter and what follows it, in the order of the alphabet and all else at the end, the logarithm to the base of
/// two of how often that is in the histories of git and cargo; 0 is never or nearly so.
const PAIRS: [&[u8; 27]; 27] = [
    b"378724707058890609896634616",
    b"634372115607306006427000605",
    b"835384096077529416486412405",
    b"743693208004227204645202407",
    b"858978635028794769983768509",
    b"643477318006358206555000407",
    b"404081358004267105635300206",
    b"820290007002327004464000106",
    b"657778701049698627990605064",
    b"000060000010004000304000002",
    b"600173506001033000532000005",
    b"713796108028138403676420706",
    b"852490007015717700546200505",
    b"827987827055458404896530507",
    b"477747515457896709788673017",
    b"911582135047107607577013405",
    b"000000000000000000006000003",
    b"846593808065678407777430707",
    b"626193388044337724797330518",
    b"817594199025519608767244618",
    b"466575506007683708880001003",
    b"701080106000035000400000004",
    b"610260077002046005410010004",
    b"403250005000200501160001205",
    b"221030023003336502530010006",
    b"200060002000000000000000002",
    b"767767667336667737786563429",
];

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
