//! Which cookies of a request an application may read as its session, and how it may read them: what it takes and
//! nobody looked at would be a way past.

use super::Settings;
use super::form::CookieForm;
use crate::cookie::{Cookie, Form, joined};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

impl Settings {
    /// Whether a cookie's name is one of those that are configured, with a prefix or without.
    pub(super) fn is_ours(&self, name: &str) -> bool {
        // PHP makes these underscores before anybody looks.
        let php = self.form == CookieForm::Framework(Form::Laravel);
        let name = if php { name.replace(['.', ' ', '['], "_") } else { name.to_owned() };
        let bare = name.strip_prefix("__Secure-").or_else(|| name.strip_prefix("__Host-")).unwrap_or(&name);
        self.names.iter().any(|known| known == bare || *known == name)
    }

    /// Whether a cookie is one of ours, or a piece of one: `NAME.0`, `NAME.1`.
    pub(super) fn is_session(&self, name: &str) -> bool {
        let whole = name.rsplit_once('.').filter(|(_, piece)| {
            !piece.is_empty() && piece.len() <= 3 && piece.bytes().all(|digit| digit.is_ascii_digit())
        });
        self.is_ours(name) || whole.is_some_and(|(whole, _)| self.is_ours(whole))
    }

    /// Whether a cookie's name begins like ours and is none, where the application takes it for a piece all the same.
    pub(super) fn is_strange(&self, name: &str) -> bool {
        let begins = |known: &String| {
            ["", "__Secure-", "__Host-"]
                .iter()
                .any(|prefix| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(known.as_str())))
        };
        self.reads_pieces() && self.names.iter().any(begins) && !self.is_session(name)
    }

    /// The cookies that the application may read, put together where it does that.
    pub(super) fn read(&self, cookies: &[Cookie]) -> Vec<Cookie> {
        if self.reads_pieces() {
            joined(cookies)
        } else {
            cookies.iter().filter(|cookie| self.is_ours(&cookie.name)).cloned().collect()
        }
    }

    /// Auth.js reads every cookie whose name begins like its own as a piece.
    fn reads_pieces(&self) -> bool {
        let is_authjs =
            |name: &String| name.ends_with("auth.session-token") || name.ends_with("authjs.session-token");
        matches!(self.form, CookieForm::Framework(Form::Authjs | Form::Nextauth))
            || self.names.iter().any(is_authjs)
    }

    /// The value as laxer readers take it: without quotes around it, its escapes resolved, percent signs decoded. `None`
    /// where that is what is looked at anyway.
    pub(super) fn laxly(&self, value: &str) -> Option<Zeroizing<String>> {
        let is_quoted = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
        if !is_quoted && (self.form.decodes() || !value.contains('%')) {
            return None;
        }
        let inner =
            Zeroizing::new(if is_quoted { unescaped(&value[1..value.len() - 1]) } else { value.to_owned() });
        let lax = Zeroizing::new(percent_decode_str(&inner).decode_utf8_lossy().into_owned());
        (*lax != value).then_some(lax)
    }
}

/// `\"`, `\\` and `\073` as they are meant between quotes.
fn unescaped(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let octal = behind.get(..3).filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        rest = match (first, octal, behind) {
            (b'\\', Some(digits), _) => {
                plain.push(
                    digits
                        .iter()
                        .fold(0_u8, |number, digit| number.wrapping_mul(8).wrapping_add(digit - b'0')),
                );
                &behind[3..]
            }
            (b'\\', None, [meant, after @ ..]) => {
                plain.push(*meant);
                after
            }
            _ => {
                plain.push(*first);
                behind
            }
        };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn settings(form: CookieForm, name: &str) -> Settings {
        Settings { names: vec![name.to_owned()], ..Settings::new(form) }
    }

    fn names(settings: &Settings, sent: &[&str]) -> Vec<String> {
        let cookie = |name: &&str| Cookie { name: (*name).to_owned(), value: Zeroizing::new("v".to_owned()) };
        let sent: Vec<_> = sent.iter().map(cookie).collect();
        settings.read(&sent).into_iter().map(|cookie| format!("{}={}", cookie.name, *cookie.value)).collect()
    }

    #[test]
    fn pieces_are_put_together_only_where_the_application_does_that() {
        let express = settings(CookieForm::Framework(Form::Express), "connect.sid");
        assert_eq!(names(&express, &["connect.sid", "connect.sid.0"]), ["connect.sid=v"]);
        let authjs = settings(CookieForm::Token, "authjs.session-token");
        assert_eq!(
            names(&authjs, &["authjs.session-token.0", "authjs.session-token.1"]),
            ["authjs.session-token=vv"]
        );
        assert!(
            authjs.is_strange("__Secure-authjs.session-token.zzz") && !express.is_strange("connect.sid.zzz")
        );
        assert!(!authjs.is_strange("authjs.session-token.7") && !authjs.is_strange("authjs.csrf-token"));
    }

    #[test]
    fn php_takes_a_dot_for_an_underscore() {
        assert!(settings(CookieForm::Framework(Form::Laravel), "laravel_session").is_ours("laravel.session"));
        assert!(!settings(CookieForm::Token, "my_session").is_ours("my.session"));
    }

    #[test]
    fn what_laxer_readers_take_is_looked_at_too() {
        let lax =
            |form: CookieForm, value: &str| settings(form, "sid").laxly(value).map(|lax| lax.to_string());
        let (token, jwt) = (CookieForm::Token, CookieForm::Jwt);
        assert_eq!(lax(token, "\"abc\"").as_deref(), Some("abc"));
        assert_eq!(lax(token, "\"a\\142\\\"c\"").as_deref(), Some("ab\"c"));
        assert_eq!(lax(jwt, "ey%4A").as_deref(), Some("eyJ"));
        assert_eq!((lax(token, "a%62c"), lax(jwt, "eyJ"), lax(token, "\"")), (None, None, None));
    }

    proptest! {
        #[test]
        fn any_value_is_read(value in "[\"\\\\%0-9a-fé]{0,12}") {
            drop(settings(CookieForm::Jwt, "sid").laxly(&value));
        }
    }
}
