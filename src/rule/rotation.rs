//! Who can put another value in the place of a leaked one, as a rule's advice and reference tell.

use super::Rule;
use crate::finding::{Rotation, Rotator};

/// What a rule's advice says when `unleak rotate` makes the new value, writes it to its place and ends old sessions.
const HERE: &str = "with `unleak rotate`";

/// Hosts of standards and general advice: what stands there belongs to nobody who could give out another credential.
const NO_PROVIDER: [&str; 10] = [
    "cheatsheetseries.owasp.org",
    "datatracker.ietf.org",
    "www.rfc-editor.org",
    "www.postgresql.org",
    "www.openssl.org",
    "man.openbsd.org",
    "www.gnu.org",
    "www.gnupg.org",
    "everything.curl.dev",
    "git-scm.com",
];

/// How what this rule finds is replaced.
pub fn rotation(rule: &Rule) -> Rotation {
    let host = rule.reference.strip_prefix("https://").unwrap_or_default();
    let host = host.split('/').next().unwrap_or_default();
    if rule.advice.contains(HERE) {
        let how = "`unleak rotate` replaces it where the application reads it, and ends the sessions that it could forge";
        Rotation { by: Rotator::Unleak, how: how.to_owned(), page: None }
    } else if host.is_empty() || NO_PROVIDER.contains(&host) || rule.promise.is_some() {
        let how = "where it is used, by whoever runs what it opens";
        Rotation { by: Rotator::Owner, how: how.to_owned(), page: None }
    } else {
        let page = rule.reference.to_string();
        Rotation { by: Rotator::Provider, how: format!("at the provider: {page}"), page: Some(page) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(id: &str) -> Rotator {
        let rules = crate::rule::builtin();
        rotation(rules.iter().find(|rule| rule.id == id).expect("a built-in rule")).by
    }

    #[test]
    fn what_frameworks_sign_sessions_with_is_rotated_here_and_nothing_else() {
        for id in ["session-secret", "jwt-secret", "nextauth-secret", "laravel-app-key", "django-secret-key"]
        {
            assert_eq!(by(id), Rotator::Unleak, "{id}");
        }
        for id in ["stripe-live-secret-key", "github-personal-access-token", "aws-access-key-id"] {
            assert_eq!(by(id), Rotator::Provider, "{id}");
        }
        for id in ["generic-password", "generic-secret", "express-session-cookie"] {
            assert_ne!(by(id), Rotator::Unleak, "{id}");
        }
    }
}
