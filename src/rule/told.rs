//! What `build.rs` found the patterns of the built-in rules to say.

use super::form::Rule;
use super::reach::{self, Reach, Unread};

/// The reaches in JSON by their keys, in order.
#[expect(clippy::unreadable_literal, reason = "nobody reads them")]
static TOLD: &[(u64, &str)] = include!(concat!(env!("OUT_DIR"), "/reaches.rs"));

/// Where a rule's match can be.
///
/// # Errors
/// When the pattern is none, or has no bound.
pub fn reach(rule: &Rule) -> Result<Reach, Unread> {
    let key = reach::key(rule);
    let told = TOLD.binary_search_by_key(&key, |(key, _)| *key).ok();
    match told.and_then(|at| serde_json::from_str(TOLD[at].1).ok()) {
        Some(reach) => Ok(reach),
        None => Reach::of(rule),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_built_in_rule_has_its_own_reach() {
        for rule in super::super::builtin() {
            let key = reach::key(&rule);
            let at = TOLD.binary_search_by_key(&key, |(key, _)| *key);
            let told: Reach = serde_json::from_str(TOLD[at.expect("it is embedded")].1).unwrap();
            assert_eq!(told, Reach::of(&rule).unwrap(), "{}", rule.id);
        }
    }

    #[test]
    fn a_rule_that_somebody_changed_is_read_again() {
        let mut rule = super::super::builtin().swap_remove(0);
        rule.pattern = "acme_[a-z]{20}".into();
        rule.keywords = vec!["acme_".into()];
        assert_eq!(
            reach(&rule).unwrap(),
            Reach::Prefix { literal: (*b"acme_").into(), span: 25, is_fixed: true }
        );
    }
}
