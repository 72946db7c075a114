//! What a judgement of a value says: how it is written down, how surely it is a secret, and why it is or is none.

use crate::finding::Confidence;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the value is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::detect) enum Form {
    /// Between quotes.
    Quoted,
    /// All that stands on the line behind the name.
    Line,
    /// In a cell, an element or a code span of its own.
    Cell,
    /// A word of a sentence or of code.
    Bare,
}

/// Why a value counts as a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// The rule's format alone.
    Format,
    /// The format, and the check digits are right.
    Checksum,
    /// It is as irregular as only a generator makes it.
    Generated,
    /// It mixes kinds of characters as people do who must choose a password.
    Chosen,
    /// A passphrase of several words.
    Passphrase,
    /// A weak password, or a word that may be one.
    Weak,
    /// A word of a language. Only what kind of file it stands in can make a secret of it.
    Word,
    /// A weak password, in a file that keeps accounts.
    Account,
    /// It is a value that is in use now.
    Live,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "the format says so",
            Self::Checksum => "the format says so and the check digits are right",
            Self::Generated => "its name says secret, and it is irregular as what a generator makes",
            Self::Chosen => "its name says password, and it mixes characters as chosen passwords do",
            Self::Passphrase => "its name says passphrase, and it is one of several words",
            Self::Live => "it equals a live value",
            Self::Account => {
                "its name says password, and weak as it is, it stands in a file that keeps accounts"
            }
            Self::Word => "its name says password, and it is a word as people choose one",
            Self::Weak => "its name says secret, but the value is short, or words and little else",
        })
    }
}

/// Why a value is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Shorter than any secret of its kind, or longer.
    Length,
    /// It stands for a secret: a placeholder, an interpolation, a redaction.
    Placeholder,
    /// Code: a name, a call, a type.
    Code,
    /// Words of a language or a program.
    Words,
    /// An address, a path, a number, a date or another thing that has its own form.
    Thing,
    /// Too regular for a key.
    Regular,
    /// A filter of the rule.
    Filter,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "too short or too long for a secret",
            Self::Placeholder => "a stand-in for a secret",
            Self::Code => "code that gets the value from elsewhere",
            Self::Words => "words",
            Self::Thing => "an address, a path, a number or a date",
            Self::Regular => "too regular for what the name promises",
            Self::Filter => "a filter of the rule says no",
        })
    }
}

/// How surely a value is a secret, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How surely.
    pub confidence: Confidence,
    /// Why.
    pub reason: Reason,
}
