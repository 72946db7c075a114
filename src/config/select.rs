//! The rules that run, after all layers.

use super::{Error, Layer};
use crate::rule::{self, Rule};
use std::collections::BTreeSet;

/// The rules that run, and what the rest of the built-in ones became.
#[derive(Debug)]
pub struct Selection {
    /// The rules that run.
    pub rules: Vec<Rule>,
    /// The ids of the built-in rules that others took the place of.
    pub replaced: Vec<String>,
    /// The ids of the rules that layers turned off.
    pub disabled: Vec<String>,
    /// The ids of all rules, also of those that do not run.
    pub ids: BTreeSet<String>,
}

/// The rules that run: the built-in ones, changed by one layer after the other, and then `extra`; a later one replaces an
/// earlier one of its id. Of these only `only`, if that names any. Each layer is told what it did.
///
/// # Errors
/// When an id names no rule: a mistyped id must not silently change what is looked for.
pub fn select(layers: &mut [Layer], extra: Vec<Rule>, only: &[String]) -> Result<Selection, Error> {
    let mut rules = rule::builtin();
    let builtin = rules.len();
    let mut replaced = BTreeSet::new();
    let mut disabled = BTreeSet::new();
    for layer in &mut *layers {
        let new = add(&mut rules, std::mem::take(&mut layer.config.rules), builtin);
        layer.usage.replaced.clone_from(&new);
        replaced.extend(new);
        layer.check(&ids(&rules))?;
        for change in &layer.config.overrides {
            for rule in rules.iter_mut().filter(|rule| rule.id == change.id) {
                change.apply(rule);
            }
        }
        let everywhere = layer.config.disable.iter().filter(|entry| entry.paths.is_none());
        disabled.extend(everywhere.map(|entry| entry.id.clone()));
    }
    replaced.extend(add(&mut rules, extra, builtin));
    let ids = ids(&rules);
    if let Some(unknown) = only.iter().find(|id| !ids.contains(*id)) {
        return Err(Error::UnknownRule(unknown.clone()));
    }
    let is_only = |rule: &Rule| only.is_empty() || only.iter().any(|id| *id == rule.id);
    rules.retain(|rule| !disabled.contains(&*rule.id) && is_only(rule));
    Ok(Selection {
        rules,
        replaced: replaced.into_iter().collect(),
        disabled: disabled.into_iter().collect(),
        ids,
    })
}

fn ids(rules: &[Rule]) -> BTreeSet<String> {
    rules.iter().map(|rule| rule.id.to_string()).collect()
}

/// Adds rules; the ids of the built-in ones that they took the place of.
fn add(rules: &mut Vec<Rule>, extra: Vec<Rule>, builtin: usize) -> Vec<String> {
    let mut replaced = BTreeSet::new();
    for rule in extra {
        match rules.iter_mut().enumerate().find(|(_, known)| known.id == rule.id) {
            Some((number, known)) => {
                replaced.extend((number < builtin).then(|| rule.id.to_string()));
                *known = rule;
            }
            None => rules.push(rule),
        }
    }
    replaced.into_iter().collect()
}
