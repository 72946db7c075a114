//! How far before its keyword a match can begin. Most patterns begin with one of their keywords, or with a sign before it; so
//! what stands further before need not be looked at, and does not count when a text is told from another.

use super::form::Text;
use memchr::memmem;
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Class, ClassBytes, Hir, HirKind, Literal};

/// How many pieces of a pattern are looked at: one that a stranger wrote may have alternatives behind alternatives.
const MOST_PIECES: usize = 2000;
/// How many beginnings a piece may have.
const MOST_BEGINNINGS: usize = 2000;
/// Of a class with more signs none begins a keyword.
const LARGEST_CLASS: usize = 8;
/// How often a repeated sign is spelt out.
const LONGEST_REPEATED: usize = 8;

/// What a pattern tells of where its keyword stands.
pub(super) struct Lead {
    /// The most bytes of any match before the first of the keywords in it.
    pub(super) most: usize,
    /// What every match ends with, from a keyword on.
    pub(super) tail: Tail,
}

/// The end of a pattern. All that it can match begins with one of the keywords, or with a few signs before it.
pub(super) struct Tail {
    pub(super) pattern: Hir,
    /// How many signs.
    pub(super) before: usize,
    /// Whether each of its beginnings has a keyword. One that has none may still stand behind one.
    pub(super) is_sure: bool,
}

/// Where a match's first keyword stands; `None` if the pattern does not tell.
pub(super) fn lead(pattern: &Hir, keywords: &[Text]) -> Option<Lead> {
    let keywords: Vec<Vec<u8>> =
        keywords.iter().map(|keyword| keyword.to_ascii_lowercase().into_bytes()).collect();
    Search { keywords, pieces: MOST_PIECES }.of(parts(&without_groups(pattern)))
}

struct Search {
    keywords: Vec<Vec<u8>>,
    /// How many pieces may still be looked at.
    pieces: usize,
}

impl Search {
    fn of(&mut self, parts: &[Hir]) -> Option<Lead> {
        let mut before = 0;
        // What is spelt out right before a choice may be the beginning of a keyword that goes on there.
        let mut spelt = (0, 0);
        for (at, part) in parts.iter().enumerate() {
            self.pieces = self.pieces.checked_sub(1)?;
            if let Some(tail) = self.beginning(&parts[at..]) {
                return Some(Lead { most: before + tail.before, tail });
            }
            if let HirKind::Alternation(choices) = part.kind() {
                let (first, before) = spelt;
                if let Some(lead) = self.of_each(&parts[first..at], choices, &parts[at + 1..]) {
                    return Some(Lead { most: before + lead.most, ..lead });
                }
            }
            before += part.properties().maximum_len()?;
            if !matches!(in_one_case(part).kind(), HirKind::Literal(_)) {
                spelt = (at + 1, before);
            }
        }
        None
    }

    /// The most of all choices, each with what stands before and behind them.
    fn of_each(&mut self, before: &[Hir], choices: &[Hir], behind: &[Hir]) -> Option<Lead> {
        let (mut most, mut tails) = (0, Vec::new());
        for choice in choices {
            let whole = Hir::concat([before, parts(choice), behind].concat());
            let lead = self.of(parts(&whole))?;
            most = lead.most.max(most);
            tails.push(lead.tail);
        }
        let (before, is_sure) =
            (tails.iter().map(|tail| tail.before).max()?, tails.iter().all(|tail| tail.is_sure));
        let pattern = Hir::alternation(tails.into_iter().map(|tail| tail.pattern).collect());
        Some(Lead { most, tail: Tail { pattern, before, is_sure } })
    }

    /// These as a tail, if the first signs of all that they can match have a keyword.
    fn beginning(&self, parts: &[Hir]) -> Option<Tail> {
        let mut extractor = Extractor::new();
        let extractor = extractor
            .kind(ExtractKind::Prefix)
            .limit_class(LARGEST_CLASS)
            .limit_repeat(LONGEST_REPEATED)
            .limit_total(MOST_BEGINNINGS);
        let pattern = Hir::concat(parts.to_vec());
        let beginnings = extractor.extract(&in_one_case(&pattern));
        let (mut before, mut is_sure) = (0, true);
        for beginning in beginnings.literals()? {
            let place = |word: &Vec<u8>| memmem::find(beginning.as_bytes(), word);
            match self.keywords.iter().filter_map(place).min() {
                Some(place) => before = place.max(before),
                // What has no keyword at all is never looked for.
                None if beginning.is_exact() => is_sure = false,
                None => return None,
            }
        }
        Some(Tail { pattern, before, is_sure })
    }
}

fn parts(hir: &Hir) -> &[Hir] {
    match hir.kind() {
        HirKind::Concat(parts) => parts,
        _ => std::slice::from_ref(hir),
    }
}

/// The pattern without its groups.
fn without_groups(hir: &Hir) -> Hir {
    mapped(hir, &Hir::clone)
}

/// The pattern without its groups and in lower case, as keywords are compared.
fn in_one_case(hir: &Hir) -> Hir {
    mapped(hir, &|hir| match hir.kind() {
        HirKind::Literal(Literal(bytes)) => Hir::literal(bytes.to_ascii_lowercase()),
        HirKind::Class(Class::Bytes(class)) => Hir::class(Class::Bytes(lower(class))),
        _ => hir.clone(),
    })
}

