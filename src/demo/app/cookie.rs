//! The session cookies of the demo's application, as express-session makes them: `connect.sid=s%3A<id>.<signature>`.

use crate::cookie::{Contents, Form};
use crate::secret::Secret;
use jiff::Timestamp;

const NAME: &str = "connect.sid";

/// The cookie, as `name=value`, of a session. Whoever knows the secret and the id can make it.
pub(in crate::demo) fn signed(sid: &str, secret: &Secret) -> String {
    let made = Form::Express.make(secret.expose(), NAME, &Contents::new(sid), Timestamp::UNIX_EPOCH);
    format!("{NAME}={}", made.as_ref().map_or("", |value| value.as_str()))
}

/// The session cookie's value in a cookie header.
pub(super) fn find(header: &str) -> Option<&str> {
    header.split(';').find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
}

/// The session id of a cookie's value, if it was signed with this secret.
pub(super) fn verify(value: &str, secret: &Secret) -> Option<String> {
    let opened = Form::Express.open(secret.expose(), NAME, value)?;
    String::from_utf8(opened.bytes.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_opens_with_its_own_secret_only_and_not_when_changed() {
        let (right, wrong) = (Secret::from("right".to_owned()), Secret::from("wrong".to_owned()));
        for number in 0..64 {
            let sid = format!("id-{number}");
            let cookie = signed(&sid, &right);
            assert!(cookie.starts_with("connect.sid=s%3A") && !cookie.contains(['+', '/', ':']));
            let header = format!("theme=dark; {cookie}");
            let value = find(&header).unwrap();
            assert_eq!(verify(value, &right).as_deref(), Some(sid.as_str()));
            assert_eq!(verify(value, &wrong), None);
            assert_eq!(verify(&value.replace("id-", "id_"), &right), None);
        }
        for bad in ["", "s%3A", "s%3Ax", "x.y", "s%3Ax.", "%ff"] {
            assert_eq!(verify(bad, &right), None);
        }
    }

    #[test]
    fn the_signature_is_the_one_that_express_makes() {
        // Made with node's crypto, in the way of the cookie-signature package.
        let cookie = signed("hello", &Secret::from("tobiiscool".to_owned()));
        assert_eq!(cookie, "connect.sid=s%3Ahello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI");
    }
}
