//! The incident report: what happened, what was done, what was seen, and what was not.
//!
//! JSON is the source of truth, Markdown is made from it, and a page and a PDF from that. All pass the redactor, and one that would still hold a
//! secret afterwards is not written.

mod archive;
mod html;
mod markdown;
mod pdf;
mod prose;
mod signature;
pub(super) mod vocabulary;

pub use archive::{Entry, ReportForm, list, report, verify};

use super::evidence::{Answer, Check, Round};
use super::journal::Record;
use super::transaction::{Ending, Rotation};
use super::{Downtime, Error, Exposure, IncidentId, Strength};
use crate::contain::Contained;
use crate::durable::{self, Mode};
use crate::secret::Redactor;
use crate::session::{StoreClass, StoreSummary};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};

/// How bad an incident is, and how soon somebody must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Severity {
    /// Critical: the secret is out. At once.
    #[value(name = "P0", alias = "p0")]
    P0,
    /// High: it may be out. Within an hour.
    #[value(name = "P1", alias = "p1")]
    P1,
    /// Medium. Within four hours.
    #[value(name = "P2", alias = "p2")]
    P2,
    /// Low: routine. Within a day.
    #[value(name = "P3", alias = "p3")]
    P3,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P0 => "P0 (critical, act at once)",
            Self::P1 => "P1 (high, act within 1 hour)",
            Self::P2 => "P2 (medium, act within 4 hours)",
            Self::P3 => "P3 (low, act within 24 hours)",
        })
    }
}

/// Everything that a report says.
#[derive(Clone, Debug, Serialize)]
pub struct Incident {
    /// The form of the JSON report.
    pub schema: &'static str,
    /// What wrote it.
    pub tool: &'static str,
    /// The incident's name.
    pub id: IncidentId,
    /// How bad it is.
    pub severity: Severity,
    /// How the rotation ended.
    pub status: &'static str,
    /// When the rotation started.
    pub opened: Timestamp,
    /// When it ended.
    pub closed: Timestamp,
    /// How long it took, by a clock that nobody can set.
    pub duration_ms: u64,
    /// The targets.
    pub targets: Vec<String>,
    /// The form of the new value.
    pub format: String,
    /// What stands in place of every value.
    pub placeholder: String,
    /// How hard the old value was to guess.
    pub old_strength: Option<Strength>,
    /// Where the old value leaked to, as a scan found it.
    pub exposure: Option<Exposure>,
    /// What was taken out of the repository that it leaked in, where that was asked for and done.
    pub containment: Option<Contained>,
    /// What was done to keep the values out of core dumps.
    pub protection: String,
    /// Since when the old value could be read by others, as the operator or the first commit says.
    pub exposed_since: Option<Timestamp>,
    /// When every target had the new value.
    pub replaced_at: Option<Timestamp>,
    /// What kind of sessions the secret protects.
    pub class: Option<StoreClass>,
    /// Where that is known from.
    pub class_basis: &'static str,
    /// The store as it was before.
    pub store: Option<StoreSummary>,
    /// Each purge with its counts.
    pub purges: Vec<Round>,
    /// Each answer of the probe.
    pub answers: Vec<Answer>,
    /// How long the application did not answer; `None` where nobody asked it.
    pub downtime: Option<Downtime>,
    /// The verification table.
    pub checks: Vec<Check>,
    /// What is still open.
    pub residual_risks: Vec<String>,
    /// The journal's records.
    pub timeline: Vec<Record>,
    /// The hash of the journal's last record.
    pub journal_head: String,
}

/// How a rotation ended, in a few words.
pub(super) fn ending(ending: &Ending) -> &'static str {
    match ending {
        Ending::Done => "done; nothing that was checked failed",
        Ending::Unverified => "done, but a verification failed",
        Ending::Undone(_) => "failed and undone: the old value is back",
        Ending::HalfWay { .. } => "stopped half-way",
    }
}

