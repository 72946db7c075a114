//! Text that flows in paragraphs and tables: word processing, slides, notes and comments, of both office formats.
//!
//! A paragraph is one line however many runs its words are split over, and so is a row of a table. What a change tracked
//! as deleted, and what fields hold, stands in a part of its own behind the text.

use super::page::{Give, Page};
use super::seen::Seen;
use super::table::Table;
use super::xml::{self, Node, Tag};

/// The two families of office formats.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// docx, pptx, xlsx: only what stands in `t` is text.
    OpenXml,
    /// odt, odp, ods: what stands in a paragraph is text.
    OpenDocument,
}

/// What is not part of the text it stands in: a second form of a drawing, a note's number, who commented when.
const SKIPPED: [&str; 7] =
    ["Fallback", "note-citation", "creator", "date", "date-string", "rPh", "creator-initials"];

/// The most blanks that one element stands for.
const MOST_BLANKS: u32 = 64;

/// How deep tables may stand in each other. What stands in deeper ones is text of the deepest cell.
const DEEPEST: usize = 16;

/// Tells the text of one file of a document as the part `name`.
pub(super) fn read(bytes: &[u8], family: Family, name: &str, give: &Give<'_>) -> Seen {
    let mut flow = Flow {
        give,
        family,
        page: Page::new(give, name),
        behind: Vec::new(),
        paragraphs: Vec::new(),
        tables: Vec::new(),
        beyond: 0,
        seen: Seen::All,
        skipped: 0,
        runs: 0,
        inserted: 0,
        deleted: 0,
        is_text: false,
        is_field: false,
        is_sheet: false,
        slides: 0,
    };
    let read = xml::each(bytes, &mut |node| flow.node(&node));
    while let Some(paragraph) = flow.paragraphs.pop() {
        flow.finish(paragraph);
    }
    let Flow { page, behind, seen, .. } = flow;
    drop(page);
    let mut page = Page::new(give, format!("{name}, deleted text and fields"));
    behind.iter().for_each(|line| page.line(line));
    seen.max(read)
}

/// A paragraph while its runs come.
#[derive(Default)]
struct Paragraph {
    text: String,
    /// What it was before the changes that are tracked in it.
    former: String,
    is_changed: bool,
    field: String,
}

/// A table, and its cell that is open.
#[derive(Default)]
struct Open {
    table: Table,
    cell: Option<String>,
    /// How often the row and the cell stand there.
    rows: u32,
    cells: u32,
}

struct Flow<'g> {
    give: &'g Give<'g>,
    family: Family,
    page: Page<'g>,
    /// Lines of the part that follows.
    behind: Vec<String>,
    /// Text boxes and notes are paragraphs inside of paragraphs.
    paragraphs: Vec<Paragraph>,
    tables: Vec<Open>,
    /// How many tables are open that stand too deep.
    beyond: u32,
    /// What was left out.
    seen: Seen,
    /// How many elements are open of each kind.
    skipped: u32,
    runs: u32,
    inserted: u32,
    deleted: u32,
    is_text: bool,
    is_field: bool,
    /// Whether a table is a sheet, with rows that are counted.
    is_sheet: bool,
    slides: u32,
}

