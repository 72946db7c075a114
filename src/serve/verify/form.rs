//! What a session cookie holds, by the form of the sessions, and what opening it tells.

use crate::cookie::{Contents, Form, FormKey, JwtKey};
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

/// What opens the cookies of one form by one secret: made once, since deriving keys takes longer than using them.
#[derive(Debug)]
pub(super) enum Opener {
    /// Nothing is needed.
    Token,
    /// A key that checks signatures.
    Jwt(JwtKey),
    /// What a framework does.
    Framework(FormKey),
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

    /// Whether opening it decodes percent signs.
    pub(super) fn decodes(self) -> bool {
        matches!(
            self,
            Self::Token | Self::Framework(Form::Express | Form::Rails | Form::RailsSigned | Form::Laravel)
        )
    }

    /// Whether a secret has a part in it.
    pub fn needs_secret(self) -> bool {
        self != Self::Token
    }

    /// Whether the cookie is a token with claims.
    pub fn has_claims(self) -> bool {
        matches!(self, Self::Jwt | Self::Framework(Form::Authjs | Form::Nextauth))
    }

    /// Whether the cookie only names a session, which a store holds.
    pub fn needs_store(self) -> bool {
        matches!(self, Self::Token | Self::Framework(Form::Express | Form::Laravel))
    }

    /// What opens its cookies by any of these secrets.
    pub(super) fn openers(self, secrets: &[Secret]) -> Vec<Opener> {
        match self {
            Self::Token => vec![Opener::Token],
            Self::Jwt => secrets.iter().filter_map(JwtKey::new).map(Opener::Jwt).collect(),
            Self::Framework(form) => {
                secrets.iter().map(|secret| Opener::Framework(FormKey::new(form, secret))).collect()
            }
        }
    }
}

impl Opener {
    /// What the cookie stands for, if it is one that this opens.
    pub(super) fn open(&self, name: &str, value: &str, rules: &Rules<'_>) -> Option<Credential> {
        let key = match self {
            Self::Token => return token(value),
            Self::Jwt(key) => {
                return claims(&serde_json::from_slice(&key.open(value)?.bytes).ok()?, rules);
            }
            Self::Framework(key) => key,
        };
        let contents = key.open(name, value)?;
        match key.form() {
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
    /// Who must have issued a token, where that was said.
    pub(super) issuer: Option<&'a str>,
    /// Whom a token must be for, one of these, where that was said.
    pub(super) audiences: &'a [String],
}

impl Rules<'_> {
    /// Whether a token is by whom and for whom it must be.
    fn admit(&self, claims: &Value) -> bool {
        let is_ours =
            |one: &Value| one.as_str().is_some_and(|one| self.audiences.iter().any(|own| own == one));
        let audience = match claims.get("aud") {
            Some(Value::Array(several)) => several.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        };
        let issuer = claims.get("iss").and_then(Value::as_str);
        (self.issuer.is_none() || self.issuer == issuer) && (self.audiences.is_empty() || audience)
    }
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
    rules.admit(claims).then_some(())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_of_another_issuer_or_for_another_audience_is_none() {
        let audiences = ["shop".to_owned(), "desk".to_owned()];
        let rules = |issuer, audiences| Rules { user_path: None, max_age: None, issuer, audiences };
        let (both, none) = (rules(Some("https://id.example"), &audiences[..]), rules(None, &[]));
        let token =
            |iss: Value, aud: Value| json!({"sub": "7", "exp": 4_102_444_800_u64, "iss": iss, "aud": aud});
        for (iss, aud, holds) in [
            (json!("https://id.example"), json!("shop"), true),
            (json!("https://id.example"), json!(["x", "desk"]), true),
            (json!("https://id.example"), json!(["x"]), false),
            (json!("https://id.example"), json!(null), false),
            (json!("https://id.example/"), json!("shop"), false),
            (json!(["https://id.example"]), json!("shop"), false),
            (json!(null), json!("shop"), false),
        ] {
            let token = token(iss, aud);
            assert_eq!(claims(&token, &both).is_some(), holds, "{token}");
            assert!(claims(&token, &none).is_some(), "{token}");
        }
    }
}
