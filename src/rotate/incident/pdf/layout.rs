//! Pages filled from the top: lines of text that wrap, tables whose rows stay whole, a footer on each.

use super::font::{Font, encoded};
use pdf_writer::{Content, Name, Str};

/// A4, in points.
pub(super) const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 48.0;
const BOTTOM: f32 = 60.0;
const WIDTH: f32 = PAGE.0 - 2.0 * MARGIN;
/// The space around the text of a cell.
const PADDING: f32 = 3.0;
/// How much of the page the text of one row may take: a longer one goes on in a row of its own.
const ROW: usize = 40;

/// How a text is set.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) font: Font,
    pub(super) size: f32,
    pub(super) colour: [f32; 3],
}

pub(super) const BODY: Style = Style { font: Font::Plain, size: 9.0, colour: [0.1, 0.1, 0.12] };
pub(super) const BOLD: Style = Style { font: Font::Bold, ..BODY };
const SMALL: Style = Style { size: 6.5, colour: [0.35, 0.35, 0.4], ..BODY };

/// The pages while they are filled.
pub(super) struct Pages {
    done: Vec<Content>,
    now: Content,
    y: f32,
}

impl Pages {
    pub(super) fn new() -> Self {
        Self { done: Vec::new(), now: Content::new(), y: PAGE.1 - MARGIN }
    }

    /// Each page with its footer, which tells the page's number after this text.
    pub(super) fn finish(mut self, footer: &[String]) -> Vec<Content> {
        self.done.push(self.now);
        let all = self.done.len();
        for (index, page) in self.done.iter_mut().enumerate() {
            let number = format!("Page {} of {all}", index + 1);
            for (line, text) in footer.iter().chain([&number]).enumerate() {
                #[expect(clippy::cast_precision_loss, reason = "three lines")]
                let y = 40.0 - 9.0 * line as f32;
                show(page, SMALL, MARGIN, y, &encoded(text));
            }
        }
        self.done
    }

    pub(super) fn space(&mut self, height: f32) {
        self.y -= height;
    }

    /// A new page, unless so much room is left on this one.
    fn room(&mut self, height: f32) -> bool {
        let is_full = self.y - height < BOTTOM;
        if is_full {
            self.done.push(std::mem::replace(&mut self.now, Content::new()));
            self.y = PAGE.1 - MARGIN;
        }
        is_full
    }

    /// A heading stays with the first lines of what follows.
    pub(super) fn heading(&mut self, text: &str, size: f32) {
        self.space(size * 0.8);
        self.room(size * 4.0);
        self.text(text, Style { font: Font::Bold, size, ..BODY }, 0.0);
        self.space(size * 0.3);
    }

    /// Text over the whole width, less an indent.
    pub(super) fn text(&mut self, text: &str, style: Style, indent: f32) {
        for line in wrapped(&encoded(text), style, WIDTH - indent) {
            self.room(leading(style));
            self.y -= leading(style);
            show(&mut self.now, style, MARGIN + indent, self.y, &line);
        }
    }

    /// A rule over the whole width.
    pub(super) fn rule(&mut self) {
        self.space(5.0);
        line(&mut self.now, self.y);
    }

    /// A table; its head stands on every page that it goes on.
    pub(super) fn table(&mut self, rows: &[Vec<String>], style_of: impl Fn(&str) -> Style) {
        let Some(head) = rows.first() else { return };
        let widths = columns(rows);
        let is_empty = head.iter().all(String::is_empty);
        if !is_empty {
            self.row(head, &widths, &|_| BOLD, None);
        }
        for row in &rows[1..] {
            self.row(row, &widths, &style_of, (!is_empty).then_some(head));
        }
        self.space(4.0);
    }

    fn row(
        &mut self,
        row: &[String],
        widths: &[f32],
        style_of: &dyn Fn(&str) -> Style,
        head: Option<&Vec<String>>,
    ) {
        let cells = row.iter().zip(widths).map(|(text, width)| {
            let style = style_of(text);
            (style, wrapped(&encoded(text), style, width - 2.0 * PADDING))
        });
        let cells: Vec<_> = cells.collect();
        let lines = cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or(1).max(1);
        for from in (0..lines).step_by(ROW) {
            let count = (lines - from).min(ROW);
            #[expect(clippy::cast_precision_loss, reason = "at most the lines of a page")]
            let height = count as f32 * leading(BODY) + 2.0 * PADDING;
            if self.room(height)
                && let Some(head) = head
            {
                self.row(head, widths, &|_| BOLD, None);
            }
            let mut x = MARGIN;
            for ((style, lines), width) in cells.iter().zip(widths) {
                let mut y = self.y - PADDING;
                for line in lines.iter().skip(from).take(count) {
                    y -= leading(BODY);
                    show(&mut self.now, *style, x + PADDING, y + 2.0, line);
                }
                x += width;
            }
            self.y -= height;
            line(&mut self.now, self.y);
        }
    }
}

fn leading(style: Style) -> f32 {
    style.size * 1.35
}

fn show(page: &mut Content, style: Style, x: f32, y: f32, text: &[u8]) {
    let name: &[u8] = if style.font == Font::Bold { b"F2" } else { b"F1" };
    let [red, green, blue] = style.colour;
    page.begin_text().set_font(Name(name), style.size).set_fill_rgb(red, green, blue);
    page.next_line(x, y).show(Str(text));
    page.end_text();
}

fn line(page: &mut Content, y: f32) {
    page.set_stroke_rgb(0.8, 0.8, 0.85).set_line_width(0.5);
    page.move_to(MARGIN, y).line_to(PAGE.0 - MARGIN, y).stroke();
}

/// Widths for the columns: what their longest texts ask for, less where that is more than there is.
fn columns(rows: &[Vec<String>]) -> Vec<f32> {
    const LEAST: f32 = 40.0;
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wish = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|text| points(&encoded(text), BOLD)).fold(0.0, f32::max);
        (widest + 2.0 * PADDING + 1.0).max(LEAST)
    };
    let mut widths: Vec<f32> = (0..count).map(wish).collect();
    // The widest give way first.
    for _ in 0..200 {
        let over = widths.iter().sum::<f32>() - WIDTH;
        let widest = widths.iter().copied().fold(0.0, f32::max);
        if over <= 0.0 || widest <= LEAST {
            break;
        }
        let cut = (over / 4.0).max(1.0);
        widths.iter_mut().filter(|width| **width >= widest - 0.5).for_each(|width| *width -= cut);
    }
    widths
}

fn points(text: &[u8], style: Style) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a width on paper")]
    let width = style.font.width(text) as f32;
    width * style.size / 1000.0
}

/// Lines that fit into the width: broken between words, and inside of one that is longer than a line.
fn wrapped(text: &[u8], style: Style, width: f32) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
    for word in text.split(|&byte| byte == b' ').filter(|word| !word.is_empty()) {
        let last = lines.last_mut().expect("there is always one");
        let joined = if last.is_empty() { word.to_vec() } else { [&last[..], b" ", word].concat() };
        if points(&joined, style) <= width {
            *last = joined;
            continue;
        }
        if !last.is_empty() {
            lines.push(Vec::new());
        }
        for &byte in word {
            let last = lines.last_mut().expect("there is always one");
            last.push(byte);
            if last.len() > 1 && points(last, style) > width {
                last.pop();
                lines.push(vec![byte]);
            }
        }
    }
    lines
}
