//! What the configuration keeps out of a report, in words: by a file that a scanned repository brings along, a leak
//! could otherwise be made to look like a clean scan.

use super::Report;
use super::text::count;
use crate::coverage::Configuration;

/// Rules that are named; the machine formats name them all.
const MOST_NAMED: usize = 8;

/// Sentences for every reader; none when nothing is configured and nothing is left out.
pub(super) fn lines(report: &Report<'_>) -> Vec<String> {
    let configuration = &report.scan.configuration;
    let text = |text: &String| report.redactor.text(text).into_owned();
    let mut lines = Vec::new();
    let rules = rules(configuration, &text);
    match (&configuration.file, rules) {
        (Some(file), Some(rules)) => lines.push(format!("Configuration {}: {rules}.", text(file))),
        (Some(file), None) => lines.push(format!("Configuration {}.", text(file))),
        (None, Some(rules)) => lines.push(format!("Rules: {rules}.")),
        (None, None) => {}
    }
    lines.extend(left_out(configuration));
    lines
}

fn rules(configuration: &Configuration, text: &dyn Fn(&String) -> String) -> Option<String> {
    let part = |ids: &[String], noun: &str, done: &str| {
        let named: Vec<String> = ids.iter().take(MOST_NAMED).map(text).collect();
        let more = if ids.len() > MOST_NAMED { ", …" } else { "" };
        let number = count(ids.len() as u64, noun);
        (!ids.is_empty()).then(|| format!("{number} {done} ({}{more})", named.join(", ")))
    };
    let disabled = part(&configuration.disabled, "rule", "turned off");
    let replaced = part(&configuration.replaced, "built-in rule", "replaced");
    let parts: Vec<String> = disabled.into_iter().chain(replaced).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn left_out(configuration: &Configuration) -> Option<String> {
    let left_out = configuration.left_out;
    let reasons = [
        (left_out.paths, "in allowed paths"),
        (left_out.inline, "on lines with an allowing comment"),
        (left_out.confidence, "by less sure rules (--min-confidence)"),
    ];
    let some = reasons.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> =
        some.map(|(number, reason)| format!("{} {reason}", count(*number, "secret"))).collect();
    (!parts.is_empty()).then(|| format!("Left out: {}.", parts.join(", ")))
}
