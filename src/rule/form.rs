//! The form of a rule, as it stands in a rule file.
//!
//! `build.rs` compiles this file too, so that a built-in rule of another form fails the build.

use crate::finding::{Confidence, Severity};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A text that is a part of the program, or was read.
pub type Text = Cow<'static, str>;

/// One rule as it stands in a rule file. `load` has checked it; `detect` compiles it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Unique among all rules: lower-case words joined by hyphens, the provider first.
    pub id: Text,
    /// What the credential is, as a short noun phrase.
    pub title: Text,
    /// How much harm a leak does.
    pub severity: Severity,
    /// How sure a match that passes the filters is a real credential.
    pub confidence: Confidence,
    /// Literals of which at least one stands in every match, whatever their case; each at least three bytes.
    pub keywords: Vec<Text>,
    /// A regular expression of bounded length; the value is the group named `secret`, or else the whole match.
    pub pattern: Text,
    /// Whether the pattern finds the *name* of a secret, whose value the text gives in one of the ways in which people
    /// write down a name and its value; needs a `promise`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named: bool,
    /// What the name promises of the value, which is then judged by its characters; the rule's confidence is the highest
    /// that it can get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
    /// The rules of the secrets that this value is only the name or a part of: a key's id, a session's token. Near one of
    /// those it is a place of that finding and none of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub part_of: Vec<Text>,
    /// What the value must pass besides the pattern.
    #[serde(default, skip_serializing_if = "Filters::is_default")]
    pub filters: Filters,
    /// Lines that the rule must find; `{{…}}` stands for generated characters (see `rule::template`).
    pub examples: Vec<String>,
    /// Lines in which the rule must find nothing.
    pub counterexamples: Vec<String>,
    /// Where the format is documented.
    pub reference: Text,
    /// What to do now that it leaked, in one or two sentences.
    pub advice: Text,
}

/// Conditions on the value of a match. A match that fails one of them is no finding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filters {
    /// The least Shannon entropy of the value, in bits per character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entropy: Option<f32>,
    /// Character classes that must all occur in the value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<CharClass>,
    /// A check sum that the value carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// Regular expressions (searched, not anchored) of values that are no secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not: Vec<Text>,
    /// Keep values that look like placeholders, names or words: for formats whose prefix alone is proof.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_placeholders: bool,
    /// Take a word too, which is told of only in files that keep accounts: where nothing but a password can stand.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub words: bool,
}

impl Filters {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What a name promises of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Promise {
    /// A password, which people choose too.
    Password,
    /// A key, token or secret, which a machine makes.
    Key,
}

/// A class of ASCII characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CharClass {
    /// `0` to `9`.
    Digit,
    /// `a` to `z`.
    Lower,
    /// `A` to `Z`.
    Upper,
    /// Any letter.
    Letter,
}

/// Check sums that token formats carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checksum {
    /// The last six characters are the base-62 CRC-32 of the characters between the prefix (up to the last `_`)
    /// and them: the tokens of GitHub and npm.
    Crc32Base62,
}
