//! What the configuration keeps out of a report, in words: by a file that a scanned repository brings along, a leak
//! could otherwise be made to look like a clean scan.

use super::Report;
use super::text::count;
use crate::coverage::{Baseline, Configuration, IgnoreEntry, IgnoreFile, LayerKind, LayerUse};

/// Rules that are named; the machine formats name them all.
const MOST_NAMED: usize = 8;

/// Sentences for every reader; none when nothing is configured and nothing is left out.
pub(super) fn lines(report: &Report<'_>) -> Vec<String> {
    let configuration = &report.scan.configuration;
    let text = |text: &String| report.redactor.text(text).into_owned();
    let mut lines = Vec::new();
    lines.extend(configuration.layers.iter().map(|used| layer(used, &text)));
    lines.extend(by_rule_files(configuration, &text));
    lines.extend(left_out(configuration, &text));
    lines.extend(configuration.ignore_file.iter().flat_map(|used| entries(used, &text)));
    lines.extend(configuration.baseline.as_ref().and_then(|used| gone(used, &text)));
    lines
}

/// What one configuration did.
fn layer(used: &LayerUse, text: &dyn Fn(&String) -> String) -> String {
    let parts = [
        rules(&used.disabled, "rule", "turned off", text),
        rules(&used.overridden, "rule", "called otherwise", text),
        rules(&used.replaced, "rule", "replaced", text),
        (used.left_out > 0).then(|| format!("{} left out", count(used.left_out, "secret"))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let whose = match used.kind {
        LayerKind::Organisation => "Organisation's configuration",
        LayerKind::Repository => "Configuration",
        LayerKind::Folder => "Folder's configuration",
    };
    let done = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    format!("{whose} {}{done}.", text(&used.file))
}

/// What files of `--rules` replaced.
fn by_rule_files(configuration: &Configuration, text: &dyn Fn(&String) -> String) -> Option<String> {
    let by_layer = |id: &&String| configuration.layers.iter().any(|layer| layer.replaced.contains(id));
    let rest: Vec<String> = configuration.replaced.iter().filter(|id| !by_layer(id)).cloned().collect();
    rules(&rest, "rule", "replaced", text).map(|rules| format!("Rules: {rules}."))
}

fn rules(ids: &[String], noun: &str, done: &str, text: &dyn Fn(&String) -> String) -> Option<String> {
    let named: Vec<String> = ids.iter().take(MOST_NAMED).map(text).collect();
    let more = if ids.len() > MOST_NAMED { ", …" } else { "" };
    let number = count(ids.len() as u64, noun);
    (!ids.is_empty()).then(|| format!("{number} {done} ({}{more})", named.join(", ")))
}

fn left_out(configuration: &Configuration, text: &dyn Fn(&String) -> String) -> Option<String> {
    let left_out = configuration.left_out;
    let ignore_file = configuration.ignore_file.as_ref().map(|used| text(&used.file)).unwrap_or_default();
    let baseline = configuration.baseline.as_ref().map(|used| text(&used.file)).unwrap_or_default();
    let reasons = [
        (left_out.paths, "in allowed paths".to_owned()),
        (left_out.values, "with allowed values".to_owned()),
        (left_out.rules, "of rules that are turned off there".to_owned()),
        (left_out.inline, "on lines with an allowing comment".to_owned()),
        (left_out.confidence, "by less sure rules (--min-confidence)".to_owned()),
        (
            left_out.nature,
            "only in lock files or source maps, or hashes in documents (--min-confidence low shows them)"
                .to_owned(),
        ),
        (left_out.ignore_file, format!("named in {ignore_file} (--no-ignore-file shows them)")),
        (left_out.baseline, format!("known to the baseline {baseline}")),
    ];
    let some = reasons.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> =
        some.map(|(number, reason)| format!("{} {reason}", count(*number, "secret"))).collect();
    (!parts.is_empty()).then(|| format!("Left out: {}.", parts.join(", ")))
}

/// Entries of the ignore file that do nothing, or nothing any more.
fn entries(used: &IgnoreFile, text: &dyn Fn(&String) -> String) -> Vec<String> {
    let file = text(&used.file);
    let named = |entries: &[IgnoreEntry]| {
        let entry = |entry: &IgnoreEntry| format!("{} {}", entry.fingerprint, text(&entry.rule));
        named(&entries.iter().map(entry).collect::<Vec<_>>())
    };
    let line = |entries: &[IgnoreEntry], what: &str| {
        let number = count_entries(entries.len() as u64);
        (!entries.is_empty()).then(|| format!("{file}: {number} {what} ({}).", named(entries)))
    };
    let expired = line(&used.expired, "expired, and what they name counts again");
    let stale = line(&used.stale, "stale: nothing here matches any more; `unleak ignore prune` drops them");
    expired.into_iter().chain(stale).collect()
}

fn count_entries(number: u64) -> String {
    if number == 1 { "1 entry is".to_owned() } else { format!("{number} entries are") }
}

/// What a baseline knows and is there no more.
fn gone(used: &Baseline, text: &dyn Fn(&String) -> String) -> Option<String> {
    let place = |known: &crate::coverage::Known| format!("{} {}", known.rule, text(&known.place));
    let places: Vec<String> = used.gone.iter().map(place).collect();
    let (file, number) = (text(&used.file), count(places.len() as u64, "place"));
    (!places.is_empty()).then(|| {
        format!(
            "{file}: gone from {number} ({}); `unleak baseline write` brings it up to date.",
            named(&places)
        )
    })
}

/// The first of some names.
fn named(names: &[String]) -> String {
    let more = if names.len() > MOST_NAMED { ", …" } else { "" };
    let first: Vec<&str> = names.iter().take(MOST_NAMED).map(String::as_str).collect();
    format!("{}{more}", first.join(", "))
}
