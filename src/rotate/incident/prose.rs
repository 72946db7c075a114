//! The sentences of a report that do not come from a measurement: what is still open, what to do next, whom to tell.

use super::{Ending, StoreClass};
use crate::rotate::evidence::{Evidence, Status};
use crate::rotate::target::at;
use crate::rotate::{Framework, Plan};

/// What this rotation cannot have dealt with.
pub(super) fn residual_risks(plan: &Plan, ending: &Ending, evidence: &Evidence) -> Vec<String> {
    let mut risks = Vec::new();
    let mut add = |text: &str| risks.push(text.to_owned());
    if matches!(ending, Ending::Undone(_)) {
        add(&format!(
            "The {} value is in use. The incident is open.",
            if plan.is_leaked() { "leaked" } else { "old" }
        ));
    }
    if let Ending::HalfWay { next, .. } = ending {
        add(&format!("The rotation stopped half-way. The incident is open. What to do: {next}."));
    }
    add(
        "Wherever the old value leaked to still holds it: git history, clones, forks, caches, chat, tickets. Deleting a file at HEAD removes none of them. The value is worthless there only if everything that accepted it has changed.",
    );
    add("Backups and snapshots of the targets hold the old value; restoring one brings it back.");
    add("Logs, build output and crash reports were not searched for the old value.");
    add(
        "Everything done with a forged or stolen session before the rotation stays done; nothing here tells whether that happened.",
    );
    if !evidence.rounds.is_empty() {
        add(
            "The backup of the sessions is encrypted, but restoring it revives every session in it, an attacker's too. Delete it when the incident is closed.",
        );
        add("The database's own logs, replicas and backups keep deleted rows for a while.");
    }
    if plan.store.is_none() && plan.class != Some(StoreClass::D) {
        add(
            "No session was deleted. If sessions are stored on the server, those whose cookie the new value does not refuse are still alive.",
        );
    }
    if plan.class == Some(StoreClass::B) {
        add("These sessions are not protected by the secret: only the deletion of their rows ended them.");
    }
    if plan.request.reload.is_empty() {
        add("No process was restarted by this rotation: those that run still use the old value.");
    } else {
        add("If there are several replicas, that every one of them took the new value was not checked.");
    }
    for facts in plan.facts() {
        let place = &facts.place;
        for (what, line) in &facts.leftovers {
            risks.push(format!("The old value still stands in {}, in {place}.", at(what, *line)));
        }
        for other in &facts.overriding {
            risks
                .push(format!("{other} in {place} was not changed; outside Next.js, Auth.js signs with it."));
        }
        for (list, line) in &facts.kept {
            let until = plan.request.graceful.as_deref().unwrap_or("somebody takes it out");
            risks.push(format!(
                "The old value stays valid by {}, in {place}, until {until}: whoever has it can make sessions that are accepted. Rotate without --graceful to end that.",
                at(list, *line)
            ));
        }
        risks.extend(facts.risks.iter().cloned());
    }
    risks
        .extend(Framework::uses(plan).map(|uses| format!("Other uses of the key, if it is read by {uses}.")));
    let unchecked: Vec<_> = evidence
        .checks
        .iter()
        .filter(|check| check.status == Status::NotChecked)
        .map(|check| format!("\u{201c}{}\u{201d}", check.claim))
        .collect();
    if !unchecked.is_empty() {
        risks.push(format!("Not checked: {}.", unchecked.join(", ")));
    }
    risks
}

/// What to do next, by time.
pub(super) const FOLLOW_UP: [(&str, &[&str]); 3] = [
    (
        "Within 1 hour",
        &[
            "Log in with a test account; stay logged in over a reload of the page",
            "Watch error rates and new sessions; a loop of redirects to the login page means that stale cookies are not cleared",
            "Restart every process that still runs with the old value: replicas, workers, scheduled jobs",
            "Tell users and support (text below)",
        ],
    ),
    (
        "Within 24 hours",
        &[
            "Find out since when the old value was readable, and by whom; search the access logs of that time",
            "Remove the value from where it leaked, history included, and scan again",
            "Change whatever else used the same value",
            "Compare new sessions per user with a normal day",
        ],
    ),
    (
        "Within 7 days",
        &[
            "Write down the root cause and what would have stopped it",
            "Put a scan in front of every commit and pull request",
            "Delete the session backup, unless the investigation needs it",
            "Rehearse the rotation once without an incident",
        ],
    ),
];

/// What users may be told.
pub(super) const NOTICE: &str = "Subject: Please log in again

To protect your account we have ended all sessions. You are logged out on every device and can log in again as
usual; your password has not changed. If you notice anything in your account that was not you, please tell us.";
