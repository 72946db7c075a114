//! What a variable's name tells: which framework reads it, what its sessions are, and what else hangs on the key.
//!
//! Several frameworks read the same name; the store and the cookie that is forged tell which of them it is.

use super::{Forgery, Plan};
use crate::session::StoreClass;

/// A framework and its use of the secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Framework {
    /// Its name.
    pub name: &'static str,
    /// The variables that it reads the secret from.
    variables: &'static [&'static str],
    /// The dialects of stores that are its own.
    dialects: &'static [&'static str],
    /// The cookies that are its own.
    cookies: &'static [Forgery],
    /// The usual class of its sessions; a store that is looked at knows better.
    pub class: StoreClass,
    /// What stops working or must be made anew when the secret changes, beside sessions.
    pub other_uses: &'static [&'static str],
}

const ALL: [Framework; 10] = [
    Framework {
        name: "Auth.js / NextAuth",
        variables: &["AUTH_SECRET", "AUTH_SECRET_1", "AUTH_SECRET_2", "AUTH_SECRET_3", "NEXTAUTH_SECRET"],
        dialects: &["authjs"],
        cookies: &[Forgery::Authjs, Forgery::Nextauth],
        class: StoreClass::D,
        other_uses: &[
            "sign-in links by e-mail that were sent and not used yet end: their rows hold a hash that is made with it",
            "sign-ins by OAuth that are under way end: their state is in cookies that it encrypts",
            "outside Next.js the highest of AUTH_SECRET_1 to AUTH_SECRET_3 signs, not AUTH_SECRET",
        ],
    },
    Framework {
        name: "better-auth",
        variables: &["BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS"],
        dialects: &["better-auth"],
        cookies: &[],
        class: StoreClass::A,
        other_uses: &[
            "private keys in the `jwks` table are encrypted with it: delete those rows, or every session check that needs them fails",
            "secrets and backup codes of the two-factor plugin are encrypted with it: those users must set it up anew",
            "BETTER_AUTH_SECRETS keeps old values for what is encrypted, and not for cookies",
        ],
    },
    Framework {
        name: "Laravel",
        variables: &["APP_KEY"],
        dialects: &["laravel"],
        cookies: &[Forgery::Laravel],
        class: StoreClass::C,
        other_uses: &[
            "columns with the cast `encrypted` and whatever `Crypt` encrypted cannot be read any more: re-encrypt them while the old key is still known",
            "signed URLs, password reset links and \u{201c}remember me\u{201d} cookies end",
            "encrypted jobs that wait in a queue cannot be run: let the queue run empty before, where there is time",
        ],
    },
    Framework {
        name: "Rails",
        variables: &["SECRET_KEY_BASE"],
        dialects: &["rails", "activerecord"],
        cookies: &[Forgery::Rails, Forgery::RailsSigned],
        class: StoreClass::D,
        other_uses: &[
            "signed and encrypted cookies, signed global ids and links to files of Active Storage end",
            "links of Devise (confirm, reset, unlock) and tokens of `generates_token_for` or a message verifier end",
            "columns that were encrypted with a key made from it cannot be read any more; Active Record's own encryption has keys of its own",
            "`cookies_rotations` and verifiers with `rotate` in the code may still accept the old one",
        ],
    },
    Framework {
        name: "Phoenix",
        variables: &["SECRET_KEY_BASE"],
        dialects: &[],
        cookies: &[],
        class: StoreClass::D,
        other_uses: &[
            "tokens of `Phoenix.Token` end: e-mail links, sockets, API clients",
            "open LiveView pages lose their connection and load anew",
            "`:rotating_options` in the code may still accept the old one",
        ],
    },
    Framework {
        name: "Django",
        variables: &["SECRET_KEY", "DJANGO_SECRET_KEY"],
        dialects: &["django", "django-cache"],
        cookies: &[Forgery::Django],
        class: StoreClass::C,
        other_uses: &[
            "password reset links, signed cookies and anything made with `django.core.signing` end",
            "API tokens of Simple JWT end, unless they have a SIGNING_KEY of their own",
            "fields that a library encrypts with a key made from it cannot be read any more: re-encrypt them while the old key is still known",
            "SECRET_KEY_FALLBACKS in the settings may still accept the old one",
        ],
    },
    Framework {
        name: "Flask",
        variables: &["SECRET_KEY", "FLASK_SECRET_KEY"],
        dialects: &["flask-session"],
        cookies: &[Forgery::Flask],
        class: StoreClass::D,
        other_uses: &[
            "links and tokens made with itsdangerous, \u{201c}remember me\u{201d} cookies of Flask-Login and open forms of Flask-WTF end",
            "tokens of Flask-JWT-Extended end, unless they have a JWT_SECRET_KEY of their own",
            "SECRET_KEY_FALLBACKS in the configuration may still accept the old one",
        ],
    },
    Framework {
        name: "Express",
        variables: &["SESSION_SECRET", "EXPRESS_SESSION_SECRET", "COOKIE_SECRET"],
        dialects: &[
            "connect-pg-simple",
            "connect-sqlite3",
            "better-sqlite3-session-store",
            "connect-redis",
            "express-mysql-session",
        ],
        cookies: &[Forgery::Express],
        class: StoreClass::A,
        other_uses: &[
            "other cookies that are signed with it (cookie-parser, CSRF tokens) and links that the application signs with it end",
            "a list of secrets in the code may still hold the old one: `--forge express` shows that",
        ],
    },
    Framework {
        name: "iron-session",
        variables: &["IRON_SESSION_PASSWORD", "SECRET_COOKIE_PASSWORD"],
        dialects: &[],
        cookies: &[],
        class: StoreClass::D,
        other_uses: &["every other value that was sealed with it ends"],
    },
    Framework {
        name: "tokens signed by the application",
        variables: &["JWT_SECRET", "JWT_SIGNING_KEY", "TOKEN_SECRET"],
        dialects: &[],
        cookies: &[],
        class: StoreClass::D,
        other_uses: &[
            "tokens that other services or devices hold end: API clients, mobile applications, e-mail links",
        ],
    },
];

