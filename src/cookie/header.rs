//! Cookie headers: taken apart, put together, and what an answer's `Set-Cookie` lines do to them.

use crate::secret::Secret;
use zeroize::Zeroizing;

/// One cookie as it is sent.
#[derive(Clone)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value, not decoded.
    pub value: Zeroizing<String>,
}

/// The cookies of a header, in their order.
pub fn parse(header: &Secret) -> Vec<Cookie> {
    let text = Zeroizing::new(String::from_utf8_lossy(header.expose()).into_owned());
    let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| Cookie {
            name: name.trim().to_owned(),
            value: Zeroizing::new(value.trim().to_owned()),
        })
        .collect()
}

/// The header that sends them.
pub fn header(cookies: &[Cookie]) -> Secret {
    let length = cookies.iter().map(|cookie| cookie.name.len() + cookie.value.len() + 3).sum();
    let mut text = Vec::with_capacity(length);
    for (index, cookie) in cookies.iter().enumerate() {
        text.extend_from_slice(if index == 0 { b"" } else { b"; " });
        text.extend_from_slice(cookie.name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(cookie.value.as_bytes());
    }
    Secret::from(text)
}

/// What one `Set-Cookie` line does: sets a cookie, or takes one away.
pub fn set(cookies: &mut Vec<Cookie>, line: &str) {
    let mut parts = line.split(';');
    let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
    let (name, value) = (name.trim(), value.trim());
    cookies.retain(|cookie| cookie.name != name);
    let ends = parts.filter_map(|part| part.trim().split_once('=')).any(|(key, how)| {
        key.eq_ignore_ascii_case("max-age") && how.trim().parse::<i64>().is_ok_and(|seconds| seconds <= 0)
            || key.eq_ignore_ascii_case("expires") && how.contains("1970")
    });
    if !value.is_empty() && !ends {
        cookies.push(Cookie { name: name.to_owned(), value: Zeroizing::new(value.to_owned()) });
    }
}

/// The cookies with those put together that were cut into `name.0`, `name.1` and so on.
pub fn joined(cookies: &[Cookie]) -> Vec<Cookie> {
    let mut whole: Vec<Cookie> = Vec::new();
    let mut pieces: Vec<(String, u32, Zeroizing<String>)> = Vec::new();
    for cookie in cookies {
        match piece(&cookie.name) {
            Some((name, number)) => pieces.push((name.to_owned(), number, cookie.value.clone())),
            None => whole.push(cookie.clone()),
        }
    }
    pieces.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    for (name, _, value) in pieces {
        match whole.iter_mut().find(|cookie| cookie.name == name) {
            Some(cookie) => *cookie.value += &value,
            None => whole.push(Cookie { name, value }),
        }
    }
    whole
}

/// The name and the number of a piece.
fn piece(name: &str) -> Option<(&str, u32)> {
    let (whole, number) = name.rsplit_once('.')?;
    let is_number = !number.is_empty() && number.len() <= 3 && number.bytes().all(|c| c.is_ascii_digit());
    number.parse().ok().filter(|_| is_number).map(|number| (whole, number))
}

/// Puts a value in the place of the cookie of this name and all its pieces, cut where it is longer than a browser takes.
pub fn replace(cookies: &mut Vec<Cookie>, name: &str, value: &str) {
    /// What Auth.js cuts at: 4096 bytes less room for the attributes.
    const LONGEST: usize = 3936;
    cookies
        .retain(|cookie| cookie.name != name && piece(&cookie.name).is_none_or(|(whole, _)| whole != name));
    let set = |name: String, value: &str| Cookie { name, value: Zeroizing::new(value.to_owned()) };
    if value.len() <= LONGEST {
        cookies.push(set(name.to_owned(), value));
        return;
    }
    let mut rest = value;
    for number in 0.. {
        if rest.is_empty() {
            break;
        }
        // Such values are ASCII, so that every byte is a place to cut at.
        let (piece, next) = rest.split_at(rest.len().min(LONGEST));
        cookies.push(set(format!("{name}.{number}"), piece));
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cookies: &[Cookie]) -> String {
        String::from_utf8(header(cookies).expose().to_vec()).unwrap()
    }

    #[test]
    fn an_answer_sets_replaces_and_takes_away() {
        let mut cookies = parse(&Secret::from("a=1; b=2;c=x=y".to_owned()));
        for line in [
            "b=3; Path=/; HttpOnly",
            "a=; Max-Age=0",
            "d=4; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "e=5; Max-Age=60; Expires=Thu, 01 Jan 2099 00:00:00 GMT",
            "nonsense",
        ] {
            set(&mut cookies, line);
        }
        assert_eq!(text(&cookies), "c=x=y; b=3; e=5");
    }

    #[test]
    fn a_long_value_is_cut_and_put_together_again() {
        let value: String = ('a'..='z').cycle().take(9000).collect();
        let mut cookies = parse(&Secret::from("t.0=old; t.1=older; x=1; t.js=kept".to_owned()));
        replace(&mut cookies, "t", &value);
        assert_eq!(cookies.len(), 5);
        assert!(cookies.iter().all(|cookie| cookie.value.len() <= 3936));
        cookies.reverse();
        let whole = joined(&cookies);
        assert!(whole.iter().any(|cookie| cookie.name == "t" && *cookie.value == value));
        assert!(whole.iter().any(|cookie| cookie.name == "t.js"));
    }
}
