//! What every page has: landmarks, navigation, who is logged in, and small pieces that look the same everywhere.
//!
//! Links between pages are relative, since a login has a folder of its own: each page is one file of that folder.

use crate::serve::access::Identity;
use axum::response::Html;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

/// The parts of the page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Sessions,
    Users,
    CleanUp,
    Incidents,
    Findings,
    Audit,
    None,
}

const NAVIGATION: [(Section, &str, &str); 7] = [
    (Section::Overview, ".", "Overview"),
    (Section::Sessions, "sessions", "Sessions"),
    (Section::Users, "users", "Users"),
    (Section::CleanUp, "clean-up", "Clean-up"),
    (Section::Incidents, "incidents", "Incidents"),
    (Section::Findings, "findings", "Findings"),
    (Section::Audit, "audit", "Audit"),
];

/// What stands around a page's content.
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    pub(super) section: Section,
    pub(super) identity: Option<&'a Identity>,
}

impl Frame<'_> {
    pub(super) fn page(&self, body: &Markup) -> Html<String> {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · unleak" }
                    link rel="stylesheet" href="/assets/style.css";
                    link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                    script src="/assets/page.js" defer {}
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    (self.header())
                    main #content tabindex="-1" {
                        h1 { (self.title) }
                        (body)
                    }
                    footer { "unleak " (env!("CARGO_PKG_VERSION")) " · times are UTC · tokens are shown as fingerprints" }
                }
            }
        };
        Html(page.into_string())
    }

    fn header(&self) -> Markup {
        html! {
            header.bar {
                a.brand href="." { "unleak" }
                @if let Some(identity) = self.identity {
                    nav aria-label="Sections" {
                        ul {
                            @for (section, path, name) in NAVIGATION {
                                li { a href=(path) aria-current=[(section == self.section).then_some("page")] { (name) } }
                            }
                        }
                    }
                    div.who {
                        span title="Who is logged in" { (identity.name) }
                        @if !identity.may_write() { span.tag { "read only" } }
                        @if let Some(csrf) = identity.csrf() {
                            form method="post" action="logout" {
                                input type="hidden" name="csrf" value=(csrf);
                                button.link type="submit" { "Log out" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The hidden field that a form needs to change something.
pub(super) fn csrf(identity: &Identity) -> Markup {
    html! { input type="hidden" name="csrf" value=(identity.csrf().unwrap_or_default()); }
}

/// A time for people, and exactly for machines.
pub(super) fn time(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (at.strftime("%Y-%m-%d %H:%M")) } }
}

/// A number with thin spaces between thousands.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `1 session`, `2 sessions`.
pub(super) fn counted(many: u64, one: &str) -> String {
    format!("{} {one}{}", number(many), if many == 1 { "" } else { "s" })
}

/// How long from now, or ago, in the largest unit that fits.
pub(super) fn distance(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.as_second() - now.as_second();
    let (many, unit) = match seconds.unsigned_abs() {
        s if s < 90 => (s, "s"),
        s if s < 90 * 60 => (s / 60, "min"),
        s if s < 48 * 3600 => (s / 3600, "h"),
        s if s < 730 * 86_400 => (s / 86_400, "d"),
        s => (s / (365 * 86_400), "y"),
    };
    if seconds < 0 { format!("{many} {unit} ago") } else { format!("in {many} {unit}") }
}

/// Links to the pages before and after, where there are any; `path` ends so that `page=N` can follow.
pub(super) fn pager(path: &str, page: u64, pages: u64) -> Markup {
    if (page, pages) == (1, 1) {
        return Markup::default();
    }
    html! {
        nav.pager aria-label="Pages" {
            @if page > 1 { a rel="prev" href={ (path) "page=" (page - 1) } { "← Before" } } @else { span.off { "← Before" } }
            span { "Page " (number(page)) " of " (number(pages)) }
            @if page < pages { a rel="next" href={ (path) "page=" (page + 1) } { "After →" } } @else { span.off { "After →" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_for_people() {
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!((counted(1, "session"), counted(0, "session")), ("1 session".into(), "0 sessions".into()));
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(
            (distance(at(7200), at(0)), distance(at(0), at(86_400 * 3))),
            ("in 2 h".into(), "3 d ago".into())
        );
    }
}
