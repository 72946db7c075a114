//! The keywords of all rules, each once, and which rules each calls for. They are many, so they stand in few allocations.

use super::super::Error;
use super::{LONGEST, SHORTEST};
use crate::rule::Rule;
use std::ops::Range;

/// Keywords by their numbers.
pub(super) struct Keywords {
    /// The texts in small letters, one behind the other.
    text: Vec<u8>,
    /// Where each begins, and where the last ends.
    starts: Vec<u32>,
    /// The rules, keyword by keyword.
    rules: Vec<usize>,
    /// Where those of each keyword begin, and where those of the last end.
    firsts: Vec<u32>,
}

/// A keyword and the number of a rule that it calls for. It has its text in itself, which makes the sorting of thousands a
/// matter of comparing numbers, and that of nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    /// In small letters; zeros behind the end.
    text: [u8; LONGEST],
    len: u32,
    rule: u32,
}

impl Call {
    fn new(keyword: &[u8], rule: usize) -> Self {
        let len = keyword.len().min(LONGEST);
        let mut text = [0; LONGEST];
        text[..len].copy_from_slice(&keyword[..len]);
        text.make_ascii_lowercase();
        Self { text, len: place(len), rule: place(rule) }
    }

    fn keyword(&self) -> &[u8] {
        &self.text[..self.len as usize]
    }
}

impl Keywords {
    /// The keywords of the rules that are wanted, and behind them others that count as rules of their own.
    pub(super) fn new<'k>(
        rules: &'k [Rule],
        is_wanted: &dyn Fn(usize) -> bool,
        further: impl Iterator<Item = &'k [u8]>,
    ) -> Result<Self, Error> {
        let mut all: Vec<Call> = Vec::with_capacity(4 * rules.len());
        for (number, rule) in rules.iter().enumerate().filter(|(number, _)| is_wanted(*number)) {
            if let Some(short) = rule.keywords.iter().find(|keyword| keyword.len() < SHORTEST) {
                return Err(Error::ShortKeyword { rule: rule.id.to_string(), keyword: short.to_string() });
            }
            all.extend(rule.keywords.iter().map(|keyword| Call::new(keyword.as_bytes(), number)));
        }
        all.extend(further.zip(rules.len()..).map(|(keyword, number)| Call::new(keyword, number)));
        all.sort_unstable();
        all.dedup();
        let mut keywords = Self { text: Vec::new(), starts: vec![0], rules: Vec::new(), firsts: vec![0] };
        for same in all.chunk_by(|a, b| a.keyword() == b.keyword()) {
            keywords.text.extend_from_slice(same[0].keyword());
            keywords.rules.extend(same.iter().map(|call| call.rule as usize));
            keywords.starts.push(place(keywords.text.len()));
            keywords.firsts.push(place(keywords.rules.len()));
        }
        Ok(keywords)
    }

    pub(super) fn count(&self) -> usize {
        self.starts.len() - 1
    }

    #[inline]
    pub(super) fn text(&self, keyword: usize) -> &[u8] {
        &self.text[range(&self.starts, keyword)]
    }

    pub(super) fn rules(&self, keyword: usize) -> &[usize] {
        &self.rules[range(&self.firsts, keyword)]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count()).map(|keyword| self.text(keyword))
    }
}

#[inline]
fn range(starts: &[u32], number: usize) -> Range<usize> {
    starts[number] as usize..starts[number + 1] as usize
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
