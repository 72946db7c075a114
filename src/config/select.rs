//! The rules that run, after all layers.

use super::{Error, Layer};
use crate::rule::{self, Rule, Text};
use std::collections::{BTreeSet, HashSet};

/// The rules that run, and what became of the others.
#[derive(Debug)]
pub struct Selection {
    /// The rules that run.
    pub rules: Vec<Rule>,
    /// The ids of the rules that others took the place of: built-in ones, and those of another configuration.
    pub replaced: Vec<String>,
    /// The ids of the rules that layers turned off.
    pub disabled: Vec<String>,
    /// The ids of all rules, also of those that do not run.
    pub ids: HashSet<Text>,
}

/// The rules that run: the built-in ones, changed by one layer after the other, and then `extra`; a later one replaces an
/// earlier one of its id. What layers say of an id counts for rules of `extra` too that have no such earlier one. Of these
/// only `only`, if that names any. Each layer is told what it did.
///
/// # Errors
/// When an id names no rule: a mistyped id must not silently change what is looked for.
pub fn select(layers: &mut [Layer], extra: Vec<Rule>, only: &[String]) -> Result<Selection, Error> {
    let mut rules = rule::builtin();
    let mut all = ids(&rules);
    all.extend(ids(&extra));
    let mut replaced = BTreeSet::new();
    let mut disabled = BTreeSet::new();
    for layer in &mut *layers {
        let new = add(&mut rules, std::mem::take(&mut layer.config.rules));
        all.extend(ids(&rules));
        layer.usage.replaced.clone_from(&new);
        replaced.extend(new);
        layer.check(&all)?;
        layer.call_otherwise(&mut rules);
        let everywhere = layer.config.disable.iter().filter(|entry| entry.paths.is_none());
        disabled.extend(everywhere.map(|entry| entry.id.clone()));
    }
    let known = rules.len();
    replaced.extend(add(&mut rules, extra));
    layers.iter().for_each(|layer| layer.call_otherwise(&mut rules[known..]));
    if let Some(unknown) = only.iter().find(|id| !all.contains(id.as_str())) {
        return Err(Error::UnknownRule(unknown.clone()));
    }
    let is_only = |rule: &Rule| only.is_empty() || only.iter().any(|id| *id == rule.id);
    rules.retain(|rule| !disabled.contains(&*rule.id) && is_only(rule));
    Ok(Selection {
        rules,
        replaced: replaced.into_iter().collect(),
        disabled: disabled.into_iter().collect(),
        ids: all,
    })
}

fn ids(rules: &[Rule]) -> HashSet<Text> {
    rules.iter().map(|rule| rule.id.clone()).collect()
}

/// Adds rules; the ids of the earlier ones that they took the place of.
fn add(rules: &mut Vec<Rule>, extra: Vec<Rule>) -> Vec<String> {
    let earlier = rules.len();
    let mut replaced = BTreeSet::new();
    for rule in extra {
        match rules.iter_mut().enumerate().find(|(_, known)| known.id == rule.id) {
            Some((number, known)) => {
                replaced.extend((number < earlier).then(|| rule.id.to_string()));
                *known = rule;
            }
            None => rules.push(rule),
        }
    }
    replaced.into_iter().collect()
}
