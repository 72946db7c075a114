//! Rows of a table as lines: cells between bars, and behind them each cell with the word that heads its column, since
//! the head may be hundreds of rows above.

use std::fmt::Write as _;

/// The longest cell that heads a column.
const LONGEST_HEAD: usize = 40;

/// So many columns are told; further ones are not padded.
const MOST_PADDED: usize = 64;

/// So many cells of a row are told where they are empty: no sheet has more columns.
const MOST_EMPTY: usize = 1 << 14;

/// A table while its rows come.
#[derive(Default)]
pub(super) struct Table {
    head: Vec<String>,
    has_head: bool,
    row: Vec<String>,
}

impl Table {
    /// Adds a cell to the row.
    pub(super) fn cell(&mut self, text: String) {
        if self.row.len() < MOST_EMPTY || !text.is_empty() {
            self.row.push(text);
        }
    }

    /// Adds a cell in a column that is counted from 0.
    pub(super) fn cell_at(&mut self, column: usize, text: String) {
        while self.row.len() < column.min(MOST_PADDED) {
            self.row.push(String::new());
        }
        self.row.push(text);
    }

    /// Ends the row and gives its line; `None` if it is empty. Only `labelled` ones have each cell behind them again: a
    /// table in a cell would double its text with every table around it.
    pub(super) fn end_row(&mut self, labelled: bool) -> Option<String> {
        let row = std::mem::take(&mut self.row);
        if row.iter().all(String::is_empty) {
            return None;
        }
        let mut line = String::from("|");
        for (number, cell) in row.iter().enumerate() {
            line.push(' ');
            // A label's colon says no more than the bar behind it.
            let label = if number + 1 < row.len() { cell.trim_end().strip_suffix(':') } else { None };
            line.push_str(label.unwrap_or(cell));
            line.push_str(" |");
        }
        if !labelled {
            return Some(line);
        }
        if !self.has_head {
            self.has_head = true;
            if is_head(&row) {
                self.head = row;
            }
            return Some(line);
        }
        for (head, cell) in
            self.head.iter().zip(&row).filter(|(head, cell)| !head.is_empty() && !cell.is_empty())
        {
            write!(line, " {}: {cell} |", head.trim_end_matches([':', ' ']))
                .expect("a string takes any text");
        }
        Some(line)
    }
}

/// Whether a first row names columns: at least two, by short words.
fn is_head(row: &[String]) -> bool {
    let is_word = |cell: &&String| cell.len() <= LONGEST_HEAD && cell.contains(char::is_alphabetic);
    row.iter().filter(|cell| !cell.is_empty()).count() > 1
        && row.iter().filter(|cell| !cell.is_empty()).all(|cell| is_word(&cell))
}
