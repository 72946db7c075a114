//! What a scan found: one finding a secret, with every place it stands in.

use crate::coverage::{Configuration, Coverage};
use crate::exit::Exit;
use crate::secret::{Fingerprint, Secret};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// What a scan gives: the secrets, and how far it saw.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// One finding a secret.
    pub findings: Vec<Finding>,
    /// Values that were found too and of which no finding tells, or tells no more: what is said of the others must not
    /// show them either.
    pub hidden: Vec<Secret>,
    /// What was seen and what was not.
    pub coverage: Coverage,
    /// What it was told not to look for, and what was left out for that.
    pub configuration: Configuration,
    /// What was considered and not reported, if that was asked for.
    pub explained: Option<Explained>,
}

/// The values that rules considered and refused.
#[derive(Clone, Debug, Default)]
pub struct Explained {
    /// The first of them, ordered by place; each value once a rule.
    pub refused: Vec<Refused>,
    /// How many more there are.
    pub more: u64,
}

/// A value that a rule considered and that is no secret to it. Of several places of it one is told.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The id of the rule.
    pub rule: String,
    /// Why it is none, in words.
    pub reason: String,
    /// Where it stands.
    pub place: Occurrence,
}

impl Scan {
    /// How a command that ran this scan ends.
    pub fn exit(&self) -> Exit {
        match (self.findings.is_empty(), self.coverage.is_complete()) {
            (false, _) => Exit::Findings,
            (true, true) => Exit::Clean,
            (true, false) => Exit::Incomplete,
        }
    }
}

/// How much harm the leaked credential can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Opens little, or little that matters.
    Low,
    /// Opens one service with limited rights.
    Medium,
    /// Opens data or an account.
    High,
    /// Opens everything behind it: production data, money, every user's session.
    Critical,
}

/// How sure the rule is that the value is a real credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Shown only on request.
    Low,
    /// The name and the value look right.
    Medium,
    /// The format alone says so.
    High,
}

macro_rules! display_lowercase {
    ($($type:ty),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.serialize(f)
            }
        }
    )*};
}
display_lowercase!(Severity, Confidence);

/// One secret, wherever and however often it stands in what was scanned.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The id of the rule that knows most about the value.
    pub rule: String,
    /// The rule's title, a short noun phrase.
    pub title: String,
    /// How much harm it can do.
    pub severity: Severity,
    /// How sure the rule is of this value.
    pub confidence: Confidence,
    /// Why it is as sure as that, in a few words.
    pub reason: String,
    /// What to do now.
    pub advice: String,
    /// Who can put another value in its place, and how.
    pub rotation: Rotation,
    /// The value itself; a report shows it only when told to.
    pub secret: Secret,
    /// The value's keyed hash.
    pub fingerprint: Fingerprint,
    /// The names of the live values that it equals (`--known-from`), sorted.
    pub live_in: Vec<String>,
    /// Where it stands, oldest first; never empty.
    pub occurrences: Vec<Occurrence>,
}

/// How a leaked credential is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rotation {
    /// Who does it.
    pub by: Rotator,
    /// How, in one line.
    pub how: String,
    /// The provider's page on such credentials.
    pub page: Option<String>,
}

/// Who replaces a leaked credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Rotator {
    /// This tool.
    #[serde(rename = "unleak rotate")]
    Unleak,
    /// Whoever gave it out.
    #[serde(rename = "provider")]
    Provider,
    /// Whoever runs what it opens.
    #[serde(rename = "owner")]
    Owner,
}

/// One place a secret stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Occurrence {
    /// The path inside the repository or folder, with `/`; `None` for messages, references and standard input.
    pub path: Option<String>,
    /// The first line, from 1.
    pub line: u32,
    /// The first column in characters, from 1.
    pub column: u32,
    /// The last line, from 1.
    pub end_line: u32,
    /// The column after the last character, from 1.
    pub end_column: u32,
    /// The first commit that holds it, in hexadecimal.
    pub commit: Option<String>,
    /// That commit's author, as `Name <address>`.
    pub author: Option<String>,
    /// That commit's author date.
    pub date: Option<Timestamp>,
    /// The blob that holds it, in hexadecimal; `None` for what is no blob: messages, names, files on disk.
    pub blob: Option<String>,
    /// What kind of place it is.
    #[serde(rename = "where")]
    pub place: Place,
    /// How the value is encoded there, when it is not plain.
    pub encoding: Option<String>,
    /// How many versions of the path hold it (1 outside history).
    pub versions: u32,
    /// Whether the commit at HEAD holds it in this path.
    pub at_head: bool,
    /// The last commit that holds it in this path, in hexadecimal; `None` outside history.
    pub last_commit: Option<String>,
    /// Which branches, tags and other references have the first commit in their history; `None` where that was not
    /// looked up: outside history, in a range, and beyond the first thousands of places.
    pub references: Option<References>,
}

/// References, the most telling first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct References {
    /// How many there are.
    pub count: usize,
    /// The full names of the first of them: HEAD's branch, branches, tags, others.
    pub names: Vec<String>,
}

/// The kinds of place that a scan looks into.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// A file in a commit that a branch, tag or other reference reaches.
    History,
    /// Like `History`, but the content came in by a merge commit itself.
    Merge,
    /// An object that no reference reaches: amended away, dropped, never committed.
    Unreachable,
    /// A stash entry.
    Stash,
    /// The index, staged for the next commit.
    Index,
    /// A file on disk.
    Worktree,
    /// A commit's message or one of its header fields.
    Message,
    /// An annotated tag's message or header.
    Tag,
    /// A git note.
    Note,
    /// A reference's name.
    Ref,
    /// A submodule.
    Submodule,
    /// A file in git's own folder: its configuration, a hook, a log.
    Repository,
    /// A member of an archive, or a part of a document; the text is the path inside it: `a/b.env`, `page 3`. Of a text
    /// the line is that of the page, of a word processor's file the paragraph or row of a table, of a sheet the row.
    Archive(String),
    /// Standard input.
    Stdin,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::History => "history",
            Self::Merge => "merge",
            Self::Unreachable => "unreachable",
            Self::Stash => "stash",
            Self::Index => "index",
            Self::Worktree => "worktree",
            Self::Message => "message",
            Self::Tag => "tag",
            Self::Note => "note",
            Self::Ref => "ref",
            Self::Submodule => "submodule",
            Self::Repository => "repository",
            Self::Archive(member) => return write!(f, "archive:{member}"),
            Self::Stdin => "stdin",
        })
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
