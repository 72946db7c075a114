//! What the detector remembers of a text, so that of a text made from it only what is new need be looked at.
//!
//! A match depends on the bytes around its keyword that its rule can span, and on nothing else. So where a copy holds all
//! those bytes, the answer is the one that was given for the base; where a copy ends nearer, the rules are run again.

use super::compiled::Found;
use super::decode::{self, Kind};
use super::memo::Memo;
use super::reach::Around;
use super::{Decoded, Detector, Error, Match, Spans, named};
use crate::patch::{Copied, Patch};
use crate::secret::Secret;
use std::ops::Range;

/// A pattern looks one byte beyond its match: at a word's or a line's edge. One more for good measure.
const LOOK_AROUND: usize = 2;

/// A text with more keywords than one in so many bytes is not remembered: carrying them costs more than looking again.
const DENSE: usize = 16;

/// A copy of fewer bytes counts as new: what is around it is looked at in any case.
const WORTHWHILE: usize = if cfg!(test) { 4 } else { 128 };

/// The keywords and raw matches of one text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Ordered by place.
    hits: Vec<Hit>,
    /// Ordered by the keyword that led to them.
    raw: Vec<Raw>,
    /// The parts that say something, ordered by place.
    pub(super) held: Vec<Held>,
}

/// What looking at a text gives.
#[derive(Debug)]
pub struct Looked {
    /// The secrets, ordered by place.
    pub matches: Vec<Match>,
    /// What the next call can use for a text that is made from this one; there is none of a text that is not worth it.
    pub trace: Option<Trace>,
    /// Whether something packed held more than is looked at.
    pub cut: bool,
}

/// An encoded part in which something was found, or more than is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) kind: Kind,
    /// What the answer depends on.
    pub(super) extent: Range<usize>,
    pub(super) found: Vec<Match>,
    pub(super) cut: bool,
}

impl Held {
    /// The same part where a copy has it.
    pub(super) fn moved(&self, copy: &Copied) -> Self {
        let moved = |range: &Range<usize>| range.start - copy.from + copy.to..range.end - copy.from + copy.to;
        let found = self.found.iter().cloned();
        let found = found.map(|found| Match { secret: moved(&found.secret), ..found }).collect();
        Self { extent: moved(&self.extent), found, ..*self }
    }
}

/// A keyword that stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    at: u32,
    keyword: u32,
    /// Whether nothing was found, for reasons that stand near.
    near: bool,
}

impl Hit {
    fn new(at: usize, keyword: usize) -> Self {
        Self { at: offset(at), keyword: offset(keyword), near: false }
    }
}

/// A rule's match, before rules that claim the same bytes are weighed against each other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Raw {
    hit: Hit,
    found: Match,
}

impl Trace {
    /// Keywords are found in the order of their rarest bytes, and what is new before what is carried.
    fn ordered(mut self) -> Self {
        self.hits.sort();
        self.raw.sort_by_key(|raw| raw.hit);
        self.held.sort_by_key(|held| (held.extent.start, held.extent.end, held.kind));
        self
    }

    /// Whether something packed held more than was looked at.
    pub(super) fn is_cut(&self) -> bool {
        self.held.iter().any(|held| held.cut)
    }
}

