//! Stretches of a line in which single places are to be replaced: escapes by a character, seams by nothing.

use super::view::{Map, Piece, View};
use super::{Kind, Part, escape, seam};
use memchr::memmem;
use std::cell::OnceCell;
use std::ops::Range;

/// How far apart the places of one part may be, and how much is kept around them, both within a line.
pub(super) const REACH: usize = 128;

/// The longest place of quoted-printable.
pub(super) const PRINTABLE: usize = 3;

/// The place that only quoted-printable has: an equals sign.
const SHOWS: &[u8] = b"=3D";

/// How many places of quoted-printable are passed to find one that shows it.
const MOST_PASSED: usize = 1 << 14;

/// A place to be replaced.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) byte: Option<u8>,
}

/// The part that the place beginning at `at` belongs to, if there is one and it can matter.
pub(super) fn part(text: &[u8], kind: Kind, at: usize) -> Option<Part> {
    let mut first = edit_at(text, kind, at)?;
    // A break alone, or a number behind an equals sign, is code.
    if kind == Kind::Printable && !shows_printable(text, at) {
        return None;
    }
    let mut last = first.clone();
    while let Some(before) = edit_before(text, kind, first.range.start) {
        first = before;
    }
    while let Some(behind) = edit_behind(text, kind, last.range.end) {
        last = behind;
    }
    let start = line_before(text, first.range.start);
    let end = line_behind(text, last.range.end);
    let extent = match kind {
        Kind::Split | Kind::Continued => seam::seen(text, start..end),
        // A broken line may end before it, but nothing goes on behind a line that is not broken.
        Kind::Printable => {
            let behind = if text.get(end) == Some(&b'\n') { 0 } else { PRINTABLE };
            start.saturating_sub(PRINTABLE)..(end + behind).min(text.len())
        }
        _ => {
            // An escape could begin before what is kept and end in it, or the other way round, but not across a line's end.
            let before = escape::LONGEST.min(start - line_before(text, start));
            start - before..end + escape::LONGEST.min(line_behind(text, end) - end)
        }
    };
    Some(Part { kind, range: start..end, extent })
}

/// The text with the places replaced. `None` when nothing tells that they are more than a way of writing.
pub(super) fn view(text: &[u8], kind: Kind, range: &Range<usize>) -> Option<View> {
    let (mut out, mut pieces, mut plain) = (Vec::with_capacity(range.len()), Vec::new(), range.start);
    let mut at = range.start;
    let mut matters = kind != Kind::Backslash;
    while let Some(edit) = next_edit(text, kind, at, range.end) {
        if plain < edit.range.start {
            pieces.push(Piece { at: out.len(), source: plain..edit.range.start, plain: true });
            out.extend_from_slice(&text[plain..edit.range.start]);
        }
        if let Some(byte) = edit.byte {
            // `\/` is what some languages write for every slash; it matters in an address.
            matters |= text[edit.range.start + 1] != b'/' || out.ends_with(b":/");
            pieces.push(Piece { at: out.len(), source: edit.range.clone(), plain: false });
            out.push(byte);
        }
        (at, plain) = (edit.range.end, edit.range.end);
    }
    pieces.push(Piece { at: out.len(), source: plain..range.end, plain: true });
    out.extend_from_slice(&text[plain..range.end]);
    let name = match kind {
        Kind::Percent => "percent",
        Kind::Printable => "quoted-printable",
        Kind::Colour => "colour",
        Kind::Backslash => "escape",
        Kind::Entity | Kind::Quote => "entity",
        _ => "split",
    };
    matters.then(|| View {
        text: out,
        name: name.to_owned(),
        layers: 1,
        cut: false,
        map: Map::Pieces(pieces),
    })
}

/// Whether a place is one that only quoted-printable has.
fn shows_printable(text: &[u8], at: usize) -> bool {
    text[at..].starts_with(SHOWS)
}

/// The places of a text that show quoted-printable. Most texts have none, which is asked once and only where it matters:
/// the lines of a list of check sums end like broken ones, and to follow them to the next list's end is a long way.
pub(super) struct Shown<'t> {
    text: &'t [u8],
    anywhere: OnceCell<bool>,
}

impl<'t> Shown<'t> {
    pub(super) fn of(text: &'t [u8]) -> Self {
        Self { text, anywhere: OnceCell::new() }
    }

    /// Where a place begins that shows the part which `at` is in, or right behind.
    pub(super) fn before(&self, at: usize) -> Option<usize> {
        let before = |near: usize| edit_before(self.text, Kind::Printable, near);
        let shows = |near: usize| self.first(before(near), |edit| before(edit.range.start));
        let places = [at, at.saturating_sub(PRINTABLE)].into_iter().filter_map(shows);
        places.map(|edit| edit.range.start).min()
    }

