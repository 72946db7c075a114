//! Flask's session cookie by itsdangerous: `PAYLOAD.TIME.SIGNATURE`, each in base64url.
//!
//! The session is in the cookie, so whoever has the secret is whom they like to be.

use super::parts::{Contents, base64url, from_base64url, hmac_sha1, payload, same};
use jiff::Timestamp;
use zeroize::Zeroizing;

pub(super) const NAME: &str = "session";

/// What Flask makes its key from.
const SALT: &[u8] = b"cookie-session";

pub(super) fn open(secret: &[u8], value: &str) -> Option<Contents> {
    let (signed, signature) = value.rsplit_once('.')?;
    let (contents, time) = signed.rsplit_once('.')?;
    same(&sign(secret, signed), &from_base64url(signature)?).then_some(())?;
    let seconds = from_base64url(time).filter(|bytes| bytes.len() < 8);
    let made = seconds.map(|bytes| bytes.iter().fold(0, |number, &byte| number << 8 | i64::from(byte)));
    Some(Contents { made, ..Contents::new(payload(contents)?) })
}

pub(super) fn make(secret: &[u8], contents: &Contents, now: Timestamp) -> Zeroizing<String> {
    let seconds = now.as_second().to_be_bytes();
    let first = seconds.iter().position(|&byte| byte != 0).unwrap_or(seconds.len() - 1);
    let mut value = Zeroizing::new(base64url(&contents.bytes));
    value.push('.');
    *value += &base64url(&seconds[first..]);
    let signature = base64url(&sign(secret, &value));
    value.push('.');
    *value += &signature;
    value
}

fn sign(secret: &[u8], signed: &str) -> Vec<u8> {
    let key = Zeroizing::new(hmac_sha1(secret, &[SALT]));
    hmac_sha1(&key, &[signed.as_bytes()])
}
