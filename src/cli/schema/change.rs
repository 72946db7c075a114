//! What every change of a schema has in common: it is recorded before and after, ended by Ctrl-C, and told in the same
//! form whatever became of it.

use super::arguments::{Changing, Place, settle, stop_sign, trail};
use super::{failure, show};
use crate::cli::sessions::run::completed;
use crate::cli::{Context, Failure, interrupt};
use crate::exit::Exit;
use crate::schema::{Course, Error, Progress};
use crate::session::{AuditState, TableName};
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

/// How many of the steps that are left are named when a change was stopped.
const NAMED: usize = 5;

/// A change as it is recorded.
pub(super) struct Change<'a> {
    pub(super) place: &'a Place,
    /// The incident that it belongs to, or nothing.
    pub(super) incident: &'a str,
    /// Whether the result's form is JSON.
    pub(super) is_json: bool,
    /// What is done: `schema apply`.
    pub(super) action: &'static str,
    pub(super) table: String,
    /// Of how many steps.
    pub(super) of: usize,
}

impl<'a> Change<'a> {
    pub(super) fn new(
        changing: &'a Changing,
        place: &'a Place,
        action: &'static str,
        table: &TableName,
        of: usize,
    ) -> Self {
        let (incident, is_json) = (changing.incident(), changing.source.is_json());
        Self { place, incident, is_json, action, table: table.to_string(), of }
    }

    /// Carries it out, then tells what became of it. Nothing is under way any more when it is told. What has no steps
    /// changes nothing, and is not recorded.
    pub(super) fn carry_out<T>(
        &self,
        context: &mut Context,
        work: impl AsyncFnOnce(&dyn Fn() -> bool, &mut dyn FnMut(&Progress<'_>)) -> Result<T, Error>,
        course: impl FnOnce(&T) -> &Course,
        told: impl FnOnce(T, &mut Context) -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        let trail = trail(self.place, self.action, self.table.clone(), "", self.incident, context);
        let record = |state, text| match self.of {
            0 => Ok(String::new()),
            _ => trail.record(state, text),
        };
        record(AuditState::Begun, format!("{} steps", self.of)).map_err(|error| failure(&error.into()))?;
        let stop = stop_sign()?;
        let done = {
            let mut teller = show::Teller::new(context);
            settle(work(&|| stop.load(Ordering::Relaxed), &mut |now| teller.tell(now)))?
        };
        interrupt::end_at_once();
        let (recorded, told) = match done {
            Ok(done) => {
                let came = course(&done);
                let state = if came.stopped { AuditState::Stopped } else { AuditState::Done };
                let only = if came.of == 1 { came.steps.first() } else { None };
                let only = only.map_or_else(String::new, |step| format!(": {step}"));
                let recorded = record(state, format!("{} of {} steps{only}", came.steps.len(), came.of));
                (recorded, told(done, context))
            }
            Err(error) => {
                let half = matches!(error, Error::Stopped { .. } | Error::LeftOver { .. });
                let state = if half { AuditState::Stopped } else { AuditState::Failed };
                (record(state, error.to_string()), Err(failure(&error)))
            }
        };
        completed(recorded, told, context)
    }

    /// Prints what was done, where the result's form is JSON.
    pub(super) fn print(&self, done: &serde_json::Value, context: &mut Context) -> Result<(), Failure> {
        if self.is_json {
            writeln!(context.out, "{done:#}")?;
        }
        Ok(())
    }
}

/// Says what is left of a change that somebody stopped, and how to go on.
pub(super) fn stopped(course: &Course, back: &str, context: &mut Context) -> Result<Exit, Failure> {
    let mut text = format!(
        "Stopped: {} of {} steps are done, each of them whole and recorded; run the command again to go on{back}. Left:\n",
        course.steps.len(),
        course.of
    );
    let more = course.open.len().saturating_sub(NAMED);
    let named = course.open.iter().take(NAMED).cloned();
    for line in named.chain((more > 0).then(|| format!("and {more} more"))) {
        writeln!(text, "  {line}").expect("a string takes any text");
    }
    context.err.write_all(text.as_bytes())?;
    Ok(Exit::Interrupted)
}
