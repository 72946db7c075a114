//! How a value stands in a file: what every form of file tells about a text, and how the text is edited.

use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::ops::Range;
use zeroize::Zeroizing;

/// What a form found in a text.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Where the value stands, in the order of the text.
    pub(super) spots: Vec<Spot>,
    /// Where a fallback list would keep the old value valid.
    pub(super) removals: Vec<Removal>,
    /// Fallback lists that hold the old value, or get it, because that is wanted.
    pub(super) kept: Vec<Removal>,
    /// Variables that the framework prefers over this one.
    pub(super) overriding: Vec<String>,
    /// What the operator should know before.
    pub(super) warnings: Vec<String>,
}

/// One place of the value.
#[derive(Debug)]
pub(super) struct Spot {
    /// Its bytes, which are replaced.
    pub(super) range: Range<usize>,
    /// Its line, from 1.
    pub(super) line: usize,
    /// How a value is written there.
    pub(super) style: Style,
    /// What stands there: as parsers read it first, then as it is written, then the items of a list.
    pub(super) values: Vec<Secret>,
}

/// A fallback list and what it becomes: without the old value, or with it where that is wanted.
#[derive(Debug)]
pub(super) struct Removal {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) range: Range<usize>,
    pub(super) rest: Zeroizing<String>,
}

/// How a value is written. Generated values have no letter that any of these would have to escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) quote: Quote,
    /// Whether it stands in base64.
    pub(super) base64: bool,
}

/// What stands around a value and is replaced with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    /// Nothing; what is around it stays.
    Bare,
    /// Nothing, in YAML: quotes are added where another reader might take the value for a number or worse.
    Yaml,
    Single,
    Double,
}

impl Style {
    pub(super) const BARE: Self = Self { quote: Quote::Bare, base64: false };

    pub(super) fn write(self, value: &str) -> Zeroizing<String> {
        let encoded = Zeroizing::new(if self.base64 { STANDARD.encode(value) } else { value.to_owned() });
        Zeroizing::new(match self.quote {
            Quote::Yaml if is_plainly_text(&encoded) => return encoded,
            Quote::Bare => return encoded,
            Quote::Single => format!("'{}'", *encoded),
            Quote::Yaml | Quote::Double => format!("\"{}\"", *encoded),
        })
    }
}

/// Whether every reader of YAML takes it for text without quotes.
fn is_plainly_text(value: &str) -> bool {
    let inner = |c: u8| c.is_ascii_alphanumeric() || b"-_.+/=:@".contains(&c);
    let number = |c: u8| c.is_ascii_digit() || b"eExXoO_+-.:".contains(&c);
    value.len() >= 12
        && value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !value.ends_with(':')
        && !value.starts_with("0x")
        && value.bytes().all(inner)
        && !value.bytes().all(number)
}

impl Found {
    /// The old values: most parsers take the last of several assignments.
    pub(super) fn old(&self) -> Vec<Secret> {
        let mut old = Vec::new();
        for value in self.spots.iter().rev().flat_map(|spot| &spot.values) {
            if !value.is_empty() && !old.contains(value) {
                old.push(value.clone());
            }
        }
        old
    }

    /// The text with something else in every place of the value, and without the old one in fallback lists.
    pub(super) fn edit(&self, text: &str, write: impl Fn(&Spot) -> Zeroizing<String>) -> Zeroizing<String> {
        let spots = self.spots.iter().map(|spot| (&spot.range, write(spot)));
        let removals =
            self.removals.iter().chain(&self.kept).map(|removal| (&removal.range, removal.rest.clone()));
        let mut edits: Vec<_> = spots.chain(removals).collect();
        edits.sort_by_key(|(range, _)| range.start);
        let more: usize = edits.iter().map(|(_, new)| new.len()).sum();
        let mut out = Zeroizing::new(String::with_capacity(text.len() + more));
        let mut at = 0;
        for (range, new) in edits {
            out.push_str(&text[at..range.start]);
            out.push_str(&new);
            at = range.end;
        }
        out.push_str(&text[at..]);
        out
    }

    /// Whether every place holds this value.
    pub(super) fn holds(&self, value: &Secret) -> bool {
        !self.spots.is_empty() && self.spots.iter().all(|spot| spot.values.first() == Some(value))
    }
}
