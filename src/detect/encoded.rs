//! Secrets that do not stand in plain text: the same detector on what the parts of a text say.

use super::decode::{self, Parts, View};
use super::trace::{Held, Trace};
use super::{Decoded, Detector, Error, Match, is_allowed};
use crate::patch::{Copied, Patch};
use crate::secret::Secret;
use std::ops::Range;

impl Detector {
    /// Looks into all parts of a text that itself stands in so many encodings.
    pub(super) fn look_into(&self, bytes: &[u8], depth: usize, held: &mut Vec<Held>) -> Result<(), Error> {
        let mut failure = Ok(());
        Parts::new(bytes).each_in(&(0..bytes.len()), |part| {
            if failure.is_ok() {
                failure = self.look_into_part(bytes, part, depth, held);
            }
        });
        failure
    }

    /// Looks into the parts that are new in a text, and takes over the others.
    pub(super) fn look_into_patched(
        &self,
        bytes: &[u8],
        base: &Trace,
        patch: Patch<'_>,
        held: &mut Vec<Held>,
    ) -> Result<(), Error> {
        let mut parts = Parts::new(bytes);
        let mut failure = Ok(());
        for window in decode::around(bytes, gaps(patch)) {
            parts.each_in(&window, |part| {
                if failure.is_ok() && !is_copied(patch, &part.extent) {
                    failure = self.look_into_part(bytes, part, 0, held);
                }
            });
        }
        failure?;
        for copy in patch.copies {
            let first = base.held.partition_point(|known| (known.extent.start) < copy.from);
            let known = base.held[first..].iter().take_while(|known| known.extent.start < copy.from_end());
            held.extend(
                known.map(|known| known.moved(copy)).filter(|known| is_inside(patch, copy, &known.extent)),
            );
        }
        Ok(())
    }

    fn look_into_part(
        &self,
        bytes: &[u8],
        part: &decode::Part,
        depth: usize,
        held: &mut Vec<Held>,
    ) -> Result<(), Error> {
        let (mut found, mut cut) = (Vec::new(), false);
        for view in part.views(bytes) {
            let depth = depth + view.layers;
            if depth > decode::DEPTH || view.text.is_empty() {
                continue;
            }
            let trace = self.whole_at(&view.text, depth)?;
            let matches = self.resolved(&view.text, &trace);
            found.extend(
                matches
                    .into_iter()
                    .filter(|found| view.shows(&found.secret))
                    .map(|found| through(&view, &found)),
            );
            cut |= view.cut || trace.is_cut();
        }
        if cut || !found.is_empty() {
            held.push(Held { kind: part.kind, extent: part.extent.clone(), found, cut });
        }
        Ok(())
    }

    /// The plain matches and the decoded ones, of which those fall away that say less about the same bytes.
    pub(super) fn with_decoded(
        &self,
        bytes: &[u8],
        mut plain: Vec<Match>,
        mut decoded: Vec<Match>,
    ) -> Vec<Match> {
        let key = |found: &Match| (found.secret.start, found.secret.end);
        decoded.sort_by(|a, b| {
            let by_value = || a.value(bytes).cmp(b.value(bytes));
            let by_layers = || a.layers().cmp(&b.layers());
            let by_rank = || self.rank(b).cmp(&self.rank(a));
            key(a).cmp(&key(b)).then_with(by_value).then_with(by_layers).then_with(by_rank)
        });
        decoded.dedup_by(|b, a| key(a) == key(b) && a.value(bytes) == b.value(bytes));
        // The plain ones are in order and apart; there may be very many of both.
        decoded.retain(|found| {
            let is_same = found.value(bytes) == &bytes[found.secret.clone()];
            let first = plain.partition_point(|other| other.secret.end <= found.secret.start);
            let mut here = plain[first..].iter().take_while(|other| other.secret.start < found.secret.end);
            !here.any(|other| is_same || self.knows(other) >= self.knows(found))
        });
        // How far any of the decoded ones up to each reaches.
        let ends: Vec<usize> = decoded
            .iter()
            .scan(0, |most, found| {
                *most = found.secret.end.max(*most);
                Some(*most)
            })
            .collect();
        plain.retain(|found| {
            let before = decoded.partition_point(|other| other.secret.start < found.secret.end);
            before.checked_sub(1).is_none_or(|last| ends[last] <= found.secret.start)
        });
        plain.extend(decoded);
        plain.sort_by_key(key);
        plain
    }

    /// How much a match says about its bytes. An address keeps its percent signs where a rule reads it with them.
    fn knows(&self, found: &Match) -> impl Ord + use<> {
        let rule = &self.rules[found.rule];
        let form = match &found.decoded {
            Some(decoded) if decoded.encoding == "percent" => 0,
            None => 1,
            Some(_) => 2,
        };
        (found.verdict.confidence, rule.promise.is_none(), rule.severity, form)
    }
}

/// A match in a view as one in the text around it.
fn through(view: &View, found: &Match) -> Match {
    let value = Secret::from(found.value(&view.text));
    let mut encoding = view.name.clone();
    let mut allowed = is_allowed(&view.text, &found.secret);
    if let Some(inner) = &found.decoded {
        encoding = format!("{encoding}+{}", inner.encoding);
        allowed |= inner.allowed;
    }
    let decoded = Some(Box::new(Decoded { value, encoding, allowed }));
    Match { secret: view.source(&found.secret), decoded, ..*found }
}

/// What stands between the copies, also where two of them meet, and at the ends where those are not the base's.
fn gaps(patch: Patch<'_>) -> impl Iterator<Item = Range<usize>> {
    let starts =
        patch.copies.iter().map(move |copy| (copy.to, copy.to_end(), patch.trusted(copy).0.is_some()));
    let ends_new = patch.copies.last().is_none_or(|copy| patch.trusted(copy).1.is_some());
    let mut end = 0;
    starts.chain([(patch.len, patch.len, ends_new)]).filter_map(move |(start, next, is_new)| {
        let gap = end..start;
        end = next;
        is_new.then_some(gap)
    })
}

/// Whether bytes and those beside them stand in a copy, so that all that was told of them counts here.
fn is_inside(patch: Patch<'_>, copy: &Copied, extent: &Range<usize>) -> bool {
    let (left, right) = patch.trusted(copy);
    left.is_none_or(|left| left < extent.start) && right.is_none_or(|right| extent.end < right)
}

fn is_copied(patch: Patch<'_>, extent: &Range<usize>) -> bool {
    let copy = patch.copies.partition_point(|copy| copy.to_end() <= extent.start);
    patch.copies.get(copy).is_some_and(|copy| is_inside(patch, copy, extent) && extent.end <= copy.to_end())
}
