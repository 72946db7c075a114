//! The leak that a rotation answers: a finding of a scan, with the places that it was found in.

use super::super::scan::Whole;
use super::super::{Context, Failure, interrupt};
use crate::dotenv;
use crate::finding::{Finding, Occurrence};
use crate::rotate::{ExposedPlace, Exposure};
use crate::secret::Secret;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// More places than anybody reads; the report says how many there are beyond.
const MOST: usize = 200;
/// Fewer characters of a fingerprint than that name no finding.
const SHORTEST: usize = 6;
/// No file of settings is larger.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A finding that is taken over.
pub(super) struct Leak {
    pub(super) value: Secret,
    pub(super) exposure: Exposure,
    /// Every path that it stands in, inside the repository.
    pub(super) files: Vec<String>,
    /// Those of them that hold it at HEAD.
    pub(super) at_head: Vec<String>,
}

/// Scans the repository and takes the finding over: its value, and where it stands.
pub(super) fn find(id: &str, repository: &Path, context: &mut Context) -> Result<Leak, Failure> {
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
    let files: BTreeSet<_> = finding.occurrences.iter().filter_map(|one| one.path.clone()).collect();
    let at_head = finding.occurrences.iter().filter(|one| one.at_head);
    let at_head: BTreeSet<_> = at_head.filter_map(|one| one.path.clone()).collect();
    Ok(Leak {
        value: finding.secret.clone(),
        exposure: Exposure { finding: finding_id, repository, places, more },
        files: files.into_iter().collect(),
        at_head: at_head.into_iter().collect(),
    })
}

/// The one variable of one dotenv file of the working tree that holds the value, as a target.
pub(super) fn target(leak: &Leak) -> Result<String, Failure> {
    let root = Path::new(&leak.exposure.repository);
    let beside = std::fs::read_dir(root).into_iter().flatten().flatten();
    let beside = beside.filter_map(|entry| entry.file_name().into_string().ok());
    let all: BTreeSet<_> = leak.files.iter().cloned().chain(beside).filter(|path| is_dotenv(path)).collect();
    let found: Vec<_> = all.iter().flat_map(|path| variables(&root.join(path), &leak.value)).collect();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::usage("no dotenv file of the working tree holds the value of the finding")
            .hinted("say with --target where the value is in use")),
        several => Err(Failure::usage(format!(
            "several places hold the value of the finding: {}",
            several.join(", ")
        ))
        .hinted("say with --target which of them is in use; give it several times for several")),
    }
}

/// Whether a file is called like one of settings.
fn is_dotenv(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let sample = ["example", "sample", "template", "dist"].iter().any(|word| name.ends_with(word));
    !sample && (name == ".env" || name.starts_with(".env.") || name.strip_suffix(".env").is_some())
}

/// A target for each variable of the file that holds just this value.
fn variables(path: &Path, value: &Secret) -> Vec<String> {
    let Some(bytes) = regular(path) else { return Vec::new() };
    let Ok(text) = std::str::from_utf8(&bytes) else { return Vec::new() };
    let mut names = BTreeSet::new();
    for one in dotenv::parse(text) {
        if Secret::from(one.read(text)) == *value {
            names.insert(one.name(text).to_owned());
        }
    }
    names.into_iter().map(|name| format!("env:{}#{name}", path.display())).collect()
}

/// A regular file of the size of settings, opened without waiting for whom a pipe waits.
fn regular(path: &Path) -> Option<Zeroizing<Vec<u8>>> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).ok()?);
    }
    let file = options.open(path).ok()?;
    let meta = file.metadata().ok().filter(|meta| meta.is_file() && meta.len() <= LARGEST)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(meta.len()).ok()? + 64));
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn place(occurrence: &Occurrence) -> ExposedPlace {
    ExposedPlace {
        kind: occurrence.place.to_string(),
        path: occurrence.path.clone(),
        commit: occurrence.commit.clone(),
        date: occurrence.date,
    }
}
