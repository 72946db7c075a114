//! The leak that a rotation answers: a finding of a scan, with the places that it was found in.

use super::super::scan::Whole;
use super::super::{Context, Failure, interrupt};
use crate::finding::{Finding, Occurrence};
use crate::rotate::{ExposedPlace, Exposure};
use crate::secret::Secret;
use std::path::Path;

/// More places than anybody reads; the report says how many there are beyond.
const MOST: usize = 200;
/// Fewer characters of a fingerprint than that name no finding.
const SHORTEST: usize = 6;

/// Scans the repository and takes the finding over: its value, and where it stands.
pub(super) fn find(
    id: &str,
    repository: &Path,
    context: &mut Context,
) -> Result<(Secret, Exposure), Failure> {
    let done = Whole::default().scan(repository, &["--min-confidence", "low"], context)?;
    // What a scan does on Ctrl-C is of no use to the question that follows.
    interrupt::end_at_once();
    let id = id.to_ascii_lowercase();
    let named = |finding: &&Finding| id.len() >= SHORTEST && finding.fingerprint.to_string().starts_with(&id);
    let mut found = done.scan.findings.iter().filter(named);
    let (finding, another) = (found.next(), found.next().is_some());
    let finding = finding.filter(|_| !another).ok_or_else(|| {
        let why = if another { "several findings have" } else { "no finding has" };
        Failure::usage(format!("{why} such a fingerprint in {}", repository.display())).hinted(
            "`unleak scan --format json` tells each fingerprint; it is of this installation, so give the same --state",
        )
    })?;
    let root = done.root.as_deref().unwrap_or(repository);
    let places: Vec<_> = finding.occurrences.iter().take(MOST).map(place).collect();
    let more = finding.occurrences.len() - places.len();
    let (finding_id, repository) = (finding.fingerprint.to_string(), root.display().to_string());
    Ok((finding.secret.clone(), Exposure { finding: finding_id, repository, places, more }))
}

fn place(occurrence: &Occurrence) -> ExposedPlace {
    ExposedPlace {
        kind: occurrence.place.to_string(),
        path: occurrence.path.clone(),
        commit: occurrence.commit.clone(),
        date: occurrence.date,
    }
}
