//! Tables: a head that names a column and the cells below it, or a row of a name and its value.

use super::super::value::Form;
use super::Candidate;
use super::cursor::{line_after, line_around, trimmed};
use super::name::Name;
use std::ops::Range;

/// The most rows of a table that are looked at.
const ROWS: usize = 60;

/// The cells of the column that the name heads, if it stands in the head of a table.
pub(super) fn column(text: &[u8], name: &Name) -> Option<Vec<Candidate>> {
    let line = line_around(text, name.range.start);
    markdown(text, name, &line)
        .or_else(|| wiki(text, name, &line))
        .or_else(|| separated(text, name, &line))
        .or_else(|| aligned(text, name, &line))
}

/// The cells beside the one that ends at the bar at `bar`.
pub(super) fn next_cells(text: &[u8], bar: usize) -> Vec<Candidate> {
    let line = line_around(text, bar);
    let cells = cells(text, bar + 1..line.end, b'|').into_iter().filter(|cell| !cell.is_empty());
    cells.take(3).map(|range| Candidate { range, form: Form::Cell }).collect()
}

/// The item of a list below the one that is the name: a row of reStructuredText's list-table, or of AsciiDoc's.
pub(super) fn next_item(text: &[u8], name: &Name) -> Option<Candidate> {
    let line = line_around(text, name.range.start);
    let before = text[line.start..name.range.start].trim_ascii();
    let behind = text[name.range.end..line.end].trim_ascii();
    let is_mark = |byte: &u8| b"`*".contains(byte);
    // AsciiDoc may write each cell of a row on its own line.
    let is_cell = matches!(before, b"|" | b"|`");
    if !is_cell && !before.starts_with(b"* - ") && before != b"* -" || !behind.iter().all(is_mark) {
        return None;
    }
    let next = line_after(text, line.end)?;
    let item = text[next.clone()].trim_ascii_start();
    let item = if is_cell { item.strip_prefix(b"|") } else { item.strip_prefix(b"- ") }?;
    let range = trimmed(text, next.end - item.len()..next.end);
    (!range.is_empty()).then_some(Candidate { range, form: Form::Cell })
}

/// A head, a line of dashes, and rows.
fn markdown(text: &[u8], name: &Name, line: &Range<usize>) -> Option<Vec<Candidate>> {
    let is_bar = |byte: &u8| *byte == b'|';
    memchr::memchr(b'|', &text[line.clone()])?;
    let rule = line_after(text, line.end)?;
    let dashes = &text[rule.clone()];
    let is_rule = dashes.windows(3).any(|part| part == b"---" || part == b"===")
        || dashes.windows(2).any(|part| part == b":-" || part == b"-:");
    if !is_rule || !dashes.iter().all(|byte| b"|-:+= \t".contains(byte)) {
        return None;
    }
    let number = text[line.start..name.range.start].iter().filter(|byte| is_bar(byte)).count();
    // The lines between the rows of a grid have no cells.
    let is_row =
        |row: &Range<usize>| text[row.clone()].iter().any(is_bar) || text[row.clone()].starts_with(b"+-");
    let rows = rows(text, rule.end).take_while(is_row);
    // A head without rows is a row: of a name and its value.
    some(rows.filter_map(|row| cell(text, row, b'|', number)).collect())
}

fn some(cells: Vec<Candidate>) -> Option<Vec<Candidate>> {
    (!cells.is_empty()).then_some(cells)
}

/// A head between double bars or exclamation marks, and rows between bars: Jira, Confluence, MediaWiki; between
/// carets: DokuWiki.
fn wiki(text: &[u8], name: &Name, line: &Range<usize>) -> Option<Vec<Candidate>> {
    let head = text[line.clone()].trim_ascii();
    let before = &text[line.start..name.range.start];
    let count = |mark: &[u8]| memchr::memmem::find_iter(before, mark).count();
    let rows = rows(text, line.end).take_while(|row| text[row.clone()].trim_ascii_start().starts_with(b"|"));
    if head.starts_with(b"||") && head.ends_with(b"||") {
        let number = count(b"||");
        return some(rows.filter_map(|row| cell(text, row, b'|', number)).collect());
    }
    // DokuWiki.
    if head.starts_with(b"^") && head.ends_with(b"^") {
        let number = count(b"^");
        return some(rows.filter_map(|row| cell(text, row, b'|', number)).collect());
    }
    if !head.starts_with(b"!") || memchr::memmem::find(head, b"!!").is_none() {
        return None;
    }
    // Cells of a row are parted by two bars, which have an empty one between them.
    let number = count(b"!!") * 2 + 1;
    some(rows.filter_map(|row| cell(text, row, b'|', number)).collect())
}

