//! The one place that knows the order of the steps, when to turn back, and what is on disk at each moment.

use super::before::Before;
use super::canary::Canary;
use super::downtime::Monitor;
use super::evidence::{Evidence, Moment, Page, Status};
use super::incident::{self, Incident};
use super::journal::{Journal, Kind, Record};
use super::opened::Opened;
use super::step::{self, Step};
use super::unfinished::Unfinished;
use super::{Error, IncidentId, Plan, Stop};
use crate::secret::{Redactor, Secret};
use crate::session::clear_partial;
use jiff::Timestamp;
use std::path::PathBuf;

/// What a rotation tells while it runs. No text in it holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The incident has its name and folder; nothing is changed yet.
    Opened {
        /// The incident.
        id: IncidentId,
        /// Its folder.
        folder: PathBuf,
    },
    /// A step starts.
    Begun {
        /// The step.
        step: Step,
        /// What it will do.
        text: String,
    },
    /// A long step has come further.
    Advanced {
        /// The step.
        step: Step,
        /// How much is done.
        done: u64,
        /// Of how much.
        total: u64,
    },
    /// A step did what it should.
    Done {
        /// The step.
        step: Step,
        /// What was done.
        text: String,
        /// How long it took.
        ms: u64,
    },
    /// A step failed.
    Failed {
        /// The step.
        step: Step,
        /// Why.
        text: String,
    },
    /// What a step had changed was put back.
    Undone {
        /// The step.
        step: Step,
        /// What was put back.
        text: String,
    },
    /// Something that the operator should know.
    Note(String),
}

/// How a rotation ended.
#[derive(Debug)]
pub enum Ending {
    /// Everything was done, and nothing that was checked failed.
    Done,
    /// Everything was done, but a check failed.
    Unverified,
    /// A step failed before the new value was in use, or the operator wanted it so; everything was put back.
    Undone(Error),
    /// It stopped half-way: the purge failed, or what was changed could not be put back.
    HalfWay {
        /// What failed.
        cause: Error,
        /// What to do now.
        next: String,
    },
}

/// What a rotation leaves.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// What is known about the incident, without secrets.
    pub incident: Incident,
    /// The report for people, when it could be written; the JSON stands beside it.
    pub report: Result<PathBuf, Error>,
}

/// A rotation under way: what the steps work with.
pub(super) struct Rotation<'a> {
    pub(super) plan: &'a Plan,
    pub(super) id: IncidentId,
    pub(super) new: Secret,
    pub(super) canary: Canary,
    /// What the addresses of `--check` answered before.
    pub(super) pages: Vec<Page>,
    pub(super) monitor: Option<Monitor>,
    pub(super) redactor: Redactor,
    pub(super) stop: &'a Stop,
    pub(super) evidence: Evidence,
    pub(super) timeline: Vec<Record>,
    pub(super) opened: Timestamp,
    /// Whether a reload was begun, so that the application may run with the new value.
    pub(super) touched: bool,
    pub(super) folder: PathBuf,
    journal: Journal,
    observer: &'a mut dyn FnMut(&Event),
}

/// Acts on a plan, or goes on with the unfinished rotation that it names. Everything before the first change may fail as an error; after it there is always an outcome.
///
/// # Errors
/// When nothing was changed: somebody else rotates the same target, the probe's cookie is not alive, the state
/// folder cannot be written.
pub fn run(plan: &Plan, stop: &Stop, observer: &mut dyn FnMut(&Event)) -> Result<Outcome, Error> {
    let locks = plan.claim()?;
    let mut rotation = Rotation::open(plan, Before::look(plan)?, stop, observer)?;
    rotation.monitor = Monitor::start(plan);
    let ending = rotation.go();
    let outcome = rotation.close(ending);
    drop(locks);
    Ok(outcome)
}

