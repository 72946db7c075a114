//! How far around something new one must look to see every part that it can have changed: mostly the line it stands in,
//! and of the lines before and behind only what shows that they go on here.

use super::pieces::{self, Shown};
use super::{dump, joined, run, seam, wide};
use std::ops::Range;

/// Within the line.
const REACH: usize = pieces::REACH + joined::REACH + 2;
/// As far as the next line of a broken run or of a dump can be.
const LINE: usize = {
    let (run, dump) = (run::LONGEST_LINE + run::INDENT + 8, dump::LONGEST_LINE + 2);
    if run > dump { run } else { dump }
};

/// The most lines of a dump that do not show it by themselves.
const SHORT_LINES: usize = 64;

/// How near.
const NEAR: usize = 96;

/// The windows to look at for new ranges. What stands in the line of the one before costs nothing more.
pub(super) fn windows<'t>(
    text: &'t [u8],
    ranges: impl Iterator<Item = Range<usize>> + 't,
) -> impl Iterator<Item = Range<usize>> + 't {
    let mut ranges = joined(ranges);
    let shown = Shown::of(text);
    let mut next: Option<(Range<usize>, usize)> = None;
    std::iter::from_fn(move || {
        let first = || ranges.next().map(|range| of(text, &shown, &range));
        let (mut window, mut seen) = next.take().or_else(first)?;
        for range in ranges.by_ref() {
            if range.end < seen {
                continue;
            }
            let (wide, far) = of(text, &shown, &range);
            if wide.start > window.end {
                next = Some((wide, far));
                break;
            }
            window = window.start.min(wide.start)..window.end.max(wide.end);
            seen = far;
        }
        Some(window)
    })
}

/// The ranges, of which those that are near each other are one: to look between them costs less than to look around each.
fn joined(mut ranges: impl Iterator<Item = Range<usize>>) -> impl Iterator<Item = Range<usize>> {
    let mut next = ranges.next();
    std::iter::from_fn(move || {
        let mut joined = next.take()?;
        for range in ranges.by_ref() {
            if range.start > joined.end + NEAR {
                next = Some(range);
                break;
            }
            joined.end = range.end;
        }
        Some(joined)
    })
}

/// The window for one range, and how far it does for the ranges behind.
fn of(text: &[u8], shown: &Shown<'_>, range: &Range<usize>) -> (Range<usize>, usize) {
    let (end, seen) = end(text, shown, range.end);
    (start(text, shown, range.start)..end, seen)
}

fn start(text: &[u8], shown: &Shown<'_>, at: usize) -> usize {
    let floor = at.saturating_sub(LINE);
    let newline = memchr::memrchr(b'\n', &text[floor..at]).map(|newline| floor + newline);
    let in_line = newline.map_or(floor, |newline| newline + 1).max(at.saturating_sub(REACH));
    let mut start = in_line.min(at.saturating_sub(wide::REACH));
    if let Some(shows) = shown.before(at) {
        start = start.min(shows);
    }
    let Some(newline) = newline else { return start };
    start = start.min(broken_before(text, newline + 1));
    // A dump in the lines before may go on here, or no more.
    start = start.min(dump_before(text, newline + 1));
    if is_near_line_start(text, newline, at) {
        // A seam that begins in a line before may end here.
        for beside in 0..=seam::BESIDE.min(at) {
            let from = at - beside - seam::joined_before(text, at - beside);
            if memchr::memchr(b'\n', &text[from..at]).is_some() && may_begin_seam(text, from..at) {
                start = start.min(in_line_before(text, from));
            }
        }
    }
    let from = start - seam::joined_before(text, start);
    if may_begin_seam(text, from..start) {
        start = from.saturating_sub(1);
    }
    // A line of digits may go on here.
    let line = text[..newline].strip_suffix(b"\r").unwrap_or(&text[..newline]);
    if line.last().is_some_and(|byte| run::is_digit(*byte)) {
        start = start.min(line.len().saturating_sub(run::SHORTEST + 1));
    }
    start
}

/// Whether few bytes that cannot stand in a seam lie between a line's start and `at`.
fn is_near_line_start(text: &[u8], newline: usize, at: usize) -> bool {
    at - newline <= seam::LONGEST + seam::BESIDE
        && text[newline..at].iter().rev().filter(|byte| !seam::joins(**byte)).nth(seam::BESIDE).is_none()
}

