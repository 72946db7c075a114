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

/// The most bytes of any match before the first of the keywords in it; `None` if the pattern does not tell.
pub(super) fn lead(pattern: &Hir, keywords: &[Text]) -> Option<usize> {
    let keywords: Vec<Vec<u8>> =
        keywords.iter().map(|keyword| keyword.to_ascii_lowercase().into_bytes()).collect();
    Lead { keywords, pieces: MOST_PIECES }.of(parts(&in_one_case(pattern)))
}

struct Lead {
    keywords: Vec<Vec<u8>>,
    /// How many pieces may still be looked at.
    pieces: usize,
}

impl Lead {
    fn of(&mut self, parts: &[Hir]) -> Option<usize> {
        let mut before = 0;
        // What is spelt out right before a choice may be the beginning of a keyword that goes on there.
        let mut spelt = (0, 0);
        for (at, part) in parts.iter().enumerate() {
            self.pieces = self.pieces.checked_sub(1)?;
            if let Some(within) = self.within(&parts[at..]) {
                return Some(before + within);
            }
            if let HirKind::Alternation(choices) = part.kind() {
                let (first, before) = spelt;
                if let Some(most) = self.of_each(&parts[first..at], choices, &parts[at + 1..]) {
                    return Some(before + most);
                }
            }
            before += part.properties().maximum_len()?;
            if !matches!(part.kind(), HirKind::Literal(_)) {
                spelt = (at + 1, before);
            }
        }
        None
    }

    /// The most of all choices, each with what stands before and behind them.
    fn of_each(&mut self, before: &[Hir], choices: &[Hir], behind: &[Hir]) -> Option<usize> {
        let mut most = 0;
        for choice in choices {
            let whole = Hir::concat([before, parts(choice), behind].concat());
            most = self.of(parts(&whole))?.max(most);
        }
        Some(most)
    }

    /// How far behind its beginning a keyword stands in all that these can match, if their first signs tell.
    fn within(&self, parts: &[Hir]) -> Option<usize> {
        let mut extractor = Extractor::new();
        let extractor = extractor
            .kind(ExtractKind::Prefix)
            .limit_class(LARGEST_CLASS)
            .limit_repeat(LONGEST_REPEATED)
            .limit_total(MOST_BEGINNINGS);
        let beginnings = extractor.extract(&Hir::concat(parts.to_vec()));
        beginnings.literals()?.iter().try_fold(0, |most, beginning| {
            let first =
                self.keywords.iter().filter_map(|word| memmem::find(beginning.as_bytes(), word)).min();
            // What has no keyword at all is never looked for.
            first.or(beginning.is_exact().then_some(0)).map(|first| most.max(first))
        })
    }
}

fn parts(hir: &Hir) -> &[Hir] {
    match hir.kind() {
        HirKind::Concat(parts) => parts,
        _ => std::slice::from_ref(hir),
    }
}

/// The pattern without its groups and in lower case, as keywords are compared.
fn in_one_case(hir: &Hir) -> Hir {
    let all = |parts: &[Hir]| parts.iter().map(in_one_case).collect();
    match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Look(look) => Hir::look(*look),
        HirKind::Literal(Literal(bytes)) => Hir::literal(bytes.to_ascii_lowercase()),
        HirKind::Class(Class::Bytes(class)) => Hir::class(Class::Bytes(lower(class))),
        HirKind::Class(class) => Hir::class(class.clone()),
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            *repetition.sub = in_one_case(&repetition.sub);
            Hir::repetition(repetition)
        }
        HirKind::Capture(capture) => in_one_case(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)),
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

    fn of(pattern: &str, keywords: &[&str]) -> Option<usize> {
        lead(&hir(pattern), &keywords.iter().map(|word| (*word).to_owned().into()).collect::<Vec<_>>())
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
    }
}