impl Incident {
    pub(super) fn new(rotation: &Rotation<'_>, how: &Ending, journal_head: String) -> Self {
        let plan = rotation.plan;
        Self {
            schema: "unleak.incident/v1",
            tool: concat!("unleak ", env!("CARGO_PKG_VERSION")),
            id: rotation.id.clone(),
            severity: plan.request.severity,
            status: ending(how),
            opened: rotation.opened,
            closed: rotation.timeline.last().map_or(rotation.opened, |last| last.at),
            duration_ms: rotation.timeline.last().map_or(0, |last| last.ms),
            targets: plan.request.targets.iter().map(ToString::to_string).collect(),
            format: plan.format.describe(),
            placeholder: plan.format.placeholder(),
            old_strength: plan.strength,
            exposure: plan.request.exposure.clone(),
            containment: rotation.evidence.contained.clone(),
            protection: plan.request.protection.to_string(),
            exposed_since: plan.request.exposed_since,
            replaced_at: rotation.replaced_at(how),
            class: plan.class,
            class_basis: plan.class_basis(),
            store: plan.store.clone(),
            purges: rotation.evidence.rounds.clone(),
            answers: rotation.evidence.answers.clone(),
            downtime: rotation.evidence.downtime.clone(),
            checks: rotation.evidence.checks.clone(),
            residual_risks: prose::residual_risks(plan, how, &rotation.evidence),
            timeline: rotation.timeline.clone(),
            journal_head,
        }
        .redacted(&rotation.redactor)
    }

    /// The incident without secrets in any of its texts.
    fn redacted(mut self, redactor: &Redactor) -> Self {
        self.targets.iter_mut().for_each(|target| *target = redactor.redact(target));
        for check in &mut self.checks {
            check.claim = redactor.redact(&check.claim);
            check.evidence = redactor.redact(&check.evidence);
        }
        self.residual_risks.iter_mut().for_each(|risk| *risk = redactor.redact(risk));
        self
    }

    /// The JSON report.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a report is plain data")
    }

    /// The report for people.
    pub fn to_markdown(&self) -> String {
        markdown::render(self)
    }

    /// Writes and signs the reports; none when one would hold a secret.
    pub(super) fn write(&self, folder: &Path, state: &Path, redactor: &Redactor) -> Result<PathBuf, Error> {
        let json = serde_json::to_string_pretty(&redacted(self.to_json(), redactor))
            .expect("a report is plain data");
        let markdown = redactor.redact(&self.to_markdown());
        let title = format!("Incident {}: session secret rotation", self.id);
        // All of its text is the Markdown's, which is clean; its own syntax must not be taken for a weak secret.
        let pdf = pdf::render(&title, &markdown, &hex::encode(Sha256::digest(&json)));
        let texts = [
            (ReportForm::Json, json),
            (ReportForm::Markdown, markdown),
            (ReportForm::Html, redactor.redact(&html::render(self))),
        ];
        // The hashes are our own random-looking text, and stand in the journal anyway.
        if texts.iter().any(|(_, text)| !redactor.is_clean(text.as_bytes())) {
            return Err(Error::Unclean("the report"));
        }
        let texts = texts.iter().map(|(form, text)| (*form, text.as_bytes()));
        for (form, bytes) in texts.chain([(ReportForm::Pdf, &pdf[..])]) {
            let path = folder.join(form.file());
            durable::write_atomic(&path, bytes, Mode::Private)?;
            signature::sign(&path, bytes, state, &self.id, &self.journal_head)?;
        }
        Ok(folder.join(ReportForm::Markdown.file()))
    }
}

/// Data without secrets in any of its texts.
pub(super) fn redacted(value: Value, redactor: &Redactor) -> Value {
    match value {
        Value::String(text) => Value::String(redactor.redact(&text)),
        Value::Array(items) => items.into_iter().map(|item| redacted(item, redactor)).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, redacted(value, redactor))).collect(),
        other => other,
    }
}
