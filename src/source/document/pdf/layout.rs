//! Lines of text from pieces that are set anywhere on a page: what stands on one base line is a line, and what stands
//! far apart on it are cells of a table.

use crate::source::document::page::Page;
use crate::source::document::table::Table;

/// Gaps in heights of the letters: the least that is a blank, and the least that parts cells.
const GAPS: (f32, f32) = (0.16, 1.0);
/// The same where blanks are characters, so that each gap is one of the layout.
const GAPS_BESIDE_BLANKS: (f32, f32) = (0.08, 0.32);

/// How far up or down a piece of the same line may stand, and how far back it may begin.
const LEVEL: f32 = 0.4;
const BACK: f32 = 0.6;

/// The shortest word that a line's end breaks.
const LONG_WORD: usize = 20;

/// The most pieces of one page.
const MOST_PIECES: usize = 1 << 20;

/// The most bytes of their texts.
const MOST_BYTES: usize = 32 << 20;

/// The most columns of one table, and the most places that are kept of its cells. What stands behind is in the last one.
const MOST_STARTS: usize = 256;

/// Where a piece begins or ends, and which way it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) x: f32,
    pub(super) y: f32,
    /// The direction of writing, of length 1.
    pub(super) along: (f32, f32),
    /// The height of the letters.
    pub(super) size: f32,
}

/// Text that is set in one step.
struct Piece {
    text: String,
    from: Spot,
    to: Spot,
}

/// What stands together on a line.
#[derive(Debug, Default)]
struct Cell {
    text: String,
    start: f32,
    end: f32,
}

/// A line, and how high its letters are.
#[derive(Debug, Default)]
struct Line {
    cells: Vec<Cell>,
    size: f32,
    /// How far up the page it is.
    level: f32,
}

/// Text that is put together.
#[derive(Default)]
pub(super) struct Layout {
    pieces: Vec<Piece>,
    bytes: usize,
    is_cut: bool,
}

impl Layout {
    /// Adds the characters that stand from one spot to another.
    pub(super) fn add(&mut self, text: &str, from: Spot, to: Spot) {
        if text.is_empty() {
            return;
        }
        if self.pieces.len() >= MOST_PIECES || self.bytes + text.len() > MOST_BYTES {
            self.is_cut = true;
            return;
        }
        self.bytes += text.len();
        // What ends a line ends it by its place on the page.
        let text =
            text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
        self.pieces.push(Piece { text, from, to });
    }

    /// Whether something was left out that was too much.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Tells the lines, of a page of this width.
    pub(super) fn finish(self, width: Option<f32>, page: &mut Page<'_>) {
        let mut lines = self.lines();
        if let Some(width) = width {
            join_words(&mut lines, width);
        }
        let mut table = None;
        for line in &lines {
            if let [cell] = &line.cells[..] {
                table = None;
                page.line(cell.text.trim_end());
            } else {
                if table.as_ref().is_some_and(|table: &Columns| !table.continues(line)) {
                    table = None;
                }
                let table = table.get_or_insert_with(|| Columns::new(line));
                page.line(&table.row(line));
            }
        }
    }

    fn lines(self) -> Vec<Line> {
        let blanks = self.pieces.iter().filter(|piece| piece.text.contains(' ')).count();
        let (blank, column) = if blanks * 40 > self.pieces.len() { GAPS_BESIDE_BLANKS } else { GAPS };
        let (mut lines, mut last): (Vec<Line>, Option<Spot>) = (Vec::new(), None);
        for Piece { text, from, to } in self.pieces {
            let gap = last.and_then(|last| gap(last, from));
            last = Some(to);
            let (start, end) = (along(from, from), along(from, to));
            let line = match (gap, lines.last_mut()) {
                (Some(_), Some(line)) => line,
                _ => {
                    let level = from.y * from.along.0 - from.x * from.along.1;
                    lines.push(Line { cells: Vec::new(), size: from.size, level });
                    lines.last_mut().expect("one was added")
                }
            };
            let gap = gap.unwrap_or(0.0);
            match line.cells.last_mut() {
                Some(cell) if gap <= column || cell.text.ends_with(' ') && gap <= GAPS.1 => {
                    if gap > blank && !cell.text.ends_with(' ') && !text.starts_with(' ') {
                        cell.text.push(' ');
                    }
                    cell.text.push_str(&text);
                    cell.end = end;
                }
                // Blanks between cells are no cell.
                Some(_) if text.trim().is_empty() => {}
                _ => line.cells.push(Cell { text, start, end }),
            }
        }
        lines.retain(|line| !line.cells.is_empty());
        lines
    }
}