    /// Where a place ends that shows the part which `at` is in, or right before. That may begin with one of the lines that
    /// begin here.
    pub(super) fn behind(&self, at: usize) -> Option<usize> {
        let text = self.text;
        let behind = |near: usize| edit_behind(text, Kind::Printable, near);
        let shows = |near: usize| self.first(behind(near), |edit| behind(edit.range.end));
        let near = &text[at..(at + PRINTABLE + 1).min(text.len())];
        let lines = memchr::memchr_iter(b'\n', near).map(|newline| at + newline + 1);
        let beside = [at.saturating_sub(PRINTABLE), at, (at + PRINTABLE).min(line_behind(text, at))];
        lines.chain(beside).filter_map(shows).map(|edit| edit.range.end).max()
    }

    /// The first place that shows it, of those that follow each other.
    fn first(&self, first: Option<Edit>, next: impl Fn(&Edit) -> Option<Edit>) -> Option<Edit> {
        let first = first?;
        if !*self.anywhere.get_or_init(|| memmem::find(self.text, SHOWS).is_some()) {
            return None;
        }
        let mut places = std::iter::successors(Some(first), next).take(MOST_PASSED);
        places.find(|edit| shows_printable(self.text, edit.range.start))
    }
}

fn edit_at(text: &[u8], kind: Kind, at: usize) -> Option<Edit> {
    match kind {
        Kind::Split => seam::at(text, at),
        Kind::Continued => seam::continued(text, at),
        _ => escape::at(text, kind, at),
    }
}

fn longest(kind: Kind) -> usize {
    if matches!(kind, Kind::Split | Kind::Continued) { seam::LONGEST } else { escape::LONGEST }
}

/// The first place that begins in the range.
fn next_edit(text: &[u8], kind: Kind, start: usize, end: usize) -> Option<Edit> {
    let range = text.get(start..end)?;
    let first = |at: usize| edit_at(text, kind, start + at);
    match kind {
        Kind::Percent => memchr::memchr_iter(b'%', range).find_map(first),
        Kind::Printable => memchr::memchr_iter(b'=', range).find_map(first),
        Kind::Colour => memchr::memchr_iter(0x1b, range).find_map(first),
        Kind::Entity | Kind::Quote => memchr::memchr_iter(b'&', range).find_map(first),
        Kind::Split => memchr::memchr2_iter(b'"', b'\'', range).find_map(first),
        _ => memchr::memchr_iter(b'\\', range).find_map(first),
    }
}

/// The next place of the same part.
fn edit_behind(text: &[u8], kind: Kind, end: usize) -> Option<Edit> {
    next_edit(text, kind, end, line_behind(text, end))
}

/// The place of the same part that comes before.
fn edit_before(text: &[u8], kind: Kind, start: usize) -> Option<Edit> {
    let line = line_before(text, start);
    let from = line.saturating_sub(longest(kind));
    let range = &text[from..start];
    // Seen from the other end a place at the very reach is too far, and both must be told as one part or as two.
    let fits = |at: usize| {
        let is_near =
            |edit: &Edit| (line..=start).contains(&edit.range.end) && start - edit.range.end < REACH;
        edit_at(text, kind, from + at).filter(is_near)
    };
    match kind {
        Kind::Percent => memchr::memrchr_iter(b'%', range).find_map(fits),
        Kind::Printable => memchr::memrchr_iter(b'=', range).find_map(fits),
        Kind::Colour => memchr::memrchr_iter(0x1b, range).find_map(fits),
        Kind::Entity | Kind::Quote => memchr::memrchr_iter(b'&', range).find_map(fits),
        Kind::Split => memchr::memrchr2_iter(b'"', b'\'', range).find_map(fits),
        _ => memchr::memrchr_iter(b'\\', range).find_map(fits),
    }
}

/// How far the line reaches to the left, and no further than is kept.
pub(super) fn line_before(text: &[u8], start: usize) -> usize {
    let floor = start.saturating_sub(REACH);
    memchr::memrchr(b'\n', &text[floor..start]).map_or(floor, |newline| floor + newline + 1)
}

/// How far the line reaches to the right, and no further than is kept.
pub(super) fn line_behind(text: &[u8], end: usize) -> usize {
    let ceiling = (end + REACH).min(text.len());
    memchr::memchr(b'\n', &text[end..ceiling]).map_or(ceiling, |newline| end + newline)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever lies between two places: they are one part seen from both, or two seen from both.
    #[test]
    fn places_are_near_from_both_sides() {
        let places = [(Kind::Percent, "%41"), (Kind::Continued, "a\\\nb"), (Kind::Colour, "\u{1b}[31m")];
        for (kind, place) in places {
            for between in REACH - 6..REACH + 6 {
                let text = format!("x{place}{}{place}x", "-".repeat(between));
                let at = usize::from(kind == Kind::Continued) + 1;
                let behind = at + place.len() + between;
                let parts = [at, behind].map(|at| part(text.as_bytes(), kind, at).unwrap().range);
                let is_one = parts[0] == parts[1];
                assert!(is_one || !parts[1].contains(&at), "{kind:?} {between}: {parts:?}");
            }
        }
    }
}
