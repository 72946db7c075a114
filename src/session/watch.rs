//! Looks at a store again and again: what there is, what came and went since the last look, and what is wrong.

use super::check::{Point, PointState, Thresholds, judge};
use super::{Counts, Error, Store, UsersTable};
use crate::secret::Secret;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

/// Up to so many sessions the tokens of two looks are compared; beyond that only their number is.
const COMPARED: u64 = 500_000;

/// What one look saw.
#[derive(Clone, Debug, Serialize)]
pub struct Glance {
    /// When.
    pub at: Timestamp,
    /// How many sessions there are.
    pub counts: Counts,
    /// What changed since the last look; nothing at the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The points that are not well.
    pub anomalies: Vec<Point>,
}

/// What changed between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// By the tokens: sessions that were made, and those that are gone.
    Told {
        /// Made.
        new: u64,
        /// Gone.
        ended: u64,
    },
    /// By the number alone, since there are too many to compare.
    Net(i64),
}

/// A store that is watched. Of its tokens only salted hashes are kept.
#[derive(Debug, Default)]
pub struct Watch {
    hasher: RandomState,
    tokens: Option<HashSet<u64>>,
    total: Option<u64>,
}

impl Watch {
    /// Looks once.
    pub async fn look(
        &mut self,
        store: &mut Store,
        users: Option<&UsersTable>,
        soon: SignedDuration,
        limits: &Thresholds,
    ) -> Result<Glance, Error> {
        let facts = store.facts(users, soon).await?;
        let total = facts.counts.total;
        let tokens = if total <= COMPARED { Some(self.tokens_of(store).await?) } else { None };
        let change = match (self.tokens.take(), &tokens, self.total) {
            (Some(before), Some(now), _) => Some(Change::Told {
                new: now.difference(&before).count() as u64,
                ended: before.difference(now).count() as u64,
            }),
            (_, _, Some(before)) => Some(Change::Net(total.cast_signed() - before.cast_signed())),
            (_, _, None) => None,
        };
        (self.tokens, self.total) = (tokens, Some(total));
        let mut anomalies = judge(&facts, limits);
        anomalies.retain(|point| matches!(point.state, PointState::Warning | PointState::Critical));
        anomalies.sort_by_key(|point| std::cmp::Reverse(point.state));
        Ok(Glance { at: Timestamp::now(), counts: facts.counts, change, anomalies })
    }

    async fn tokens_of(&self, store: &mut Store) -> Result<HashSet<u64>, Error> {
        let seen = RefCell::new(HashSet::new());
        let note = |token: &Secret| {
            seen.borrow_mut().insert(self.hasher.hash_one(token.expose()));
            false
        };
        store.find_tokens(&note).await?;
        Ok(seen.into_inner())
    }
}
