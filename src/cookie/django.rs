//! Django's sessions in signed cookies (`signed_cookies`): `PAYLOAD:TIME:SIGNATURE` by `django.core.signing`.
//!
//! With sessions in a database the cookie is a bare id, which no secret can forge: only this backend can be. A user is
//! known by `_auth_user_id` and a hash of the password column that is made with the secret too.

use super::parts::{Contents, base64url, from_base64url, hmac_sha256, payload, same};
use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

pub(super) const NAME: &str = "sessionid";

const SALT: &str = "django.contrib.sessions.backends.signed_cookiessigner";
const SALT_OF_USERS: &str = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash";
/// Not Django's: in contents that are given, the password column, of which the hash is made.
const PASSWORD: &str = "password";

pub(super) fn open(secret: &[u8], value: &str) -> Option<Contents> {
    let (signed, signature) = value.rsplit_once(':')?;
    let (contents, time) = signed.rsplit_once(':')?;
    same(&salted(SALT, secret, signed.as_bytes()), &from_base64url(signature)?).then_some(())?;
    Some(Contents { made: from_base62(time), ..Contents::new(payload(contents)?) })
}

pub(super) fn make(secret: &[u8], contents: &Contents, now: Timestamp) -> Zeroizing<String> {
    let with_hash = with_user_hash(secret, &contents.bytes);
    let bytes = with_hash.as_deref().unwrap_or(&contents.bytes);
    let mut value = Zeroizing::new(base64url(bytes));
    value.push(':');
    *value += &base62(now.as_second().unsigned_abs());
    let signature = base64url(&salted(SALT, secret, value.as_bytes()));
    value.push(':');
    *value += &signature;
    value
}

/// The contents with the hash of a password column in the place of that column.
fn with_user_hash(secret: &[u8], contents: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut fields: Map<String, Value> = serde_json::from_slice(contents).ok()?;
    let password = fields.remove(PASSWORD)?;
    let hash = hex::encode(salted(SALT_OF_USERS, secret, password.as_str()?.as_bytes()));
    fields.insert("_auth_user_hash".to_owned(), Value::from(hash));
    serde_json::to_vec(&fields).ok().map(Zeroizing::new)
}

/// HMAC whose key is made from a salt and the secret.
fn salted(salt: &str, secret: &[u8], value: &[u8]) -> Vec<u8> {
    let key = Zeroizing::new(Sha256::new_with_prefix(salt).chain_update(secret).finalize().to_vec());
    hmac_sha256(&key, &[value])
}

fn from_base62(digits: &str) -> Option<i64> {
    digits.bytes().try_fold(0_i64, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            b'a'..=b'z' => digit - b'a' + 36,
            _ => return None,
        };
        number.checked_mul(62)?.checked_add(value.into())
    })
}

fn base62(mut number: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    loop {
        digits.push(char::from(DIGITS[usize::try_from(number % 62).unwrap_or_default()]));
        number /= 62;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}