/// How far a piece stands behind the one before, in heights; `None` if it stands on another line.
fn gap(last: Spot, from: Spot) -> Option<f32> {
    let (x, y) = (from.x - last.x, from.y - last.y);
    let gap = (x * last.along.0 + y * last.along.1) / last.size;
    let level = (y * last.along.0 - x * last.along.1).abs() / last.size;
    let turn = last.along.0 * from.along.0 + last.along.1 * from.along.1;
    (level <= LEVEL && gap >= -BACK && turn > 0.9).then_some(gap)
}

/// How far along its line a spot is.
fn along(line: Spot, spot: Spot) -> f32 {
    spot.x * line.along.0 + spot.y * line.along.1
}

/// Joins words that are too long for a line: they fill it up to a margin that is as wide as the one on the left.
fn join_words(lines: &mut [Line], width: f32) {
    let left = lines.iter().filter_map(|line| Some(line.cells.first()?.start)).fold(width, f32::min);
    for at in 1..lines.len() {
        let (before, behind) = lines.split_at_mut(at);
        let ([.., line], [next, ..]) = (before, behind) else { continue };
        let ([cell], [rest]) = (&mut line.cells[..], &mut next.cells[..]) else { continue };
        let to_margin = (width - left - cell.end) / line.size;
        let is_full = (-0.3..1.0).contains(&to_margin);
        let word = cell.text.rsplit(' ').next().unwrap_or_default();
        let is_long = word.len() >= LONG_WORD && word.bytes().any(|byte| byte.is_ascii_digit());
        if !is_full || !is_long || rest.text.starts_with(' ') {
            continue;
        }
        let (head, tail) = rest.text.split_once(' ').unwrap_or((&rest.text, ""));
        // What begins a sentence or an assignment of its own is no rest of a word.
        let (lower, upper) = (
            head.bytes().any(|byte| byte.is_ascii_lowercase()),
            head.bytes().any(|byte| byte.is_ascii_uppercase()),
        );
        let is_rest = head.bytes().any(|byte| byte.is_ascii_digit()) || lower && upper;
        if !is_rest || head.contains(['=', ':']) {
            continue;
        }
        cell.text.push_str(head);
        rest.text = tail.to_owned();
    }
}

/// A table whose first row tells where its columns stand.
struct Columns {
    table: Table,
    spans: Vec<(f32, f32)>,
    /// Where cells behind the first one begin.
    starts: Vec<f32>,
    cells: usize,
    /// How far up the last row is, and how far the rows stand apart.
    level: f32,
    step: Option<f32>,
}

impl Columns {
    fn new(head: &Line) -> Self {
        let spans = head.cells.iter().take(MOST_STARTS).map(|cell| (cell.start, cell.end)).collect();
        let (cells, level) = (head.cells.len(), head.level);
        Self { table: Table::default(), spans, starts: Vec::new(), cells, level, step: None }
    }

    /// Whether a line is a row of the same table: of as many cells, or with one that stands below another.
    fn continues(&self, line: &Line) -> bool {
        let is_below =
            |cell: &Cell| self.starts.iter().any(|start| (start - cell.start).abs() < line.size * 0.3);
        let step = (self.level - line.level).abs();
        let is_near = self.step.is_none_or(|usual| step < usual * 1.6);
        is_near && (line.cells.len() == self.cells || line.cells.iter().skip(1).any(is_below))
    }

    /// A row as a line.
    fn row(&mut self, line: &Line) -> String {
        let cells = &line.cells;
        self.cells = cells.len();
        let step = (self.level - line.level).abs();
        self.step = Some(step).filter(|step| *step > 0.0).or(self.step);
        self.level = line.level;
        let left = MOST_STARTS - self.starts.len();
        self.starts.extend(cells.iter().skip(1).take(left).map(|cell| cell.start));
        let mut row = vec![String::new(); self.spans.len()];
        for cell in cells {
            let meets = |(start, end): &(f32, f32)| cell.start <= *end && *start <= cell.end;
            let behind = || self.spans.iter().rposition(|(start, _)| *start <= cell.end);
            let column = self.spans.iter().position(meets).or_else(behind).unwrap_or(0);
            if !row[column].is_empty() {
                row[column].push(' ');
            }
            row[column].push_str(cell.text.trim());
        }
        row.into_iter().for_each(|cell| self.table.cell(cell));
        self.table.end_row(true).unwrap_or_default()
    }
}