impl Flow<'_> {
    fn node(&mut self, node: &Node<'_>) {
        match node {
            Node::Open(_) if self.skipped > 0 => self.skipped += 1,
            Node::Close(_) if self.skipped > 0 => self.skipped -= 1,
            Node::Text(_) if self.skipped > 0 => {}
            Node::Open(tag) if SKIPPED.contains(&tag.name()) => self.skipped = 1,
            Node::Open(tag) => self.open(tag),
            Node::Close(name) => self.close(name),
            Node::Text(text) => self.text(text),
        }
    }

    fn open(&mut self, tag: &Tag<'_>) {
        match tag.name() {
            "p" | "h" => self.paragraphs.push(Paragraph::default()),
            "t" | "delText" => self.is_text = true,
            "instrText" => self.is_field = true,
            "r" => self.runs += 1,
            "ins" | "moveTo" => self.inserted += 1,
            "del" | "moveFrom" => self.deleted += 1,
            "tab" | "ptab" if self.is_inside() => self.push("\t"),
            "br" | "cr" | "line-break" if self.is_inside() => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            "s" if self.family == Family::OpenDocument => {
                let blanks = tag.number("c").unwrap_or(1).min(MOST_BLANKS);
                (0..blanks).for_each(|_| self.push(" "));
            }
            "spreadsheet" => self.is_sheet = true,
            "tbl" | "table" if self.tables.len() >= DEEPEST => {
                (self.beyond, self.seen) = (self.beyond + 1, Seen::Cut);
            }
            "tr" | "table-row" | "tc" | "table-cell" | "covered-table-cell" if self.beyond > 0 => {}
            "tbl" | "table" => {
                if self.is_sheet && self.tables.is_empty() {
                    let name = tag.attribute("name").unwrap_or_default();
                    self.page = Page::new(self.give, format!("sheet {name}"));
                }
                self.tables.push(Open::default());
            }
            "tr" | "table-row" => {
                if let Some(open) = self.tables.last_mut() {
                    open.rows = tag.number("number-rows-repeated").unwrap_or(1);
                }
            }
            "tc" | "table-cell" | "covered-table-cell" => {
                if let Some(open) = self.tables.last_mut() {
                    open.cell = Some(String::new());
                    open.cells = tag.number("number-columns-repeated").unwrap_or(1);
                }
            }
            "page" if self.family == Family::OpenDocument => {
                self.slides += 1;
                self.page = Page::new(self.give, format!("slide {}", self.slides));
            }
            _ => {}
        }
    }

    /// Whether text may stand here, and so what stands for blanks does.
    fn is_inside(&self) -> bool {
        self.runs > 0
            || !self.paragraphs.is_empty() && self.family == Family::OpenDocument
            || self.is_slide_break()
    }

    /// In slides a break stands beside the runs.
    fn is_slide_break(&self) -> bool {
        !self.paragraphs.is_empty()
            && self.runs == 0
            && self.family == Family::OpenXml
            && self.tables.is_empty()
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" | "h" => {
                if let Some(paragraph) = self.paragraphs.pop() {
                    self.finish(paragraph);
                }
            }
            "t" | "delText" => self.is_text = false,
            "instrText" => self.is_field = false,
            "r" => self.runs = self.runs.saturating_sub(1),
            "ins" | "moveTo" => self.inserted = self.inserted.saturating_sub(1),
            "del" | "moveFrom" => self.deleted = self.deleted.saturating_sub(1),
            "tbl" | "table" if self.beyond > 0 => self.beyond -= 1,
            "tr" | "table-row" | "tc" | "table-cell" | "covered-table-cell" if self.beyond > 0 => {}
            "tc" | "table-cell" | "covered-table-cell" => {
                if let Some(open) = self.tables.last_mut() {
                    let text = open.cell.take().unwrap_or_default();
                    let repeated = if text.is_empty() { open.cells.min(MOST_BLANKS) } else { 1 };
                    (1..repeated).for_each(|_| open.table.cell(String::new()));
                    open.table.cell(text);
                }
            }
            "tr" | "table-row" => self.end_row(),
            "tbl" | "table" => drop(self.tables.pop()),
            _ => {}
        }
    }

    fn end_row(&mut self) {
        let is_outermost = self.tables.len() == 1;
        let Some(open) = self.tables.last_mut() else { return };
        let (line, rows) = (open.table.end_row(is_outermost), open.rows);
        let outer = self.tables.len().checked_sub(2).and_then(|outer| self.tables[outer].cell.as_mut());
        match (line, outer) {
            (Some(line), Some(outer)) => add_to_cell(outer, &line),
            (Some(line), None) => self.page.line(&line.replace('\n', " ")),
            (None, None) if self.is_sheet => self.page.line(""),
            (None, _) => {}
        }
        if self.is_sheet && self.tables.len() == 1 {
            self.page.skip_ahead(rows.saturating_sub(1));
        }
    }

    fn text(&mut self, text: &str) {
        if self.is_field {
            if let Some(paragraph) = self.paragraphs.last_mut() {
                paragraph.field.push_str(text);
            }
        } else if self.is_text {
            self.push(text);
        } else if self.family == Family::OpenDocument && !self.paragraphs.is_empty() {
            // Breaks and indentation of the file are no more than a blank.
            let mut words = text.split(['\n', '\r', '\t']);
            self.push(words.next().unwrap_or_default());
            for word in words.map(|word| word.trim_start_matches(' ')).filter(|word| !word.is_empty()) {
                self.push(" ");
                self.push(word);
            }
        }
    }

    fn push(&mut self, text: &str) {
        if self.paragraphs.is_empty() {
            // Comments of sheets have runs and no paragraphs.
            self.paragraphs.push(Paragraph::default());
        }
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        if self.deleted == 0 {
            paragraph.text.push_str(text);
        }
        if self.inserted == 0 {
            paragraph.former.push_str(text);
        }
        paragraph.is_changed |= self.deleted > 0 || self.inserted > 0;
    }

    fn finish(&mut self, paragraph: Paragraph) {
        if paragraph.is_changed && !paragraph.former.is_empty() {
            self.behind.push(paragraph.former);
        }
        if !paragraph.field.is_empty() {
            self.behind.push(paragraph.field);
        }
        match self.tables.last_mut().and_then(|open| open.cell.as_mut()) {
            Some(cell) => add_to_cell(cell, &paragraph.text),
            None => self.page.line(&paragraph.text),
        }
    }
}

/// Adds a paragraph to a cell, whose text must stay in its line.
fn add_to_cell(cell: &mut String, text: &str) {
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        if !cell.is_empty() {
            cell.push_str(" <br> ");
        }
        cell.push_str(line);
    }
}
