//! Where a rule's match can be, seen from its keyword: told by the pattern alone, so that nothing is compiled to know it.
//!
//! `build.rs` compiles this file too, and embeds what it says of the built-in rules: to read their patterns costs a scan more
//! than to run most of them.

use super::form::Rule;
use super::fragment::expanded;
use super::lead::{self, lead};
use super::shape::Shape;
use regex_syntax::hir::{Hir, HirKind};
use serde::{Deserialize, Serialize};

/// By how many bytes the matches of a rule may differ that tells where a token ends.
const FIXED: usize = 8;

/// Where a match can only begin at so few places before its keyword, a pattern can be tried at each.
pub const FEW: usize = 3;

/// Where a match can be, seen from its keyword, and how many bytes it can have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reach {
    /// Every match starts with this literal, and that with the keyword.
    Prefix {
        /// Its bytes, in the case that the pattern asks for.
        literal: Box<[u8]>,
        /// The most bytes of a match.
        span: usize,
        /// Whether all matches have about as many.
        is_fixed: bool,
    },
    /// The keyword stands somewhere in the match.
    Within {
        /// The most bytes of a match.
        span: usize,
        /// The most of them before its first keyword.
        lead: usize,
        /// What every match has.
        shape: Option<Box<Shape>>,
        /// What every match ends with, where much may stand before that.
        tail: Option<Box<Tail>>,
    },
}

/// The end of a rule's pattern, from its keyword on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// As a pattern of its own, without groups.
    pub pattern: Box<str>,
    /// The most bytes of it before the keyword.
    pub before: usize,
}

/// Why a pattern does not tell.
#[derive(Debug)]
pub enum Unread {
    /// It is no regular expression.
    Pattern(Box<regex_syntax::Error>),
    /// Its matches can have any length.
    Unbounded,
}

impl Reach {
    /// Reads a rule's pattern.
    ///
    /// # Errors
    /// When the pattern is none, or has no bound.
    pub fn of(rule: &Rule) -> Result<Self, Unread> {
        let hir = parsed(&expanded(&rule.pattern)).map_err(Unread::Pattern)?;
        let span = hir.properties().maximum_len().ok_or(Unread::Unbounded)?;
        let starts = |literal: &&[u8]| {
            let start = |len: usize| literal.get(..len);
            rule.keywords.iter().all(|keyword| {
                start(keyword.len()).is_some_and(|start| start.eq_ignore_ascii_case(keyword.as_bytes()))
            })
        };
        if let Some(literal) = first_literal(&hir).filter(starts) {
            let least = hir.properties().minimum_len().unwrap_or_default();
            let is_fixed = least > 16 && least + FIXED >= span;
            return Ok(Self::Prefix { literal: literal.into(), span, is_fixed });
        }
        let shape = Shape::of(&hir).filter(|_| !rule.named).map(Box::new);
        let told = lead(&hir, &rule.keywords);
        let lead = told.as_ref().map_or(span, |lead| lead.most.min(span));
        let tail = told.map(|lead| lead.tail).filter(|_| lead > FEW && !rule.named).and_then(Tail::of);
        Ok(Self::Within { span, lead, shape, tail: tail.map(Box::new) })
    }

    /// The most bytes of a match.
    pub fn span(&self) -> usize {
        match self {
            Self::Prefix { span, .. } | Self::Within { span, .. } => *span,
        }
    }

    /// The most bytes of a match before the keyword that it is found by.
    pub fn lead(&self) -> usize {
        match self {
            Self::Prefix { .. } => 0,
            Self::Within { lead, .. } => *lead,
        }
    }

    /// What every match ends with, if that is worth a try before the whole pattern.
    pub fn tail(&self) -> Option<&Tail> {
        match self {
            Self::Within { tail, .. } => tail.as_deref(),
            Self::Prefix { .. } => None,
        }
    }
}

impl Tail {
    /// What is told of a pattern's end, if it is good for anything.
    fn of(told: lead::Tail) -> Option<Self> {
        let lead::Tail { pattern, before, is_sure } = told;
        let text = pattern.to_string();
        // What the library writes must be the same when it is read.
        let is_same = parsed(&text).is_ok_and(|read| read == pattern);
        (is_sure && is_same && before <= FEW).then(|| Self { pattern: text.into(), before })
    }
}

/// A pattern, in the syntax of all rules' patterns.
fn parsed(pattern: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    let mut parser = regex_syntax::ParserBuilder::new();
    parser.unicode(false).utf8(false).multi_line(true).build().parse(pattern).map_err(Box::new)
}

/// A number for all of a rule that its reach depends on (FNV-1a), which the embedded ones are found by: so none is taken for
/// that of a rule which somebody changed.
pub(super) fn key(rule: &Rule) -> u64 {
    let texts = std::iter::once(&rule.pattern).chain(&rule.keywords);
    let bytes = texts.flat_map(|text| text.bytes().chain([0])).chain([u8::from(rule.named)]);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
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
