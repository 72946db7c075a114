//! What the operator should know before a rotation: found in the plan, printed with it, kept in the journal.

use super::target::{Facts, at};
use super::{Framework, Plan, Reload};
use crate::session::StoreClass;

/// The warnings of a plan.
pub(super) fn of(plan: &Plan) -> Vec<String> {
    let mut warnings = Vec::new();
    if plan.request.deduced {
        warnings.push(format!("The target was not named: {} is the one place of the working tree that assigns the finding's value in a dotenv file.", plan.target_names()));
    }
    for (target, facts) in plan.request.targets.iter().zip(plan.facts()) {
        let inside = if plan.held.len() > 1 { format!(" in {}", facts.place) } else { String::new() };
        about_target(
            target.place().variable(),
            facts,
            &inside,
            plan.request.graceful.as_deref(),
            &mut warnings,
        );
    }
    if plan.old().is_some() && plan.common_old().is_none() {
        let what = if plan.held.len() > 1 { "The targets do" } else { "Its entries do" };
        warnings.push(format!("{what} not hold the same value now; all of them get the same new one."));
    }
    for facts in plan.facts().filter(|facts| facts.blind) {
        warnings.push(way_back_of_blind(plan, &facts.place));
    }
    if plan.request.graceful.is_some() && plan.facts().all(|facts| facts.kept.is_empty()) {
        warnings.push("No target has a fallback list that can hold the old value, so that --graceful keeps nothing: the sessions end as without it.".to_owned());
    }
    warnings.extend(plan.request.reload.iter().filter_map(Reload::warning));
    warnings.extend(plan.containment.iter().flat_map(crate::contain::Planned::warnings));
    about_sessions(plan, &mut warnings);
    warnings
}

/// What cannot be read gets a value back on a failure only where there is no doubt which one.
fn way_back_of_blind(plan: &Plan, place: &str) -> String {
    let how = match (plan.common_old(), plan.old()) {
        (Some(_), _) => "is put back with the value that all others hold now",
        (None, Some(_)) => "cannot be put back, since the values that can be read differ",
        (None, None) => "cannot be put back, since no target shows the old value",
    };
    format!("{place} is written last. On a failure, what cannot be read there {how}.")
}

fn about_target(name: &str, facts: &Facts, inside: &str, graceful: Option<&str>, warnings: &mut Vec<String>) {
    let mut add = |text: String| warnings.push(text);
    if facts.count > 1 {
        add(format!("{name} stands{inside} {} times; every one is replaced.", facts.count));
    }
    for (list, line) in &facts.fallbacks {
        add(format!("{}{inside} still accepts the old value; it is taken out.", at(list, *line)));
    }
    for (list, line) in &facts.kept {
        let until = graceful.unwrap_or("somebody takes it out");
        add(format!(
            "{}{inside} goes on accepting the old value until {until}, as --graceful asks: whoever has it can still make sessions. Nothing takes it out by itself.",
            at(list, *line)
        ));
    }
    for (what, line) in &facts.leftovers {
        add(format!(
            "The old value also stands in {}{inside}; that stays, and needs its own change.",
            at(what, *line)
        ));
    }
    for other in &facts.overriding {
        add(format!(
            "{other} is set to another value{inside}: outside Next.js, Auth.js signs with it and not with {name}."
        ));
    }
    facts.warnings.iter().cloned().for_each(add);
}

fn about_sessions(plan: &Plan, warnings: &mut Vec<String>) {
    let mut add = |text: &str| warnings.push(text.to_owned());
    let name = plan.variables().first().copied().unwrap_or_default();
    if plan.old().is_none() {
        add(&format!("No old value of {name} is known, so there is none to look for."));
    }
    if let Some(strength) = plan.strength.filter(|strength| strength.is_weak()) {
        add(strength.sentence());
    }
    if plan.request.reload.is_empty() {
        add("Without --reload nothing is restarted: a running process keeps the old value until it is.");
    }
    match (plan.class, &plan.store) {
        (Some(StoreClass::D), Some(_)) => {
            add("These sessions live in cookies: the purge ends none of them, the new value does.");
        }
        (Some(StoreClass::B), Some(_)) => {
            add("The new value ends no session in this store; the purge does.");
        }
        (_, None) => add("Without --store no session is deleted."),
        _ => {}
    }
    if plan.request.probe.is_none() {
        add("Without --probe nobody checks that an old cookie is refused afterwards.");
    }
    Framework::uses(plan).for_each(|uses| add(&format!("If {name} is read by {uses}.")));
}