/// Takes an unfinished rotation back: the old value into the target, then reload and health as the plan says.
///
/// # Errors
/// When the plan names no unfinished rotation, its purge had begun, or a leaked value would come back unasked.
pub fn abort(plan: &Plan, stop: &Stop, observer: &mut dyn FnMut(&Event)) -> Result<Outcome, Error> {
    let locks = plan.claim()?;
    let Some(unfinished) = &plan.unfinished else { return Err(Error::NotUnfinished(String::new())) };
    if unfinished.purge_had_begun() {
        return Err(Error::TooLate(unfinished.id.to_string()));
    }
    if unfinished.needs_word(plan) && !plan.request.restore_leaked {
        return Err(Error::InUse(unfinished.id.to_string()));
    }
    let mut rotation = Rotation::open(plan, Before::default(), stop, observer)?;
    let is_touched =
        |step: &Step| *step < Step::Purge || *step == Step::Contain && unfinished.containment_had_begun();
    let steps: Vec<_> = plan.steps().into_iter().filter(is_touched).collect();
    let ending = rotation.turn_back(&steps, Error::Stopped);
    let outcome = rotation.close(ending);
    drop(locks);
    Ok(outcome)
}

impl<'a> Rotation<'a> {
    /// Makes the new secret, and the incident's journal or goes on with the one that a crash or a failure left.
    fn open(
        plan: &'a Plan,
        before: Before,
        stop: &'a Stop,
        observer: &'a mut dyn FnMut(&Event),
    ) -> Result<Self, Error> {
        let known_new = plan.unfinished.as_ref().map(|unfinished| unfinished.new.clone());
        let new = known_new.map_or_else(|| plan.format.generate(), Ok)?;
        let mut found = before.canary.secrets();
        found.push(new.clone());
        let redactor = plan.taught(&plan.redactor(), &found);
        let now = Timestamp::now();
        let Opened { id, folder, journal, timeline } = match &plan.unfinished {
            Some(unfinished) => Opened::again(unfinished)?,
            None => Opened::new(plan, &before, now, &redactor, &new)?,
        };
        observer(&Event::Opened { id: id.clone(), folder: folder.clone() });
        match clear_partial(&plan.request.state.join("backups"), id.as_str()) {
            Ok(0) => {}
            Ok(_) => observer(&Event::Note(
                "The half-written backup of the purge that was killed was removed.".to_owned(),
            )),
            Err(error) => {
                observer(&Event::Note(format!(
                    "A half-written backup was not removed: {}",
                    Error::from(error).chain()
                )));
            }
        }
        let opened = timeline.first().map_or(now, |first| first.at);
        // What a run that crashed had begun, it may have done.
        let touched = timeline.iter().any(|record| record.step == Some(Step::Reload));
        let Before { canary, answers, pages } = before;
        let evidence = Evidence { answers, ..Evidence::default() };
        Ok(Self {
            plan,
            id,
            new,
            canary,
            pages,
            monitor: None,
            redactor,
            stop,
            evidence,
            timeline,
            opened,
            touched,
            folder,
            journal,
            observer,
        })
    }

    /// Takes the steps in their order.
    fn go(&mut self) -> Ending {
        let (change, end): (Vec<_>, Vec<_>) =
            self.plan.steps().into_iter().partition(|step| *step < Step::Purge);
        let mut begun = Vec::new();
        for step in change {
            begun.push(step);
            if let Err(cause) = self.perform(step) {
                return self.give_up(step, &begun, cause);
            }
        }
        self.strike("in-use", "before");
        if self.stop.is_requested() {
            return self.give_up(Step::Health, &begun, Error::Stopped);
        }
        self.ask_between();
        for step in end {
            if let Err(cause) = self.perform_to_the_end(step) {
                return self.half_way(step, cause);
            }
        }
        if self.stop.is_requested() {
            self.tell(Event::Note("The wish to stop came after the purge, which cannot be taken back; the rotation was finished.".to_owned()));
        }
        if self.evidence.has_failed() { Ending::Unverified } else { Ending::Done }
    }

    /// A step that may be stopped.
    fn perform(&mut self, step: Step) -> Result<(), Error> {
        if self.stop.is_requested() {
            return Err(Error::Stopped);
        }
        self.perform_to_the_end(step)
    }

