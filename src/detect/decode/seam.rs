//! Where a literal is put together from pieces: a quote ends one, a quote begins the next, and nothing but an operator
//! stands between them; or a line ends in a backslash and the next one goes on.

use super::pieces::Edit;
use std::ops::Range;

/// The longest seam.
pub(super) const LONGEST: usize = 80;
/// The most signs that an operator has, with the backslash that continues a line.
const OPERATOR: usize = 3;

/// Whether a byte may stand in a seam.
pub(super) const fn joins(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\n' | b'\r' | b'\t' | b'+' | b'.' | b'&' | b'~' | b'|' | b'<' | b'>' | b'\\' | b'_'
    )
}

/// The seam between two quotes that begins with the one at `at`.
pub(super) fn at(text: &[u8], at: usize) -> Option<Edit> {
    let quote = *text.get(at).filter(|byte| matches!(byte, b'"' | b'\''))?;
    let rest = &text[at + 1..];
    let between = rest.iter().take(LONGEST - 2).take_while(|byte| joins(**byte));
    let (len, signs) = between
        .fold((0, 0), |(len, signs), byte| (len + 1, signs + usize::from(!byte.is_ascii_whitespace())));
    let end = at + 1 + len;
    let fits = len > 0 && signs <= OPERATOR && text.get(end) == Some(&quote);
    (fits && is_inside(text, at, end + 1)).then_some(Edit { range: at..end + 1, byte: None })
}

/// The backslash at a line's end, with the break and the indentation behind it.
pub(super) fn continued(text: &[u8], at: usize) -> Option<Edit> {
    let rest = text.get(at..)?.strip_prefix(b"\\")?;
    let newline = if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest.first() == Some(&b'\n')) };
    if newline == 0 {
        return None;
    }
    let blank =
        rest[newline..].iter().take(LONGEST - 4).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let end = at + 1 + newline + blank;
    is_inside(text, at, end).then_some(Edit { range: at..end, byte: None })
}

/// Whether a seam cuts a word in two. An operator's sign before it must belong to the word, so that no seam begins where
/// another one ends.
fn is_inside(text: &[u8], start: usize, end: usize) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    let before = match text[..start] {
        [.., word, sign] if joins(sign) => word.is_ascii_alphanumeric() && sign.is_ascii_graphic(),
        [.., word] => is_word(&word) && !joins(word),
        [] => false,
    };
    // What ends a string in some languages, and what punctuates, begins no piece.
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-/+=.:@%$~*!#^&?".contains(byte);
    before && text.get(end).is_some_and(goes_on)
}

/// The bytes before a seam that `is_inside` looks at, and the quote.
pub(super) const BESIDE: usize = 3;

/// All that was looked at to tell that the seams in a range are all there are: one more could end or begin in it.
pub(super) fn seen(text: &[u8], range: Range<usize>) -> Range<usize> {
    let start = range.start.saturating_sub(joined_before(text, range.start) + BESIDE);
    let before = range.end - joined_before(text, range.end);
    let may_begin =
        before > 0 && matches!(text[before - 1], b'"' | b'\'') || text[before..range.end].contains(&b'\\');
    let behind = if may_begin { joined_behind(text, range.end) + BESIDE } else { 0 };
    start..(range.end + behind).min(text.len())
}

/// How many bytes before `at` could stand in a seam.
pub(super) fn joined_before(text: &[u8], at: usize) -> usize {
    text[..at].iter().rev().take(LONGEST).take_while(|byte| joins(**byte)).count()
}

/// How many bytes behind `at` could stand in a seam.
pub(super) fn joined_behind(text: &[u8], at: usize) -> usize {
    text[at..].iter().take(LONGEST).take_while(|byte| joins(**byte)).count()
}
