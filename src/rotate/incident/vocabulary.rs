//! The words of our own texts that a redactor leaves alone although somebody's secret is one of them.
//!
//! Somebody's secret was the word `secret`. To take it out of our own sentences would show what it was, and tear the
//! names of the journal's and the report's fields. The list is closed: a value that does not stand in it is taken out
//! everywhere, whatever else our texts or sources say.

use crate::secret::{Redactor, Secret};

/// Field names and fixed words of journals and reports, and the nouns that their sentences cannot do without.
const WORDS: &[&str] = &[
    // the journal
    "event",
    "step",
    "detail",
    "plan",
    "prev",
    "hash",
    "opened",
    "begun",
    "done",
    "failed",
    "undone",
    "closed",
    "write",
    "reload",
    "health",
    "purge",
    "purge-again",
    "verify",
    "target",
    "targets",
    "part",
    "lines",
    "format",
    "class_basis",
    "contain",
    "containment",
    "commit",
    "commits",
    "branch",
    "repository",
    "manner",
    "redact",
    "remove",
    "files",
    "left",
    "path",
    "store",
    "probe",
    "severity",
    "steps",
    "will",
    "warnings",
    // the report
    "schema",
    "unleak.incident",
    "tool",
    "status",
    "duration_ms",
    "placeholder",
    "old_strength",
    "exposed_since",
    "replaced_at",
    "predictable",
    "known-default",
    "short",
    "strong",
    "purges",
    "answers",
    "checks",
    "residual_risks",
    "timeline",
    "journal_head",
    "claim",
    "evidence",
    "verified",
    "not checked",
    "before",
    "backed_up",
    "deleted",
    "after",
    "backup",
    "later_backups",
    "when",
    "cookie",
    "answer",
    "location",
    "live",
    "none",
    "made_up",
    "forged",
    "new_forged",
    "downtime",
    "longest_ms",
    "kind",
    "name",
    "table",
    "dialect",
    "counts",
    "total",
    "active",
    "expired",
    "in_server_zone",
    "zone",
    "postgres",
    "sqlite",
    "redacted",
    // JSON itself
    "null",
    "true",
    "false",
    // its sentences
    "incident",
    "session",
    "sessions",
    "secret",
    "rotation",
    "rotated",
    "password",
    "passwd",
    "value",
    "values",
    "server",
    "users",
    "user",
    "login",
    "account",
    "token",
    "tokens",
    "test",
    "application",
    "database",
    "express",
    "change",
    "changed",
    "default",
    "journal",
    "report",
    "impact",
    "summary",
    "command",
    "critical",
];

/// The redactor with more secrets: those that are no words of ours and not the variable's name, which every text says.
pub(in crate::rotate) fn taught(redactor: &Redactor, secrets: &[Secret], variables: &[&str]) -> Redactor {
    redactor.and(secrets.iter().filter(|secret| !is_ours(secret, variables)))
}

/// A part of a word counts as the word: taking it out would tear the word all the same.
fn is_ours(secret: &Secret, variables: &[&str]) -> bool {
    let Ok(text) = std::str::from_utf8(secret.expose()) else { return false };
    !text.is_empty()
        && (variables.iter().any(|variable| text.eq_ignore_ascii_case(variable))
            || WORDS.iter().any(|word| word.contains(&text.to_ascii_lowercase())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(text: &str) -> bool {
        is_ours(&Secret::from(text.to_owned()), &["SESSION_SECRET"])
    }

    #[test]
    fn only_words_of_the_list_and_the_name_are_left_alone() {
        for word in ["secret", "Session", "residual", "duration_ms", "SESSION_SECRET"] {
            assert!(ours(word), "{word}");
        }
        for other in ["include_str", "HalfWay", "secret1", "the old value", "keyboard cat", "crate", ""] {
            assert!(!ours(other), "{other}");
        }
    }

    #[test]
    fn no_entry_could_hide_a_random_value() {
        for word in WORDS {
            assert!(word.len() <= 16, "{word}");
            assert!(word.bytes().all(|c| c.is_ascii_lowercase() || b"_- .".contains(&c)), "{word}");
        }
    }

    #[test]
    fn a_word_of_our_source_is_no_longer_known() {
        let secret = Secret::from("canonicalise".to_owned());
        let redactor = taught(&Redactor::default(), &[secret], &["S"]);
        assert_eq!(redactor.redact("x canonicalise y"), "x [REDACTED] y");
    }
}
