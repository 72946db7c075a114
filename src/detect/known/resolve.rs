//! Of the ways in which one live value was read at one place the plainest counts, and what rules say of its bytes does
//! not, unless they say more.

use super::Known;
use crate::detect::Match;
use crate::rule::Rule;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

impl Known {
    /// The live values and what rules found beside them, ordered by place.
    pub(in crate::detect) fn merged(
        &self,
        bytes: &[u8],
        live: Vec<Match>,
        others: Vec<Match>,
        rules: &[Rule],
    ) -> Vec<Match> {
        let live = self.without_parts(bytes, self.plainest(bytes, live));
        // How far any of the live ones up to each reaches.
        let ends: Vec<usize> = live
            .iter()
            .scan(0, |most, found| {
                *most = found.secret.end.max(*most);
                Some(*most)
            })
            .collect();
        let says_more = |other: &Match| {
            let first = ends.partition_point(|end| *end <= other.secret.start);
            live[first..].iter().take_while(|found| found.secret.start < other.secret.end).all(|found| {
                let is_same = found.secret == other.secret
                    && encoding(found) == encoding(other)
                    && found.value(bytes) == other.value(bytes);
                let is_apart = found.secret.end <= other.secret.start;
                is_same
                    || is_apart
                    || rules[other.rule].promise.is_none() && is_within(&found.secret, &other.secret)
            })
        };
        let kept: Vec<Match> = others.into_iter().filter(says_more).collect();
        let mut all = live;
        all.extend(kept);
        all.sort_by_key(|found| (found.secret.start, found.secret.end));
        all
    }

    /// Without the values that are parts of another one of the same variables there: the password of an address.
    fn without_parts(&self, bytes: &[u8], live: Vec<Match>) -> Vec<Match> {
        let mut kept: Vec<Match> = Vec::with_capacity(live.len());
        for found in live {
            let names = self.names(found.value(bytes));
            let is_part = kept.iter().rev().take(8).any(|outer| {
                let others = self.names(outer.value(bytes));
                is_within(&found.secret, &outer.secret) && names.iter().all(|name| others.contains(name))
            });
            if !is_part {
                kept.push(found);
            }
        }
        kept
    }

    /// Each value once at each place: whole before cut off, and in as few encodings as it was read. Ordered by place, the
    /// longer first.
    fn plainest(&self, bytes: &[u8], mut live: Vec<Match>) -> Vec<Match> {
        live.sort_by_key(|found| {
            let is_cut = encoding(found).is_some_and(|name| name.split('+').any(|name| name == "prefix"));
            (is_cut, found.layers(), found.secret.start, found.secret.end)
        });
        let mut taken = vec![BTreeMap::new(); self.len()];
        live.retain(|found| {
            let value = found.value(bytes);
            let number = self.values.iter().position(|known| known.secret.expose() == value);
            let Some(taken) = number.and_then(|number| taken.get_mut(number)) else { return false };
            let before: Option<(_, &usize)> = taken.range(..found.secret.end).next_back();
            let is_free = before.is_none_or(|(_, end)| *end <= found.secret.start);
            if is_free {
                taken.insert(found.secret.start, found.secret.end);
            }
            is_free
        });
        live.sort_by_key(|found| (found.secret.start, Reverse(found.secret.end)));
        live
    }
}

/// Whether one range is a part of another and shorter.
fn is_within(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && inner.len() < outer.len()
}

fn encoding(found: &Match) -> Option<&str> {
    found.decoded.as_ref().map(|decoded| decoded.encoding.as_str())
}
