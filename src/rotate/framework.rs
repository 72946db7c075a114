//! What a variable's name tells: which framework reads it, what its sessions are, and what else hangs on the key.

use crate::session::StoreClass;

/// A framework and its use of the secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Framework {
    /// Its name.
    pub name: &'static str,
    /// The variables that it reads the secret from.
    variables: &'static [&'static str],
    /// The usual class of its sessions; a store that is looked at knows better.
    pub class: StoreClass,
    /// What else stops working or must be made anew when the secret changes.
    pub other_uses: &'static str,
}

const ALL: [Framework; 8] = [
    Framework {
        name: "Auth.js / NextAuth",
        variables: &["AUTH_SECRET", "AUTH_SECRET_1", "AUTH_SECRET_2", "AUTH_SECRET_3", "NEXTAUTH_SECRET"],
        class: StoreClass::D,
        other_uses: "sign-in links by e-mail and OAuth sign-ins that are under way end; outside Next.js the highest of AUTH_SECRET_1 to AUTH_SECRET_3 signs, not AUTH_SECRET",
    },
    Framework {
        name: "better-auth",
        variables: &["BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS"],
        class: StoreClass::A,
        other_uses: "private keys in the `jwks` table are encrypted with it: delete those rows, or every session check that needs them fails",
    },
    Framework {
        name: "Laravel",
        variables: &["APP_KEY"],
        class: StoreClass::C,
        other_uses: "columns that were encrypted with it cannot be read any more: re-encrypt them while the old key is still known; signed URLs end",
    },
    Framework {
        name: "Rails or Phoenix",
        variables: &["SECRET_KEY_BASE"],
        class: StoreClass::D,
        other_uses: "signed and encrypted cookies, signed global ids, file links and tokens made from it end",
    },
    Framework {
        name: "Django or Flask",
        variables: &["SECRET_KEY", "DJANGO_SECRET_KEY", "FLASK_SECRET_KEY"],
        class: StoreClass::C,
        other_uses: "password reset links, signed cookies and anything made with `django.core.signing` or itsdangerous end",
    },
    Framework {
        name: "Express",
        variables: &["SESSION_SECRET", "EXPRESS_SESSION_SECRET", "COOKIE_SECRET"],
        class: StoreClass::A,
        other_uses: "other cookies that are signed with it (cookie-parser) end; a list of secrets in the code may still hold the old one",
    },
    Framework {
        name: "iron-session",
        variables: &["IRON_SESSION_PASSWORD", "SECRET_COOKIE_PASSWORD"],
        class: StoreClass::D,
        other_uses: "every sealed value that was made with it ends",
    },
    Framework {
        name: "tokens signed by the application",
        variables: &["JWT_SECRET", "JWT_SIGNING_KEY", "TOKEN_SECRET"],
        class: StoreClass::D,
        other_uses: "tokens that other services or devices hold end: API clients, mobile applications, e-mail links",
    },
];

impl Framework {
    /// The framework that reads a variable of this name.
    pub fn of(variable: &str) -> Option<&'static Self> {
        ALL.iter().find(|framework| framework.variables.contains(&variable))
    }
}
