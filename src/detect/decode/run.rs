//! Runs of base64 digits, to which hexadecimal ones belong too, and the lines that a long run is broken into.

use super::{Kind, Part};
use std::ops::Range;

/// The digits of the sixteen bytes that are the least a decoded secret has.
pub(super) const SHORTEST: usize = 22;
/// A run of `SHORTEST` digits holds one aligned block of so many.
const BLOCK: usize = SHORTEST.div_ceil(2);
/// How many digits a line has that goes on in the next one.
const LINE: std::ops::RangeInclusive<usize> = 32..=256;
/// The longest line of a broken run, and the deepest indentation.
pub(super) const LONGEST_LINE: usize = *LINE.end();
pub(super) const INDENT: usize = 64;
/// How much of the line before a run is kept: a name makes a value a secret.
const NAME: usize = 64;

/// Whether a byte is a digit of either alphabet.
pub(super) fn is_digit(byte: u8) -> bool {
    DIGITS[usize::from(byte)] != NONE
}

/// The value of a digit.
pub(super) fn value(byte: u8) -> u8 {
    DIGITS[usize::from(byte)]
}

const NONE: u8 = 0xff;

/// Digits from this value on separate words.
pub(super) const SEPARATOR: u8 = 62;

static DIGITS: [u8; 256] = {
    let mut digits = [NONE; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut number = 0_u8;
    while (number as usize) < alphabet.len() {
        digits[alphabet[number as usize] as usize] = number;
        number += 1;
    }
    digits[b'-' as usize] = 62;
    digits[b'_' as usize] = 63;
    digits
};

/// Tells the long runs that have something in the window. Only of each block's ends so much is looked at as shows that it
/// is no part of a run. Where gaps stand as they do in a dump, that is told too.
pub(super) fn each_in(
    text: &[u8],
    window: &Range<usize>,
    mut spaced: impl FnMut(usize),
    mut tell: impl FnMut(Range<usize>),
) {
    let (blocks, _) = text[window.clone()].as_chunks::<BLOCK>();
    let mut told = 0;
    for (number, block) in blocks.iter().enumerate() {
        let gaps = gaps(block);
        if gaps != 0 || !block.iter().all(|byte| is_digit(*byte)) {
            if is_spaced(gaps) {
                spaced(window.start + number * BLOCK);
            }
            continue;
        }
        let at = window.start + number * BLOCK;
        if at >= told {
            let run = run_at(text, at);
            told = run.end;
            if run.len() >= SHORTEST {
                tell(run);
            }
        }
    }
}

/// Whether a space, a quote or another low byte is among the block's, which no digit is: nearly every block has one. The
/// signs of the first eight bytes, or any sign if only a later one is low.
#[inline]
fn gaps(block: &[u8; BLOCK]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let below = |bytes: [u8; 8]| {
        let word = u64::from_le_bytes(bytes);
        word.wrapping_sub(ONES * u64::from(b'+')) & !word & (ONES << 7)
    };
    let first = block.first_chunk::<8>().map_or(0, |bytes| below(*bytes));
    if first != 0 {
        return first;
    }
    block.last_chunk::<8>().map_or(0, |bytes| below(*bytes))
}

/// Whether gaps stand where they do between pairs or fours of digits.
#[inline]
fn is_spaced(gaps: u64) -> bool {
    const fn at<const N: usize>(places: [u32; N]) -> u64 {
        let (mut gaps, mut number) = (0, 0);
        while number < N {
            gaps |= 0x80 << (8 * places[number]);
            number += 1;
        }
        gaps
    }
    let pairs =
        gaps == const { at([0, 3, 6]) } || gaps == const { at([1, 4, 7]) } || gaps == const { at([2, 5]) };
    let fours = gaps == const { at([0, 5]) } || gaps == const { at([1, 6]) } || gaps == const { at([2, 7]) };
    pairs || fours || gaps == const { at([3]) } || gaps == const { at([4]) }
}

/// All places that a block can have.
pub(super) const EVERYWHERE: u16 = (1 << BLOCK) - 1;

/// Where in this range a block shows gaps as a dump has them: one bit for each place that the blocks of a window can have.
/// Only what shows at all of these is seen whatever the window is.
pub(super) fn spaced(text: &[u8], range: Range<usize>) -> u16 {
    let mut places = 0;
    for at in range {
        if text.get(at..).and_then(<[u8]>::first_chunk).is_some_and(|block| is_spaced(gaps(block))) {
            places |= 1 << (at % BLOCK);
        }
        if places == EVERYWHERE {
            break;
        }
    }
    places
}

/// The run that the digit at `at` belongs to. A letter behind a backslash is no digit.
fn run_at(text: &[u8], at: usize) -> Range<usize> {
    let before = text[..at].iter().rev().take_while(|byte| is_digit(**byte)).count();
    let mut start = at - before;
    if start > 0 && text[start - 1] == b'\\' && matches!(text[start], b'n' | b'r' | b't') {
        start += 1;
    }
    let end = at + text[at..].iter().take_while(|byte| is_digit(**byte)).count();
    start.min(end)..end
}

/// The part that a run belongs to: with the lines that it goes on in, and the name before it.
pub(super) fn part(text: &[u8], run: Range<usize>) -> Option<Part> {
    let mut first = run.clone();
    while let Some(before) = line_before(text, &first) {
        first = before;
    }
    let last = lines(text, run).last()?;
    let range = first.start..last.end;
    let extent = seen_before(text, &first)..seen_behind(text, &last);
    Some(Part { kind: Kind::Run, range, extent })
}

/// Whether a run may be one of several lines, or the first one of a folded text.
pub(super) fn may_be_line(text: &[u8], run: &Range<usize>) -> bool {
    let is_tail = |byte: &u8| is_digit(*byte) || matches!(byte, b'>' | b'|');
    line_behind(text, run).is_some()
        || break_before(text, run.start).is_some_and(|end| text[..end].last().is_some_and(is_tail))
}

/// The runs of a part, line by line.
pub(super) fn lines(text: &[u8], first: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<'_> {
    std::iter::successors(Some(first), |line| line_behind(text, line))
}

/// The first line of the part that begins here.
pub(super) fn first_line(text: &[u8], start: usize) -> Range<usize> {
    start..start + text[start..].iter().take_while(|byte| is_digit(**byte)).count()
}

/// The start of what is kept of the line before a run.
pub(super) fn name_start(text: &[u8], start: usize) -> usize {
    let floor = start.saturating_sub(NAME);
    memchr::memrchr(b'\n', &text[floor..start]).map_or(floor, |newline| floor + newline + 1)
}

/// The line that ends in `>` or `|` before a run, without that: a folded text follows.
pub(super) fn header(text: &[u8], start: usize) -> Option<Range<usize>> {
    let end = break_before(text, start)?;
    let from = name_start(text, end);
    let line = &text[from..end];
    let line = line.strip_suffix(b"-").or(line.strip_suffix(b"+")).unwrap_or(line);
    let key = line.strip_suffix(b">").or(line.strip_suffix(b"|"))?;
    Some(from..from + key.len())
}

/// How many signs of padding stand behind a run.
pub(super) fn padding(text: &[u8], end: usize) -> usize {
    text[end..].iter().take(2).take_while(|byte| **byte == b'=').count()
}

struct Next {
    run: Option<Range<usize>>,
    /// How many bytes were looked at.
    seen: usize,
}

/// The run at the start of the next line, if it is alone there.
fn next_line(text: &[u8], end: usize) -> Option<Next> {
    let behind = &text[end..];
    let newline = if behind.starts_with(b"\r\n") { 2 } else { usize::from(behind.first() == Some(&b'\n')) };
    if newline == 0 {
        return None;
    }
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let start = newline + behind[newline..].iter().take(INDENT + 1).take_while(is_blank).count();
    let line = behind[start..].iter().take(LONGEST_LINE + 1).take_while(|byte| is_digit(**byte)).count();
    let after = behind.get(start + line);
    let is_alone = after.is_none_or(|byte| matches!(byte, b'\n' | b'\r' | b'=' | b'"' | b'\''));
    let fits = start - newline <= INDENT && (1..=LONGEST_LINE).contains(&line) && is_alone;
    Some(Next { run: fits.then(|| end + start..end + start + line), seen: start + line })
}

fn line_behind(text: &[u8], line: &Range<usize>) -> Option<Range<usize>> {
    if LINE.contains(&line.len()) { next_line(text, line.end)?.run } else { None }
}

fn line_before(text: &[u8], line: &Range<usize>) -> Option<Range<usize>> {
    let end = break_before(text, line.start)?;
    if !(1..=LONGEST_LINE + 1).contains(&digits_before(text, end)) {
        return None;
    }
    let before = run_at(text, end - 1);
    line_behind(text, &before).filter(|behind| behind == line).map(|_| before)
}

fn blank_before(text: &[u8], start: usize) -> usize {
    text[..start].iter().rev().take(INDENT + 1).take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// The digits that stand before `end`, as far as a line of a broken run has any.
fn digits_before(text: &[u8], end: usize) -> usize {
    text[..end].iter().rev().take(LONGEST_LINE + 2).take_while(|byte| is_digit(**byte)).count()
}

/// Where the line before ends, if nothing but an indentation stands before `start`.
fn break_before(text: &[u8], start: usize) -> Option<usize> {
    let blank = blank_before(text, start);
    let before = text[..start - blank].strip_suffix(b"\n").filter(|_| blank <= INDENT)?;
    Some(before.strip_suffix(b"\r").unwrap_or(before).len())
}

/// From where on bytes were looked at to tell that a part begins at this run.
fn seen_before(text: &[u8], first: &Range<usize>) -> usize {
    let name = name_start(text, first.start);
    match break_before(text, first.start) {
        None => name.min(first.start.saturating_sub(blank_before(text, first.start) + 1)),
        Some(end) => match digits_before(text, end) {
            0 => name_start(text, end),
            digits => end - digits,
        },
    }
}

/// How far bytes were looked at to tell that a part ends with this run.
fn seen_behind(text: &[u8], last: &Range<usize>) -> usize {
    let padding = padding(text, last.end).max(usize::from(text.get(last.end) == Some(&b'\r')));
    let next = if LINE.contains(&last.len()) { next_line(text, last.end) } else { None };
    last.end + next.map_or(padding, |next| next.seen)
}
