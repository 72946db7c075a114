//! Makes the cookie that whoever has the old value would make.
//!
//! What it says is taken from a live session's cookie, opened with the secret, or is given. A cookie that is only
//! signed for its own sake would show nothing: the plan is refused when the application does not accept it before.

use crate::cookie::{self, Contents, Cookie, Form};
use crate::rotate::Error;
use crate::secret::Secret;
use crate::session::StoreClass;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The framework whose session cookie is forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Forgery {
    /// Whichever of the others the old value opens in the live cookie.
    Auto,
    /// express-session: the live session's id, signed again.
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

/// How a cookie is forged.
#[derive(Clone, Debug)]
pub struct Forge {
    /// The framework.
    pub kind: Forgery,
    /// What the cookie says, where it is not taken from a live one: claims or session as JSON, or a session's id.
    pub contents: Option<Secret>,
    /// The cookie's name, where it is not the framework's own.
    pub name: Option<String>,
}

impl fmt::Display for Forge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Forgery::Auto => "the framework that made the live cookie",
            Forgery::Express => "Express",
            Forgery::Authjs => "Auth.js",
            Forgery::Nextauth => "NextAuth 4",
            Forgery::Django => "Django",
            Forgery::Flask => "Flask",
            Forgery::Rails | Forgery::RailsSigned => "Rails",
            Forgery::Laravel => "Laravel",
        })
    }
}

impl Forge {
    /// Checks what can be checked before a secret is known.
    ///
    /// # Errors
    /// [`Error::Forge`] when contents are given for a cookie that has no known name or form.
    pub fn new(kind: Forgery, contents: Option<Secret>, name: Option<String>) -> Result<Self, Error> {
        if contents.is_some() && kind == Forgery::Auto {
            return Err(Error::Forge("contents that are given need a kind"));
        }
        if contents.is_some() && name.is_none() && kind.usual_name().is_none() {
            return Err(Error::Forge("this framework's cookie has the application's name in its own"));
        }
        let part = |byte: u8| byte.is_ascii_graphic() && !b"=;,\"\\ ()<>@:/[]?{}".contains(&byte);
        if name.as_ref().is_some_and(|name| name.is_empty() || !name.bytes().all(part)) {
            return Err(Error::Forge("the name is none that a cookie can have"));
        }
        Ok(Self { kind, contents, name })
    }

    /// The header with a cookie that the secret makes; what it says was made with `opener`.
    pub(in crate::rotate) fn cookie(
        &self,
        secret: &Secret,
        opener: &Secret,
        live: Option<&Secret>,
    ) -> Result<Secret, Error> {
        let mut cookies = live.map(cookie::parse).unwrap_or_default();
        let (form, name, contents) = self.source(opener, &cookies)?;
        let made = form.make(secret.expose(), &name, &contents, Timestamp::now());
        let value = made.ok_or(Error::Forge(
            "what the cookie should say, or the old value, has not the form that the framework asks for",
        ))?;
        cookie::replace(&mut cookies, &name, &value);
        Ok(cookie::header(&cookies))
    }

    /// What the cookie will be and say.
    fn source(&self, opener: &Secret, live: &[Cookie]) -> Result<(Form, String, Contents), Error> {
        let form = self.kind.form();
        if let (Some(form), Some(contents)) = (form, &self.contents) {
            let name = self.name.as_deref().or(form.usual_name()).unwrap_or_default();
            return Ok((form, name.to_owned(), Contents::new(contents.expose())));
        }
        if live.is_empty() {
            return Err(Error::Forge("there is no live cookie to take the session from"));
        }
        let forms = Form::ALL.into_iter().filter(|one| form.is_none_or(|form| form == *one));
        let wanted = |cookie: &&Cookie| self.name.as_ref().is_none_or(|name| *name == cookie.name);
        let joined = cookie::joined(live);
        for form in forms {
            for cookie in joined.iter().filter(wanted) {
                if let Some(contents) = form.open(opener.expose(), &cookie.name, &cookie.value) {
                    return Ok((form, cookie.name.clone(), contents));
                }
            }
        }
        Err(Error::Forge("the value in the target opens none of the live cookies in this form"))
    }
}

