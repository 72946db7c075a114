//! What can be wrong with a configuration, and what to do about it.

use crate::rule;
use std::path::{Path, PathBuf};

/// Why a configuration cannot be used.
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
    #[error("{}:{line}:{column}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
        /// What is wrong there.
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
    /// A configuration below the root brings rules.
    #[error("`{}` is the configuration of a folder, and names rule files", .0.display())]
    RulesOfFolder(PathBuf),
    /// A rule that does not exist, in a configuration.
    #[error("{}:{line}:{column}: there is no rule `{id}`", path.display())]
    UnknownRuleAt {
        /// The configuration.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
        /// The id.
        id: String,
    },
    /// A rule that does not exist, on the command line.
    #[error("there is no rule `{0}`")]
    UnknownRule(String),
}

impl Error {
    /// An error about a file as a whole.
    pub fn whole(path: &Path, reason: &str) -> Self {
        Self::Invalid { path: path.to_owned(), line: 1, column: 1, reason: reason.to_owned() }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { .. } => "check the path and its permissions".to_owned(),
            Self::Invalid { .. } => "the keys are `rules: [files]`, `disable: [ids, or {rule: ID, paths: [globs]}]`, \
                 `override: {ID: {severity, confidence, title}}`, `allow: {paths: [globs], values: [texts, or {pattern: \
                 REGEX}]}` and `sessions: {table, token, user, expiry, unit, thresholds: {…}, logs: {…}}`"
                .to_owned(),
            Self::Rules { source, .. } => return source.hint(),
            Self::RulesOfFolder(_) => {
                "rules run everywhere: name their files in the configuration at the root".to_owned()
            }
            Self::UnknownRuleAt { .. } | Self::UnknownRule(_) => "`unleak rules list` names them all".to_owned(),
        })
    }
}
