//! What a session cookie holds, by the form of the sessions, and what opening it tells.

use crate::cookie::{Contents, Form, JwtKey};
use crate::secret::Secret;
use crate::session::user_in;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// What a cookie holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieForm {
    /// The token of a row, as it is.
    Token,
    /// A signed JSON Web Token.
    Jwt,
    /// What a framework signs or encrypts.
    Framework(Form),
}

/// What an opened cookie stands for.
pub(super) enum Credential {
    /// A session of the store.
    Token(Secret),
    /// The session itself.
    Claims {
        /// Whose it says it is.
        user: Option<String>,
        /// When it ends.
        expires: Option<Timestamp>,
        /// When it begins.
        begins: Option<Timestamp>,
    },
}

const DAY: u64 = 24 * 60 * 60;

impl CookieForm {
    /// The names for `--cookie-form`.
    pub const NAMES: [(&'static str, Self); 10] = [
        ("token", Self::Token),
        ("jwt", Self::Jwt),
        ("express", Self::Framework(Form::Express)),
        ("authjs", Self::Framework(Form::Authjs)),
        ("nextauth", Self::Framework(Form::Nextauth)),
        ("django", Self::Framework(Form::Django)),
        ("flask", Self::Framework(Form::Flask)),
        ("rails", Self::Framework(Form::Rails)),
        ("rails-signed", Self::Framework(Form::RailsSigned)),
        ("laravel", Self::Framework(Form::Laravel)),
    ];

    /// The form with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, form)| form)
    }

    /// The form and the usual names of the cookies of a store's dialect.
    pub fn of_dialect(dialect: &str) -> Option<(Self, &'static [&'static str])> {
        Some(match dialect {
            "connect-pg-simple"
            | "express-mysql-session"
            | "connect-sqlite3"
            | "better-sqlite3-session-store"
            | "connect-redis" => (Self::Framework(Form::Express), &["connect.sid"]),
            "authjs" => (Self::Token, &["authjs.session-token", "next-auth.session-token"]),
            "django" | "django-cache" => (Self::Token, &["sessionid"]),
            "flask-session" => (Self::Token, &["session"]),
            "tower-sessions" => (Self::Token, &["id"]),
            "laravel" => (Self::Framework(Form::Laravel), &["laravel_session"]),
            _ => return None,
        })
    }

    /// The cookie's names where nobody chose others.
    pub fn usual_names(self) -> &'static [&'static str] {
        match self {
            Self::Framework(Form::Express) => &["connect.sid"],
            Self::Framework(Form::Authjs) => &["authjs.session-token"],
            Self::Framework(Form::Nextauth) => &["next-auth.session-token"],
            Self::Framework(Form::Django) => &["sessionid"],
            Self::Framework(Form::Flask) => &["session"],
            _ => &[],
        }
    }

    /// How long a cookie is good that does not say when it ends.
    pub fn usual_max_age(self) -> Option<Duration> {
        match self {
            Self::Framework(Form::Flask) => Some(Duration::from_secs(31 * DAY)),
            Self::Framework(Form::Django) => Some(Duration::from_secs(14 * DAY)),
            _ => None,
        }
    }

    /// Whether a secret has a part in it.
    pub fn needs_secret(self) -> bool {
        self != Self::Token
    }

    /// Whether the cookie only names a session, which a store holds.
    pub fn needs_store(self) -> bool {
        matches!(self, Self::Token | Self::Framework(Form::Express | Form::Laravel))
    }

    /// What the cookie stands for, if this secret made it.
    pub(super) fn open(
        self,
        secret: Option<&Secret>,
        name: &str,
        value: &str,
        rules: &Rules<'_>,
    ) -> Option<Credential> {
        let form = match self {
            Self::Token => return token(value),
            Self::Jwt => {
                let contents = JwtKey::new(secret?)?.open(value)?;
                return claims(&serde_json::from_slice(&contents.bytes).ok()?, rules);
            }
            Self::Framework(form) => form,
        };
        let contents = form.open(secret?.expose(), name, value)?;
        match form {
            Form::Express | Form::Laravel => Some(Credential::Token(Secret::from(&contents.bytes[..]))),
            Form::Authjs | Form::Nextauth => claims(&serde_json::from_slice(&contents.bytes).ok()?, rules),
            Form::Rails | Form::RailsSigned => rails(&contents, name, rules),
            Form::Django | Form::Flask => {
                let expires = match rules.max_age {
                    // One that should say when it was made and does not is none.
                    Some(max_age) => Some(end_of(&contents, max_age)?),
                    None => None,
                };
                let user = user_in(&contents.bytes, rules.user_path);
                Some(Credential::Claims { user, expires, begins: None })
            }
        }
    }
}

/// How what is inside is read.
pub(super) struct Rules<'a> {
    pub(super) user_path: Option<&'a str>,
    pub(super) max_age: Option<Duration>,
}

/// When a cookie ends that says when it was made.
fn end_of(contents: &Contents, max_age: Duration) -> Option<Timestamp> {
    let age = i64::try_from(max_age.as_secs()).ok()?;
    Timestamp::from_second(contents.made?.checked_add(age)?).ok()
}

fn token(value: &str) -> Option<Credential> {
    let token = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
    (!token.is_empty()).then(|| Credential::Token(Secret::from(token.into_owned())))
}

/// A token without a time at which it ends is never over, which nobody means: it is none.
fn claims(claims: &Value, rules: &Rules<'_>) -> Option<Credential> {
    let time = |name: &str| {
        #[expect(clippy::cast_possible_truncation, reason = "a saturated time is as far away as any")]
        let seconds = claims.get(name)?.as_f64()? as i64;
        Timestamp::from_second(seconds).ok()
    };
    let begins = time("nbf");
    (begins.is_some() || claims.get("nbf").is_none()).then_some(())?;
    let user = user_in(claims.to_string().as_bytes(), Some(rules.user_path.unwrap_or("sub")));
    Some(Credential::Claims { user, expires: Some(time("exp")?), begins })
}

/// `{"_rails": {"message", "exp", "pur"}}`, which names the cookie that it is for.
fn rails(contents: &Contents, name: &str, rules: &Rules<'_>) -> Option<Credential> {
    let envelope: Value = serde_json::from_slice(&contents.bytes).ok()?;
    let Some(envelope) = envelope.get("_rails") else {
        let user = user_in(&contents.bytes, rules.user_path);
        return Some(Credential::Claims { user, expires: None, begins: None });
    };
    let purpose = envelope.get("pur").and_then(Value::as_str);
    purpose.is_none_or(|purpose| purpose.strip_prefix("cookie.") == Some(name)).then_some(())?;
    let expires = match envelope.get("exp") {
        None | Some(Value::Null) => None,
        Some(time) => Some(time.as_str()?.parse().ok()?),
    };
    let message = STANDARD.decode(envelope.get("message")?.as_str()?).ok()?;
    Some(Credential::Claims { user: user_in(&message, rules.user_path), expires, begins: None })
}
