//! Logs a user in as a browser does: the login page first where it gives out a token, then the form; the cookies that
//! come back are the session.
//!
//! The same login afterwards shows that users can come back.

use super::csrf;
use crate::cookie::{self, Cookie};
use crate::rotate::Error;
use crate::rotate::http::{Address, Body};
use crate::secret::Secret;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long one answer may take: a password hash is slow on purpose.
const ANSWER: Duration = Duration::from_secs(15);
/// What stands in the form where the page's token belongs.
const TOKEN: &str = "{{csrf}}";

/// A login that can be done any time.
#[derive(Clone, Debug)]
pub struct Login {
    url: Address,
    page: Option<Address>,
    body: Secret,
}

impl Login {
    /// Takes the address of the form, of the page that gives out its token if there is one, and what is sent: JSON when
    /// it begins with a brace, else a form.
    ///
    /// # Errors
    /// [`Error::Login`] when that could not work.
    pub fn new(url: Address, page: Option<Address>, body: Secret) -> Result<Self, Error> {
        let refused = |what: &str| Error::Login { url: url.to_string(), what: what.to_owned() };
        let text =
            std::str::from_utf8(body.expose()).map_err(|_| refused("what is to be sent is no text"))?;
        if text.trim().is_empty() {
            return Err(refused("there is nothing to send"));
        }
        if text.contains(TOKEN) && page.is_none() {
            return Err(refused("its form asks for a token, and no page is named that gives one out"));
        }
        Ok(Self { url, page, body })
    }

    /// The address that it is sent to.
    pub fn url(&self) -> &Address {
        &self.url
    }

    /// What must never be shown: each value of the form, but a short one that says who logs in. The names of its fields
    /// and such a value are words of every text, and to take them out would tear our own.
    pub(in crate::rotate) fn secrets(&self) -> Vec<Secret> {
        let text = String::from_utf8_lossy(self.body.expose()).into_owned();
        let json: Option<serde_json::Value> = serde_json::from_str(&text).ok().filter(|_| self.is_json());
        let fields: Vec<(String, String)> = match json {
            Some(json) => fields("", &json),
            None => url::form_urlencoded::parse(text.trim().as_bytes()).into_owned().collect(),
        };
        let is_secret = |(name, value): &(String, String)| {
            let name = name.to_ascii_lowercase();
            let says_who = ["user", "name", "mail", "login"].iter().any(|word| name.contains(word));
            *value != TOKEN && !value.is_empty() && (value.len() >= 8 || !says_who)
        };
        let secrets: Vec<_> =
            fields.into_iter().filter(is_secret).map(|(_, value)| Secret::from(value)).collect();
        // What is no form at all is one value.
        if secrets.is_empty() { vec![self.body.clone()] } else { secrets }
    }

    /// Logs in, and gives the cookie header of the new session.
    pub(in crate::rotate) fn session(&self) -> Result<Secret, Error> {
        let mut cookies: Vec<Cookie> = Vec::new();
        let token = match &self.page {
            Some(page) => self.token_of(page, &mut cookies)?,
            None => None,
        };
        let body = Body {
            text: self.filled(token.as_ref().map(|token| token.as_str())),
            is_json: self.is_json(),
            token,
        };
        let sent = (!cookies.is_empty()).then(|| cookie::header(&cookies));
        let reply = self.url.post(sent.as_ref(), &body, ANSWER).map_err(|why| self.failed(why))?;
        if !(200..400).contains(&reply.status) {
            return Err(self.failed(format!("it was answered {}", reply.status)));
        }
        if reply.cookies.is_empty() {
            return Err(self.failed(format!("it was answered {}, but no cookie was set", reply.status)));
        }
        reply.cookies.iter().for_each(|line| cookie::set(&mut cookies, line));
        Ok(cookie::header(&cookies))
    }

    fn token_of(
        &self,
        page: &Address,
        cookies: &mut Vec<Cookie>,
    ) -> Result<Option<Zeroizing<String>>, Error> {
        let reply = page.get(None, ANSWER).map_err(|why| self.failed(format!("its page {page}: {why}")))?;
        if !(200..300).contains(&reply.status) {
            return Err(self.failed(format!("its page {page} was answered {}", reply.status)));
        }
        reply.cookies.iter().for_each(|line| cookie::set(cookies, line));
        let token = csrf::token(&reply.body, cookies);
        if token.is_none() && self.text().contains(TOKEN) {
            return Err(self.failed(format!("its page {page} gives out no token that unleak knows")));
        }
        Ok(token)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(self.body.expose()).unwrap_or_default().trim()
    }

    fn is_json(&self) -> bool {
        self.text().starts_with(['{', '['])
    }

    /// The form with the token in its place.
    fn filled(&self, token: Option<&str>) -> Secret {
        let Some(token) = token else { return Secret::from(self.text().as_bytes()) };
        let token = Zeroizing::new(if self.is_json() {
            let quoted = serde_json::to_string(token).unwrap_or_default();
            quoted.trim_matches('"').to_owned()
        } else {
            utf8_percent_encode(token, NON_ALPHANUMERIC).to_string()
        });
        Secret::from(self.text().replace(TOKEN, &token))
    }

    fn failed(&self, what: String) -> Error {
        Error::Login { url: self.url.to_string(), what }
    }
}

/// Every text in it, however deep, with the name that it stands under.
fn fields(name: &str, json: &serde_json::Value) -> Vec<(String, String)> {
    use serde_json::Value;
    match json {
        Value::String(text) => vec![(name.to_owned(), text.clone())],
        Value::Array(all) => all.iter().flat_map(|one| fields(name, one)).collect(),
        Value::Object(all) => all.iter().flat_map(|(name, one)| fields(name, one)).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Redactor;

    #[test]
    fn every_text_of_a_nested_body_is_a_secret() {
        let body = Secret::from(r#"{"user":{"all":["a long one",{"pass":"another one"}]}}"#.to_owned());
        let login = Login::new(Address::new("http://127.0.0.1/").unwrap(), None, body).unwrap();
        let secrets = login.secrets();
        for text in ["a long one", "another one"] {
            assert!(secrets.contains(&Secret::from(text.to_owned())), "{text}");
        }
    }

    /// The names of its fields, with the quotes between them, once tore every text that said `password`.
    #[test]
    fn a_form_is_kept_out_of_texts_and_its_words_stay_in_them() {
        let word = format!("correct-horse-{}", std::process::id());
        for body in [
            format!(r#"{{"username":"alice","password":"{word}","email":"session@example.com"}}"#),
            format!("username=alice&password={word}&email=session%40example.com"),
            format!(r#"{{"user":"ada","pass":"{}"}}"#, &word[..7]),
            word.clone(),
        ] {
            let login =
                Login::new(Address::new("http://127.0.0.1/").unwrap(), None, Secret::from(body)).unwrap();
            let redactor = Redactor::new(&login.secrets());
            for said in [
                "your password has not changed",
                r#"{"detail":"SESSION_SECRET replaced","password":1,"username":"email"}"#,
                "log in with your username and password=",
            ] {
                assert_eq!(redactor.redact(said), said);
            }
            assert!(!redactor.redact(&format!("it said {word}.")).contains(&word[..7]), "{word}");
        }
    }
}
