//! Credentials of several parts are one finding: what only names a secret, such as the id of a key, becomes a place of the
//! secret that stands near it.

use super::Hit;
use crate::rule::Rule;
use crate::source::Key;
use std::collections::HashMap;

/// How many lines apart the parts of one credential stand.
const REACH: u32 = 20;
/// How many secrets near a part are looked at: a line of generated text can hold thousands.
const MOST: usize = 64;

/// A secret that others can be parts of, and where it stands.
struct Whole {
    line: u32,
    hit: usize,
}

/// Gives what is part of a secret nearby that secret's rule and value; its own place stays.
pub(super) fn join(hits: &mut [Hit], rules: &[Rule]) {
    if !hits.iter().any(|hit| !rules[hit.rule].part_of.is_empty()) {
        return;
    }
    let mut wholes: HashMap<&Key, Vec<Whole>> = HashMap::new();
    for (at, hit) in hits.iter().enumerate().filter(|(_, hit)| rules[hit.rule].part_of.is_empty()) {
        wholes.entry(&hit.key).or_default().push(Whole { line: hit.span.line, hit: at });
    }
    wholes.values_mut().for_each(|of_blob| of_blob.sort_unstable_by_key(|whole| whole.line));
    let found: Vec<(usize, usize)> = hits
        .iter()
        .enumerate()
        .filter_map(|(part, hit)| {
            let names = &rules[hit.rule].part_of;
            if names.is_empty() {
                return None;
            }
            let of_blob = wholes.get(&hit.key)?;
            let first = of_blob.partition_point(|whole| whole.line + REACH < hit.span.line);
            let near = of_blob[first..].iter().take_while(|whole| whole.line <= hit.span.line + REACH);
            let near = near.take(MOST);
            near.filter(|whole| names.contains(&rules[hits[whole.hit].rule].id))
                .min_by_key(|whole| whole.line.abs_diff(hit.span.line))
                .map(|whole| (part, whole.hit))
        })
        .collect();
    for (part, whole) in found {
        let (rule, verdict) = (hits[whole].rule, hits[whole].verdict);
        let secret = hits[whole].secret.clone();
        let hit = &mut hits[part];
        (hit.rule, hit.verdict, hit.secret) = (rule, verdict, secret);
    }
}
