//! The story on the screen: chapters, prose, and what the library really printed, all within 80 columns.
//!
//! Everything goes through a redactor: the story is told about secrets and holds none.

use super::Error;
use crate::secret::{RedactingWriter, Redactor, Secret};
use anstyle::{AnsiColor, Style};
use std::io::Write;
use unicode_width::UnicodeWidthChar as _;

/// The columns that a line may take.
const WIDTH: usize = 80;
/// Where text starts.
const MARGIN: &str = "   ";

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
const TITLE: Style = AnsiColor::Cyan.on_default().bold();

/// The screen, or whatever stands in its place.
pub(super) struct Screen<'a> {
    out: RedactingWriter<&'a mut dyn Write>,
    known: Vec<Secret>,
    redactor: Redactor,
    chapters: usize,
}

impl<'a> Screen<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        let redactor = Redactor::new([]);
        Self { out: RedactingWriter::new(out, redactor.clone()), known: Vec::new(), redactor, chapters: 0 }
    }

    /// Learns what must not be shown. Not cheap: all that is new should come in one call.
    pub(super) fn hide(&mut self, secrets: impl IntoIterator<Item = Secret>) {
        self.known.extend(secrets);
        self.redactor = Redactor::new(&self.known);
        self.out.set_redactor(self.redactor.clone());
    }

    /// Knows every secret of the story.
    pub(super) fn redactor(&self) -> Redactor {
        self.redactor.clone()
    }

    /// The title of the whole.
    pub(super) fn title(&mut self, text: &str) -> Result<(), Error> {
        self.write(&format!("{BOLD}{text}{BOLD:#}\n"))
    }

    /// A new chapter.
    pub(super) fn chapter(&mut self, title: &str) -> Result<(), Error> {
        self.chapters += 1;
        self.write(&format!("\n{TITLE}{}{TITLE:#}  {BOLD}{title}{BOLD:#}\n", self.chapters))
    }

    /// A paragraph.
    pub(super) fn say(&mut self, text: &str) -> Result<(), Error> {
        self.lines(MARGIN, text, 0)
    }

    /// An empty line.
    pub(super) fn space(&mut self) -> Result<(), Error> {
        self.write("\n")
    }

    /// What a command prints, behind a bar.
    pub(super) fn show(&mut self, text: &str) -> Result<(), Error> {
        let bar = format!("{MARGIN}{DIM}\u{2502}{DIM:#} ");
        let room = WIDTH - 1 - width(&bar);
        let mut paragraphs: Vec<String> = Vec::new();
        for line in text.trim_end().lines() {
            match paragraphs.last_mut() {
                // It was broken for a wider screen, and will be broken anew.
                Some(last) if width(last) > room && continues(last, line) => {
                    last.push(' ');
                    last.push_str(line.trim_start());
                }
                _ => paragraphs.push(line.to_owned()),
            }
        }
        paragraphs.iter().try_for_each(|line| self.lines(&bar, line, hang(line)))
    }

    /// A line whose continuation starts in a column of its own.
    pub(super) fn item(&mut self, text: &str, hang: usize) -> Result<(), Error> {
        self.lines(MARGIN, text, hang)
    }

    fn lines(&mut self, before: &str, text: &str, hang: usize) -> Result<(), Error> {
        let room = WIDTH - 1 - width(before);
        let text: String = wrap(text, room, hang)
            .into_iter()
            .map(|line| format!("{before}{line}").trim_end().to_owned() + "\n")
            .collect();
        self.write(&text)
    }

    fn write(&mut self, text: &str) -> Result<(), Error> {
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).map_err(Error::Output)
    }
}

/// Whether the second line goes on where the first was broken.
fn continues(first: &str, second: &str) -> bool {
    let spaces = second.len() - second.trim_start().len();
    spaces > 0 && spaces == hang(first) && !second.trim_start().starts_with(['-', '\u{1b}'])
}

/// Where the continuation of a printed line starts: below its text, whatever label stands before.
fn hang(line: &str) -> usize {
    let plain: String = printed(line).collect();
    let spaces = plain.len() - plain.trim_start().len();
    let word = plain.trim_start().split("  ").next().unwrap_or_default();
    let gap = plain[spaces + word.len()..].len() - plain[spaces + word.len()..].trim_start().len();
    match (word, gap) {
        (word, _) if word.starts_with("- ") => spaces + 2,
        // A numbered step: the widest name leaves but one space.
        (word, _) if word.starts_with(|c: char| c.is_ascii_digit()) && word.contains(". ") => spaces + 15,
        (word, gap) if gap > 0 && word.len() < 16 => spaces + word.len() + gap,
        _ => spaces,
    }
}

/// The text in lines of at most `room` columns, broken at spaces; all but the first begin `hang` columns in.
fn wrap(text: &str, room: usize, hang: usize) -> Vec<String> {
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for piece in text.split_inclusive(' ') {
        let wide = width(piece.trim_end_matches(' '));
        if used + wide > room && !line.trim().is_empty() {
            lines.push(std::mem::replace(&mut line, " ".repeat(hang)));
            used = hang;
        }
        line.push_str(piece);
        used += width(piece);
    }
    lines.push(line);
    lines
}

fn width(text: &str) -> usize {
    printed(text).map(|c| c.width().unwrap_or(0)).sum()
}

/// The characters that a terminal shows, without its colour codes.
fn printed(text: &str) -> impl Iterator<Item = char> {
    let mut escape = false;
    text.chars().filter(move |&c| {
        let shown = !escape && c != '\u{1b}';
        escape = c == '\u{1b}' || escape && !c.is_ascii_alphabetic();
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_words_and_continue_below_their_text() {
        let line = format!("    {DIM}next{DIM:#}  one two three four");
        assert_eq!(hang(&line), 10);
        let lines = wrap(&line, 20, 10);
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line.trim_end()) <= 20), "{lines:?}");
        assert!(lines[1].starts_with("          ") && !lines[1].starts_with("           "));
        assert_eq!(hang("  1. write       replace it"), 17);
        assert_eq!(hang("  5. purge-again do it once more"), 17);
        assert_eq!(hang("  - a note"), 4);
        assert!(continues(&line, "          five") && !continues(&line, "  five"));
        assert_eq!(hang("plain"), 0);
    }
}
