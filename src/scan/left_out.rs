//! What was found and is not told of. Only hashes are kept, under a key of this run: it is counted, never shown.

use super::Hit;
use crate::coverage::LeftOut;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

/// Why a match is not told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// Its rule is less sure than was asked for.
    Confidence,
    /// A comment on its line allows it.
    Inline,
}

/// The secrets that are not told of, each once.
#[derive(Default)]
pub(super) struct Unheard {
    hasher: RandomState,
    confidence: HashSet<u64>,
    inline: HashSet<u64>,
}

impl Unheard {
    pub(super) fn add(&mut self, reason: Reason, secret: &[u8]) {
        let hash = self.hasher.hash_one(secret);
        match reason {
            Reason::Confidence => self.confidence.insert(hash),
            Reason::Inline => self.inline.insert(hash),
        };
    }

    /// How many there are besides those that are told of; one with two reasons counts for the comment.
    pub(super) fn beside(mut self, hits: &[Hit]) -> LeftOut {
        for hit in hits {
            let hash = self.hasher.hash_one(hit.secret.expose());
            self.confidence.remove(&hash);
            self.inline.remove(&hash);
        }
        let less_sure = self.confidence.difference(&self.inline).count();
        LeftOut { inline: self.inline.len() as u64, confidence: less_sure as u64, ..LeftOut::default() }
    }
}
