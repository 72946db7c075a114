//! UTF-16 and UTF-32, told by the zeros between their bytes; a mark at the file's start is not needed. Letters beyond
//! ASCII end a run.

use super::view::{Map, View};
use super::{Kind, Part};
use std::ops::Range;

/// The fewest characters that count.
const SHORTEST: usize = 16;
/// How far from the edge of a window a run must reach to be seen.
pub(super) const REACH: usize = 4 * SHORTEST + 8;

/// The run that a zero belongs to, if it is long enough.
pub(super) fn at(text: &[u8], zero: usize) -> Option<Range<usize>> {
    // Most zeros stand among other zeros.
    let beside = text.get(zero + 1).or(text[..zero].last())?;
    if !is_character(*beside) {
        return None;
    }
    let width = if zero > 0 && text[zero - 1] == 0 { 4 } else { 2 };
    let run = run_at(text, zero, width);
    (run.len() >= width * SHORTEST).then_some(run)
}

/// The longest stretch around a zero in which characters stand behind all but one zero of their width. The next
/// character stands right behind this zero.
fn run_at(text: &[u8], zero: usize, width: usize) -> Range<usize> {
    let fits = |is_turn: bool, byte: u8| if is_turn { is_character(byte) } else { byte == 0 };
    let before = text[..zero].iter().rev().enumerate();
    let before = before.take_while(|(turn, byte)| fits(turn % width == width - 2, **byte)).count();
    let behind = text[zero + 1..].iter().enumerate();
    let behind = behind.take_while(|(turn, byte)| fits(turn % width == 0, **byte)).count();
    zero - before..zero + 1 + behind
}

fn is_character(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

pub(super) fn part(text: &[u8], range: Range<usize>) -> Part {
    let extent = range.start.saturating_sub(4)..(range.end + 4).min(text.len());
    Part { kind: Kind::Wide, range, extent }
}

pub(super) fn view(text: &[u8], range: &Range<usize>) -> View {
    let run = &text[range.clone()];
    let first = run.iter().position(|byte| *byte != 0).unwrap_or(0);
    let width = if run[first..].starts_with(&[run[first], 0, 0, 0]) { 4 } else { 2 };
    // Behind its character or before it: whole characters are what is left in the run.
    let is_little = run.first() != Some(&0) || run.last() == Some(&0);
    let skip = if is_little { first } else { (first + 1) % width };
    let name = match (width, is_little) {
        (2, true) => "utf-16le",
        (2, false) => "utf-16be",
        (_, true) => "utf-32le",
        (_, false) => "utf-32be",
    };
    let characters = run[skip..].chunks_exact(width);
    let text = characters.map(|character| character.iter().fold(0, |all, byte| all | byte)).collect();
    View { text, name: name.to_owned(), layers: 1, cut: false, map: Map::Wide(range.start + skip, width) }
}
