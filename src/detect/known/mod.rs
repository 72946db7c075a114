//! Live values, looked for exactly: no pattern, no judgement, in every encoding that a text may hold them in.
//!
//! To the prefilter a value is a few keywords more, and to the rest of the detector a rule without a pattern: what is
//! found depends on the bytes around a keyword and on nothing else, so that copies and windows are read as for any rule.

mod letter;
mod resolve;
mod spelling;

use super::{Decoded, Match, Reason, Verdict};
use crate::finding::{Confidence, Severity};
use crate::rule::{Filters, Rule};
use crate::secret::Secret;
use spelling::{Found, Spelling};
use std::ops::Range;

/// The values that are in use now, with the names of their variables.
#[derive(Default)]
pub struct Known {
    values: Vec<Value>,
    anchors: Vec<Place>,
}

struct Value {
    secret: Secret,
    /// Sorted.
    names: Vec<String>,
    spellings: Vec<Spelling>,
}

/// Where the keyword with the same number leads.
struct Place {
    text: Vec<u8>,
    value: usize,
    spelling: usize,
    letter: usize,
}

impl Known {
    /// The id of the rule that stands for all live values.
    pub const RULE: &str = "known-value";
    /// The fewest bytes of a value.
    pub const SHORTEST: usize = 8;
    /// The most bytes of a value: what is looked at around a keyword holds it in most encodings.
    pub const LONGEST: usize = 4096;

    /// Prepares values, each with its name. Equal ones become one with several names; what is shorter than
    /// [`Self::SHORTEST`] or longer than [`Self::LONGEST`] is left out.
    pub fn new(named: impl IntoIterator<Item = (String, Secret)>) -> Self {
        let mut known = Self::default();
        for (name, secret) in named {
            if !(Self::SHORTEST..=Self::LONGEST).contains(&secret.len()) {
                continue;
            }
            match known.values.iter_mut().find(|value| value.secret == secret) {
                Some(value) => value.names.push(name),
                None => {
                    let spellings = Spelling::all(secret.expose());
                    known.values.push(Value { secret, names: vec![name], spellings });
                }
            }
        }
        for (number, value) in known.values.iter_mut().enumerate() {
            value.names.sort_unstable();
            value.names.dedup();
            for (spelling, letters) in value.spellings.iter().enumerate() {
                let anchors = letters.anchors().into_iter();
                known.anchors.extend(anchors.map(|anchor| Place {
                    text: anchor.text,
                    value: number,
                    spelling,
                    letter: anchor.letter,
                }));
            }
        }
        known
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many different values there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The names of a value; none if it is no live one.
    pub fn names(&self, value: &[u8]) -> &[String] {
        let found = self.values.iter().find(|known| known.secret.expose() == value);
        found.map_or(&[], |known| &known.names)
    }

    /// The keywords of all values, in the order of their numbers.
    pub(super) fn keywords(&self) -> impl Iterator<Item = &[u8]> {
        self.anchors.iter().map(|place| place.text.as_slice())
    }

    /// The most that a match of the keyword with this number can span.
    pub(super) fn span(&self, number: usize) -> usize {
        let place = &self.anchors[number];
        self.values[place.value].spellings[place.spelling].span()
    }

    /// The value whose keyword with this number stands at `keyword`, as a match of `rule`.
    pub(super) fn find(
        &self,
        number: usize,
        rule: usize,
        bytes: &[u8],
        keyword: &Range<usize>,
    ) -> Option<Match> {
        let place = &self.anchors[number];
        let value = &self.values[place.value];
        let span = self.span(number);
        // Nothing further away counts, so that the answer is the same wherever these bytes stand.
        let start = keyword.end.saturating_sub(span);
        let window = &bytes[start..bytes.len().min(keyword.start + span)];
        let spelling = &value.spellings[place.spelling];
        let Found { range, encoding } = spelling.find(window, keyword.start - start, place.letter)?;
        let decoded = encoding.map(|encoding| {
            let encoding = encoding.to_owned();
            Box::new(Decoded { value: value.secret.clone(), encoding, allowed: false })
        });
        let verdict = Verdict { confidence: Confidence::High, reason: Reason::Live };
        Some(Match { rule, verdict, secret: range.start + start..range.end + start, decoded })
    }
}

/// What stands for the live values among the rules.
pub(super) fn rule() -> Rule {
    Rule {
        id: Known::RULE.into(),
        title: "Live value".into(),
        severity: Severity::Critical,
        confidence: Confidence::High,
        keywords: Vec::new(),
        pattern: "".into(),
        named: false,
        promise: None,
        part_of: vec![],
        filters: Filters { allow_placeholders: true, ..Filters::default() },
        examples: Vec::new(),
        counterexamples: Vec::new(),
        reference: "".into(),
        advice: "It is in use now. Replace it where it was issued and wherever it is used; to delete it here does not \
                 make it safe."
            .into(),
    }
}
