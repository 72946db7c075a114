//! Which configuration steers a scan: the one that is named, else the one at the root of what is scanned. Where commits
//! are scanned it is read from the commit before them, so that a change cannot allow its own secrets.

use super::{Args, failure};
use crate::cli::Failure;
use crate::config::{self, Config};
use crate::coverage::Configuration;
use crate::detect::{Detector, Known};
use crate::finding::Scan;
use crate::rule::{self, Rule};
use crate::source::git::{Base, Entry};
use crate::source::{GitSource, Source};
use std::io;
use std::path::{Component, Path, PathBuf};

/// The largest configuration or rule file in a commit.
const LARGEST: usize = 4 << 20;

/// What the options and the configuration make of a scan.
pub(super) struct Chosen {
    pub(super) detector: Detector,
    allowed: globset::GlobSet,
    configuration: Configuration,
}

/// Reads the configuration and makes the detector, which looks for live values too.
pub(super) fn choose(args: &Args, source: &Source, known: Known) -> Result<Chosen, Failure> {
    let failed = |error: config::Error| failure(&error, error.hint());
    let (file, config) = match read(args, source)? {
        Some((file, config)) => (Some(file), config),
        None => (None, Config::default()),
    };
    let mut extra = config.rules;
    for path in &args.rules {
        extra.extend(rule::from_path(path).map_err(|error| failure(&error, error.hint()))?);
    }
    let selection = config::select(extra, &config.disable, &args.rule).map_err(failed)?;
    let rules = if args.only_known { Vec::new() } else { selection.rules };
    let detector = Detector::with_known(rules, known).map_err(|error| failure(&error, error.hint()))?;
    let detector = if args.no_decode { detector.without_decoding() } else { detector };
    let mut disabled = config.disable;
    disabled.sort_unstable();
    disabled.dedup();
    let replaced = selection.replaced;
    let configuration = Configuration { file, disabled, replaced, ..Configuration::default() };
    Ok(Chosen { detector, allowed: config.allowed_paths, configuration })
}

impl Chosen {
    /// Drops what stands only in allowed paths, and notes in the scan what the configuration did.
    pub(super) fn apply(&self, scan: &mut Scan) {
        let before = scan.findings.len();
        // A live value is one in a test folder too.
        for finding in scan.findings.iter_mut().filter(|finding| finding.live_in.is_empty()) {
            let allowed = |path: &String| self.allowed.is_match(path);
            finding.occurrences.retain(|place| !place.path.as_ref().is_some_and(allowed));
        }
        scan.findings.retain(|finding| !finding.occurrences.is_empty());
        let mut left_out = scan.configuration.left_out;
        left_out.paths = (before - scan.findings.len()) as u64;
        scan.configuration = Configuration { left_out, ..self.configuration.clone() };
    }
}

/// The configuration and where it stands.
fn read(args: &Args, source: &Source) -> Result<Option<(String, Config)>, Failure> {
    if args.no_config {
        return Ok(None);
    }
    if let Some(path) = &args.config {
        // A link that the user names is followed; one that is found in the repository is not.
        let found = path.canonicalize().unwrap_or_else(|_| path.clone());
        return Ok(Some((path.display().to_string(), load(&found)?)));
    }
    match source {
        Source::Git(source) => of_repository(source),
        Source::Folder(source) => in_folder(source.root()),
        Source::Stream(_) => Ok(None),
    }
}

fn of_repository(source: &GitSource) -> Result<Option<(String, Config)>, Failure> {
    let base = source.base().map_err(|error| failure(&error, error.hint()))?;
    let Some(base) = base else { return in_folder(source.root()) };
    match in_commit(&base)? {
        None if base.or_working_tree => in_folder(source.root()),
        found => Ok(found),
    }
}

fn in_folder(folder: &Path) -> Result<Option<(String, Config)>, Failure> {
    let path = Config::find(folder);
    path.map(|path| Ok((config::FILE_NAME.to_owned(), load(&path)?))).transpose()
}

fn load(path: &Path) -> Result<Config, Failure> {
    Config::load(path).map_err(|error| failure(&error, error.hint()))
}

fn in_commit(base: &Base<'_>) -> Result<Option<(String, Config)>, Failure> {
    let failed = |error: config::Error| failure(&error, error.hint());
    let name = format!("{}:{}", base.name, config::FILE_NAME);
    let path = PathBuf::from(&name);
    let entry = base.entry(Path::new(config::FILE_NAME), LARGEST);
    let text = match entry.map_err(|error| failure(&error, error.hint()))? {
        None => return Ok(None),
        Some(Entry::File(bytes)) => String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text"),
        Some(Entry::Folder(_) | Entry::Other) => Err("it is a link or no regular file"),
    };
    let text = text
        .map_err(|reason| failed(config::Error::Invalid { path: path.clone(), reason: reason.to_owned() }))?;
    let config = Config::parse(&path, &text, &|file| rules_in(base, file)).map_err(failed)?;
    Ok(Some((name, config)))
}

/// The rules of a file or folder of the commit.
fn rules_in(base: &Base<'_>, path: &Path) -> Result<Vec<Rule>, rule::Error> {
    let shown = |path: &Path| format!("{}:{}", base.name, path.display());
    let unreadable = |path: &Path, reason: String| rule::Error::Read {
        path: shown(path).into(),
        source: io::Error::other(reason),
    };
    let read = |path: &Path| match base.entry(path, LARGEST) {
        Ok(Some(entry)) => Ok(entry),
        Ok(None) => Err(unreadable(path, "the commit does not have it".to_owned())),
        Err(error) => Err(unreadable(path, error.to_string())),
    };
    let text = |path: &Path, entry: Entry| {
        let Entry::File(bytes) = entry else {
            return Err(unreadable(path, "it is no regular file, or too large".to_owned()));
        };
        let text =
            String::from_utf8(bytes).map_err(|_| unreadable(path, "it is no UTF-8 text".to_owned()))?;
        Ok((shown(path), text))
    };
    let path = &inside(path).ok_or_else(|| unreadable(path, "it is outside the repository".to_owned()))?;
    let files = match read(path)? {
        Entry::Folder(mut names) => {
            names.retain(|name| Path::new(name).extension().is_some_and(|end| end == "yaml" || end == "yml"));
            if names.is_empty() {
                return Err(rule::Error::Empty(shown(path).into()));
            }
            names.sort_unstable();
            let paths = names.iter().map(|name| path.join(name));
            paths.map(|path| text(&path, read(&path)?)).collect::<Result<Vec<_>, _>>()?
        }
        entry => vec![text(path, entry)?],
    };
    rule::from_texts(&files)
}

/// A path without `.` and `..`; `None` when it leads out of the repository.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => inside.push(name),
            Component::CurDir => {}
            Component::ParentDir if inside.pop() => {}
            _ => return None,
        }
    }
    Some(inside)
}
