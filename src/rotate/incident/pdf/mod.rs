//! The report as a PDF for files and mailboxes: the Markdown's own sections on A4, with nothing that is loaded or run.
//!
//! Its text is not compressed and stands in standard fonts, so that it can be searched and copied, and so that the redactor
//! sees it as a reader does.

mod font;
mod layout;

use super::html::cells;
use layout::{BODY, BOLD, PAGE, Pages, Style};
use pdf_writer::{Finish as _, Name, Pdf, Rect, Ref, TextStr};

/// Renders the report from its Markdown; `json` is the hash of the JSON report.
pub(super) fn render(title: &str, markdown: &str, json: &str) -> Vec<u8> {
    let mut pages = Pages::new();
    let mut table: Vec<Vec<String>> = Vec::new();
    let mut preformatted = false;
    for line in markdown.lines() {
        if line.starts_with('|') && !preformatted {
            let is_rule = line.bytes().all(|c| matches!(c, b'|' | b'-' | b' ')) && line.contains('-');
            if !is_rule {
                table.push(cells(line).iter().map(|cell| plain(cell)).collect());
            }
            continue;
        }
        pages.table(&std::mem::take(&mut table), style);
        if line.starts_with("```") {
            preformatted = !preformatted;
        } else if preformatted {
            pages.text(line, BODY, 14.0);
        } else if !line.is_empty() {
            block(&mut pages, line);
        } else {
            pages.space(4.0);
        }
    }
    pages.table(&table, style);
    let footer = [title.to_owned(), format!("SHA-256 of report.json: {json}")];
    written(title, pages.finish(&footer))
}

fn block(pages: &mut Pages, line: &str) {
    for (mark, size) in [("# ", 16.0), ("## ", 12.5), ("### ", 10.5)] {
        if let Some(text) = line.strip_prefix(mark) {
            return pages.heading(&plain(text), size);
        }
    }
    if line == "---" {
        pages.rule();
    } else if let Some(item) = line.strip_prefix("- ") {
        let (sign, item) = match item.strip_prefix("[ ] ") {
            Some(item) => ("[ ] ", item),
            None => ("\u{2022} ", item),
        };
        pages.text(&format!("{sign}{}", plain(item)), BODY, 8.0);
    } else {
        pages.text(&plain(line), BODY, 0.0);
    }
}

/// How a cell is set: what was verified and what failed is seen at once.
fn style(text: &str) -> Style {
    let colour = match text {
        "verified" => [0.04, 0.42, 0.18],
        "failed" => [0.69, 0.0, 0.13],
        "not checked" => [0.54, 0.35, 0.0],
        _ => return BODY,
    };
    Style { colour, ..BOLD }
}

/// Text of the Markdown without its marks.
fn plain(text: &str) -> String {
    let (mut out, mut chars) = (String::with_capacity(text.len()), text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            '`' => {}
            '*' if chars.peek() == Some(&'*') => drop(chars.next()),
            c => out.push(c),
        }
    }
    out
}

fn written(title: &str, pages: Vec<pdf_writer::Content>) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let mut next = 1..;
    let mut id = || Ref::new(next.next().unwrap_or(i32::MAX));
    let (catalog, tree, info, plain, bold) = (id(), id(), id(), id(), id());
    let all: Vec<_> = pages.iter().map(|_| (id(), id())).collect();
    pdf.catalog(catalog).pages(tree).lang(TextStr("en"));
    pdf.document_info(info).title(TextStr(title)).producer(TextStr("unleak"));
    let count = i32::try_from(all.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(all.iter().map(|(page, _)| *page)).count(count);
    for (font, name) in [(plain, b"Helvetica".as_slice()), (bold, b"Helvetica-Bold")] {
        pdf.type1_font(font).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    for (content, (page, stream)) in pages.into_iter().zip(&all) {
        let mut page = pdf.page(*page);
        page.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(tree).contents(*stream);
        page.resources().fonts().pair(Name(b"F1"), plain).pair(Name(b"F2"), bold);
        page.finish();
        pdf.stream(*stream, &content.finish());
    }
    pdf.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_the_markdown_are_not_shown() {
        assert_eq!(plain("a \\| b `c` **d** e*f \\*"), "a | b c d e*f *");
    }

    #[test]
    fn a_long_table_goes_on_over_pages_with_its_head() {
        let rows: Vec<_> = (0..120).map(|n| format!("| {n} | {} |", "word ".repeat(30))).collect();
        let rows = rows.join("\n");
        let pdf = render("INC-1", &format!("# T\n\n| Number | What |\n|---|---|\n{rows}"), "00");
        let text = String::from_utf8_lossy(&pdf).into_owned();
        let pages = text.matches("/Type/Page\n").count() + text.matches("/Type /Page\n").count();
        assert!(pages > 3, "{pages}");
        assert_eq!(text.matches("(Number)").count(), pages);
        assert!(text.contains(&format!("(Page {pages} of {pages})")) && text.contains("(119)"));
    }
}
