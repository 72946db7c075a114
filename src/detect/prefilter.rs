//! The first pass: where any rule's keyword stands.

use super::Error;
use crate::rule::Rule;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::collections::BTreeMap;
use std::ops::Range;

/// One automaton for the keywords of all rules.
pub(super) struct Prefilter {
    automaton: AhoCorasick,
    rules: Vec<Vec<usize>>,
}

/// A keyword that stands in the text.
pub(super) struct Hit {
    pub(super) keyword: usize,
    pub(super) range: Range<usize>,
}

impl Prefilter {
    pub(super) fn new(rules: &[Rule]) -> Result<Self, Error> {
        let mut by_keyword: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, rule) in rules.iter().enumerate() {
            for keyword in &rule.keywords {
                by_keyword.entry(keyword.to_ascii_lowercase()).or_default().push(index);
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(by_keyword.keys())
            .map_err(Error::Keywords)?;
        let rules = by_keyword.into_values().map(|mut rules| {
            rules.dedup();
            rules
        });
        Ok(Self { automaton, rules: rules.collect() })
    }

    pub(super) fn hits<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = Hit> + 't {
        self.automaton
            .find_overlapping_iter(text)
            .map(|found| Hit { keyword: found.pattern().as_usize(), range: found.range() })
    }

    pub(super) fn rules_of(&self, keyword: usize) -> &[usize] {
        &self.rules[keyword]
    }
}