/// Where the window ends, and up to where a range may end that this is the window for too.
fn end(text: &[u8], shown: &Shown<'_>, at: usize) -> (usize, usize) {
    let ceiling = (at + LINE).min(text.len());
    let newline = memchr::memchr(b'\n', &text[at..ceiling]).map(|newline| at + newline);
    let in_line = newline.map_or(ceiling, |newline| newline + 1).min(at + REACH);
    let mut end = in_line.max((at + wide::REACH).min(text.len()));
    if let Some(shows) = shown.behind(at) {
        end = end.max(shows);
    }
    let Some(newline) = newline else { return (end, at) };
    // A seam that begins here may end in a line behind.
    let beside = (at + seam::BESIDE).min(text.len());
    let head = beside + seam::joined_behind(text, beside);
    if newline < head {
        end = end.max(in_line_behind(text, head));
    }
    end = end.max(broken_behind(text, newline));
    end = end.max(dump_behind(text, newline + 1)).max(joined_behind(text, at));
    // The next line may have gone on from this one.
    let next = &text[newline + 1..];
    let blank = next.iter().take(run::INDENT).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let digits = next[blank..].iter().take(run::SHORTEST).take_while(|byte| run::is_digit(**byte)).count();
    if digits == run::SHORTEST {
        end = end.max(newline + 1 + blank + digits);
    }
    let is_whole = in_line > newline;
    let seam = seam::joined_before(text, newline) + seam::BESIDE;
    (end, if is_whole { newline.saturating_sub(seam.max(joined::NAME + 1)) } else { at })
}

/// The start of what shows a dump in the lines before this one.
fn dump_before(text: &[u8], mut line: usize) -> usize {
    let mut places = 0;
    for _ in 0..SHORT_LINES {
        let before = dump::line_before(text, line);
        let Some((before, (more, _))) = before.and_then(|line| Some((line, dump::shown(text, line)?))) else {
            break;
        };
        (line, places) = (before, places | more);
        if places == run::EVERYWHERE {
            break;
        }
    }
    line
}

/// The end of what shows a dump in this line and those behind.
fn dump_behind(text: &[u8], line: usize) -> usize {
    let (mut next, mut end, mut places) = (Some(line), line, 0);
    for _ in 0..SHORT_LINES {
        let Some((line, (more, last))) = next.and_then(|line| Some((line, dump::shown(text, line)?))) else {
            break;
        };
        (next, end, places) = (dump::line_behind(text, line), last + wide::REACH, places | more);
        if places == run::EVERYWHERE {
            break;
        }
    }
    end.min(text.len())
}

/// The end of the line whose list is joined by a call that is named before its start, and here.
fn joined_behind(text: &[u8], at: usize) -> usize {
    let near = &text[at..(at + joined::NAME + 1).min(text.len())];
    match memchr::memrchr(b'\n', near).map(|newline| at + newline) {
        Some(newline) if joined::has_name(&text[at.saturating_sub(joined::NAME)..newline]) => {
            in_line_behind(text, newline + 1)
        }
        _ => at,
    }
}

/// The most lines that an equals sign at their end breaks.
const BROKEN: usize = 64;

/// The start of the lines before one, of those that end in an equals sign.
fn broken_before(text: &[u8], mut line: usize) -> usize {
    for _ in 0..BROKEN {
        let before =
            text[..line].strip_suffix(b"\n").map(|before| before.strip_suffix(b"\r").unwrap_or(before));
        match before {
            Some(before) if before.last() == Some(&b'=') => line = in_line_before(text, before.len()),
            _ => break,
        }
    }
    line
}

/// The end of the line that goes on behind the equals sign before this line's end.
fn broken_behind(text: &[u8], mut newline: usize) -> usize {
    for _ in 0..BROKEN {
        let line = text[..newline].strip_suffix(b"\r").unwrap_or(&text[..newline]);
        if line.last() != Some(&b'=') || newline >= text.len() {
            break;
        }
        newline = in_line_behind(text, newline + 1);
    }
    newline
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
