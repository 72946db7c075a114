//! `.unleak.yaml`: which rules run, what they are called, and what is left out. Every mistake in it is an error, since a
//! configuration that is misread can hide a leak.
//!
//! There are layers of it: an organisation's file, the one at the root of what is scanned, and those of folders below,
//! which count for what stands under them.

mod error;
mod file;
mod globs;
mod layer;
mod select;
mod sessions;
mod values;

pub use error::Error;
pub use layer::{Layer, Layers};
pub use select::{Selection, select};
pub use sessions::{Sessions, Thresholds, Unit};

use crate::coverage::LayerKind;
use crate::finding::{Confidence, Severity};
use crate::rule::{self, Rule};
use globs::Globs;
use std::path::{Path, PathBuf};
use values::Values;

/// The name of the file that is looked for.
pub const FILE_NAME: &str = ".unleak.yaml";

/// The most bytes a configuration may have.
const MAX_SIZE: u64 = 1 << 20;

/// Reads the rule files that a configuration names, by the path that stands there.
pub type ReadRules<'r> = dyn Fn(&Path) -> Result<Vec<Rule>, rule::Error> + 'r;

/// A configuration that was read and checked.
#[derive(Debug, Default)]
pub struct Config {
    /// Where it was read from, for errors.
    path: PathBuf,
    /// Rules besides the built-in ones; one with the id of an earlier rule takes its place.
    rules: Vec<Rule>,
    disable: Vec<Disabled>,
    overrides: Vec<Override>,
    allowed_paths: Globs,
    allowed_values: Values,
    sessions: Sessions,
}

/// A line and a column, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    line: u64,
    column: u64,
}

/// A rule that does not run, or whose findings in some paths do not count.
#[derive(Debug)]
struct Disabled {
    id: String,
    /// None: everywhere.
    paths: Option<Globs>,
    at: Position,
}

/// What a rule says in place of what it said.
#[derive(Debug)]
struct Override {
    id: String,
    title: Option<String>,
    severity: Option<Severity>,
    confidence: Option<Confidence>,
    at: Position,
}

impl Config {
    /// Reads the configuration of a file. One that stands in what is scanned can name rule files only below itself, and that
    /// of a folder none.
    ///
    /// # Errors
    /// When the file cannot be read or says something that is not understood.
    pub fn load(path: &Path, kind: LayerKind) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::whole(path, reason);
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let metadata = std::fs::symlink_metadata(path).map_err(unreadable)?;
        if !metadata.is_file() {
            // A repository could link it to any file of the machine, and an error would tell of that file.
            return Err(invalid("it is a link or no regular file"));
        }
        if metadata.len() > MAX_SIZE {
            return Err(invalid("it has more than 1 MiB"));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(path, &text, kind, &|name| match kind {
            LayerKind::Organisation => rule::from_path(&folder.join(name)),
            _ => rule::from_path_within(folder, name),
        })
    }

    /// Checks the text of a configuration, whose rule files `rules` reads. `path` stands in errors.
    ///
    /// # Errors
    /// When it says something that is not understood, or names rule files and is that of a folder.
    pub fn parse(path: &Path, text: &str, kind: LayerKind, rules: &ReadRules<'_>) -> Result<Self, Error> {
        file::read(path, text, (kind != LayerKind::Folder).then_some(rules))
    }

    /// The configuration of a folder. Of its parents none counts: whoever can write there could hide a leak here.
    pub fn find(folder: &Path) -> Option<PathBuf> {
        let path = folder.join(FILE_NAME);
        // A link is found too, and then refused: to pass over it would be to scan without what it says.
        path.symlink_metadata().is_ok().then_some(path)
    }

    /// What it says about sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// An error about one place of this file.
    fn wrong(&self, at: Position, reason: String) -> Error {
        Error::Invalid { path: self.path.clone(), line: at.line, column: at.column, reason }
    }
}