/// The pattern without its groups, with each of its smallest pieces as another.
fn mapped(hir: &Hir, piece: &dyn Fn(&Hir) -> Hir) -> Hir {
    let all = |parts: &[Hir]| parts.iter().map(|part| mapped(part, piece)).collect();
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            *repetition.sub = mapped(&repetition.sub, piece);
            Hir::repetition(repetition)
        }
        HirKind::Capture(capture) => mapped(&capture.sub, piece),
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)),
        _ => piece(hir),
    }
}

/// A class with its capitals as small letters.
fn lower(class: &ClassBytes) -> ClassBytes {
    let mut all = class.clone();
    all.case_fold_simple();
    let mut capitals = ClassBytes::new([regex_syntax::hir::ClassBytesRange::new(b'A', b'Z')]);
    capitals.intersect(&all);
    all.difference(&capitals);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hir(pattern: &str) -> Hir {
        regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .multi_line(true)
            .build()
            .parse(pattern)
            .unwrap()
    }

    fn told(pattern: &str, keywords: &[&str]) -> Option<Lead> {
        lead(&hir(pattern), &keywords.iter().map(|word| (*word).to_owned().into()).collect::<Vec<_>>())
    }

    fn of(pattern: &str, keywords: &[&str]) -> Option<usize> {
        told(pattern, keywords).map(|lead| lead.most)
    }

    #[test]
    fn a_pattern_begins_with_its_keyword_or_with_a_few_signs_before_it() {
        for (pattern, keywords, most) in [
            ("acme[a-z]{9}", vec!["acme"], Some(0)),
            (r"(?i:\bAcme[_\-]?key)=(?P<secret>\w{9})", vec!["acmekey", "acme_key", "acme-key"], Some(0)),
            (r"(?i:(?:\b|_)(?:acme|other\.io))=\w{9}", vec!["acme", "other.io"], Some(1)),
            (r"\w{0,24}(?:acme|ot(?:her|to))=\w{9}", vec!["acme", "other", "otto"], Some(24)),
            (r"(?:x{3}acme|yy(?P<secret>other))", vec!["acme", "other"], Some(3)),
            // What has no keyword is never looked for.
            (r"(?:x{3}acme|yy(?P<secret>other))", vec!["other"], Some(2)),
            (r"(?i:gitlab|gl_)[^\n]{0,64}=\w{9}", vec!["gitlab", "gl_"], Some(0)),
            (r"(?:acme|api[^a-z]key)=\w{9}", vec!["acme", "api key"], None),
            // A keyword may stand behind what may go on for ever, or anywhere in what is long.
            ("x*acme", vec!["acme"], None),
            (r"\w{9}", vec!["acme"], None),
        ] {
            assert_eq!(of(pattern, &keywords), most, "{pattern}");
        }
    }

    #[test]
    fn choices_behind_choices_end() {
        let pattern = "(?:a{1,2}b|[a-z]{4}|cd)".repeat(40);
        assert_eq!(of(&pattern, &["zz"]), None);
    }

    proptest! {
        /// No match begins further before its first keyword than is told.
        #[test]
        fn no_match_begins_further_away(
            pattern in r"(\[ab\]\{0,2\}|\(\?:k|a\?|)(\(\?i:kk\)|\(\?:kk\|\[ab\]kK\)|b\?kk)(a\||\(\?P<secret>kk\)|)(=|b)",
            text in "[abkK=]{0,16}",
        ) {
            let Ok(regex) = super::super::searched(&pattern) else { return Ok(()) };
            let Some(most) = of(&pattern, &["kk"]) else { return Ok(()) };
            for found in regex.find_iter(text.as_bytes()) {
                let first = text[found.range()].to_ascii_lowercase().find("kk");
                prop_assert!(first.is_none_or(|first| first <= most), "{pattern} in {text}: {first:?} > {most}");
            }
        }

        /// Every match ends with a tail that a keyword stands in, at the beginning or near.
        #[test]
        fn every_match_ends_with_a_tail(
            pattern in r"(google|\[ab\]\{0,3\}|k)(=\{1,2\}|\[\^b\]\{0,4\}|)(\(\?i:kk\)|\(\?:kk\|\[ab\]kK\)|b\?kk)(a\||\(\?P<secret>kk\)|)(=|b)",
            text in "(google|[abkK=]){0,16}",
        ) {
            let Ok(regex) = super::super::searched(&pattern) else { return Ok(()) };
            let Some(Lead { tail, .. }) = told(&pattern, &["kk"]) else { return Ok(()) };
            prop_assume!(tail.is_sure);
            let tail_only = super::super::searched(&format!("^(?:{})", tail.pattern)).unwrap();
            for found in regex.find_iter(text.as_bytes()) {
                let starts = found.start()..=found.end();
                let ends = starts.clone().any(|at| {
                    let keyword = text[at..found.end()].to_ascii_lowercase().find("kk");
                    keyword.is_some_and(|keyword| keyword <= tail.before) && tail_only.is_match(&text.as_bytes()[at..])
                });
                prop_assert!(ends, "{pattern} in {text}: {}", tail.pattern);
            }
        }
    }
}
