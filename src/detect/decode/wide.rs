//! UTF-16, told by every other byte being zero; a mark at the file's start is not needed. Letters beyond ASCII end a run.

use super::view::{Map, View};
use super::{Kind, Part};
use std::ops::Range;

/// The fewest characters that count.
const SHORTEST: usize = 16;
/// How far from the edge of a window a run must reach to be seen.
pub(super) const REACH: usize = 2 * SHORTEST + 4;

/// The run that a zero belongs to, if it is long enough.
pub(super) fn at(text: &[u8], zero: usize) -> Option<Range<usize>> {
    // Most zeros stand among other zeros.
    let beside = text.get(zero + 1).or(text[..zero].last())?;
    let run = if is_character(*beside) { run_at(text, zero) } else { return None };
    (run.len() >= 2 * SHORTEST).then_some(run)
}

/// The longest stretch around a zero in which zeros and characters take turns.
fn run_at(text: &[u8], zero: usize) -> Range<usize> {
    let fits = |(turn, byte): &(usize, &u8)| match turn % 2 {
        0 => is_character(**byte),
        _ => **byte == 0,
    };
    let before = text[..zero].iter().rev().enumerate().take_while(fits).count();
    let behind = text[zero + 1..].iter().enumerate().take_while(fits).count();
    zero - before..zero + 1 + behind
}

fn is_character(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

pub(super) fn part(text: &[u8], range: Range<usize>) -> Part {
    let extent = range.start.saturating_sub(2)..(range.end + 2).min(text.len());
    Part { kind: Kind::Wide, range, extent }
}

pub(super) fn view(text: &[u8], range: &Range<usize>) -> View {
    let run = &text[range.clone()];
    let (skip, name) = match (run.first(), run.last()) {
        (Some(0), Some(0)) => (1, "utf-16le"),
        (Some(0), _) => (0, "utf-16be"),
        _ => (0, "utf-16le"),
    };
    let pairs = run[skip..].chunks_exact(2);
    let text = pairs.map(|pair| pair[0] | pair[1]).collect();
    View { text, name: name.to_owned(), layers: 1, cut: false, map: Map::Pairs(range.start + skip) }
}
