//! Credentials of several parts are one finding: what only names a secret, such as the id of a key, becomes a place of the
//! secret that stands near it.
//!
//! It goes one to one: an id joins the nearest secret that has none of its kind yet, and without one it is told itself. So
//! nothing is left out together with the secret of somebody else.

use super::Hit;
use crate::rule::Rule;
use crate::source::Key;
use std::collections::HashMap;

/// How many lines apart the parts of one credential stand.
const REACH: u32 = 20;
/// How many secrets on each side of a part are looked at: a file can be one line of thousands.
const BESIDE: usize = 8;

/// Where a secret or a part stands.
type Spot = (u32, u32);

/// A part and a secret near it. The nearest come first: by lines, then rather behind it than before, since people write the
/// id first, then by columns.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    lines: u32,
    is_before: bool,
    columns: u32,
    spots: (Spot, Spot),
    part: usize,
    whole: usize,
}

/// Gives what is part of a secret nearby that secret's rule and value; its own place stays.
pub(super) fn join(hits: &mut [Hit], rules: &[Rule]) {
    for (part, whole) in found(hits, rules) {
        let (rule, verdict, secret) = (hits[whole].rule, hits[whole].verdict, hits[whole].secret.clone());
        let hit = &mut hits[part];
        (hit.rule, hit.verdict, hit.secret, hit.is_part) = (rule, verdict, secret, true);
    }
}

/// The parts, each with the secret that it joins.
fn found(hits: &[Hit], rules: &[Rule]) -> Vec<(usize, usize)> {
    let mut blobs: HashMap<&Key, Vec<usize>> = HashMap::new();
    for (at, hit) in hits.iter().enumerate().filter(|(_, hit)| is_part(hit, rules)) {
        blobs.entry(&hit.key).or_default().push(at);
    }
    if blobs.is_empty() {
        return Vec::new();
    }
    let mut wholes: HashMap<(&Key, &str), Vec<(Spot, usize)>> = HashMap::new();
    for (at, hit) in hits.iter().enumerate() {
        if !is_part(hit, rules) && blobs.contains_key(&hit.key) {
            wholes.entry((&hit.key, &rules[hit.rule].id)).or_default().push((spot(hit), at));
        }
    }
    wholes.values_mut().for_each(|of_rule| of_rule.sort_unstable());
    let mut found = Vec::new();
    for (key, parts) in &blobs {
        let near = parts.iter().flat_map(|&part| {
            let names = rules[hits[part].rule].part_of.iter();
            let of_rules = names.filter_map(|name| wholes.get(&(*key, &**name)));
            let at = spot(&hits[part]);
            of_rules.flat_map(move |of_rule| near(of_rule, at, part))
        });
        let mut pairs: Vec<Pair> = near.collect();
        pairs.sort_unstable();
        found.extend(joined(hits, parts, &pairs));
    }
    found
}

fn is_part(hit: &Hit, rules: &[Rule]) -> bool {
    !rules[hit.rule].part_of.is_empty()
}

fn spot(hit: &Hit) -> Spot {
    (hit.span.line, hit.span.column)
}

/// The secrets of one rule that stand near a part.
fn near(of_rule: &[(Spot, usize)], at: Spot, part: usize) -> impl Iterator<Item = Pair> + '_ {
    let behind = of_rule.partition_point(|(spot, _)| *spot < at);
    let beside = behind.saturating_sub(BESIDE)..of_rule.len().min(behind + BESIDE);
    of_rule[beside].iter().map(move |&(spot, whole)| Pair {
        lines: spot.0.abs_diff(at.0),
        is_before: spot < at,
        columns: spot.1.abs_diff(at.1),
        spots: (at, spot),
        part,
        whole,
    })
}

/// Which part joins which secret. What the same text says twice joins twice.
fn joined(hits: &[Hit], parts: &[usize], pairs: &[Pair]) -> Vec<(usize, usize)> {
    let value = |at: usize| hits[at].secret.expose();
    let mut of_part: HashMap<usize, usize> = HashMap::new();
    let mut of_secret: HashMap<(usize, &[u8]), &[u8]> = HashMap::new();
    let mut of_id: HashMap<(usize, &[u8]), usize> = HashMap::new();
    for Pair { part, whole, .. } in pairs.iter().filter(|pair| pair.lines <= REACH) {
        if of_part.contains_key(part) {
            continue;
        }
        let rule = hits[*part].rule;
        let id = of_secret.entry((rule, value(*whole))).or_insert_with(|| value(*part));
        if *id == value(*part) {
            of_part.insert(*part, *whole);
            of_id.entry((rule, value(*part))).or_insert(*whole);
        }
    }
    let whole = |part: usize| of_part.get(&part).or_else(|| of_id.get(&(hits[part].rule, value(part))));
    parts.iter().filter_map(|&part| Some((part, *whole(part)?))).collect()
}
