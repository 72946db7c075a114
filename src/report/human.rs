//! The report for people: one block a secret, then what was looked at, and loudly what was not.
//!
//! Everything stands right of one gutter of labels, so that the eye finds the start of each finding and of each part.

use super::{Report, configuration};
use super::text::{bytes, count, duration, grouped, visible, width, wrap};
use crate::coverage::Ignored;
use crate::finding::{Confidence, Finding, Occurrence, Place, References, Rotator, Severity};
use anstyle::{AnsiColor, Style};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The width of the gutter: `critical` and two spaces.
const GUTTER: usize = 10;
/// Columns that prose may take, with the gutter.
const WIDTH: usize = 100;
/// Places of a secret that are listed, and things that could not be seen that are listed by reason.
const MOST_LISTED: usize = 5;
/// Reasons that are listed.
const MOST_REASONS: usize = 8;
/// A longer location is not padded, since all others would move away from their details.
const WIDEST_LOCATION: usize = 56;

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        block(finding, report, out)?;
    }
    explained(report, out)?;
    if !report.options.quiet || !report.scan.coverage.is_complete() {
        summary(report, out)
    } else if report.scan.configuration.hides() {
        // Who asks for silence does not ask to be lied to.
        left_out(report, out)
    } else {
        Ok(())
    }
}

/// What was considered and not reported, if that was asked for.
fn explained(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(explained) = &report.scan.explained else { return Ok(()) };
    let number = explained.refused.len() as u64 + explained.more;
    writeln!(out, "{BOLD}Considered and not reported: {}.{BOLD:#}", count(number, "value"))?;
    for refused in &explained.refused {
        let place = location(&report.redactor.occurrence(&refused.place));
        writeln!(out, "  {place}  {}  {DIM}{}{DIM:#}", visible(&refused.rule), refused.reason)?;
    }
    if explained.more > 0 {
        writeln!(out, "  {DIM}and {} more{DIM:#}", grouped(explained.more))?;
    }
    writeln!(out)
}

/// One finding.
fn block(finding: &Finding, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let label = severity_style(finding.severity);
    let severity = finding.severity.to_string();
    writeln!(
        out,
        "{label}{severity:>8}{label:#}  {BOLD}{}{BOLD:#} {DIM}· {}{DIM:#}",
        visible(&finding.title),
        visible(&finding.rule),
    )?;
    value(finding, report, out)?;
    if !finding.live_in.is_empty() {
        let names: Vec<_> = finding.live_in.iter().map(|name| visible(name)).collect();
        line(out, "live", &format!("{BAD}in use now as {}{BAD:#}", names.join(", ")))?;
    }
    places(finding, report, out)?;
    // A format that says so needs no word.
    if finding.confidence < Confidence::High {
        line(out, "why", &format!("{} confidence: {}", finding.confidence, finding.reason))?;
    }
    for (index, text) in wrap(&visible(&finding.advice), WIDTH - GUTTER).iter().enumerate() {
        line(out, if index == 0 { "next" } else { "" }, text)?;
    }
    // What the advice says already needs no second line.
    if finding.rotation.by != Rotator::Unleak {
        line(out, "rotate", &visible(&finding.rotation.how))?;
    }
    writeln!(out)
}

fn value(finding: &Finding, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let length = finding.secret.len();
    // The exact length of a short password helps to guess it.
    let length = if length < 16 { "under 16 bytes".to_owned() } else { count(length as u64, "byte") };
    let details = format!("{DIM}{length} · fingerprint {}{DIM:#}", finding.fingerprint);
    if !report.options.show_secrets {
        return line(out, "value", &format!("{}  {details}", report.redactor.value(finding)));
    }
    let text = String::from_utf8_lossy(finding.secret.expose());
    for (index, text) in text.lines().enumerate() {
        line(out, if index == 0 { "value" } else { "" }, &visible(text))?;
    }
    line(out, "", &details)
}

fn places(finding: &Finding, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let listed = finding.occurrences.iter().take(MOST_LISTED);
    let listed: Vec<(String, &Occurrence)> =
        listed.map(|place| (location(&report.redactor.occurrence(place)), place)).collect();
    let widths = listed.iter().map(|(location, _)| width(location));
    let column = widths.filter(|width| *width <= WIDEST_LOCATION).max().unwrap_or(0);
    for (index, (location, place)) in listed.iter().enumerate() {
        let padding = column.saturating_sub(width(location));
        let details = details(place, report);
        let text = format!("{location}{:padding$}  {details}", "");
        line(out, if index == 0 { "where" } else { "" }, text.trim_end())?;
    }
    let rest = &finding.occurrences[listed.len()..];
    if !rest.is_empty() {
        let at_head = rest.iter().filter(|place| place.at_head).count();
        let at_head = if at_head > 0 { format!(", {at_head} of them at HEAD") } else { String::new() };
        line(out, "", &format!("{DIM}and {} more{at_head}{DIM:#}", grouped(rest.len() as u64)))?;
    }
    Ok(())
}

