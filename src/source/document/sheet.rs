//! Sheets of xlsx: cells by row and column, their texts from the table that all sheets share. A line is a row.

use super::page::{Give, Page};
use super::seen::Seen;
use super::table::Table;
use super::xml::{self, Node};

/// The most bytes of all cells of a sheet, and of those of one row: a cell has few bytes where it refers to a text that
/// all sheets share, and each of a million cells may refer to the longest.
const MOST: usize = 128 << 20;
const MOST_OF_ROW: usize = 8 << 20;

/// The texts that cells refer to by number.
pub(super) fn shared(bytes: &[u8]) -> (Vec<String>, Seen) {
    let (mut all, mut one, mut is_text, mut phonetic) = (Vec::new(), String::new(), false, false);
    let seen = xml::each(bytes, &mut |node| match node {
        Node::Open(tag) => match tag.name() {
            "si" => one.clear(),
            "t" => is_text = !phonetic,
            "rPh" => phonetic = true,
            _ => {}
        },
        Node::Close("si") => all.push(std::mem::take(&mut one)),
        Node::Close("t") => is_text = false,
        Node::Close("rPh") => phonetic = false,
        Node::Text(text) if is_text => one.push_str(text),
        _ => {}
    });
    (all, seen)
}

/// Tells one sheet, and its formulas as a part of their own.
pub(super) fn read(bytes: &[u8], shared: &[String], name: &str, give: &Give<'_>) -> Seen {
    let mut page = Page::new(give, format!("sheet {name}"));
    let mut formulas = Page::new(give, format!("sheet {name}, formulas"));
    let (mut table, mut cell, mut number) = (Table::default(), Cell::first(), 0_u32);
    let (mut left, mut left_of_row, mut is_cut) = (MOST, MOST_OF_ROW, false);
    let seen = xml::each(bytes, &mut |node| match node {
        Node::Open(tag) => match tag.name() {
            "row" => {
                number = tag.number("r").unwrap_or(number.saturating_add(1));
                page.skip_to(number);
            }
            "c" => {
                let column = tag
                    .attribute("r")
                    .and_then(|place| column(&place))
                    .unwrap_or(cell.column.wrapping_add(1));
                let is_shared = tag.attribute("t").as_deref() == Some("s");
                cell = Cell { column, is_shared, ..Cell::default() };
            }
            "v" | "t" => cell.is_open = Part::Value,
            "f" => cell.is_open = Part::Formula,
            "rPh" => cell.is_open = Part::Nothing,
            _ => {}
        },
        Node::Text(text) => match cell.is_open {
            Part::Value => cell.value.push_str(text),
            Part::Formula => cell.formula.push_str(text),
            Part::Nothing => {}
        },
        Node::Close("v" | "t" | "f") => cell.is_open = Part::Nothing,
        Node::Close("c") => {
            // An end that begins nowhere tells nothing twice.
            let (held, formula) = (std::mem::take(&mut cell.value), std::mem::take(&mut cell.formula));
            let referred = || shared.get(held.trim().parse::<usize>().ok()?);
            let value = if cell.is_shared { referred().map_or("", String::as_str) } else { &held };
            if !formula.is_empty() {
                formulas.skip_to(number);
                formulas.line(&formula.replace('\n', " "));
            }
            let fits = value.len() <= left.min(left_of_row);
            is_cut |= !fits;
            if !value.is_empty() && fits {
                (left, left_of_row) = (left - value.len(), left_of_row - value.len());
                table.cell_at(cell.column, value.replace('\n', " <br> "));
            }
        }
        Node::Close("row") => {
            cell = Cell::first();
            left_of_row = MOST_OF_ROW;
            page.line(&table.end_row(true).unwrap_or_default());
        }
        Node::Close(_) => {}
    });
    if is_cut { Seen::Cut } else { seen }
}

#[derive(Clone, Copy, Default)]
enum Part {
    Value,
    Formula,
    #[default]
    Nothing,
}

/// A cell while its parts come.
#[derive(Default)]
struct Cell {
    column: usize,
    is_shared: bool,
    is_open: Part,
    value: String,
    formula: String,
}

impl Cell {
    /// What stands before the first cell of a row.
    fn first() -> Self {
        Self { column: usize::MAX, ..Self::default() }
    }
}

/// The column of a place like `AB12`, from 0.
fn column(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_uppercase).take(4);
    let number = letters.fold(0, |number, letter| number * 26 + usize::from(letter - b'A') + 1);
    number.checked_sub(1)
}
