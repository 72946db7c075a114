//! Session cookies as the frameworks make them: opened with a secret, and made with one.
//!
//! One file a framework. A rotation forges them to show that a leaked value is dead, and `serve` opens them to know
//! whose session a request has.

mod authjs;
mod django;
mod express;
mod flask;
mod header;
mod jwt;
mod key;
mod laravel;
mod parts;
mod rails;

pub use header::{Cookie, header, joined, parse, replace, set};
pub use jwt::JwtKey;
pub use key::FormKey;
pub use parts::Contents;

use crate::secret::Secret;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// A form of session cookie that a secret signs or encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// express-session: a signed id.
    Express,
    /// Auth.js v5 with the strategy `jwt`.
    Authjs,
    /// NextAuth v4 with the strategy `jwt`.
    Nextauth,
    /// Django with sessions in signed cookies.
    Django,
    /// Flask's own sessions.
    Flask,
    /// Rails' encrypted cookies.
    Rails,
    /// Rails' signed cookies.
    RailsSigned,
    /// Laravel.
    Laravel,
}

/// What `encodeURIComponent` leaves as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

impl Form {
    /// Every form.
    pub const ALL: [Self; 8] = [
        Self::Express,
        Self::Authjs,
        Self::Nextauth,
        Self::Django,
        Self::Flask,
        Self::Rails,
        Self::RailsSigned,
        Self::Laravel,
    ];

    /// The cookie's name where nobody chose another; `None` where the application's name is part of it.
    pub fn usual_name(self) -> Option<&'static str> {
        match self {
            Self::Express => Some(express::NAME),
            Self::Authjs => Some(authjs::NAME),
            Self::Nextauth => Some(authjs::NAME_V4),
            Self::Django => Some(django::NAME),
            Self::Flask => Some(flask::NAME),
            Self::Rails | Self::RailsSigned | Self::Laravel => None,
        }
    }

    /// What a cookie says, if this secret made it. Its value is as it was sent. For many cookies, keep a [`FormKey`].
    pub fn open(self, secret: &[u8], name: &str, value: &str) -> Option<Contents> {
        FormKey::new(self, &Secret::from(secret)).open(name, value)
    }

    /// The cookie that this secret makes, as it is sent; `None` when the contents or the secret have not the form that
    /// the framework asks for.
    pub fn make(
        self,
        secret: &[u8],
        name: &str,
        contents: &Contents,
        now: Timestamp,
    ) -> Option<Zeroizing<String>> {
        let value = match self {
            Self::Express => express::make(secret, contents),
            Self::Authjs => authjs::make(secret, name, contents, now),
            Self::Nextauth => authjs::make_v4(secret, contents, now),
            Self::Django => Some(django::make(secret, contents, now)),
            Self::Flask => Some(flask::make(secret, contents, now)),
            Self::Rails => rails::make(secret, name, contents),
            Self::RailsSigned => Some(rails::make_signed(secret, name, contents)),
            Self::Laravel => laravel::make(secret, name, contents),
        }?;
        Some(if self.is_encoded() { encoded(&value) } else { value })
    }

    /// Whether the framework writes the value percent-encoded.
    fn is_encoded(self) -> bool {
        matches!(self, Self::Express | Self::Rails | Self::RailsSigned | Self::Laravel)
    }
}

fn encoded(value: &str) -> Zeroizing<String> {
    Zeroizing::new(utf8_percent_encode(value, KEPT).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Cut, changed or made up: a cookie opens whole or not at all, and nothing of it makes anybody stumble.
        #[test]
        fn damaged_cookies_do_not_open(form in prop::sample::select(Form::ALL.to_vec()), at in any::<prop::sample::Index>(), letter in "[!-~]", text in "[ -~]{0,60}") {
            let now = Timestamp::from_second(1_700_000_000).unwrap();
            let key = format!("base64:{}", parts::base64(&[7; 32]));
            let secret = if form == Form::Laravel { key.as_bytes() } else { b"s" };
            let contents = Contents::new(*br#"{"sub":"7"}"#);
            let made = form.make(secret, "sid", &contents, now).unwrap();
            prop_assert!(form.open(secret, "sid", &made).is_some());
            prop_assert!(form.open(secret, "sid", &text).is_none());
            let at = at.index(made.len());
            prop_assert!(form.open(secret, "sid", &made[..at]).is_none());
            let mut changed = made.to_string();
            changed.replace_range(at..=at, &letter);
            // The last letter of base64 has bits that mean nothing.
            if let Some(opened) = form.open(secret, "sid", &changed) {
                prop_assert_eq!(&opened.bytes, &form.open(secret, "sid", &made).unwrap().bytes);
            }
        }
    }
}