/// Where it stands, in the form that terminals and editors can open.
fn location(place: &Occurrence) -> String {
    let name = match (&place.path, &place.place) {
        (Some(path), Place::Archive(member)) => format!("{path}!{member}"),
        (Some(path), _) => path.clone(),
        (None, Place::Message) => "(commit message)".to_owned(),
        (None, Place::Tag) => "(tag message)".to_owned(),
        (None, Place::Note) => "(git note)".to_owned(),
        (None, Place::Ref) => "(reference name)".to_owned(),
        (None, Place::Stdin) => "(standard input)".to_owned(),
        (None, place) => format!("({place})"),
    };
    format!("{}:{}:{}", visible(&name), place.line, place.column)
}

/// Which commit brought it, when, by whom; and what is special about the place.
fn details(place: &Occurrence, report: &Report<'_>) -> String {
    let mut parts = Vec::new();
    if let Some(commit) = &place.commit {
        parts.push(commit.chars().take(10).collect());
    }
    if let Some(date) = place.date {
        parts.push(date.strftime("%Y-%m-%d").to_string());
    }
    if let Some(author) = &place.author {
        let author = report.redactor.text(author);
        // The address is in the machine formats; here the name is enough.
        let name = author.split(" <").next().unwrap_or_default();
        parts.push(visible(name).into_owned());
    }
    parts.extend(kind(&place.place).map(ToOwned::to_owned));
    // What no commit leads to is found by its own name alone.
    if let Some(blob) = place.blob.as_ref().filter(|_| place.place == Place::Unreachable) {
        parts.push(blob.chars().take(10).collect());
    }
    if place.versions > 1 {
        parts.push(format!("{} versions", grouped(place.versions.into())));
    }
    if !place.at_head {
        let until = place.last_commit.as_ref().filter(|last| place.commit.as_ref() != Some(last));
        parts.extend(until.map(|last| format!("until {}", last.chars().take(10).collect::<String>())));
        parts.extend(place.references.as_ref().and_then(|found| references(found, report)));
    }
    if let Some(encoding) = &place.encoding {
        parts.push(visible(encoding).into_owned());
    }
    let text = format!("{DIM}{}{DIM:#}", parts.join("  "));
    match (place.at_head, parts.is_empty()) {
        (true, _) => format!("{text}  {BAD}still at HEAD{BAD:#}"),
        (false, true) => String::new(),
        (false, false) => text,
    }
}

/// Where else the commit is: two references by name, since a leak may be in one branch only.
fn references(references: &References, report: &Report<'_>) -> Option<String> {
    let short = |name: &String| {
        let name = report.redactor.text(name);
        let parts = ["refs/heads/", "refs/tags/", "refs/"].iter().find_map(|prefix| name.strip_prefix(prefix));
        visible(parts.unwrap_or(&name)).into_owned()
    };
    let named: Vec<String> = references.names.iter().take(2).map(short).collect();
    let more = references.count.saturating_sub(named.len());
    let more = if more > 0 { format!(" and {} more", grouped(more as u64)) } else { String::new() };
    (!named.is_empty()).then(|| format!("in {}{more}", named.join(", ")))
}

/// What to say about a kind of place that its location does not say.
fn kind(place: &Place) -> Option<&'static str> {
    Some(match place {
        Place::Merge => "by a merge",
        Place::Unreachable => "unreachable object",
        Place::Stash => "stash",
        Place::Index => "staged",
        Place::Worktree => "on disk",
        Place::Submodule => "submodule",
        Place::Repository => "git's own file",
        Place::History
        | Place::Message
        | Place::Tag
        | Place::Note
        | Place::Ref
        | Place::Archive(_)
        | Place::Stdin => return None,
    })
}

/// How many secrets, what was seen, what was not.
fn summary(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let coverage = &report.scan.coverage;
    let seen = sight(report);
    match (report.findings.is_empty(), coverage.is_complete()) {
        (false, _) => writeln!(out, "{}", totals(report))?,
        (true, true) if seen.is_none() => writeln!(out, "{BOLD}There was nothing to look at.{BOLD:#}")?,
        (true, true) if report.scan.configuration.hides() => {
            writeln!(out, "{BOLD}No secret found besides what is left out.{BOLD:#}")?;
        }
        (true, true) => writeln!(out, "{GOOD}No secret found.{GOOD:#}")?,
        (true, false) => writeln!(
            out,
            "{BAD}Not clean:{BAD:#} no secret was found, but not everything could be seen."
        )?,
    }
    let seen = seen.unwrap_or_else(|| "Saw nothing".to_owned());
    let target = visible(report.options.target).into_owned();
    let time = duration(report.options.elapsed);
    writeln!(out, "{DIM}{seen} of {target} in {time}.{DIM:#}")?;
    if coverage.cached > 0 {
        let objects = count(coverage.cached, "object");
        writeln!(out, "{DIM}Taken from an earlier scan: {objects}; --no-cache reads all again.{DIM:#}")?;
    }
    if let Some(ignored) = ignored(coverage.ignored) {
        writeln!(out, "{DIM}{ignored}; --ignored reads what is there.{DIM:#}")?;
    }
    if coverage.encrypted > 0 {
        writeln!(out, "{DIM}Not read: {}, encrypted on purpose.{DIM:#}", count(coverage.encrypted, "file"))?;
    }
    left_out(report, out)?;
    if coverage.is_complete() { Ok(()) } else { blind_spots(report, out) }
}

