//! The report as one page that loads nothing: the Markdown's own sections, escaped, with a style that also prints.

use super::Incident;
use super::markdown;
use std::fmt::{self, Write as _};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f;background:#fff}\
h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2rem;border-bottom:1px solid #ccd}h3{font-size:1.05rem}\
table{border-collapse:collapse;width:100%;font-size:.9rem}td,th{border:1px solid #ccd;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:break-word}td:last-child{overflow-wrap:anywhere}\
code,pre{font-family:ui-monospace,monospace;font-size:.85rem}pre{background:#f4f4f8;padding:.8rem;white-space:pre-wrap}\
.verified{color:#0a6b2d;font-weight:600}.failed{color:#b00020;font-weight:600}.not-checked{color:#8a5a00;font-weight:600}\
@media(prefers-color-scheme:dark){body{color:#e6e6ea;background:#16161a}td,th,h2{border-color:#44444c}pre{background:#222228}\
.verified{color:#5fd38d}.failed{color:#ff8a80}.not-checked{color:#ffc857}}\
@media print{body{margin:0;max-width:none}h2,tr{break-inside:avoid}}";

/// Renders the page from the Markdown, which is made of few and known forms.
pub(super) fn render(incident: &Incident) -> String {
    let mut out = String::new();
    let title = escape(&format!("Incident {}", incident.id));
    out.push_str("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    writeln!(out, "<title>{title}</title>\n<style>{STYLE}</style>\n<main>").expect("a string takes any text");
    let mut page = Page { out, open: None, head: false };
    let mut preformatted = false;
    for line in markdown::render(incident).lines() {
        if line.starts_with("```") {
            preformatted = !preformatted;
            page.close();
            page.out.push_str(if preformatted { "<pre>" } else { "</pre>\n" });
        } else if preformatted {
            page.out.push_str(&escape(line));
            page.out.push('\n');
        } else {
            page.line(line);
        }
    }
    page.close();
    page.out.push_str("</main>\n</html>\n");
    page.out
}

struct Page {
    out: String,
    /// The element that goes on over several lines.
    open: Option<&'static str>,
    /// Whether the next row of the table is its head.
    head: bool,
}

impl Page {
    fn add(&mut self, text: fmt::Arguments<'_>) {
        self.out.write_fmt(text).expect("a string takes any text");
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.add(format_args!("</{open}>\n"));
        }
    }

    fn within(&mut self, element: &'static str) {
        if self.open != Some(element) {
            self.close();
            self.add(format_args!("<{element}>\n"));
            self.open = Some(element);
            self.head = element == "table";
        }
    }

    fn line(&mut self, line: &str) {
        let heading = ["# ", "## ", "### "].iter().position(|mark| line.starts_with(mark));
        if let Some(level) = heading {
            self.close();
            let text = inline(&line[level + 2..]);
            self.add(format_args!("<h{0}>{text}</h{0}>\n", level + 1));
        } else if line.starts_with('|') {
            self.within("table");
            self.row(line);
        } else if let Some(item) = line.strip_prefix("- ") {
            self.within("ul");
            let item = item.replacen("[ ] ", "\u{2610} ", 1);
            self.add(format_args!("<li>{}</li>\n", inline(&item)));
        } else if line == "---" {
            self.close();
            self.out.push_str("<hr>\n");
        } else if line.is_empty() {
            self.close();
        } else {
            self.close();
            self.add(format_args!("<p>{}</p>\n", inline(line)));
        }
    }

    fn row(&mut self, line: &str) {
        if line.bytes().all(|c| matches!(c, b'|' | b'-' | b' ')) && line.contains('-') {
            return;
        }
        let head = std::mem::take(&mut self.head);
        let cells = cells(line);
        if cells.iter().all(String::is_empty) {
            return;
        }
        self.out.push_str("<tr>");
        for cell in cells {
            let class = match cell.as_str() {
                "verified" => " class=\"verified\"",
                "failed" => " class=\"failed\"",
                "not checked" => " class=\"not-checked\"",
                _ => "",
            };
            let element = if head { "th" } else { "td" };
            self.add(format_args!("<{element}{class}>{}</{element}>", inline(&cell)));
        }
        self.out.push_str("</tr>\n");
    }
}

/// The cells of a row, at bars that are not escaped.
pub(super) fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut chars) =
        (Vec::new(), String::new(), line.trim_matches('|').chars().peekable());
    if line.ends_with("\\|") {
        return vec![line.to_owned()];
    }
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                cell.push('\\');
                cell.extend(chars.next());
            }
            '|' => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            c => cell.push(c),
        }
    }
    cells.push(cell.trim().to_owned());
    cells
}

/// Text of the Markdown: escapes taken back, code between backticks.
fn inline(text: &str) -> String {
    let (mut out, mut code, mut chars) = (String::new(), false, text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push_str(&escape(&chars.next().map(String::from).unwrap_or_default())),
            '`' => {
                out.push_str(if code { "</code>" } else { "<code>" });
                code = !code;
            }
            c => out.push_str(&escape(&c.to_string())),
        }
    }
    if code {
        out.push_str("</code>");
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_becomes_markup() {
        assert_eq!(inline("a \\<img\\> `x<y` \\`"), "a &lt;img&gt; <code>x&lt;y</code> `");
        assert_eq!(cells("| a \\| b | c |"), ["a \\| b", "c"]);
    }
}
