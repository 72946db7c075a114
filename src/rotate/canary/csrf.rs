//! The token against forged requests that a login page gives out and its form has to bring back.

use crate::cookie::Cookie;
use serde_json::Value;
use zeroize::Zeroizing;

/// What the frameworks call it: in a form, in a page's head, in JSON, and as a cookie.
const FIELDS: &[&str] = &[
    "csrfmiddlewaretoken",
    "csrf_token",
    "csrfToken",
    "_csrf",
    "_csrf_token",
    "_token",
    "authenticity_token",
    "csrf-token",
    "csrf",
    "token",
];
const COOKIES: &[&str] = &["csrftoken", "XSRF-TOKEN", "csrf_token", "_csrf"];

/// The token of a login page: from its JSON, its form, or its cookies.
pub(super) fn token(body: &[u8], cookies: &[Cookie]) -> Option<Zeroizing<String>> {
    let text = Zeroizing::new(String::from_utf8_lossy(body).into_owned());
    let found = from_json(&text).or_else(|| FIELDS.iter().find_map(|field| from_form(&text, field)));
    found.map(Zeroizing::new).or_else(|| {
        let cookie = cookies.iter().find(|cookie| COOKIES.contains(&cookie.name.as_str()));
        cookie.map(|cookie| cookie.value.clone())
    })
}

fn from_json(text: &str) -> Option<String> {
    let fields: Value = serde_json::from_str(text).ok()?;
    FIELDS.iter().find_map(|field| fields.get(field)?.as_str().map(str::to_owned))
}

/// The value of an `<input>` or `<meta>` with this name.
fn from_form(text: &str, field: &str) -> Option<String> {
    text.split('<').filter(|tag| tag.starts_with("input") || tag.starts_with("meta")).find_map(|tag| {
        let tag = tag.split('>').next()?;
        (attribute(tag, "name")? == field).then_some(())?;
        let value = attribute(tag, "value").or_else(|| attribute(tag, "content"))?;
        Some(value.replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&"))
    })
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        let at = rest.find(name)?;
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        rest = after;
        let value = after.trim_start().strip_prefix('=').map(str::trim_start);
        if let Some(value) = value.filter(|_| before.ends_with(|c: char| c.is_ascii_whitespace())) {
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
            return match quote {
                Some(quote) => value[1..].split(quote).next(),
                None => value.split_ascii_whitespace().next(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &str) -> Option<String> {
        token(body.as_bytes(), &[]).map(|token| token.to_string())
    }

    #[test]
    fn the_token_is_found_where_frameworks_put_it() {
        for body in [
            r#"{"csrfToken":"t0ken"}"#,
            r#"<form><input type="hidden" name="csrfmiddlewaretoken" value="t0ken"></form>"#,
            "<input value='t0ken' name='_token' autocomplete=off/>",
            r#"<meta name="viewport" content="x"><meta name="csrf-token" content="t0ken" />"#,
            "<input name=_csrf value=t0ken >",
        ] {
            assert_eq!(found(body).as_deref(), Some("t0ken"), "{body}");
        }
        for body in ["", "<input name=user value=x>", "{}", "[1]", "<input name", "<meta content=x name"] {
            assert_eq!(found(body), None, "{body}");
        }
    }
}
