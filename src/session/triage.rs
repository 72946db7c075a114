//! From what was seen to how bad it is, how soon to answer, and by which procedure.

use serde::Serialize;

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each was seen or not, whatever else was")]
pub struct Seen {
    /// Somebody saw another user's data.
    pub leak: bool,
    /// The log tells of sessions whose user is not the one expected.
    pub mismatch: bool,
    /// Several rows have one token.
    pub duplicates: bool,
    /// Sessions of users who do not exist.
    pub orphans: bool,
    /// A token was used twice.
    pub replay: bool,
}

/// How bad it is and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Triage {
    /// P0 to P3.
    pub level: &'static str,
    /// In a word.
    pub severity: &'static str,
    /// How soon to act.
    pub respond: &'static str,
    /// Why.
    pub reason: &'static str,
    /// The commands, in their order, without the store.
    pub commands: Vec<&'static str>,
    /// What they mean for users.
    pub impact: &'static str,
}

/// Names level, response and procedure for the worst of what was seen.
pub fn triage(seen: Seen) -> Triage {
    if seen.leak {
        Triage {
            level: "P0",
            severity: "critical",
            respond: "now",
            reason: "a user sees another user's data, and nobody knows yet who else does",
            commands: vec!["unleak sessions purge", "unleak sessions check"],
            impact: "everybody is logged out",
        }
    } else if seen.mismatch || seen.duplicates || seen.replay {
        let steps: [(bool, &[&'static str]); 4] = [
            (seen.replay, &["unleak schema status", "unleak schema revoke FAMILY"]),
            (seen.duplicates, &["unleak sessions dedupe --add-index"]),
            (seen.mismatch, &["unleak sessions user ID"]),
            (true, &["unleak sessions check"]),
        ];
        let taken = steps.into_iter().filter(|(is_wanted, _)| *is_wanted);
        Triage {
            level: "P1",
            severity: "high",
            respond: "within an hour",
            reason: match (seen.mismatch || seen.duplicates, seen.replay) {
                (true, true) => "a token was stolen, and one session may be used by several users",
                (false, true) => "a token was stolen: of the two who used it one is not its owner",
                _ => "one session may be used by several users",
            },
            commands: taken.flat_map(|(_, commands)| commands).copied().collect(),
            impact: "the users concerned are logged out",
        }
    } else if seen.orphans {
        Triage {
            level: "P2",
            severity: "medium",
            respond: "within 4 hours",
            reason: "sessions outlive their users, which breaks pages and hides worse",
            commands: vec!["unleak sessions orphans", "unleak sessions check"],
            impact: "nobody is logged out",
        }
    } else {
        Triage {
            level: "P3",
            severity: "low",
            respond: "within 24 hours",
            reason: "nothing that was seen points at an incident",
            commands: vec!["unleak sessions check", "unleak sessions expired"],
            impact: "nobody is logged out",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_what_was_seen_decides() {
        let seen = |leak, mismatch, duplicates, orphans| {
            triage(Seen { leak, mismatch, duplicates, orphans, replay: false })
        };
        assert_eq!(seen(true, true, true, true).commands[0], "unleak sessions purge");
        assert_eq!(
            (seen(false, true, false, true).level, seen(false, false, true, false).level),
            ("P1", "P1")
        );
        assert_eq!(
            (seen(false, false, false, true).level, seen(false, false, false, false).level),
            ("P2", "P3")
        );
        let both = triage(Seen { duplicates: true, replay: true, ..Seen::default() });
        assert_eq!(
            (both.level, both.commands),
            (
                "P1",
                vec![
                    "unleak schema status",
                    "unleak schema revoke FAMILY",
                    "unleak sessions dedupe --add-index",
                    "unleak sessions check"
                ]
            )
        );
    }
}