impl Detector {
    /// Finds the secrets in `bytes` as [`Detector::scan`] does. What is known of the text it was made from saves looking
    /// at the copied parts again.
    ///
    /// # Errors
    /// As [`Detector::scan`].
    pub fn scan_patched(&self, bytes: &[u8], base: Option<(&Trace, Patch<'_>)>) -> Result<Looked, Error> {
        let trace = match base {
            Some((base, patch)) => {
                let copies = worthwhile(patch.copies);
                self.patched(bytes, base, Patch { copies: &copies, ..patch })?
            }
            None => self.whole(bytes)?,
        };
        let (matches, cut) = (self.resolved(bytes, &trace), trace.is_cut());
        let is_dense = trace.hits.len() > 64 + bytes.len() / DENSE;
        Ok(Looked { matches, trace: (!is_dense).then_some(trace), cut })
    }

    /// The trace of a text about which nothing is known.
    fn whole(&self, bytes: &[u8]) -> Result<Trace, Error> {
        self.whole_at(bytes, 0)
    }

    /// The same, of a text that itself stands in so many encodings.
    pub(super) fn whole_at(&self, bytes: &[u8], depth: usize) -> Result<Trace, Error> {
        let mut trace = Trace::default();
        let mut failure = Ok(());
        self.prefilter.each_hit(bytes, |found| {
            if failure.is_ok() {
                let mut hit = Hit::new(found.range.start, found.keyword);
                failure = self.look(bytes, &mut hit, &mut trace.raw);
                trace.hits.push(hit);
            }
        });
        failure?;
        if self.decodes && depth < decode::DEPTH {
            self.look_into(bytes, depth, &mut trace.held)?;
        }
        Ok(trace.ordered())
    }

    /// The trace of a text that was made from one that is known.
    fn patched(&self, bytes: &[u8], base: &Trace, patch: Patch<'_>) -> Result<Trace, Error> {
        let mut trace = Trace::default();
        self.memo.get_or_init(Memo::new);
        self.new_hits(bytes, patch.copies, &mut trace.hits);
        for hit in &mut trace.hits {
            self.look(bytes, hit, &mut trace.raw)?;
        }
        for copy in patch.copies {
            self.carry(bytes, base, patch, copy, &mut trace)?;
        }
        if self.decodes {
            self.look_into_patched(bytes, base, patch, &mut trace.held)?;
        }
        Ok(trace.ordered())
    }

    /// Takes over the keywords of a copy, and their matches where the surroundings are the same.
    fn carry(
        &self,
        bytes: &[u8],
        base: &Trace,
        patch: Patch<'_>,
        copy: &Copied,
        trace: &mut Trace,
    ) -> Result<(), Error> {
        let (left, right) = patch.trusted(copy);
        let first = base.hits.partition_point(|hit| (hit.at as usize) < copy.from);
        let mut raw = base.raw.partition_point(|raw| (raw.hit.at as usize) < copy.from);
        for known in &base.hits[first..] {
            let keyword = known.keyword as usize;
            if known.at as usize >= copy.from_end() {
                break;
            }
            let start = known.at as usize - copy.from + copy.to;
            let end = start + self.prefilter.len_of(keyword);
            if end > copy.to_end() {
                continue;
            }
            let mut hit = Hit { at: offset(start), ..*known };
            let spans = self.spans_of(keyword)?;
            let counts = if known.near { spans.near } else { spans.far }.and(LOOK_AROUND);
            let same = left.is_none_or(|left| start >= left + counts.before)
                && right.is_none_or(|right| start + counts.after <= right);
            if !same {
                self.look(bytes, &mut hit, &mut trace.raw)?;
                trace.hits.push(hit);
                continue;
            }
            trace.hits.push(hit);
            while base.raw.get(raw).is_some_and(|raw| raw.hit < *known) {
                raw += 1;
            }
            let matches = base.raw[raw..].iter().take_while(|raw| raw.hit == *known);
            let moved = |at: usize| at + copy.to - copy.from;
            trace.raw.extend(matches.map(|raw| {
                let secret = moved(raw.found.secret.start)..moved(raw.found.secret.end);
                Raw { hit, found: Match { secret, ..raw.found.clone() } }
            }));
        }
        Ok(())
    }

    /// The keywords that do not stand wholly in one copy, ordered by place.
    fn new_hits(&self, bytes: &[u8], copies: &[Copied], hits: &mut Vec<Hit>) {
        let reach = self.prefilter.longest().saturating_sub(1);
        let mut window: Range<usize> = 0..0;
        let mut end = 0;
        let gaps = copies.iter().map(|copy| (copy.to, copy.to_end())).chain([(bytes.len(), bytes.len())]);
        for (start, next) in gaps {
            // Between two copies that meet, and at the edges of the text, there may be nothing new.
            if start > end || (end > 0 && start < bytes.len()) {
                let wide = end.saturating_sub(reach)..(start + reach).min(bytes.len());
                if wide.start <= window.end && !window.is_empty() {
                    window.end = wide.end;
                } else {
                    self.hits_of(bytes, &window, copies, hits);
                    window = wide;
                }
            }
            end = next;
        }
        self.hits_of(bytes, &window, copies, hits);
    }

    fn hits_of(&self, bytes: &[u8], window: &Range<usize>, copies: &[Copied], hits: &mut Vec<Hit>) {
        if window.is_empty() {
            return;
        }
        self.prefilter.each_hit(&bytes[window.clone()], |found| {
            let (start, end) = (found.range.start + window.start, found.range.end + window.start);
            let copy = copies.partition_point(|copy| copy.to_end() <= start);
            let is_known = copies.get(copy).is_some_and(|copy| copy.to <= start && end <= copy.to_end());
            if !is_known {
                hits.push(Hit::new(start, found.keyword));
            }
        });
    }

    /// Runs the rules of a keyword at one place, unless they found nothing where all that counts was the same.
    fn look(&self, bytes: &[u8], hit: &mut Hit, raw: &mut Vec<Raw>) -> Result<(), Error> {
        let Some(memo) = self.memo.get() else { return self.run(bytes, hit, raw) };
        let spans = self.spans_of(hit.keyword as usize)?;
        let at = hit.at as usize;
        let keyword = at..at + self.prefilter.len_of(hit.keyword as usize);
        let key = |counts: Around| {
            let window = counts.and(LOOK_AROUND).of(&keyword, bytes.len());
            memo.key((hit.keyword, counts), at - window.start, &bytes[window])
        };
        let near = key(spans.near);
        let is_known_near = memo.holds(near);
        let far = if is_known_near { near } else { key(spans.far) };
        if is_known_near || memo.holds(far) {
            hit.near = is_known_near;
            return Ok(());
        }
        let first = raw.len();
        self.run(bytes, hit, raw)?;
        if raw.len() == first {
            memo.insert(if hit.near { near } else { far });
        }
        Ok(())
    }

    /// Runs the rules of a keyword at one place.
    fn run(&self, bytes: &[u8], hit: &mut Hit, raw: &mut Vec<Raw>) -> Result<(), Error> {
        let keyword = hit.keyword as usize;
        let range = hit.at as usize..hit.at as usize + self.prefilter.len_of(keyword);
        let mut near = true;
        let first = raw.len();
        for &rule in self.prefilter.rules_of(keyword) {
            if let Some(number) = rule.checked_sub(self.rules.len()) {
                near = false;
                let found = self.known.find(number, self.rules.len() - 1, bytes, &range);
                raw.extend(found.map(|found| Raw { hit: *hit, found }));
                continue;
            }
            let answer = self.compiled[rule].find(&self.rules[rule], bytes, &range)?;
            near &= answer.near;
            let is_named = self.rules[rule].named;
            raw.extend(answer.found.into_iter().map(|Found { secret, verdict, unwrapped }| {
                let meant = unwrapped
                    .map(|value| (value, "wrapped"))
                    .or_else(|| named::meant(&bytes[secret.clone()]).filter(|_| is_named));
                let decoded = meant.map(|(value, encoding)| {
                    let (value, encoding) = (Secret::from(value), encoding.to_owned());
                    Box::new(Decoded { value, encoding, allowed: false })
                });
                Raw { hit: *hit, found: Match { rule, verdict, secret, decoded } }
            }));
        }
        hit.near = near;
        raw[first..].iter_mut().for_each(|raw| raw.hit.near = near);
        Ok(())
    }

    /// What the answers of a keyword's rules can depend on.
    fn spans_of(&self, keyword: usize) -> Result<Spans, Error> {
        if let Some(spans) = self.spans[keyword].get() {
            return Ok(*spans);
        }
        let mut most = Spans { near: Around::NONE, far: Around::NONE };
        for &rule in self.prefilter.rules_of(keyword) {
            let spans = match rule.checked_sub(self.rules.len()) {
                Some(number) => Spans { near: Around::NONE, far: Around::NONE.and(self.known.span(number)) },
                None => self.compiled[rule].spans(&self.rules[rule])?,
            };
            most = Spans { near: most.near.or(spans.near), far: most.far.or(spans.far) };
        }
        Ok(*self.spans[keyword].get_or_init(|| most))
    }

    /// The matches of a text, ordered by position, after the surest rule has taken each.
    pub(super) fn resolved(&self, bytes: &[u8], trace: &Trace) -> Vec<Match> {
        let mut matches: Vec<Match> = trace.raw.iter().map(|raw| raw.found.clone()).collect();
        matches.sort_unstable_by_key(|found| {
            (found.secret.start, found.secret.end, found.rule, found.verdict.confidence)
        });
        matches.dedup();
        let (mut live, matches): (Vec<_>, Vec<_>) =
            matches.into_iter().partition(|found| self.is_live(found));
        let plain = self.without_overlaps(matches);
        if trace.held.is_empty() && live.is_empty() {
            return plain;
        }
        let (live_held, held): (Vec<_>, Vec<_>) =
            trace.held.iter().flat_map(|held| held.found.clone()).partition(|found| self.is_live(found));
        live.extend(live_held);
        let found = if held.is_empty() { plain } else { self.with_decoded(bytes, plain, held) };
        if live.is_empty() { found } else { self.known.merged(bytes, live, found, &self.rules) }
    }
}

/// The copies without the short ones. Git puts new lines together from pieces that stand anywhere in the base; to look at
/// the whole costs less than to look around each piece.
fn worthwhile(copies: &[Copied]) -> Vec<Copied> {
    copies.iter().copied().filter(|copy| copy.len >= WORTHWHILE).collect()
}

/// No text is longer than an offset can tell: readers hand over larger ones in windows.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
