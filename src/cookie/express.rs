//! express-session: `s:ID.SIGNATURE`, where the signature is HMAC-SHA256 of the id in base64 without padding.
//!
//! The secret alone makes no session: the id must be one that the store has. So a forged cookie is that of a live
//! session, signed again.

use super::parts::{Contents, base64_bare, hmac_sha256, same};
use zeroize::Zeroizing;

pub(super) const NAME: &str = "connect.sid";

pub(super) fn open(secret: &[u8], value: &str) -> Option<Contents> {
    let (id, signature) = value.strip_prefix("s:")?.rsplit_once('.')?;
    let expected = base64_bare(&hmac_sha256(secret, &[id.as_bytes()]));
    same(expected.as_bytes(), signature.as_bytes()).then(|| Contents::new(id))
}

pub(super) fn make(secret: &[u8], contents: &Contents) -> Option<Zeroizing<String>> {
    let id = std::str::from_utf8(&contents.bytes).ok()?;
    let signature = base64_bare(&hmac_sha256(secret, &[id.as_bytes()]));
    Some(Zeroizing::new(format!("s:{id}.{signature}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by cookie-signature 1.2.2.
    #[test]
    fn the_cookie_is_what_the_library_makes() {
        let made = make(b"test-secret", &Contents::new("abc")).unwrap();
        assert_eq!(*made, "s:abc.5MTa3WVx+Bp7AZ0hbbHvOHewyI+qvFamb4iX7jKFdZM");
        assert_eq!(*open(b"test-secret", &made).unwrap().bytes, b"abc");
        assert!(open(b"test-secre", &made).is_none() && open(b"test-secret", "s:abc.").is_none());
    }
}
