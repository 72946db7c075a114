//! The incident of a rotation that starts or goes on: its folder, its journal, and the sealed way back.

use super::before::Before;
use super::incident;
use super::journal::{Journal, Kind, Record};
use super::memo::Memo;
use super::unfinished::Unfinished;
use super::{Error, IncidentId, Plan, way_back};
use crate::durable;
use crate::secret::{Redactor, Secret};
use jiff::Timestamp;
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};

/// An incident whose journal is open.
pub(super) struct Opened {
    pub(super) id: IncidentId,
    pub(super) folder: PathBuf,
    pub(super) journal: Journal,
    pub(super) timeline: Vec<Record>,
}

impl Opened {
    /// Makes the folder, the journal and the sealed way back.
    pub(super) fn new(
        plan: &Plan,
        before: &Before,
        now: Timestamp,
        redactor: &Redactor,
        new: &Secret,
    ) -> Result<Self, Error> {
        let state = &plan.request.state;
        let (id, folder) = make_folder(&state.join("incidents"), plan.request.incident.as_ref(), now)?;
        let mut journal = Journal::create(&folder.join("journal.jsonl"))?;
        let mut data = plan.to_json();
        data["answers"] = json!(before.answers);
        data["pages"] = json!(before.pages);
        let data = incident::redacted(data, redactor);
        let first =
            journal.append(Kind::Opened, None, None, &format!("incident {id}"), Some(data), redactor)?;
        Memo::of(&plan.request, &before.canary).write(&folder, state, &id)?;
        way_back::write(&folder, state, &id, &plan.held, new, plan.request.leaked.as_ref())?;
        Ok(Self { id, folder, journal, timeline: vec![first] })
    }

    /// Goes on where a crash or a failure ended.
    pub(super) fn again(unfinished: &Unfinished) -> Result<Self, Error> {
        let (id, folder, timeline) =
            (unfinished.id.clone(), unfinished.folder.clone(), unfinished.records.clone());
        let path = folder.join("journal.jsonl");
        durable::clear_abandoned(&path)?;
        let journal = Journal::reopen(&path, &timeline)?;
        Ok(Self { id, folder, journal, timeline })
    }
}

/// Makes the folder of a new incident; two rotations never get the same one.
fn make_folder(
    all: &Path,
    wanted: Option<&IncidentId>,
    now: Timestamp,
) -> Result<(IncidentId, PathBuf), Error> {
    durable::create_private_dir(all)?;
    let mut number = 0;
    loop {
        number += 1;
        let id = wanted.cloned().unwrap_or_else(|| IncidentId::numbered(now, number));
        let folder = all.join(id.as_str());
        match std::fs::create_dir(&folder) {
            Ok(()) => {
                set_private(&folder)?;
                return Ok((id, folder));
            }
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && wanted.is_none() && number < 999 => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::IncidentExists(id.to_string()));
            }
            Err(source) => return Err(Error::Read { path: folder, source }),
        }
    }
}

#[cfg(unix)]
fn set_private(folder: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
        .map_err(|source| Error::Read { path: folder.to_owned(), source })
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "one signature on every system")]
fn set_private(_folder: &Path) -> Result<(), Error> {
    Ok(())
}