    fn perform_to_the_end(&mut self, step: Step) -> Result<(), Error> {
        let text = step.describe(self.plan);
        self.record(Kind::Begun, Some(step), &text)?;
        self.tell(Event::Begun { step, text });
        self.strike(step.name(), "before");
        let started = self.journal.elapsed_ms();
        if self.stop.is_requested() && step < Step::Purge {
            return self.failed(step, Error::Stopped);
        }
        match step.apply(self) {
            Ok(text) => {
                self.strike(step.name(), "after");
                self.record(Kind::Done, Some(step), &text)?;
                self.tell(Event::Done { step, text, ms: self.journal.elapsed_ms() - started });
                Ok(())
            }
            Err(error) => self.failed(step, error),
        }
    }

    fn failed(&mut self, step: Step, error: Error) -> Result<(), Error> {
        let text = error.chain();
        // The step's own error matters more than one of writing it down.
        self.note_down(Kind::Failed, Some(step), &text);
        self.tell(Event::Failed { step, text });
        Err(error)
    }

    /// Shows what the new value alone did to the old cookie, before the purge hides it.
    fn ask_between(&mut self) {
        if let (Some(probe), Some(_), false) = (&self.plan.request.probe, &self.plan.store, self.is_purging())
        {
            self.evidence.answers.extend(step::ask(probe, &self.canary, Moment::Between));
        }
    }

    /// Whether a run before this one may have deleted sessions.
    pub(super) fn is_purging(&self) -> bool {
        self.plan.unfinished.as_ref().is_some_and(Unfinished::purge_had_begun)
    }

    /// Turns back, unless that is not possible any more or would put a leaked value into use again.
    fn give_up(&mut self, step: Step, begun: &[Step], cause: Error) -> Ending {
        if self.stays(&cause) || self.is_purging() {
            return self.half_way(step, cause);
        }
        // What nobody loaded needs no reload to be out of use.
        let in_use = self.is_in_use();
        let begun: Vec<_> = begun.iter().copied().filter(|step| in_use || *step == Step::Write).collect();
        self.turn_back(&begun, cause)
    }

    /// Puts back what the begun steps changed.
    fn turn_back(&mut self, begun: &[Step], cause: Error) -> Ending {
        if self.is_in_use() {
            let text = if self.plan.is_leaked() {
                "the leaked value is put into use again, because --restore-leaked was given"
            } else {
                "the old value is put into use again: it has not leaked, as --graceful says"
            };
            self.note_down(Kind::Begun, Some(Step::Write), text);
            self.tell(Event::Note(text.to_owned()));
        }
        for &step in begun {
            match step.undo(self) {
                Ok(text) => {
                    self.note_down(Kind::Undone, Some(step), &text);
                    self.tell(Event::Undone { step, text });
                }
                Err(error) => {
                    let text = format!("taking it back failed: {}", error.chain());
                    self.note_down(Kind::Failed, Some(step), &text);
                    self.tell(Event::Failed { step, text });
                    match step {
                        Step::Write => return Ending::HalfWay { next: self.stuck(), cause },
                        Step::Contain => return Ending::HalfWay { next: self.uncontained(), cause },
                        // A command that failed or was ended may have restarted the application before.
                        Step::Reload if self.touched => {
                            return Ending::HalfWay { next: self.unknown_value(), cause };
                        }
                        _ => self.tell(Event::Note(
                            "The old value is back in the target; look after the application yourself."
                                .to_owned(),
                        )),
                    }
                }
            }
        }
        Ending::Undone(cause)
    }

    /// Nothing goes back: a leaked value that is out stays out.
    fn half_way(&mut self, step: Step, cause: Error) -> Ending {
        let next = self.onwards(step, &cause);
        self.evidence.check(
            "Every step was taken",
            Status::Failed,
            format!("{} failed: {}", step.name(), cause.chain()),
        );
        Ending::HalfWay { cause, next }
    }

    /// Learns secrets that came up on the way.
    pub(super) fn hide(&mut self, more: &[Secret]) {
        self.redactor = self.plan.taught(&self.redactor, more);
    }

