//! Small plots as SVG: of what was counted since the server started.

use super::layout::{number, time};
use crate::serve::samples::Past;
use crate::serve::traffic::{EVERY, Stretch};
use jiff::Timestamp;
use maud::{Markup, html};
use std::fmt::Write as _;

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 100.0;

/// One line of a plot; the first one's area is filled.
struct Line {
    name: &'static str,
    class: &'static str,
    values: Vec<u64>,
}

/// Active and expired sessions over time.
pub(super) fn sessions(history: &[Past]) -> Markup {
    let line =
        |name, class, of: fn(&Past) -> u64| Line { name, class, values: history.iter().map(of).collect() };
    let lines = [
        line("active", "line", |past| past.counts.active),
        line("expired", "line second", |past| past.counts.expired),
    ];
    plotted("Sessions over time", &history.iter().map(|past| past.at).collect::<Vec<_>>(), &lines)
}

/// What forward-auth said over time.
pub(super) fn verifications(history: &[Stretch]) -> Markup {
    let line =
        |name, class, of: fn(&Stretch) -> u64| Line { name, class, values: history.iter().map(of).collect() };
    let lines = [
        line("alive", "line", |one| one.counted.alive),
        line("refused", "line second", |one| one.counted.refused),
        line("errors", "line third", |one| one.counted.errors),
    ];
    let title = format!("Verified in each {} seconds", EVERY.as_secs());
    plotted(&title, &history.iter().map(|one| one.at).collect::<Vec<_>>(), &lines)
}

/// The lines, with the same numbers as text.
fn plotted(title: &str, times: &[Timestamp], lines: &[Line]) -> Markup {
    let most = lines.iter().flat_map(|line| &line.values).copied().max().unwrap_or(0);
    let told: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            let (first, last) = (line.values.first()?, line.values.last()?);
            Some(format!("{} from {first} to {last}", line.name))
        })
        .collect();
    html! {
        div.row.spread {
            h2 { (title) }
            div.legend { @for line in lines { span class=(line.class) { (line.name) } } }
        }
        @if let [first, .., last] = times {
            svg.plot viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                aria-label={ (title) ": " (told.join(", ")) ", at most " (most) } {
                @for y in [1.0, HEIGHT / 2.0, HEIGHT - 1.0] { line.grid-line x1="0" x2=(WIDTH) y1=(y) y2=(y) {} }
                @for (at, line) in lines.iter().enumerate() {
                    @let path = path(times, &line.values, most.max(1));
                    @if at == 0 { path.area d={ (path) " L" (WIDTH) "," (HEIGHT) " L0," (HEIGHT) " Z" } {} }
                    path class=(line.class) d=(path) {}
                }
            }
            div.plot-ends { (time(*first)) span { "at most " (number(most)) } (time(*last)) }
        } @else { p.quiet { "The plot begins with the second count, in some seconds." } }
    }
}

/// A line from the first time to the last.
#[expect(clippy::cast_precision_loss, reason = "positions on a plot")]
fn path(times: &[Timestamp], values: &[u64], most: u64) -> String {
    let from = times.first().map_or(0, |at| at.as_millisecond());
    let to = times.last().map_or(0, |at| at.as_millisecond());
    let span = (to - from).max(1) as f64;
    let mut path = String::new();
    for (at, value) in times.iter().zip(values) {
        let x = (at.as_millisecond() - from) as f64 / span * WIDTH;
        let y = (HEIGHT - 3.0) - *value as f64 / most as f64 * (HEIGHT - 8.0);
        let command = if path.is_empty() { 'M' } else { 'L' };
        write!(path, "{command}{x:.1},{y:.1} ").expect("a string takes any text");
    }
    path
}
