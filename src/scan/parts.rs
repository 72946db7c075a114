//! Credentials of several parts are one finding: what only names a secret, such as the id of a key, becomes a place of the
//! secret that stands near it.

use super::Hit;
use crate::rule::Rule;
use crate::source::Key;
use std::collections::HashMap;

/// How many lines apart the parts of one credential stand.
const REACH: u32 = 20;

/// A secret that others can be parts of, and where it stands.
struct Whole {
    line: u32,
    column: u32,
    hit: usize,
}

/// Gives what is part of a secret nearby that secret's rule and value; its own place stays.
pub(super) fn join(hits: &mut [Hit], rules: &[Rule]) {
    if !hits.iter().any(|hit| !rules[hit.rule].part_of.is_empty()) {
        return;
    }
    let mut wholes: HashMap<(&Key, &str), Vec<Whole>> = HashMap::new();
    for (at, hit) in hits.iter().enumerate().filter(|(_, hit)| rules[hit.rule].part_of.is_empty()) {
        let whole = Whole { line: hit.span.line, column: hit.span.column, hit: at };
        wholes.entry((&hit.key, &rules[hit.rule].id)).or_default().push(whole);
    }
    wholes.values_mut().for_each(|of_rule| of_rule.sort_unstable_by_key(|whole| (whole.line, whole.column)));
    let found: Vec<(usize, usize)> = hits
        .iter()
        .enumerate()
        .filter_map(|(part, hit)| {
            let nearest = rules[hit.rule].part_of.iter().filter_map(|name| {
                nearest(wholes.get(&(&hit.key, &**name))?, (hit.span.line, hit.span.column))
            });
            nearest.min().map(|(.., whole)| (part, whole))
        })
        .collect();
    for (part, whole) in found {
        let (rule, verdict) = (hits[whole].rule, hits[whole].verdict);
        let secret = hits[whole].secret.clone();
        let hit = &mut hits[part];
        (hit.rule, hit.verdict, hit.secret) = (rule, verdict, secret);
    }
}

/// How far the nearest of one rule's secrets stands from a part, and which it is: by lines, then rather behind it than before,
/// since people write the id first, then by columns.
fn nearest(of_rule: &[Whole], (line, column): (u32, u32)) -> Option<(u32, bool, u32, usize)> {
    let behind = of_rule.partition_point(|whole| (whole.line, whole.column) < (line, column));
    let near = behind.saturating_sub(1)..of_rule.len().min(behind + 1);
    let distances = of_rule[near].iter().map(|whole| {
        let is_before = (whole.line, whole.column) < (line, column);
        (whole.line.abs_diff(line), is_before, whole.column.abs_diff(column), whole.hit)
    });
    distances.filter(|(lines, ..)| *lines <= REACH).min()
}
