//! What a team has settled about the secrets that a scan finds: the ignore file at the root of what is scanned, and the
//! baseline that is named.

use super::{Args, failure};
use crate::cli::Failure;
use crate::finding::{Confidence, Scan};
use crate::secret::Secret;
use crate::source::Source;
use crate::source::git::{Base, Entry};
use crate::suppress::{self, Baseline, FILE_NAME, IgnoreFile, Judged};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};

/// The files, each with its name as the report tells it.
pub(super) struct Settled {
    ignore_file: Option<(String, IgnoreFile)>,
    baseline: Option<(String, Baseline)>,
}

impl Settled {
    pub(super) fn read(args: &Args, source: &Source) -> Result<Self, Failure> {
        let ignore_file = if args.no_ignore_file { None } else { ignore_file(source, args.staged)? };
        let baseline = args.baseline.as_deref().map(baseline).transpose()?;
        Ok(Self { ignore_file, baseline })
    }

    /// Takes out of a scan what is settled.
    pub(super) fn apply(&self, scan: &mut Scan, judged: Judged) {
        let values = if self.baseline.is_some() { values(scan) } else { Vec::new() };
        if let Some((name, file)) = &self.ignore_file {
            file.apply(name, scan, today(), judged);
        }
        if let Some((name, baseline)) = &self.baseline {
            baseline.apply(name, scan, &values, judged);
        }
    }
}

/// All values of a scan.
pub(super) fn values(scan: &Scan) -> Vec<Secret> {
    scan.findings.iter().map(|finding| finding.secret.clone()).collect()
}

/// The day everywhere: entries must expire on all machines at once.
pub(in crate::cli) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// The folder at the root of what is scanned.
pub(super) fn root(source: &Source) -> Option<PathBuf> {
    let root = match source {
        Source::Git(source) if source.is_bare() => return None,
        Source::Git(source) => source.root(),
        Source::Folder(source) => source.root(),
        Source::Stream(_) => return None,
    };
    root.is_dir().then(|| root.to_owned())
}

/// Whether of a repository only the files were read, or nothing but a stream.
fn is_without_history(source: &Source) -> bool {
    match source {
        Source::Git(_) => false,
        // The names of the entries are the same with and without the history.
        Source::Folder(folder) => {
            let root = folder.root().canonicalize();
            root.is_ok_and(|root| root.ancestors().any(|folder| folder.join(".git").exists()))
        }
        Source::Stream(_) => true,
    }
}

/// Whether what was not found is gone: only where all was looked at, and as by default.
pub(super) fn judged(args: &Args, source: &Source, scan: &Scan) -> Judged {
    let is_whole = !args.staged
        && args.range.is_none()
        && args.rule.is_empty()
        && args.known_from.is_empty()
        && !args.no_archives
        && !args.no_decode
        && Confidence::from(args.min_confidence) <= Confidence::Medium
        && !is_without_history(source)
        && scan.coverage.is_complete();
    if is_whole { Judged::Whole } else { Judged::Part }
}

fn baseline(path: &Path) -> Result<(String, Baseline), Failure> {
    let loaded = Baseline::load(path).map_err(|error| failed(&error))?;
    let missing = || {
        let failure = Failure::usage(format!("there is no baseline `{}`", path.display()));
        failure.hinted(format!("`unleak baseline write {}` makes one of what is found now", path.display()))
    };
    Ok((path.display().to_string(), loaded.ok_or_else(missing)?))
}

/// The ignore file of the root, or of the commit that the scan stands on. Who stages a change decides about it and sees
/// the file, so there it is the one on disk: an entry and what it is for can be one commit.
fn ignore_file(source: &Source, staged: bool) -> Result<Option<(String, IgnoreFile)>, Failure> {
    if let (Source::Git(source), false) = (source, staged) {
        let base = source.base().map_err(|error| failure(&error, error.hint()))?;
        if let Some(base) = base {
            return in_commit(&base);
        }
    }
    let Some(root) = root(source) else { return Ok(None) };
    let file = IgnoreFile::load(&root.join(FILE_NAME)).map_err(|error| failed(&error))?;
    Ok(file.map(|file| (FILE_NAME.to_owned(), file)))
}

fn in_commit(base: &Base<'_>) -> Result<Option<(String, IgnoreFile)>, Failure> {
    let name = format!("{}:{FILE_NAME}", base.name);
    let entry = base.entry(Path::new(FILE_NAME), suppress::MAX_SIZE);
    let text = match entry.map_err(|error| failure(&error, error.hint()))? {
        None => return Ok(None),
        Some(Entry::File(bytes)) => String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text"),
        Some(Entry::Folder(_) | Entry::Other) => Err("it is a link, no regular file, or too large"),
    };
    let invalid =
        |reason: &str| suppress::Error::Invalid { file: name.clone(), line: 0, reason: reason.to_owned() };
    let file = text.map_err(invalid).and_then(|text| IgnoreFile::parse(&name, &text));
    Ok(Some((name.clone(), file.map_err(|error| failed(&error))?)))
}

fn failed(error: &suppress::Error) -> Failure {
    failure(error, error.hint())
}
