//! How far around something new one must look to see every part that it can have changed: mostly the line it stands in,
//! and of the lines before and behind only what shows that they go on here.

use super::{pieces, run, seam, wide};
use std::ops::Range;

/// Within the line.
const REACH: usize = pieces::REACH + seam::LONGEST + 12;
/// As far as a broken run's next line can be.
const LINE: usize = run::LONGEST_LINE + run::INDENT + 8;

/// The window to look at. Parts are told by it that have a byte of `range`, or one beside it, in their extent.
pub(super) fn of(text: &[u8], range: &Range<usize>) -> Range<usize> {
    start(text, range.start)..end(text, range.end)
}

fn start(text: &[u8], at: usize) -> usize {
    let mut start = in_line_before(text, at).min(at.saturating_sub(wide::REACH));
    // A seam that begins in a line before may end here.
    for beside in 0..=seam::BESIDE.min(at) {
        let joined = seam::joined_before(text, at - beside);
        let from = at - beside - joined;
        if memchr::memchr(b'\n', &text[from..at]).is_some() && may_begin_seam(text, from..at) {
            start = start.min(in_line_before(text, from));
        }
    }
    let from = start - seam::joined_before(text, start);
    if may_begin_seam(text, from..start) {
        start = from.saturating_sub(1);
    }
    // A line of digits may go on here.
    let floor = at.saturating_sub(LINE);
    if let Some(newline) = memchr::memrchr(b'\n', &text[floor..at]) {
        let line = &text[..floor + newline];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.last().is_some_and(|byte| run::is_digit(*byte)) {
            start = start.min(line.len().saturating_sub(run::SHORTEST + 1));
        }
    }
    start
}

fn end(text: &[u8], at: usize) -> usize {
    let mut end = in_line_behind(text, at).max((at + wide::REACH).min(text.len()));
    // A seam that begins here may end in a line behind.
    let beside = (at + seam::BESIDE).min(text.len());
    let head = beside + seam::joined_behind(text, beside);
    if memchr::memchr(b'\n', &text[at..head]).is_some() {
        end = end.max(in_line_behind(text, head));
    }
    // The next line may have gone on from this one.
    let ceiling = (at + LINE).min(text.len());
    if let Some(newline) = memchr::memchr(b'\n', &text[at..ceiling]) {
        let next = &text[at + newline + 1..];
        let blank = next.iter().take(run::INDENT).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let digits =
            next[blank..].iter().take(run::SHORTEST).take_while(|byte| run::is_digit(**byte)).count();
        if digits == run::SHORTEST {
            end = end.max(at + newline + 1 + blank + digits);
        }
    }
    end
}

/// Whether a seam may begin before these bytes, which could stand in one, or with a backslash among them.
fn may_begin_seam(text: &[u8], joined: Range<usize>) -> bool {
    matches!(text[..joined.start].last(), Some(b'"' | b'\'')) || text[joined].contains(&b'\\')
}

fn in_line_before(text: &[u8], at: usize) -> usize {
    let floor = at.saturating_sub(REACH);
    memchr::memrchr(b'\n', &text[floor..at]).map_or(floor, |newline| floor + newline + 1)
}

fn in_line_behind(text: &[u8], at: usize) -> usize {
    let ceiling = (at + REACH).min(text.len());
    memchr::memchr(b'\n', &text[at..ceiling]).map_or(ceiling, |newline| at + newline + 1)
}
