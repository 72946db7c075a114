//! Small plots as SVG: of what was sampled since the server started.

use super::layout::{number, time};
use crate::serve::samples::Past;
use maud::{Markup, html};
use std::fmt::Write as _;

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 100.0;

/// Active and expired sessions over time, with the same numbers as text.
pub(super) fn sessions(history: &[Past]) -> Markup {
    let (Some(first), Some(last)) = (history.first(), history.last()) else { return html! {} };
    let most =
        history.iter().map(|past| past.counts.active.max(past.counts.expired)).max().unwrap_or(0).max(1);
    let line = |of: fn(&Past) -> u64| path(history, of, most);
    let active = line(|past| past.counts.active);
    let label = format!(
        "Active sessions went from {} to {}, expired ones from {} to {}",
        first.counts.active, last.counts.active, first.counts.expired, last.counts.expired
    );
    html! {
        div.row.spread {
            h2 { "Over time" }
            div.legend { span { "active" } span.second { "expired" } }
        }
        @if history.len() < 2 { p.quiet { "The plot begins with the second sample, in a few seconds." } }
        @else {
            svg.plot viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) {
                @for y in [1.0, HEIGHT / 2.0, HEIGHT - 1.0] { line.grid-line x1="0" x2=(WIDTH) y1=(y) y2=(y) {} }
                path.area d={ (active) " L" (WIDTH) "," (HEIGHT) " L0," (HEIGHT) " Z" } {}
                path.line d=(active) {}
                path.line.second d=(line(|past| past.counts.expired)) {}
            }
            div.plot-ends { (time(first.at)) span { "at most " (number(most)) } (time(last.at)) }
        }
    }
}

/// A line from the first sample to the last, by their times.
#[expect(clippy::cast_precision_loss, reason = "positions on a plot")]
fn path(history: &[Past], of: impl Fn(&Past) -> u64, most: u64) -> String {
    let from = history.first().map_or(0, |past| past.at.as_millisecond());
    let to = history.last().map_or(0, |past| past.at.as_millisecond());
    let span = (to - from).max(1) as f64;
    let mut path = String::new();
    for past in history {
        let x = (past.at.as_millisecond() - from) as f64 / span * WIDTH;
        let y = (HEIGHT - 3.0) - of(past) as f64 / most as f64 * (HEIGHT - 8.0);
        let command = if path.is_empty() { 'M' } else { 'L' };
        write!(path, "{command}{x:.1},{y:.1} ").expect("a string takes any text");
    }
    path
}