/// The letter of a class of sessions.
pub(super) fn letter(class: StoreClass) -> &'static str {
    match class {
        StoreClass::A => "A",
        StoreClass::B => "B",
        StoreClass::C => "C",
        StoreClass::D => "D",
    }
}

impl Framework {
    /// The frameworks that read a variable of this name.
    pub fn of(variable: &str) -> impl Iterator<Item = &'static Self> {
        ALL.iter().filter(move |framework| framework.variables.contains(&variable))
    }

    /// The frameworks that may read the targets: by the variable's name, and of these the one that made the store or the
    /// cookie, where that is known. An application of any name may use their form of sessions too.
    pub(super) fn candidates(
        variables: &[&str],
        dialect: Option<&str>,
        forged: Option<Forgery>,
    ) -> Vec<&'static Self> {
        let named: Vec<_> = variables
            .iter()
            .find_map(|variable| {
                let found: Vec<_> = Self::of(variable).collect();
                (!found.is_empty()).then_some(found)
            })
            .unwrap_or_default();
        let is_known = |framework: &&Self| {
            forged.is_some_and(|kind| framework.cookies.contains(&kind))
                || dialect.is_some_and(|name| framework.dialects.contains(&name))
        };
        let known: Vec<_> = ALL.iter().filter(is_known).collect();
        if known.is_empty() { named } else { known }
    }

    /// What else the frameworks use the key for, as the plan and the report say it.
    pub(super) fn uses(plan: &Plan) -> impl Iterator<Item = String> {
        plan.frameworks
            .iter()
            .map(|framework| format!("{}: {}", framework.name, framework.other_uses.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(variables: &[&str], dialect: Option<&str>, forged: Option<Forgery>) -> Vec<&'static str> {
        Framework::candidates(variables, dialect, forged).iter().map(|framework| framework.name).collect()
    }

    #[test]
    fn the_store_and_the_cookie_tell_which_of_several_it_is() {
        assert_eq!(names(&["SECRET_KEY"], None, None), ["Django", "Flask"]);
        assert_eq!(names(&["SECRET_KEY"], None, Some(Forgery::Flask)), ["Flask"]);
        assert_eq!(names(&["SECRET_KEY"], Some("django"), None), ["Django"]);
        assert_eq!(names(&["SECRET_KEY_BASE"], None, Some(Forgery::Auto)), ["Rails", "Phoenix"]);
        assert_eq!(names(&["MY_OWN"], Some("connect-pg-simple"), None), ["Express"]);
        assert_eq!(names(&["OTHER", "APP_KEY"], None, None), ["Laravel"]);
        assert!(names(&["MY_OWN"], Some("custom"), None).is_empty());
    }

    #[test]
    fn every_framework_says_what_else_hangs_on_its_key() {
        for framework in &ALL {
            assert!(
                !framework.other_uses.is_empty() && !framework.variables.is_empty(),
                "{}",
                framework.name
            );
            assert!(framework.other_uses.iter().all(|text| !text.ends_with('.')), "{}", framework.name);
        }
    }
}
