//! What a rule's pattern demands, told without running it: of its value so many bytes in a row, all of certain kinds, and
//! around it a byte that few texts have.
//!
//! Names of providers stand everywhere, and long values seldom near them. So most patterns are never compiled.

use regex_syntax::hir::{Class, Hir, HirKind};
use serde::{Deserialize, Serialize};

/// Shorter runs stand everywhere.
const SHORTEST: usize = 12;

/// What parts the password of an address from its host: addresses stand everywhere, and few have one.
const RARE: u8 = b'@';

/// What every match has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    row: Option<Row>,
    /// Whether the rare byte is among it.
    has_rare: bool,
}

/// A row of bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Ranges", into = "Ranges")]
struct Row {
    bytes: [bool; 256],
    least: usize,
}

/// The same in the form in which it is kept.
#[derive(Serialize, Deserialize)]
struct Ranges(Vec<(u8, u8)>, usize);

impl From<Row> for Ranges {
    fn from(row: Row) -> Self {
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        for byte in (0..=u8::MAX).filter(|byte| row.bytes[usize::from(*byte)]) {
            match ranges.last_mut().filter(|range| range.1 + 1 == byte) {
                Some(range) => range.1 = byte,
                None => ranges.push((byte, byte)),
            }
        }
        Self(ranges, row.least)
    }
}

impl From<Ranges> for Row {
    fn from(Ranges(ranges, least): Ranges) -> Self {
        let mut bytes = [false; 256];
        ranges.iter().for_each(|(first, last)| bytes[usize::from(*first)..=usize::from(*last)].fill(true));
        Self { bytes, least }
    }
}

impl Shape {
    /// What a pattern demands; `None` if that is too little to tell anything.
    pub(super) fn of(hir: &Hir) -> Option<Self> {
        let (row, has_rare) = (Row::of(hir), has_rare(hir));
        (row.is_some() || has_rare).then_some(Self { row, has_rare })
    }

    /// Whether a match may stand in a text.
    pub fn stands_in(&self, text: &[u8]) -> bool {
        (!self.has_rare || memchr::memchr(RARE, text).is_some())
            && self.row.as_ref().is_none_or(|row| row.stands_in(text))
    }
}

impl Row {
    /// What the group `secret` demands, or the whole pattern if it has none; `None` if that is too little to tell anything.
    fn of(hir: &Hir) -> Option<Self> {
        let value = match secret(hir) {
            Some(value) => value,
            // A match without the group is its own value, of another shape.
            None if has_secret(hir) => return None,
            None => hir,
        };
        let least = value.properties().minimum_len().filter(|least| *least >= SHORTEST)?;
        let mut bytes = [false; 256];
        gather(value, &mut bytes);
        Some(Self { bytes, least })
    }

    /// Whether such a row stands in a text.
    fn stands_in(&self, text: &[u8]) -> bool {
        // From the end of each possible row backwards: where one breaks, the next can only begin behind.
        let mut start = 0;
        while start + self.least <= text.len() {
            let row = &text[start..start + self.least];
            match row.iter().rposition(|byte| !self.bytes[usize::from(*byte)]) {
                Some(at) => start += at + 1,
                None => return true,
            }
        }
        false
    }
}

/// The group of that name, if every match has it.
fn secret(hir: &Hir) -> Option<&Hir> {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some("secret") => Some(&capture.sub),
        HirKind::Capture(capture) => secret(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => secret(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().find_map(secret),
        _ => None,
    }
}

/// Whether a group of that name is anywhere.
fn has_secret(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) => capture.name.as_deref() == Some("secret") || has_secret(&capture.sub),
        HirKind::Repetition(repetition) => has_secret(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_secret),
        _ => false,
    }
}

/// Whether every match has the rare byte.
fn has_rare(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.contains(&RARE),
        HirKind::Capture(capture) => has_rare(&capture.sub),
        HirKind::Repetition(repetition) => repetition.min > 0 && has_rare(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().any(has_rare),
        HirKind::Alternation(parts) => parts.iter().all(has_rare),
        _ => false,
    }
}

/// All bytes that can stand in a match of this.
fn gather(hir: &Hir, bytes: &mut [bool; 256]) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => literal.0.iter().for_each(|byte| bytes[usize::from(*byte)] = true),
        HirKind::Class(Class::Bytes(class)) => {
            for range in class.iter() {
                bytes[usize::from(range.start())..=usize::from(range.end())].fill(true);
            }
        }
        HirKind::Class(Class::Unicode(_)) => bytes.fill(true),
        HirKind::Repetition(repetition) => gather(&repetition.sub, bytes),
        HirKind::Capture(capture) => gather(&capture.sub, bytes),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| gather(part, bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shape(pattern: &str) -> Option<Shape> {
        let parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        Shape::of(&{ parser }.parse(pattern).unwrap())
    }

    #[test]
    fn short_values_demand_nothing() {
        assert!(shape("key=(?P<secret>[a-z]{4,40})").is_none());
    }

    #[test]
    fn a_group_that_a_match_can_do_without_demands_nothing() {
        assert!(shape("key=(?:(?P<secret>[a-z]{20})|none)").is_none());
        assert!(shape("key=(?:(?P<secret>[a-z]{20}))?").is_none());
        assert!(shape("key=(?:id )?(?P<secret>[a-z]{20})").is_some());
    }

    #[test]
    fn an_address_without_a_password_has_no_match() {
        let shape = shape("x://[a-z]{0,9}:(?P<secret>[a-z]{4,40})@(?:h|g@)").unwrap();
        assert!(shape.stands_in(b"x://a:bbbb@h") && !shape.stands_in(b"x://a:bbbb/h"));
    }

    proptest! {
        /// A text without the row has no match.
        #[test]
        fn no_match_is_lost(text in "(key=|[a-f0-9]{3,30}|[g-z ]|-){0,12}") {
            let pattern = "key=(?P<secret>[a-f0-9]{12,20}|[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4})";
            let regex = super::super::searched(pattern).unwrap();
            let stands = shape(pattern).unwrap().stands_in(text.as_bytes());
            prop_assert!(stands || !regex.is_match(text.as_bytes()));
        }
    }
}