/// What git ignores and was not read: `Not read: 2 ignored files, 1 ignored folder`.
fn ignored(ignored: Ignored) -> Option<String> {
    let kinds = [(ignored.files, "ignored file"), (ignored.folders, "ignored folder")];
    let some = kinds.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = some.map(|(number, noun)| count(*number, noun)).collect();
    (!parts.is_empty()).then(|| format!("Not read: {}", parts.join(", ")))
}

/// What the configuration did.
fn left_out(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for text in configuration::lines(report) {
        for (index, text) in wrap(&visible(&text), WIDTH - 2).iter().enumerate() {
            writeln!(out, "{}{text}", if index == 0 { "" } else { "  " })?;
        }
    }
    Ok(())
}

/// The line that counts the secrets: `4 secrets: 1 critical, 3 high. 2 are still at HEAD.`
fn totals(report: &Report<'_>) -> String {
    use std::fmt::Write as _;
    let mut by_severity: BTreeMap<Severity, u64> = BTreeMap::new();
    for finding in &report.findings {
        *by_severity.entry(finding.severity).or_default() += 1;
    }
    let counts = by_severity.iter().rev().map(|(severity, number)| {
        let style = severity_style(*severity);
        format!("{style}{} {severity}{style:#}", grouped(*number))
    });
    let counts: Vec<String> = counts.collect();
    let secrets = count(report.findings.len() as u64, "secret");
    let mut text = format!("{BOLD}{secrets}:{BOLD:#} {}.", counts.join(", "));
    let at_head =
        report.findings.iter().filter(|finding| finding.occurrences.iter().any(|place| place.at_head));
    match (at_head.count() as u64, report.findings.len() as u64) {
        (0, _) => {}
        (1, 1) => text.push_str(" It is still at HEAD."),
        (1, _) => text.push_str(" One is still at HEAD."),
        (all, total) if all == total => text.push_str(" All are still at HEAD."),
        (some, _) => write!(text, " {} are still at HEAD.", grouped(some)).expect("a string takes any text"),
    }
    text
}

/// What was seen, without the kinds of which there were none. `None` when nothing was.
fn sight(report: &Report<'_>) -> Option<String> {
    let coverage = &report.scan.coverage;
    let kinds = [(coverage.commits, "commit"), (coverage.objects, "object"), (coverage.files, "file")];
    let some = kinds.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = some.map(|(number, noun)| count(*number, noun)).collect();
    (!parts.is_empty()).then(|| format!("Saw {} ({})", parts.join(", "), bytes(coverage.bytes)))
}

/// What was not seen, by reason, the most frequent first.
fn blind_spots(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let coverage = &report.scan.coverage;
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for skip in &coverage.skipped {
        by_reason.entry(&skip.reason).or_default().push(&skip.what);
    }
    let mut reasons: Vec<_> = by_reason.into_iter().collect();
    reasons.sort_by_key(|(_, things)| std::cmp::Reverse(things.len()));
    if report.findings.is_empty() {
        writeln!(out, "\n{BOLD}What was not seen may hold secrets:{BOLD:#}")?;
    } else {
        writeln!(out, "\n{BAD}Not everything was seen.{BAD:#} What was not may hold more secrets:")?;
    }
    if coverage.interrupted {
        line(out, "stopped", "the scan was interrupted before its end")?;
    }
    for (reason, things) in reasons.iter().take(MOST_REASONS) {
        let reason = visible(&report.redactor.text(reason)).into_owned();
        let number = grouped(things.len() as u64);
        for (index, text) in wrap(&reason, WIDTH - GUTTER).iter().enumerate() {
            line(out, if index == 0 { &number } else { "" }, text)?;
        }
        listed_things(things, report, out)?;
    }
    let more = reasons.iter().skip(MOST_REASONS).map(|(_, things)| things.len() as u64).sum();
    if more > 0 {
        line(out, &grouped(more), "for other reasons; `--format json` lists them all")?;
    }
    Ok(())
}

fn listed_things(things: &[&str], report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for thing in things.iter().take(MOST_LISTED) {
        line(out, "", &format!("{DIM}{}{DIM:#}", visible(&report.redactor.text(thing))))?;
    }
    match things.len().saturating_sub(MOST_LISTED) {
        0 => Ok(()),
        rest => line(out, "", &format!("{DIM}and {} more{DIM:#}", grouped(rest as u64))),
    }
}

/// A line right of the gutter, with a label in it.
fn line(out: &mut dyn Write, label: &str, text: &str) -> io::Result<()> {
    if label.is_empty() {
        return writeln!(out, "{:GUTTER$}{text}", "");
    }
    writeln!(out, "{DIM}{label:>8}{DIM:#}  {text}")
}

fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => BAD,
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low => AnsiColor::Cyan.on_default(),
    }
}
