//! What can be wrong with a set of rules when a detector is made of it.

/// A set of rules that cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No rule is left to run.
    #[error("no rule is left to scan with")]
    NoRules,
    /// A keyword that is too short to be searched for: it would stand everywhere.
    #[error("rule `{rule}` has the keyword `{keyword}`, which is shorter than three bytes")]
    ShortKeyword {
        /// The rule's id.
        rule: String,
        /// The keyword.
        keyword: String,
    },
    /// A pattern is no regular expression, or too large a one.
    #[error("rule `{rule}` has a pattern that does not compile")]
    Pattern {
        /// The rule's id.
        rule: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A pattern could match more bytes than any reader keeps together.
    #[error(
        "rule `{rule}` has a pattern without a bound, or one that can span more than {} bytes",
        super::MAX_SPAN
    )]
    Unbounded {
        /// The rule's id.
        rule: String,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoRules => "enable at least one rule; `unleak rules list` names them all".to_owned(),
            Self::ShortKeyword { .. } => "name a longer literal that stands in every match".to_owned(),
            Self::Pattern { rule, .. } => {
                format!("`unleak rules check` shows where the pattern of `{rule}` fails")
            }
            Self::Unbounded { .. } => {
                "give every repetition an upper bound: `{1,200}` instead of `+`".to_owned()
            }
        })
    }
}
