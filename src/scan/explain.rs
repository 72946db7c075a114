//! What was considered and not reported: each value once a rule, by a hash under a key of this run, and only so many as
//! somebody might read.

use super::gather;
use crate::detect::{Refusal, Span, Verdict};
use crate::finding::{Explained, Refused};
use crate::rule::Rule;
use crate::secret::Secret;
use crate::source::{Key, Origins};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

/// The most that are kept.
const MOST: usize = 1000;

/// Why a value is not reported.
#[derive(Clone, Copy)]
pub(super) enum Why {
    /// The rule says that it is none.
    Refused(Refusal),
    /// It is one, and less sure than was asked for.
    Unsure(Verdict),
    /// A comment on its line allows it.
    Allowed,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "{refusal}"),
            Self::Unsure(verdict) => {
                write!(f, "{} confidence, less than --min-confidence: {}", verdict.confidence, verdict.reason)
            }
            Self::Allowed => f.write_str("a comment on its line allows it"),
        }
    }
}

/// A value that is not reported, and what is known of it.
struct Place {
    key: Key,
    span: Span,
    why: Why,
    /// The value, if it is a secret all the same.
    hidden: Option<Secret>,
}

/// The refused values of a scan.
#[derive(Default)]
pub(super) struct Considered {
    hasher: RandomState,
    /// By rule and value.
    places: HashMap<(usize, u64), Place>,
    more: HashSet<(usize, u64)>,
}

impl Considered {
    pub(super) fn add(&mut self, rule: usize, value: &[u8], key: &Key, span: Span, why: Why) {
        let id = (rule, self.hasher.hash_one(value));
        if self.places.len() >= MOST && !self.places.contains_key(&id) {
            self.more.insert(id);
            return;
        }
        let place = || {
            let hidden = (!matches!(why, Why::Refused(_))).then(|| Secret::from(value));
            Place { key: key.clone(), span, why, hidden }
        };
        let known = self.places.entry(id).or_insert_with(place);
        // Threads read in any order; the answer is the same each time.
        if (key, span.line, span.column) < (&known.key, known.span.line, known.span.column) {
            *known = place();
        }
    }

    /// The blobs whose origins must be known.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.places.values().map(|place| place.key.clone())
    }

    /// The values that are secrets and only not told of.
    pub(super) fn hidden(&self) -> impl Iterator<Item = Secret> {
        self.places.values().filter_map(|place| place.hidden.clone())
    }

    pub(super) fn explained(self, origins: &Origins, rules: &[Rule]) -> Explained {
        let refused = self.places.into_iter().filter_map(|((rule, _), place)| {
            let found = gather::first_place(&place.key, place.span, origins)?;
            Some(Refused { rule: rules[rule].id.to_string(), reason: place.why.to_string(), place: found })
        });
        let mut refused: Vec<Refused> = refused.collect();
        refused.sort_by(|a, b| {
            let key = |of: &Refused| (of.place.path.clone(), of.place.line, of.place.column, of.rule.clone());
            key(a).cmp(&key(b))
        });
        Explained { refused, more: self.more.len() as u64 }
    }
}