/// Lines whose first names the columns: values separated by commas, semicolons, tabs or bars.
fn separated(text: &[u8], name: &Name, line: &Range<usize>) -> Option<Vec<Candidate>> {
    let indented = line;
    let line = &trimmed_start(text, line);
    let head = &text[line.clone()];
    // The arguments of a call stand so below each other.
    if line != indented && head.ends_with(b",") {
        return None;
    }
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_- \"',;\t|.".contains(byte);
    if head.first().is_none_or(|first| !(first.is_ascii_alphanumeric() || *first == b'"'))
        || !head.iter().all(is_plain)
    {
        return None;
    }
    let count = |line: &Range<usize>, sign: u8| signs(text, line, sign).count();
    let sign = *b",;\t|".iter().max_by_key(|sign| count(line, **sign))?;
    let columns = count(line, sign);
    let own = cells(text, line.clone(), sign)
        .into_iter()
        .any(|cell| cell.start >= name.range.start && cell.start <= name.range.end || names(&cell, name));
    let first = line_after(text, line.end)?;
    if columns == 0 || !own || count(&first, sign) != columns {
        return None;
    }
    let number = count(&(line.start..name.range.start), sign);
    let rows = rows(text, line.end).take_while(|row| count(row, sign) == columns);
    Some(rows.filter_map(|row| cell(text, trimmed_start(text, &row), sign, number)).collect())
}

/// Whether the name ends the cell: `Client Secret`.
fn names(cell: &Range<usize>, name: &Name) -> bool {
    cell.end == name.range.end && cell.len() < name.range.len() + 24
}

/// A line without the blanks that it begins with.
fn trimmed_start(text: &[u8], line: &Range<usize>) -> Range<usize> {
    let blanks = text[line.clone()].iter().take_while(|byte| **byte == b' ').count();
    line.start + blanks..line.end
}

/// Where a line's cells part. A comma or semicolon between double quotes is a part of its cell.
fn signs<'t>(text: &'t [u8], line: &Range<usize>, sign: u8) -> impl Iterator<Item = usize> + 't {
    let quotes = matches!(sign, b',' | b';');
    let mut before = sign;
    let mut quoted = false;
    line.clone().filter(move |at| {
        let byte = text[*at];
        // Only the quote that a cell begins with opens it.
        if byte == b'"' && quotes && (quoted || before == sign) {
            quoted = !quoted;
        }
        before = byte;
        byte == sign && !quoted
    })
}

/// Columns that only blanks part, under a head of plain words.
fn aligned(text: &[u8], name: &Name, line: &Range<usize>) -> Option<Vec<Candidate>> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ' | b'\t');
    // Most lines are no such head, and end here.
    if !text[line.clone()].iter().all(is_plain) {
        return None;
    }
    let head = columns(text, line.clone());
    let number = head
        .iter()
        .position(|cell| cell.contains(&name.range.start) && cell.len() < name.range.len() + 24)?;
    if head.len() < 2 {
        return None;
    }
    let is_rule =
        |row: &Range<usize>| !row.is_empty() && text[row.clone()].iter().all(|byte| b"=-+ \t".contains(byte));
    let found: Vec<Candidate> = rows(text, line.end)
        .filter(|row| !is_rule(row))
        .map(|row| columns(text, row))
        .take_while(|cells| cells.len() == head.len())
        .map(|cells| Candidate { range: trimmed(text, cells[number].clone()), form: Form::Cell })
        .collect();
    (!found.is_empty()).then_some(found)
}

/// The parts of a line between tabs, or between blanks of two and more.
fn columns(text: &[u8], line: Range<usize>) -> Vec<Range<usize>> {
    let mut cells: Vec<Range<usize>> = Vec::new();
    let mut at = line.start;
    while at < line.end {
        let gap = text[at..line.end].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let is_break = gap >= 2 || text[at..at + gap].contains(&b'\t') || cells.is_empty();
        at += gap;
        let end = at + text[at..line.end].iter().take_while(|byte| !matches!(byte, b' ' | b'\t')).count();
        match cells.last_mut() {
            Some(last) if !is_break => last.end = end,
            _ if end > at => cells.push(at..end),
            _ => {}
        }
        at = end;
    }
    cells
}

/// The lines after the one that ends at `end`.
fn rows(text: &[u8], end: usize) -> impl Iterator<Item = Range<usize>> {
    std::iter::successors(line_after(text, end), |row| line_after(text, row.end)).take(ROWS)
}

fn cell(text: &[u8], row: Range<usize>, sign: u8, number: usize) -> Option<Candidate> {
    let range = cells(text, row, sign).into_iter().nth(number).filter(|cell| !cell.is_empty())?;
    Some(Candidate { range, form: Form::Cell })
}

/// The cells of a row, without what sets them off.
fn cells(text: &[u8], row: Range<usize>, sign: u8) -> Vec<Range<usize>> {
    let mut start = row.start;
    let mut cells = Vec::new();
    for at in signs(text, &row, sign).chain([row.end]) {
        cells.push(trimmed(text, start..at));
        start = at + 1;
    }
    cells
}
