//! A rotation on the screen: one line a step as it happens, and a summary with the report at the end.

use super::super::{Context, Failure};
use crate::rotate::{Ending, Error, Event, Outcome, Status};
use anstyle::{AnsiColor, Style};
use std::io::Write as _;

/// Prints text for people, unless they want errors only.
pub(super) fn say(context: &mut Context, text: &str) -> Result<(), Failure> {
    if !context.quiet {
        context.err.write_all(text.as_bytes())?;
        context.err.flush()?;
    }
    Ok(())
}

/// Prints events as they come.
pub(super) struct Progress<'a> {
    context: &'a mut Context,
}

impl<'a> Progress<'a> {
    pub(super) fn new(context: &'a mut Context) -> Self {
        Self { context }
    }

    pub(super) fn event(&mut self, event: &Event) {
        let line = match event {
            Event::Opened { id, folder } => format!("Incident {id}, in {}\n", folder.display()),
            Event::Begun { step, text } => mark(Style::new().dimmed(), "..", step.name(), text),
            Event::Advanced { step, done, total } => {
                mark(Style::new().dimmed(), "..", step.name(), &format!("{done} of {total}"))
            }
            Event::Done { step, text, ms } => mark(green(), "ok", step.name(), &format!("{text} ({ms} ms)")),
            Event::Failed { step, text } => mark(red(), "failed", step.name(), text),
            Event::Undone { step, text } => mark(AnsiColor::Yellow.on_default(), "undone", step.name(), text),
            Event::Note(text) => mark(Style::new(), "note", "", text),
        };
        // A closed terminal must not stop a rotation half-way.
        drop(say(self.context, &line));
    }
}

fn mark(style: Style, word: &str, step: &str, text: &str) -> String {
    format!("  {style}{word:>6}{style:#} {step:<11} {text}\n")
}

fn green() -> Style {
    AnsiColor::Green.on_default()
}

fn red() -> Style {
    AnsiColor::Red.on_default().bold()
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The cause without what a command said, which stands above unless only errors are wanted.
fn first_line(cause: &Error) -> String {
    let chain = cause.chain();
    let first = chain.lines().next().unwrap_or_default();
    first.trim_end_matches("; it said:").to_owned()
}

/// The verification table, how it ended, what to do, and where the report is.
pub(super) fn summary(context: &mut Context, outcome: &Outcome) -> Result<(), Failure> {
    let mut text = String::new();
    if !outcome.incident.checks.is_empty() {
        text.push_str("\nVerification\n");
    }
    for check in &outcome.incident.checks {
        let style = match check.status {
            Status::Verified => green(),
            Status::Failed => red(),
            Status::NotChecked => AnsiColor::Yellow.on_default(),
        };
        let status = check.status.to_string();
        line(&mut text, &format!("  {style}{status:<11}{style:#} {}: {}", check.claim, check.evidence));
    }
    line(&mut text, &format!("\nRotation {}: {}.", outcome.incident.id, outcome.incident.status));
    match &outcome.ending {
        Ending::Undone(cause) => {
            line(&mut text, &format!("  cause: {}", first_line(cause)));
            text += "The old value is in use: the incident is open.\n";
            if let Some(hint) = cause.hint() {
                line(&mut text, &format!("  hint: {hint}"));
            }
        }
        Ending::HalfWay { cause, next } => {
            line(&mut text, &format!("  cause: {}", first_line(cause)));
            line(&mut text, &format!("  hint: {next}"));
        }
        Ending::Done | Ending::Unverified => {}
    }
    if let Ok(path) = &outcome.report {
        line(&mut text, &format!("Report: {}", path.display()));
    }
    if matches!(outcome.ending, Ending::Done) {
        return say(context, &text);
    }
    // How a rotation failed is an error, and `--quiet` keeps errors.
    context.err.write_all(text.as_bytes())?;
    Ok(context.err.flush()?)
}
