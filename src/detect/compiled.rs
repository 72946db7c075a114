//! A rule's pattern and filters as machines, made when the rule's keyword is first seen.

use super::value::{Judge, ValueFilter};
use super::{Error, MAX_SPAN};
use crate::rule::Rule;
use regex_automata::meta::Regex;
use regex_automata::util::{captures::Captures, syntax};
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Hir, HirKind};
use std::ops::Range;
use std::sync::OnceLock;

/// A pattern that may not have been compiled yet.
#[derive(Default)]
pub(super) struct Compiled(OnceLock<Matcher>);

impl Compiled {
    pub(super) fn get(&self, rule: &Rule) -> Result<&Matcher, Error> {
        if let Some(matcher) = self.0.get() {
            return Ok(matcher);
        }
        let matcher = Matcher::new(rule)?;
        Ok(self.0.get_or_init(|| matcher))
    }
}

/// A compiled rule.
pub(super) struct Matcher {
    regex: Regex,
    /// The group that is the secret: `secret`, or the whole match.
    group: usize,
    /// The most bytes that a match can have before the end, and after the start, of its keyword.
    reach: Reach,
    filter: ValueFilter,
}

#[derive(Clone, Copy)]
enum Reach {
    /// The keyword starts every match.
    Prefix { span: usize },
    /// The keyword may stand anywhere in a match.
    Within { span: usize },
}

/// Rules are about bytes: a file need not be UTF-8.
pub(super) fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).multi_line(true)
}

/// Compiles a pattern as all rules' patterns are compiled.
pub(super) fn regex(pattern: &str) -> Result<Regex, Box<regex_automata::meta::BuildError>> {
    Regex::builder()
        .syntax(syntax())
        .configure(Regex::config().utf8_empty(false).nfa_size_limit(Some(8 << 20)))
        .build(pattern)
        .map_err(Box::new)
}

impl Matcher {
    fn new(rule: &Rule) -> Result<Self, Error> {
        let bad = |source| Error::Pattern { rule: rule.id.clone(), source };
        let regex = regex(&rule.pattern).map_err(bad)?;
        let group = regex.group_info().to_index(regex_automata::PatternID::ZERO, "secret").unwrap_or(0);
        let reach = Reach::of(rule).ok_or_else(|| Error::Unbounded { rule: rule.id.clone() })?;
        let filter = ValueFilter::new(&rule.filters).map_err(bad)?;
        Ok(Self { regex, group, reach, filter })
    }

    /// The secret of the first acceptable match that holds the keyword at `keyword`.
    pub(super) fn find(&self, bytes: &[u8], keyword: &Range<usize>) -> Option<Range<usize>> {
        let input = Input::new(bytes);
        let mut input = match self.reach {
            Reach::Prefix { span } => {
                input.span(keyword.start..bytes.len().min(keyword.start + span)).anchored(Anchored::Yes)
            }
            Reach::Within { span } => {
                input.span(keyword.end.saturating_sub(span)..bytes.len().min(keyword.start + span))
            }
        };
        let mut captures = self.regex.create_captures();
        while input.start() <= keyword.start {
            self.regex.search_captures(&input, &mut captures);
            let whole = captures.get_match().filter(|found| found.start() <= keyword.start)?;
            if whole.end() >= keyword.end {
                return self.accept(bytes, &captures);
            }
            // An empty or early match: go on behind its first byte, so that none that holds the keyword is missed.
            input.set_start(whole.start() + 1);
        }
        None
    }

    fn accept(&self, bytes: &[u8], captures: &Captures) -> Option<Range<usize>> {
        let secret = captures.get_group(self.group).or_else(|| captures.get_group(0))?.range();
        let judge = Judge { value: &bytes[secret.clone()] };
        (!secret.is_empty() && self.filter.accepts(&judge)).then_some(secret)
    }
}

impl Reach {
    fn of(rule: &Rule) -> Option<Self> {
        let config = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .multi_line(true)
            .build()
            .parse(&rule.pattern);
        let hir = config.ok()?;
        let span = hir.properties().maximum_len().filter(|&len| len <= MAX_SPAN)?;
        let is_prefix = first_literal(&hir).is_some_and(|literal| {
            rule.keywords.iter().all(|keyword| literal.starts_with(keyword.as_bytes()))
        });
        Some(if is_prefix { Self::Prefix { span } } else { Self::Within { span } })
    }
}

/// The literal that every match starts with, behind any assertions.
fn first_literal(hir: &Hir) -> Option<&[u8]> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(&literal.0),
        HirKind::Capture(capture) => first_literal(&capture.sub),
        HirKind::Concat(parts) => parts
            .iter()
            .find(|part| !matches!(part.kind(), HirKind::Look(_) | HirKind::Empty))
            .and_then(first_literal),
        _ => None,
    }
}
