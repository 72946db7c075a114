//! `.unleak.yaml`: which rules run and which paths are left out. Every mistake in it is an error, since a
//! configuration that is misread can hide a leak.

use crate::rule::{self, Rule};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// The name of the file that is looked for.
pub const FILE_NAME: &str = ".unleak.yaml";

/// The most bytes a configuration may have.
const MAX_SIZE: u64 = 1 << 20;

/// A configuration that was read and checked.
#[derive(Debug, Default)]
pub struct Config {
    /// Rules besides the built-in ones; one with the id of a built-in rule takes its place.
    pub rules: Vec<Rule>,
    /// The ids of rules that do not run.
    pub disable: Vec<String>,
    /// The paths whose findings are left out.
    pub allowed_paths: GlobSet,
}

/// The file as it is written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    rules: Vec<PathBuf>,
    disable: Vec<String>,
    allow: Allow,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Allow {
    paths: Vec<String>,
}

/// What can be wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what a configuration looks like.
    #[error("`{}` is no valid configuration: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// A rule file that the configuration names is wrong.
    #[error("the configuration `{}` names a rule file that cannot be used", path.display())]
    Rules {
        /// The configuration.
        path: PathBuf,
        /// What is wrong with the rule file.
        #[source]
        source: Box<rule::Error>,
    },
    /// A rule that does not exist.
    #[error("there is no rule `{0}`")]
    UnknownRule(String),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { .. } => "check the path and its permissions".to_owned(),
            Self::Invalid { .. } => {
                "the keys are `rules` (files), `disable` (rule ids) and `allow: {paths: [globs]}`".to_owned()
            }
            Self::Rules { source, .. } => return source.hint(),
            Self::UnknownRule(_) => "`unleak rules list` names them all".to_owned(),
        })
    }
}

impl Config {
    /// Reads the configuration of a file.
    ///
    /// # Errors
    /// When the file cannot be read or says something that is not understood.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Invalid { path: path.to_owned(), reason };
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let metadata = std::fs::symlink_metadata(path).map_err(unreadable)?;
        if !metadata.is_file() {
            // A repository could link it to any file of the machine, and an error would tell of that file.
            return Err(invalid("it is a link or no regular file".to_owned()));
        }
        if metadata.len() > MAX_SIZE {
            return Err(invalid(format!("it has more than {MAX_SIZE} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(path, &text, &|name| rule::from_path(&folder.join(name)))
    }

    /// Checks the text of a configuration, whose rule files `rules` reads. `path` stands in errors.
    ///
    /// # Errors
    /// When it says something that is not understood.
    pub fn parse(
        path: &Path,
        text: &str,
        rules: &dyn Fn(&Path) -> Result<Vec<Rule>, rule::Error>,
    ) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Invalid { path: path.to_owned(), reason };
        // Without the excerpt: what was taken for a configuration may be a file of secrets.
        let form = |error: serde_yaml::Error| invalid(error.without_snippet().to_string());
        let file: Option<File> = serde_yaml::from_str(text).map_err(form)?;
        let file = file.unwrap_or_default();
        let read = |name: &PathBuf| {
            rules(name).map_err(|source| Error::Rules { path: path.to_owned(), source: Box::new(source) })
        };
        let rules = file.rules.iter().map(read).collect::<Result<Vec<_>, _>>()?.concat();
        let mut globs = GlobSetBuilder::new();
        for glob in &file.allow.paths {
            let glob = GlobBuilder::new(glob).literal_separator(true).build();
            globs.add(glob.map_err(|error| invalid(format!("allow.paths: {error}")))?);
        }
        let allowed_paths = globs.build().map_err(|error| invalid(format!("allow.paths: {error}")))?;
        Ok(Self { rules, disable: file.disable, allowed_paths })
    }

    /// The configuration of a folder. Of its parents none counts: whoever can write there could hide a leak here.
    pub fn find(folder: &Path) -> Option<PathBuf> {
        let path = folder.join(FILE_NAME);
        // A link is found too, and then refused: to pass over it would be to scan without what it says.
        path.symlink_metadata().is_ok().then_some(path)
    }
}

/// The rules that run, and what the rest of the built-in ones became.
#[derive(Debug)]
pub struct Selection {
    /// The rules that run.
    pub rules: Vec<Rule>,
    /// The ids of the built-in rules that others took the place of.
    pub replaced: Vec<String>,
}

/// The rules that run: the built-in ones and then `extra`, of which a later one replaces an earlier one of its id, without
/// those that are disabled, and of these only `only`, if that names any.
///
/// # Errors
/// When an id names no rule: a mistyped id must not silently change what is looked for.
pub fn select(extra: Vec<Rule>, disable: &[String], only: &[String]) -> Result<Selection, Error> {
    let mut rules = rule::builtin();
    let (builtin, mut replaced) = (rules.len(), BTreeSet::new());
    for rule in extra {
        match rules.iter_mut().enumerate().find(|(_, known)| known.id == rule.id) {
            Some((number, known)) => {
                replaced.extend((number < builtin).then(|| rule.id.to_string()));
                *known = rule;
            }
            None => rules.push(rule),
        }
    }
    let ids: HashSet<&str> = rules.iter().map(|rule| &*rule.id).collect();
    if let Some(unknown) = disable.iter().chain(only).find(|id| !ids.contains(id.as_str())) {
        return Err(Error::UnknownRule(unknown.clone()));
    }
    let names = |ids: &[String], rule: &Rule| ids.iter().any(|id| *id == rule.id);
    rules.retain(|rule| !names(disable, rule) && (only.is_empty() || names(only, rule)));
    Ok(Selection { rules, replaced: replaced.into_iter().collect() })
}
