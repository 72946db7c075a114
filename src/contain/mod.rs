//! A leaked value taken out of the files that hold it at HEAD, by a commit of its own on the current branch.
//!
//! What the user has changed or staged is never mixed with it, and every other file and the rest of the index stay as
//! they are. History, clones and forks keep the value: this stops the next reader, and nothing else.

mod commit;
mod edit;
mod error;
mod look;

pub use error::Error;

use crate::secret::Secret;
use git2::{FileMode, Oid};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What happens to a file that holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Manner {
    /// The value is replaced; the rest of the file stays.
    Redact,
    /// The file is removed.
    Remove,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Containment {
    /// A path inside the repository.
    pub repository: PathBuf,
    /// The files of HEAD that a scan found the value in, by their paths inside the repository. Those that hold it plainly are found anyway.
    pub paths: Vec<String>,
    /// What happens to them.
    pub manner: Manner,
    /// Files that are left as they are, since something else takes the value out of them.
    pub spared: Vec<PathBuf>,
}

/// What would be done, found out without changing anything.
#[derive(Clone, Debug)]
pub struct Planned {
    repository: PathBuf,
    branch: String,
    /// The branch by its full name.
    reference: String,
    head: Oid,
    manner: Manner,
    files: Vec<File>,
    left: Vec<Left>,
    unsigned: bool,
    searched: usize,
    unsearched: usize,
}

/// A file that holds the value at HEAD and can be freed of it.
#[derive(Clone, Debug)]
struct File {
    path: String,
    mode: FileMode,
    old: Oid,
    /// What HEAD will hold; `None` for a file that is removed.
    new: Option<Zeroizing<Vec<u8>>>,
    /// How many places in it are changed.
    count: usize,
}

/// A file that keeps the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Its path inside the repository.
    pub path: String,
    /// Why.
    pub why: String,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contained {
    /// The root of the working tree.
    pub repository: String,
    /// The branch that got the commit.
    pub branch: String,
    /// What happened to the files.
    pub manner: Manner,
    /// The commits that were made, the newest first; none where no file held the value any more.
    pub commits: Vec<String>,
    /// The files in them.
    pub files: Vec<String>,
    /// The files that keep the value.
    pub left: Vec<Left>,
    /// How many files of HEAD were searched after all.
    pub searched: usize,
    /// How many were not, being too large or too many.
    pub unsearched: usize,
}

impl Containment {
    /// Looks at HEAD, and at what the user has in hand; changes nothing.
    ///
    /// # Errors
    /// When a commit could not be made, or one of the files has changes that are not committed.
    pub fn plan(&self, value: &Secret) -> Result<Planned, Error> {
        let planned = look::at(self, value, None)?;
        look::untouched(&planned)?;
        Ok(planned)
    }

    /// Makes the commit, or goes on with one that a crash interrupted. `label` names the incident, and `strike` is called
    /// around every change. What fails leaves everything as it was.
    ///
    /// # Errors
    /// As [`Self::plan`]; and when somebody else changes the files or the branch at the same time.
    pub fn apply(
        &self,
        value: &Secret,
        label: &str,
        strike: &dyn Fn(&str, &str),
    ) -> Result<Contained, Error> {
        let planned = look::at(self, value, Some(label))?;
        let mut contained = commit::make(&planned, value, label, strike)?;
        commit::settle(&mut contained, look::at(self, value, Some(label))?);
        Ok(contained)
    }

    /// Takes back what an [`Self::apply`] did that a crash ended before its commit. Gives the commits where it came as far.
    ///
    /// # Errors
    /// When a file is neither as it was nor as it was going to be.
    pub fn take_back(&self, value: &Secret, label: &str) -> Result<Contained, Error> {
        commit::take_back(&look::at(self, value, Some(label))?, label)
    }
}

impl Planned {
    /// What will be done, in words.
    pub fn describe(&self) -> String {
        let names = |paths: &[String]| match paths {
            [one] => one.clone(),
            all => format!("{} files ({})", all.len(), shortened(all)),
        };
        let counted = |file: &File| match file.count {
            0 => file.path.clone(),
            1 => format!("{} (1 replacement)", file.path),
            count => format!("{} ({count} replacements)", file.path),
        };
        let files: Vec<_> = self.files.iter().map(counted).collect();
        let place = format!("branch {} of {}", self.branch, self.repository.display());
        let act = match (self.manner, files.is_empty()) {
            (_, true) => {
                format!("nothing to commit on {place}: HEAD holds the value in no file that can be changed")
            }
            (Manner::Redact, _) => format!("commit to {place}: the value redacted in {}", names(&files)),
            (Manner::Remove, _) => format!("commit to {place}: {} removed", names(&files)),
        };
        let left = self.left.iter().map(|left| format!("; {} is left, since {}", left.path, left.why));
        act + &left.collect::<String>()
    }

    /// What the user should know before.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.files.is_empty() {
            warnings.push("The commit of --contain is not pushed, and the history before it, clones, forks, caches and pull requests go on holding the value.".to_owned());
        }
        if self.unsigned {
            warnings.push(
                "commit.gpgsign is set, and the commit of --contain will not be signed; no hook of git runs for it either.".to_owned(),
            );
        }
        warnings
    }
}

/// The first of many names.
fn shortened(paths: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = paths.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if paths.len() > SHOWN {
        text.push_str(", …");
    }
    text
}
