//! HTML tables: the cells below a heading cell.

use super::super::value::Form;
use super::Candidate;
use super::cursor::trimmed;
use super::name::Name;
use std::ops::Range;

/// The most rows of a table that are looked at.
const ROWS: usize = 60;

/// The cells of the column that the name heads, if it stands in a `<th>` or in the first row's `<td>`.
pub(super) fn column(text: &[u8], name: &Name) -> Option<Vec<Candidate>> {
    // Nearly every name stands in no markup at all.
    let left = &text[..name.range.start];
    let tag = left.iter().rev().take(64).position(|byte| *byte == b'>' || *byte == b'\n')?;
    if left[left.len() - 1 - tag] != b'>' {
        return None;
    }
    let row = last_tag(left, b"<tr")?;
    let cells_before = cell_starts(&left[row..]).count();
    let is_head = last_tag(&left[row..], b"<th").is_some();
    let end = memchr::memmem::find(&text[name.range.end..], b"</tr>").map(|at| name.range.end + at)?;
    // A row of a name and its value is no head.
    let has_siblings = cells_before > 1 || cell_starts(&text[name.range.end..end]).next().is_some();
    if !is_head || !has_siblings || memchr::memmem::find(&text[row..end], b"<td").is_some() {
        return None;
    }
    let table = memchr::memmem::find(&text[end..], b"</table").map_or(text.len(), |at| end + at);
    let mut found = Vec::new();
    let mut at = end;
    while let Some(start) = memchr::memmem::find(&text[at..table], b"<tr").filter(|_| found.len() < ROWS) {
        let start = at + start;
        let stop = memchr::memmem::find(&text[start..table], b"</tr").map_or(table, |stop| start + stop);
        if let Some(range) = content(text, start..stop, cells_before - 1) {
            found.push(Candidate { range, form: Form::Cell });
        }
        at = stop.max(start + 1);
    }
    (!found.is_empty()).then_some(found)
}

/// The cell before the one that the name stands in.
pub(super) fn before(text: &[u8], name: &Name) -> Option<Candidate> {
    let left = &text[..name.range.start];
    let cell = memchr::memrchr(b'<', left)?;
    if !left[cell..].starts_with(b"<td") {
        return None;
    }
    let row = last_tag(&left[..cell], b"<tr")?;
    let number = cell_starts(&left[row..cell]).count().checked_sub(1)?;
    content(text, row..cell, number).map(|range| Candidate { range, form: Form::Cell })
}

/// Where the last tag of a kind begins. Few texts have many brackets.
fn last_tag(text: &[u8], tag: &[u8]) -> Option<usize> {
    memchr::memrchr_iter(b'<', text).find(|at| text[*at..].starts_with(tag))
}

/// Where the cells of a row begin.
fn cell_starts(row: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memmem::find_iter(row, b"<t").filter(|at| matches!(row.get(at + 2), Some(b'd' | b'h')))
}

/// What stands in a row's cell, without the tags around it.
fn content(text: &[u8], row: Range<usize>, number: usize) -> Option<Range<usize>> {
    let mut start = row.start + cell_starts(&text[row.clone()]).nth(number)?;
    // `<td class="…"><code>`
    while text.get(start) == Some(&b'<') {
        start += memchr::memchr(b'>', &text[start..row.end])? + 1;
        start += text[start..row.end].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }
    let len = memchr::memchr(b'<', &text[start..row.end])?;
    Some(trimmed(text, start..start + len)).filter(|range| !range.is_empty())
}
