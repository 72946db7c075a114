//! From offsets in bytes to the lines and columns that people and editors count.

use std::ops::Range;

/// Where a range of bytes stands: lines and columns from 1, columns in characters, the end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first line.
    pub line: u32,
    /// The first column.
    pub column: u32,
    /// The last line.
    pub end_line: u32,
    /// The column after the last character.
    pub end_column: u32,
}

/// Answers for one text. Ranges asked in ascending order cost one pass over the text together.
pub struct Lines<'t> {
    text: &'t [u8],
    /// The line and column of the text's first byte, when the text is a window of a larger one.
    start: (u32, u32),
    /// How far newlines were counted, how many there were, and where the last line began.
    counted: (usize, u32, Option<usize>),
}

impl<'t> Lines<'t> {
    /// Counts from line 1, column 1.
    pub fn new(text: &'t [u8]) -> Self {
        Self::starting_at(text, (1, 1))
    }

    /// Counts from the place of a window's first byte.
    pub fn starting_at(text: &'t [u8], start: (u32, u32)) -> Self {
        Self { text, start, counted: (0, 0, None) }
    }

    /// The place of a range of the text.
    pub fn span(&mut self, range: &Range<usize>) -> Span {
        let (line, column) = self.place(range.start);
        let mark = self.counted;
        let (end_line, end_column) = self.place(range.end);
        self.counted = mark;
        Span { line, column, end_line, end_column }
    }

    /// The line and column of the byte at `offset`.
    pub fn place(&mut self, offset: usize) -> (u32, u32) {
        if offset < self.counted.0 {
            self.counted = (0, 0, None);
        }
        let (from, lines, begin) = self.counted;
        let fresh = &self.text[from..offset];
        let begin = fresh.iter().rposition(|&byte| byte == b'\n').map(|at| from + at + 1).or(begin);
        let lines = lines.saturating_add(count_newlines(fresh));
        self.counted = (offset, lines, begin);
        let first_column = if begin.is_none() { self.start.1 } else { 1 };
        let column = first_column.saturating_add(characters(&self.text[begin.unwrap_or(0)..offset]));
        (self.start.0.saturating_add(lines), column)
    }
}

fn count_newlines(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0_u32, |count, &byte| count.saturating_add(u32::from(byte == b'\n')))
}

/// The number of characters: every byte but UTF-8's continuation bytes counts, so that bytes of any encoding count.
fn characters(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0_u32, |count, &byte| count.saturating_add(u32::from(byte & 0xc0 != 0x80)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_counting_by_hand(text in "[aé\n]{0,60}", a in 0usize..60, b in 0usize..60, asked_before in 0usize..60) {
            let at = |index: usize| text.char_indices().nth(index).map_or(text.len(), |(offset, _)| offset);
            let (start, end) = (at(a.min(b)), at(a.max(b)));
            let by_hand = |offset: usize| {
                let before = &text[..offset];
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
                (u32::try_from(line).unwrap(), u32::try_from(column).unwrap())
            };
            let mut lines = Lines::new(text.as_bytes());
            lines.place(at(asked_before));
            let span = lines.span(&(start..end));
            prop_assert_eq!((span.line, span.column), by_hand(start));
            prop_assert_eq!((span.end_line, span.end_column), by_hand(end));
        }
    }
}
