//! Which configurations steer a scan: the one that is named, the one at the root of what is scanned, and those of folders
//! below. Where commits are scanned they are read from the commit before them, so that a change cannot allow its own
//! secrets.

use super::{Args, failure};
use crate::cli::{Context, Failure};
use crate::config::{self, Config, Layer, Selection};
use crate::coverage::{Configuration, LayerKind};
use crate::detect::{Detector, Known};
use crate::finding::Scan;
use crate::rule::{self, Rule, Text};
use crate::source::Source;
use crate::source::git::{Base, Entry};
use std::collections::HashSet;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The environment variable that names the organisation's configuration.
const VARIABLE: &str = "UNLEAK_CONFIG";

/// The largest configuration or rule file in a commit.
const LARGEST: usize = 4 << 20;

/// What the options and the configurations make of a scan.
pub(super) struct Chosen {
    pub(super) detector: Detector,
    layers: Vec<Layer>,
    ids: HashSet<Text>,
    configuration: Configuration,
}

/// Reads the configurations and makes the detector, which looks for live values too.
pub(super) fn choose(
    args: &Args,
    source: &Source,
    known: Known,
    context: &Context,
) -> Result<Chosen, Failure> {
    let mut layers: Vec<Layer> = organisation(args, context)?.into_iter().collect();
    let mut file = layers.first().map(|layer| layer.usage().file.clone());
    if let Some((name, config)) = read(args, source)? {
        layers.push(Layer::new(config, LayerKind::Repository, name.clone(), ""));
        file = Some(name);
    }
    let mut extra = Vec::new();
    for path in &args.rules {
        extra.extend(rule::from_path(path).map_err(|error| failure(&error, error.hint()))?);
    }
    let Selection { rules, replaced, disabled, ids } =
        config::select(&mut layers, extra, &args.rule).map_err(|error| failed(&error))?;
    let rules = if args.only_known { Vec::new() } else { rules };
    let detector = Detector::with_known(rules, known).map_err(|error| failure(&error, error.hint()))?;
    let detector = if args.no_decode { detector.without_decoding() } else { detector };
    let configuration = Configuration { file, disabled, replaced, ..Configuration::default() };
    Ok(Chosen { detector, layers, ids, configuration })
}

impl Chosen {
    /// Drops what the configurations allow, and notes in the scan what they did.
    pub(super) fn apply(&mut self, args: &Args, source: &Source, scan: &mut Scan) -> Result<(), Failure> {
        let base = if args.no_config { None } else { base(source)? };
        let read = |folder: &str| {
            if args.no_config { Ok(None) } else { of_folder(source, base.as_ref(), folder) }
        };
        let layers = config::Layers {
            whole: &mut self.layers,
            read: &read,
            ids: &self.ids,
            min_confidence: args.min_confidence.into(),
        };
        let layers = layers.apply(scan).map_err(|error| failed(&error))?;
        let left_out = scan.configuration.left_out;
        scan.configuration = Configuration { layers, left_out, ..self.configuration.clone() };
        Ok(())
    }
}

fn failed(error: &config::Error) -> Failure {
    failure(error, error.hint())
}

/// The file that whoever runs the scan names, for all that they scan.
fn organisation(args: &Args, context: &Context) -> Result<Option<Layer>, Failure> {
    let named = args.config.clone().or_else(|| context.env(VARIABLE).map(PathBuf::from));
    let Some(path) = named else { return Ok(None) };
    // A link that the user names is followed; one that is found in the repository is not.
    let found = path.canonicalize().unwrap_or_else(|_| path.clone());
    Ok(Some(Layer::new(
        load(&found, LayerKind::Organisation)?,
        LayerKind::Organisation,
        path.display().to_string(),
        "",
    )))
}

/// The configuration at the root of what is scanned, and where it stands.
fn read(args: &Args, source: &Source) -> Result<Option<(String, Config)>, Failure> {
    match source {
        _ if args.no_config => Ok(None),
        Source::Git(git) => match base(source)? {
            None => in_folder(git.root()),
            Some(base) => {
                match in_commit(&base, "", LayerKind::Repository).map_err(|error| failed(&error))? {
                    None if base.or_working_tree => in_folder(git.root()),
                    found => Ok(found),
                }
            }
        },
        Source::Folder(source) => in_folder(source.root()),
        Source::Stream(_) => Ok(None),
    }
}

/// The commit that is read from, if it is not the working tree.
fn base(source: &Source) -> Result<Option<Base<'_>>, Failure> {
    match source {
        Source::Git(source) => source.base().map_err(|error| failure(&error, error.hint())),
        _ => Ok(None),
    }
}

fn in_folder(folder: &Path) -> Result<Option<(String, Config)>, Failure> {
    let path = Config::find(folder);
    path.map(|path| Ok((config::FILE_NAME.to_owned(), load(&path, LayerKind::Repository)?))).transpose()
}

fn load(path: &Path, kind: LayerKind) -> Result<Config, Failure> {
    Config::load(path, kind).map_err(|error| failed(&error))
}

/// The configuration of a folder below the root, by its path, from where the one at the root comes from.
fn of_folder(source: &Source, base: Option<&Base<'_>>, folder: &str) -> Result<Option<Layer>, config::Error> {
    let root = match source {
        Source::Git(source) => source.root(),
        Source::Folder(source) => source.root(),
        Source::Stream(_) => return Ok(None),
    };
    let found = match base {
        None => below(root, folder)?,
        Some(base) => match in_commit(base, folder, LayerKind::Folder)? {
            None if base.or_working_tree => below(root, folder)?,
            found => found,
        },
    };
    Ok(found.map(|(name, config)| Layer::new(config, LayerKind::Folder, name, folder)))
}

/// The configuration of a folder on disk. A path of the history may lead through what is a link today: none is followed.
fn below(root: &Path, folder: &str) -> Result<Option<(String, Config)>, config::Error> {
    let Some(folder) = inside(Path::new(folder)) else { return Ok(None) };
    let mut path = root.to_owned();
    for part in &folder {
        path.push(part);
        if !path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            return Ok(None);
        }
    }
    let name = folder.join(config::FILE_NAME).display().to_string();
    Config::find(&path).map(|file| Ok((name, Config::load(&file, LayerKind::Folder)?))).transpose()
}

/// The configuration of a folder of the commit; the root has no name.
fn in_commit(
    base: &Base<'_>,
    folder: &str,
    kind: LayerKind,
) -> Result<Option<(String, Config)>, config::Error> {
    let Some(file) = inside(&Path::new(folder).join(config::FILE_NAME)) else { return Ok(None) };
    let name = format!("{}:{}", base.name, file.display());
    let path = PathBuf::from(&name);
    let unreadable = |error: crate::source::Error| config::Error::Unreadable {
        path: path.clone(),
        source: io::Error::other(error.to_string()),
    };
    let text = match base.entry(&file, LARGEST).map_err(unreadable)? {
        None => return Ok(None),
        Some(Entry::File(bytes)) => String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text"),
        Some(Entry::Folder(_) | Entry::Other) => Err("it is a link or no regular file"),
    };
    let text = text.map_err(|reason| config::Error::whole(&path, reason))?;
    let config = Config::parse(&path, &text, kind, &|file| rules_in(base, file))?;
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
