//! A rotation on the screen: one line a step as it happens, and a summary with the report at the end.

use super::super::{Context, Failure};
use crate::rotate::{Ending, Event, Outcome, Status};
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
        text += &format!("  {style}{status:<11}{style:#} {}: {}\n", check.claim, check.evidence);
    }
    text += &format!("\nRotation {}: {}.\n", outcome.incident.id, outcome.incident.status);
    match &outcome.ending {
        Ending::Undone(cause) => {
            text += "The leaked value is in use again.\n";
            if let Some(hint) = cause.hint() {
                text += &format!("  hint: {hint}\n");
            }
        }
        Ending::HalfWay { next, .. } => text += &format!("  hint: {next}\n"),
        Ending::Done | Ending::Unverified => {}
    }
    if let Ok(path) = &outcome.report {
        text += &format!("Report: {}\n", path.display());
    }
    if matches!(outcome.ending, Ending::Done) {
        return say(context, &text);
    }
    // How a rotation failed is an error, and `--quiet` keeps errors.
    context.err.write_all(text.as_bytes())?;
    Ok(context.err.flush()?)
}