impl Forgery {
    /// The class of the sessions that such a cookie carries.
    pub(in crate::rotate) fn class(self) -> Option<StoreClass> {
        match self {
            Self::Auto => None,
            Self::Express => Some(StoreClass::A),
            Self::Laravel => Some(StoreClass::C),
            Self::Authjs | Self::Nextauth | Self::Django | Self::Flask | Self::Rails | Self::RailsSigned => {
                Some(StoreClass::D)
            }
        }
    }

    /// The cookie's form; `None` where the live cookie tells.
    fn form(self) -> Option<Form> {
        match self {
            Self::Auto => None,
            Self::Express => Some(Form::Express),
            Self::Authjs => Some(Form::Authjs),
            Self::Nextauth => Some(Form::Nextauth),
            Self::Django => Some(Form::Django),
            Self::Flask => Some(Form::Flask),
            Self::Rails => Some(Form::Rails),
            Self::RailsSigned => Some(Form::RailsSigned),
            Self::Laravel => Some(Form::Laravel),
        }
    }

    fn usual_name(self) -> Option<&'static str> {
        self.form().and_then(Form::usual_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;
    use proptest::prelude::*;

    fn secret(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }

    #[test]
    fn what_is_no_cookie_of_the_secret_is_refused() {
        let forge = |kind| Forge::new(kind, None, None).unwrap();
        for live in [
            "a=1",
            "connect.sid=s%3Aabc.def",
            "session=e30.x.y",
            "_session=a--b--c",
            "x=.;y=:;z=....",
            "=",
            "",
        ] {
            let refused = forge(Forgery::Auto).cookie(&secret("k"), &secret("k"), Some(&secret(live)));
            assert!(matches!(refused, Err(Error::Forge(_))), "{live}");
        }
        let contents = || Some(secret("{}"));
        assert!(Forge::new(Forgery::Auto, contents(), None).is_err());
        assert!(Forge::new(Forgery::Rails, contents(), None).is_err());
        assert!(Forge::new(Forgery::Flask, contents(), Some("a;b".to_owned())).is_err());
    }

    proptest! {
        /// What each kind makes it opens again, and nobody else's secret does.
        #[test]
        fn a_forged_cookie_says_what_it_was_told(id in "[A-Za-z0-9_-]{20,40}", key in "[a-f0-9]{32}", kind in 1..Forgery::value_variants().len()) {
            let kind = Forgery::value_variants()[kind];
            let json = format!(r#"{{"user":"{id}"}}"#);
            let contents = if kind == Forgery::Express { &id } else { &json };
            let name = "a_session";
            let forge = Forge::new(kind, Some(secret(contents)), Some(name.to_owned())).unwrap();
            let live = secret("theme=dark; a_session=old");
            let made = forge.cookie(&secret(&key), &secret("unused"), Some(&live)).unwrap();
            let text = String::from_utf8(made.expose().to_vec()).unwrap();
            prop_assert!(text.starts_with("theme=dark; a_session=") && !text.contains("old;"));
            let again = Forge::new(Forgery::Auto, None, None).unwrap();
            let other = format!("{}{}", if key.starts_with('0') { '1' } else { '0' }, &key[1..]);
            prop_assert!(again.cookie(&secret(&key), &secret(&other), Some(&made)).is_err());
            let (found, _, opened) = again.source(&secret(&key), &cookie::parse(&made)).unwrap();
            prop_assert_eq!(Some(found), kind.form());
            let said = String::from_utf8_lossy(&opened.bytes).into_owned();
            prop_assert!(said.contains(&id) || said.contains("_rails"));
        }
    }
}
