//! Session cookies as express-session makes them: `connect.sid=s%3A<id>.<base64 HMAC-SHA256 of the id, no padding>`.

use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

const NAME: &str = "connect.sid";

/// What JavaScript's `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The cookie, as `name=value`, of a session. Whoever knows the secret and the id can make it.
pub(in crate::demo) fn signed(sid: &str, secret: &Secret) -> String {
    let value = format!("s:{sid}.{}", signature(sid, secret));
    format!("{NAME}={}", utf8_percent_encode(&value, COMPONENT))
}

/// The session cookie's value in a cookie header.
pub(super) fn find(header: &str) -> Option<&str> {
    header.split(';').find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
}

/// The session id of a cookie's value, if it was signed with this secret.
pub(super) fn verify(value: &str, secret: &Secret) -> Option<String> {
    let decoded = percent_decode_str(value).decode_utf8().ok()?;
    let (sid, given) = decoded.strip_prefix("s:")?.rsplit_once('.')?;
    let same: bool = signature(sid, secret).as_bytes().ct_eq(given.as_bytes()).into();
    same.then(|| sid.to_owned())
}

fn signature(sid: &str, secret: &Secret) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose()).expect("HMAC takes a key of any length");
    mac.update(sid.as_bytes());
    STANDARD_NO_PAD.encode(mac.finalize().into_bytes())
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