    /// Ends the requests that measure the downtime.
    pub(super) fn end_monitor(&mut self) {
        self.evidence.downtime =
            self.monitor.take().and_then(Monitor::finish).or(self.evidence.downtime.take());
    }

    /// Ends the journal, lets go of the way back, writes the report.
    fn close(mut self, ending: Ending) -> Outcome {
        self.end_monitor();
        let text = incident::ending(&ending);
        self.note_down(Kind::Closed, None, text);
        if !matches!(ending, Ending::HalfWay { .. })
            && let Err(error) = Unfinished::discard(&self.folder)
        {
            self.tell(Event::Note(format!("The sealed old value could not be removed: {}", error.chain())));
        }
        let head = self.journal.head().to_owned();
        let incident = Incident::new(&self, &ending, head);
        let report = incident.write(&self.folder, &self.plan.request.state, &self.redactor);
        Outcome { ending: clean(ending, &self.redactor), incident, report }
    }

    fn record(&mut self, kind: Kind, step: Option<Step>, text: &str) -> Result<(), Error> {
        let record = self.journal.append(kind, step, None, text, None, &self.redactor)?;
        self.timeline.push(record);
        Ok(())
    }

    /// Writes down what happens to one target.
    pub(super) fn record_target(
        &mut self,
        kind: Kind,
        step: Step,
        number: usize,
        text: &str,
    ) -> Result<(), Error> {
        let record = self.journal.append(kind, Some(step), Some(number), text, None, &self.redactor)?;
        self.timeline.push(record);
        Ok(())
    }

    /// The same, where it must not stop an undo.
    pub(super) fn note_target(&mut self, kind: Kind, step: Step, number: usize, text: &str) {
        if let Err(error) = self.record_target(kind, step, number, text) {
            self.tell(Event::Note(format!("The journal could not be written: {}", error.chain())));
        }
    }

    /// When every target had the new value, if it was not taken back.
    pub(super) fn replaced_at(&self, how: &Ending) -> Option<Timestamp> {
        let written = |record: &&Record| {
            (record.event, record.step, record.target) == (Kind::Done, Some(Step::Write), None)
        };
        let is_in_use = !matches!(how, Ending::Undone(_));
        self.timeline.iter().find(written).filter(|_| is_in_use).map(|record| record.at)
    }

    /// Writes down what must not stop an undo: when the journal cannot be written, it is told instead.
    fn note_down(&mut self, kind: Kind, step: Option<Step>, text: &str) {
        if let Err(error) = self.record(kind, step, text) {
            self.tell(Event::Note(format!("The journal could not be written: {}", error.chain())));
        }
    }

    /// Tells the caller, without secrets.
    fn tell(&mut self, event: Event) {
        let clean = |text: String| self.redactor.redact(&text);
        let event = match event {
            Event::Begun { step, text } => Event::Begun { step, text: clean(text) },
            Event::Done { step, text, ms } => Event::Done { step, text: clean(text), ms },
            Event::Failed { step, text } => Event::Failed { step, text: clean(text) },
            Event::Undone { step, text } => Event::Undone { step, text: clean(text) },
            Event::Note(text) => Event::Note(clean(text)),
            plain @ (Event::Opened { .. } | Event::Advanced { .. }) => plain,
        };
        (self.observer)(&event);
    }

    /// Tells how far a step is.
    pub(super) fn advance(&mut self, step: Step, done: u64, total: u64) {
        self.tell(Event::Advanced { step, done, total });
    }

    /// A place where a test may crash or hold the rotation.
    pub(super) fn strike(&self, point: &str, moment: &str) {
        if let Some(fault) = &self.plan.request.fault {
            fault.strike(point, moment, self.stop);
        }
    }
}

/// The texts that a command's caller will print.
fn clean(ending: Ending, redactor: &Redactor) -> Ending {
    match ending {
        Ending::HalfWay { cause, next } => Ending::HalfWay { cause, next: redactor.redact(&next) },
        other => other,
    }
}
