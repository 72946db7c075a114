//! The keywords of all rules, each once, and which rules each calls for. They are many, so they stand in few allocations.

use super::super::Error;
use super::{LONGEST, SHORTEST};
use crate::rule::Rule;
use std::borrow::Cow;
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

impl Keywords {
    /// The keywords of the rules that are wanted, and behind them others that count as rules of their own.
    pub(super) fn new<'k>(
        rules: &'k [Rule],
        is_wanted: &dyn Fn(usize) -> bool,
        further: impl Iterator<Item = &'k [u8]>,
    ) -> Result<Self, Error> {
        let mut all: Vec<(Cow<'k, [u8]>, usize)> = Vec::with_capacity(4 * rules.len());
        for (number, rule) in rules.iter().enumerate().filter(|(number, _)| is_wanted(*number)) {
            if let Some(short) = rule.keywords.iter().find(|keyword| keyword.len() < SHORTEST) {
                return Err(Error::ShortKeyword { rule: rule.id.to_string(), keyword: short.to_string() });
            }
            all.extend(rule.keywords.iter().map(|keyword| (small(keyword.as_bytes()), number)));
        }
        all.extend(further.map(small).zip(rules.len()..));
        all.sort_unstable();
        all.dedup();
        let mut keywords = Self { text: Vec::new(), starts: vec![0], rules: Vec::new(), firsts: vec![0] };
        for same in all.chunk_by(|(a, _), (b, _)| a == b) {
            keywords.text.extend_from_slice(&same[0].0);
            keywords.rules.extend(same.iter().map(|(_, rule)| *rule));
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

fn small(keyword: &[u8]) -> Cow<'_, [u8]> {
    let keyword = &keyword[..keyword.len().min(LONGEST)];
    if keyword.iter().any(u8::is_ascii_uppercase) {
        keyword.to_ascii_lowercase().into()
    } else {
        keyword.into()
    }
}

#[inline]
fn range(starts: &[u32], number: usize) -> Range<usize> {
    starts[number] as usize..starts[number + 1] as usize
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
