//! Tables whose cells stand on lines of their own: the list-table and the csv-table of reStructuredText, and AsciiDoc's.

use super::super::value::Form;
use super::Candidate;
use super::cursor::{line_after, line_around, trimmed};
use super::name::Name;
use std::ops::Range;

/// The most lines of a table that are looked at.
const LINES: usize = 120;

/// The cells of the column that the name heads.
pub(super) fn column(text: &[u8], name: &Name) -> Option<Vec<Candidate>> {
    let line = line_around(text, name.range.start);
    let found: Vec<Candidate> = match text[line.clone()].trim_ascii_start().first()? {
        b'-' => items(text, name, &line),
        b'|' => cells(text, name, &line),
        b':' => separated(text, name, &line),
        _ => None,
    }?
    .into_iter()
    .filter(|range| !range.is_empty())
    .map(|range| Candidate { range, form: Form::Cell })
    .collect();
    (!found.is_empty()).then_some(found)
}

/// The lines below one.
fn below(text: &[u8], end: usize) -> impl Iterator<Item = Range<usize>> {
    std::iter::successors(line_after(text, end), |line| line_after(text, line.end)).take(LINES)
}

/// The line above one.
fn above(text: &[u8], line: &Range<usize>) -> Option<Range<usize>> {
    line.start
        .checked_sub(1)
        .map(|end| line_around(text, end.saturating_sub(usize::from(end > 0 && text[end - 1] == b'\r'))))
}

/// `* - Host` and `- Password` below it head the items of the rows that follow. The first item of a row may as well be
/// a name whose value stands below it.
fn items(text: &[u8], name: &Name, line: &Range<usize>) -> Option<Vec<Range<usize>>> {
    let item = |line: &Range<usize>| text[line.clone()].trim_ascii_start();
    if !is_alone(item(line).get(2..)?, &text[name.range.clone()]) {
        return None;
    }
    let mut number = 1;
    let mut first = above(text, line)?;
    while item(&first).starts_with(b"- ") && number < 12 {
        number += 1;
        first = above(text, &first)?;
    }
    if !item(&first).starts_with(b"* - ") {
        return None;
    }
    let mut at = usize::MAX;
    let mut found = Vec::new();
    for line in below(text, line.end) {
        let item = item(&line);
        match item {
            [b'*', b' ', b'-', ..] => at = 0,
            [b'-', b' ', ..] => at = at.saturating_add(1),
            [] => continue,
            // A cell that goes on.
            _ if text[line.start] == b' ' => continue,
            _ => break,
        }
        if at == number {
            found.push(trimmed(text, line.end - item.len() + 2..line.end));
        }
    }
    Some(found)
}

/// `|User |Password` heads the cells below it, several on a line or each on its own.
fn cells(text: &[u8], name: &Name, line: &Range<usize>) -> Option<Vec<Range<usize>>> {
    let mut open = above(text, line)?;
    if text[open.clone()].trim_ascii().is_empty() {
        open = above(text, &open)?;
    }
    let is_fence = |line: &Range<usize>| text[line.clone()].trim_ascii() == b"|===";
    let count = bars(text, line).count();
    let number = bars(text, line).filter(|bar| *bar < name.range.start).count().checked_sub(1)?;
    if !is_fence(&open) || count < 2 {
        return None;
    }
    let rows = below(text, line.end).take_while(|line| !is_fence(line));
    let cells = rows.flat_map(|line| {
        let starts: Vec<usize> = bars(text, &line).map(|bar| bar + 1).collect();
        let ends = starts.iter().skip(1).map(|start| start - 1).chain([line.end]);
        starts.iter().copied().zip(ends).map(|(start, end)| trimmed(text, start..end)).collect::<Vec<_>>()
    });
    Some(cells.skip(number).step_by(count).collect())
}

fn bars<'t>(text: &'t [u8], line: &Range<usize>) -> impl Iterator<Item = usize> + 't {
    line.clone().filter(move |at| text[*at] == b'|')
}

/// `:header: "user", "password"` heads the rows below an empty line.
fn separated(text: &[u8], name: &Name, line: &Range<usize>) -> Option<Vec<Range<usize>>> {
    let head = text[line.clone()].trim_ascii_start();
    let names = line.end - head.strip_prefix(b":header:")?.len();
    let number = memchr::memchr_iter(b',', &text[names..name.range.start]).count();
    let rows = below(text, line.end)
        .skip_while(|line| !text[line.clone()].trim_ascii().is_empty())
        .skip(1)
        .take_while(|line| matches!(text.get(line.start), Some(b' ' | b'\t')));
    let cell = |row: Range<usize>| {
        let mut start = row.start;
        for _ in 0..number {
            start += text[start..row.end].iter().position(|byte| *byte == b',')? + 1;
        }
        let len = text[start..row.end].iter().position(|byte| *byte == b',').unwrap_or(row.end - start);
        Some(trimmed(text, start..start + len))
    };
    Some(rows.filter_map(cell).collect())
}

/// Whether a cell is the name and little else.
fn is_alone(cell: &[u8], name: &[u8]) -> bool {
    cell.trim_ascii().len() < name.len() + 24
}

#[cfg(test)]
mod tests {
    use super::super::{Candidates, candidates};

    fn cells(text: &str) -> Vec<&str> {
        let core = text.find("Password").map(|at| at..at + 8).unwrap();
        match candidates(text.as_bytes(), &core) {
            Candidates::Column(found) => found.into_iter().map(|found| &text[found.range]).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_column_is_read_where_each_cell_has_its_line() {
        let list = ".. list-table::\n   :header-rows: 1\n\n   * - Host\n     - Password\n   * - db1\n     - one-2\n   * - db2\n     - `two-3`\n\nText";
        assert_eq!(cells(list), ["one-2", "two-3"]);
        let adoc = "[cols=\"1,1\"]\n|===\n|User |Password\n\n|ada\n|one-2\n\n|bob |two-3\n|===\n";
        assert_eq!(cells(adoc), ["one-2", "two-3"]);
        let csv = ".. csv-table::\n   :header: \"User\", \"Password\"\n   :widths: 5, 5\n\n   \"ada\", \"one-2\"\n   bob, two-3\n\nText, more";
        assert_eq!(cells(csv), ["one-2", "two-3"]);
    }

    #[test]
    fn a_list_of_points_is_no_table() {
        assert_eq!(cells("- Host\n- Password\n- db1\n- one-2\n"), [""; 0]);
        assert_eq!(cells("|User |Password\n\n|ada\n|one-2\n"), [""; 0]);
    }
}
