//! Dumps: bytes as pairs or groups of hexadecimal digits with blanks between them, as `xxd`, `hexdump` and `od` write
//! them, with offsets before and characters behind, or as they stand alone.

use super::run::{self, EVERYWHERE};
use super::view::{Map, View};
use super::{Kind, Part, digits};
use std::ops::Range;

/// The fewest bytes of a line that shows a dump: so many digits show themselves at every place of a block.
const SHORTEST: usize = 8;
/// The most bytes of a line with an offset: what stands behind may look like digits.
const MOST_BEHIND_OFFSET: usize = 32;
/// The longest line of several, the longest that is a dump alone, and the deepest indentation.
pub(super) const LONGEST_LINE: usize = 512;
const LONGEST: usize = 1 << 16;
const INDENT: usize = 32;
/// How far the line behind is looked at to tell whether it goes on.
const SEEN: usize = INDENT + 48;

/// How far dumps were told. One of several lines and one behind other words can stand in the same lines.
#[derive(Clone, Copy, Default)]
pub(super) struct Told {
    several: usize,
    /// The end of the digits of a line that belong to those.
    own: usize,
    alone: usize,
}

impl Told {
    /// The part that the blank-parted digits at `at` belong to, if it is not told yet. Places come in ascending order.
    pub(super) fn part(&mut self, text: &[u8], at: usize) -> Option<Part> {
        let is_dump = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b' ';
        if at < self.own.max(self.alone) || !text[at..].iter().take(8).all(is_dump) {
            return None;
        }
        let floor = at.saturating_sub(LONGEST);
        let line = memchr::memrchr(b'\n', &text[floor..at]).map_or(floor, |newline| floor + newline + 1);
        let holds = |own: &Vec<Range<usize>>| {
            own.len() >= SHORTEST / 2 && own.last().is_some_and(|last| at <= last.end)
        };
        if let Some(own) = of_several(text, line).filter(holds) {
            self.own = own.last()?.end + 1;
            if at < self.several {
                return None;
            }
            let (part, shows) = several(text, line, &own)?;
            self.several = part.range.end;
            return shows.then_some(part);
        }
        // A dump that begins behind other words, or is very long, is one line.
        let before = text[line..at].iter().rev().take_while(|byte| is_dump(byte)).count();
        // What is none here is none anywhere in these bytes, unless they begin too far before to tell.
        let is_far = at - before == floor && floor > 0;
        let rest = text[at..].iter().take_while(|byte| is_dump(byte)).count();
        self.alone = if is_far { at + 1 } else { at + rest };
        let start = at - before + text[at - before..].iter().take_while(|byte| **byte == b' ').count();
        let own = of_line(text, start, usize::MAX).filter(holds)?;
        let (first, last) = (own.first()?.start, own.last()?.end);
        // At the blank behind the last digit the same part would show itself again.
        self.alone = last + 1;
        let seen = first.saturating_sub(SEEN).min((at - before).saturating_sub(1)).max(line);
        let extent = seen..line_end(text, last, SEEN);
        let part = Part { kind: Kind::Dump, range: first..last, extent };
        (places(text, &own) == EVERYWHERE).then_some(part)
    }
}

/// The part of the lines around the one that begins here, and whether it shows itself wherever one begins to look.
fn several(text: &[u8], line: usize, own: &[Range<usize>]) -> Option<(Part, bool)> {
    let (mut first, mut start, mut places) = (own.first()?.start, line, places(text, own));
    while let Some(before) = line_before(text, start).and_then(|line| Some((line, of_several(text, line)?))) {
        (start, first, places) = (before.0, before.1.first()?.start, places | self::places(text, &before.1));
    }
    let (mut last, mut line) = (own.last()?.end, line);
    while let Some(behind) = line_behind(text, line).and_then(|line| Some((line, of_several(text, line)?))) {
        (line, last, places) = (behind.0, behind.1.last()?.end, places | self::places(text, &behind.1));
    }
    // Of the lines around it only the next ones were looked at, and of that behind not all.
    let seen = line_before(text, start).unwrap_or(start.saturating_sub(LONGEST_LINE + 1));
    let end = match line_behind(text, line) {
        Some(next) => line_end(text, next, SEEN),
        None => (line + LONGEST_LINE).min(text.len()),
    };
    Some((Part { kind: Kind::Dump, range: first..last, extent: seen..end }, places == EVERYWHERE))
}

/// Where the line ends, if that is so near.
fn line_end(text: &[u8], at: usize, most: usize) -> usize {
    let ceiling = (at + most).min(text.len());
    memchr::memchr(b'\n', &text[at..ceiling]).map_or(ceiling, |newline| at + newline)
}

