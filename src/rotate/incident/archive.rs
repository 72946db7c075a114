//! The incidents of a state folder: which there are, what they say, and whether anything in them was changed.

use super::signature;
use crate::rotate::bounded::{self, RECORD};
use crate::rotate::evidence::{Check, Status};
use crate::rotate::journal::{Kind, read_journal};
use crate::rotate::unfinished::SEALED;
use crate::rotate::{Error, IncidentId};
use jiff::Timestamp;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

/// An incident of the state folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name.
    pub id: IncidentId,
    /// When it was opened, where its journal can be read.
    pub opened: Option<Timestamp>,
    /// How it ended or where it stands.
    pub status: String,
    /// Whether it can be resumed or aborted.
    pub unfinished: bool,
    /// What it was about, as its journal says.
    pub targets: Vec<String>,
}

/// The forms that a report is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportForm {
    /// For people.
    #[value(alias = "md")]
    Markdown,
    /// For machines.
    Json,
    /// For people without a terminal: one page that loads nothing.
    Html,
    /// The same on paper.
    Pdf,
}

impl ReportForm {
    /// Every form.
    pub(super) const ALL: [Self; 4] = [Self::Json, Self::Markdown, Self::Html, Self::Pdf];

    /// The name of its file in the incident's folder.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Markdown => "report.md",
            Self::Json => "report.json",
            Self::Html => "report.html",
            Self::Pdf => "report.pdf",
        }
    }
}

/// Lists every incident, the oldest first.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn list(state: &Path) -> Result<Vec<Entry>, Error> {
    let all = state.join("incidents");
    if !all.exists() {
        return Ok(Vec::new());
    }
    let failed = |source| Error::Read { path: all.clone(), source };
    let mut entries = Vec::new();
    for folder in std::fs::read_dir(&all).map_err(failed)? {
        let folder = folder.map_err(failed)?.path();
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Ok(id) = IncidentId::from_str(name) {
            entries.push(entry(id, &folder));
        }
    }
    entries.sort_by(|a, b| (a.opened, a.id.as_str()).cmp(&(b.opened, b.id.as_str())));
    Ok(entries)
}

fn entry(id: IncidentId, folder: &Path) -> Entry {
    let unfinished = folder.join(SEALED).exists();
    let records = match read_journal(&folder.join("journal.jsonl")) {
        Ok(records) => records,
        Err(error) => {
            let status = format!("its journal cannot be trusted: {}", error.chain());
            return Entry { id, opened: None, status, unfinished, targets: Vec::new() };
        }
    };
    let last = records.last();
    let status = match last {
        Some(last) if last.event == Kind::Closed => last.detail.clone(),
        Some(_) if unfinished => "stopped by a crash".to_owned(),
        _ => "ended before anything was changed".to_owned(),
    };
    let plan = records.first().and_then(|first| first.plan.as_ref());
    let targets = plan.and_then(|plan| plan.get("targets")).and_then(|targets| targets.as_array());
    let names = targets.into_iter().flatten().filter_map(|target| target.get("target")?.as_str());
    let targets = names.map(str::to_owned).collect();
    Entry { id, opened: records.first().map(|first| first.at), status, unfinished, targets }
}

/// Reads the report of an incident.
///
/// # Errors
/// When there is none.
pub fn report(state: &Path, id: &IncidentId, form: ReportForm) -> Result<Vec<u8>, Error> {
    let path = folder(state, id)?.join(form.file());
    bounded::read(&path, &path, RECORD).map(|bytes| bytes.to_vec())
}

/// Checks that nothing in an incident's folder was changed, with this installation's public key or another one.
///
/// # Errors
/// When there is no such incident, or the key cannot be read.
pub fn verify(state: &Path, id: &IncidentId, key: Option<&Path>) -> Result<Vec<Check>, Error> {
    let folder = folder(state, id)?;
    let mut checks = vec![];
    let head = journal(&folder, &mut checks);
    let own = state.join(signature::PUBLIC);
    let path = key.unwrap_or(&own);
    if !folder.join(ReportForm::Json.file()).exists() {
        let (status, evidence) = if folder.join(SEALED).exists() {
            (Status::NotChecked, "the rotation is unfinished and has no report yet")
        } else {
            (Status::Failed, "there is no report")
        };
        checks.push(check("The report is what was signed", status, evidence));
        return Ok(checks);
    }
    let public = signature::public_key(path)?;
    for form in ReportForm::ALL {
        let file = folder.join(form.file());
        if form == ReportForm::Pdf && !file.exists() && !signature::beside(&file).exists() {
            let why = "there is none: unleak wrote none when this incident was closed";
            checks.push(check("report.pdf is what was signed", Status::NotChecked, why));
            continue;
        }
        let said = match bounded::read(&file, &file, RECORD) {
            Ok(content) => signature::check(&file, &content, &public, id).map(|()| content),
            Err(error) => Err(error.chain()),
        };
        let claim = format!("{} is what was signed", form.file());
        match said {
            Ok(content) => {
                checks.push(check(&claim, Status::Verified, &format!("with the key of {}", path.display())));
                if form == ReportForm::Json {
                    checks.push(same_head(&content, head.as_deref()));
                }
            }
            Err(why) => checks.push(check(&claim, Status::Failed, &why)),
        }
    }
    Ok(checks)
}

/// Checks the chain, and gives the hash of its last record.
fn journal(folder: &Path, checks: &mut Vec<Check>) -> Option<String> {
    let path = folder.join("journal.jsonl");
    let claim = "The journal is a whole chain";
    match read_journal(&path) {
        Ok(records) => {
            let whole = bounded::read(&path, &path, RECORD).is_ok_and(|bytes| bytes.ends_with(b"\n"));
            let last = records.last()?;
            let (status, evidence) = match (last.event, whole) {
                (_, false) => (Status::Failed, "its last line is cut off".to_owned()),
                (Kind::Closed, true) => {
                    (Status::Verified, format!("{} records, the last hash is {}", records.len(), last.hash))
                }
                (_, true) => (Status::NotChecked, format!("{} records; it was not closed", records.len())),
            };
            checks.push(check(claim, status, &evidence));
            Some(last.hash.clone())
        }
        Err(error) => {
            checks.push(check(claim, Status::Failed, &error.chain()));
            None
        }
    }
}

/// A chain alone can be made anew by whoever changes it; the signed report holds its end.
fn same_head(report: &[u8], head: Option<&str>) -> Check {
    let value: serde_json::Value = serde_json::from_slice(report).unwrap_or_default();
    let signed = value.get("journal_head").and_then(|head| head.as_str());
    let claim = "The journal is the one that the report was written from";
    match (signed, head) {
        (Some(signed), Some(head)) if signed == head => {
            check(claim, Status::Verified, "its last hash stands in the signed report")
        }
        _ => check(claim, Status::Failed, "its last hash is not the one in the signed report"),
    }
}

fn check(claim: &str, status: Status, evidence: &str) -> Check {
    Check { claim: claim.to_owned(), status, evidence: evidence.to_owned() }
}

fn folder(state: &Path, id: &IncidentId) -> Result<PathBuf, Error> {
    let folder = state.join("incidents").join(id.as_str());
    if folder.is_dir() { Ok(folder) } else { Err(Error::NoIncident(id.to_string())) }
}