/// What the digits say together, if that is text.
pub(super) fn view(text: &[u8], range: &Range<usize>) -> Option<View> {
    let floor = range.start.saturating_sub(SEEN);
    let line = memchr::memrchr(b'\n', &text[floor..range.start]).map_or(floor, |newline| floor + newline + 1);
    let is_first = |first: &Vec<Range<usize>>| first.first().is_some_and(|first| first.start == range.start);
    let first = groups(text, line).filter(is_first);
    let mut all = match first {
        Some(first) => first,
        None => of_line(text, range.start, usize::MAX)?,
    };
    while let Some(last) = all.last().filter(|last| last.end < range.end) {
        all.extend(groups(text, line_behind(text, last.end)?)?);
    }
    let nibbles = all.iter().flat_map(|group| &text[group.clone()]);
    let nibbles: Vec<u8> =
        nibbles.filter_map(|digit| u8::try_from(char::from(*digit).to_digit(16)?).ok()).collect();
    let decoded: Vec<u8> = nibbles.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    digits::is_text(&decoded).then(|| View {
        name: "hexdump".to_owned(),
        layers: 1,
        cut: false,
        map: Map::Digits { decoded: 0..decoded.len(), bits: 4, lines: all },
        text: decoded,
    })
}

/// The places at which a line shows that it is one of a dump, and where it ends. `None` if it is none.
pub(super) fn shown(text: &[u8], line: usize) -> Option<(u16, usize)> {
    let own = of_several(text, line)?;
    Some((places(text, &own), own.last()?.end))
}

/// The places at which these groups of a line show themselves.
fn places(text: &[u8], own: &[Range<usize>]) -> u16 {
    match own {
        [first, .., last] if own.len() >= SHORTEST / 2 => {
            // A place is looked at where eight bytes of the dump follow.
            run::spaced(text, first.start..(last.end + 1).saturating_sub(8))
        }
        _ => 0,
    }
}

/// The groups of a line that may be one of several.
fn of_several(text: &[u8], line: usize) -> Option<Vec<Range<usize>>> {
    groups(text, line).filter(|own| own.last().is_some_and(|last| last.end - line < LONGEST_LINE))
}

/// The groups of digits in the line that begins at `line`.
fn groups(text: &[u8], line: usize) -> Option<Vec<Range<usize>>> {
    let indent = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'>');
    let start = line + text[line..].iter().take(INDENT).take_while(indent).count();
    let offset = hex(text, start);
    let behind = start + offset;
    let (start, most) = match text.get(behind)? {
        b':' if offset >= 4 => (behind + 1, MOST_BEHIND_OFFSET),
        b' ' if offset >= 6 => (behind, MOST_BEHIND_OFFSET),
        _ => (start, usize::MAX),
    };
    let blanks = text[start..].iter().take(4).take_while(|byte| **byte == b' ').count();
    of_line(text, start + blanks, most)
}

/// The groups that follow each other from here on: all of one length but the last.
fn of_line(text: &[u8], start: usize, most: usize) -> Option<Vec<Range<usize>>> {
    let length = hex(text, start);
    if !matches!(length, 2 | 4) {
        return None;
    }
    let (mut groups, mut at, mut bytes) = (Vec::new(), start + length, length / 2);
    groups.push(start..start + length);
    while at - start < LONGEST && bytes < most {
        let blanks = text[at..].iter().take(3).take_while(|byte| **byte == b' ').count();
        let next = hex(text, at + blanks);
        let is_last = next > 0 && next < length && next.is_multiple_of(2);
        if !(1..=2).contains(&blanks) || next != length && !is_last {
            break;
        }
        // What stands behind a wide gap is the text again, unless it is half a line's gap.
        if blanks == 2 && (is_last || length > 2) {
            break;
        }
        groups.push(at + blanks..at + blanks + next);
        at += blanks + next;
        bytes += next / 2;
    }
    (groups.len() > 1 || most < usize::MAX).then_some(groups)
}

/// How many hexadecimal digits stand at a place, if nothing goes on behind them.
fn hex(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let len = rest.iter().take(18).take_while(|byte| byte.is_ascii_hexdigit()).count();
    if rest.get(len).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') { 0 } else { len }
}

/// The line before, if it is one of several.
pub(super) fn line_before(text: &[u8], line: usize) -> Option<usize> {
    let end = line.checked_sub(1)?;
    let floor = end.saturating_sub(LONGEST_LINE);
    let start = memchr::memrchr(b'\n', &text[floor..end]).map(|newline| floor + newline + 1);
    start.or((end < LONGEST_LINE).then_some(0))
}

/// The line behind the one that begins here, if that is one of several.
pub(super) fn line_behind(text: &[u8], line: usize) -> Option<usize> {
    let rest = &text[line..(line + LONGEST_LINE).min(text.len())];
    memchr::memchr(b'\n', rest).map(|newline| line + newline + 1).filter(|line| *line < text.len())
}
