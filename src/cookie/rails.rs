//! Rails' cookies: encrypted (`DATA--IV--TAG`, AES-256-GCM) and signed (`DATA--SIGNATURE`), keys by PBKDF2.
//!
//! What is inside (`{"_rails": …}`) names the cookie that it is for; what was opened is put back as it was.

use super::parts::{Contents, base64, from_base64, hmac_sha1, random, same};
use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use serde_json::json;
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

/// How often PBKDF2 goes round; the same in every version.
const ROUNDS: u32 = 1000;

/// A derived key, and whether it is that of older versions: Rails 7.0 went over to SHA-256, and applications that came
/// from before may still have SHA-1. Deriving takes longer than all the rest.
pub(super) type Keys<const N: usize> = [(bool, Zeroizing<[u8; N]>); 2];

/// The keys of encrypted cookies.
pub(super) fn keys(secret: &[u8]) -> Keys<32> {
    [false, true].map(|older| (older, key(secret, older)))
}

/// The keys of signed cookies.
pub(super) fn keys_signed(secret: &[u8]) -> Keys<64> {
    [false, true].map(|older| (older, key_signed(secret, older)))
}

pub(super) fn open(keys: &Keys<32>, value: &str) -> Option<Contents> {
    let [data, iv, tag] = split(value)?;
    let sealed = [from_base64(data)?, from_base64(tag)?].concat();
    let nonce = Nonce::try_from(&from_base64(iv)?[..]).ok()?;
    keys.iter().find_map(|(older, key)| {
        let bytes = cipher(key).decrypt(&nonce, &sealed[..]).ok()?;
        Some(Contents { older: *older, ..Contents::new(bytes) })
    })
}

pub(super) fn make(secret: &[u8], name: &str, contents: &Contents) -> Option<Zeroizing<String>> {
    let plain = wrapped(name, &contents.bytes);
    let iv = Nonce::from(random::<12>()?);
    let sealed = cipher(&key(secret, contents.older)).encrypt(&iv, &plain[..]).ok()?;
    let (data, tag) = sealed.split_at(sealed.len().checked_sub(16)?);
    Some(Zeroizing::new(format!("{}--{}--{}", base64(data), base64(&iv), base64(tag))))
}

pub(super) fn open_signed(keys: &Keys<64>, value: &str) -> Option<Contents> {
    let (data, signature) = value.rsplit_once("--")?;
    keys.iter().find_map(|(older, key)| {
        same(sign(key, data).as_bytes(), signature.as_bytes()).then_some(())?;
        Some(Contents { older: *older, ..Contents::new(from_base64(data)?) })
    })
}

pub(super) fn make_signed(secret: &[u8], name: &str, contents: &Contents) -> Zeroizing<String> {
    let data = base64(&wrapped(name, &contents.bytes));
    let signature = sign(&key_signed(secret, contents.older), &data);
    Zeroizing::new(format!("{data}--{signature}"))
}

fn split(value: &str) -> Option<[&str; 3]> {
    value.split("--").collect::<Vec<_>>().try_into().ok()
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
}

fn key(secret: &[u8], older: bool) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    derive(secret, b"authenticated encrypted cookie", older, &mut *key);
    key
}

fn key_signed(secret: &[u8], older: bool) -> Zeroizing<[u8; 64]> {
    let mut key = Zeroizing::new([0; 64]);
    derive(secret, b"signed cookie", older, &mut *key);
    key
}

/// The signature itself is SHA-1 in every version; only the key's way changed.
fn sign(key: &[u8; 64], data: &str) -> String {
    hex::encode(hmac_sha1(key, &[data.as_bytes()]))
}

fn derive(secret: &[u8], salt: &[u8], older: bool, key: &mut [u8]) {
    if older {
        pbkdf2::pbkdf2_hmac::<Sha1>(secret, salt, ROUNDS, key);
    } else {
        pbkdf2::pbkdf2_hmac::<Sha256>(secret, salt, ROUNDS, key);
    }
}

/// What goes into the cookie: contents that were opened are whole, those that were given are not.
fn wrapped(name: &str, contents: &[u8]) -> Zeroizing<Vec<u8>> {
    if contents.starts_with(b"{\"_rails\"") {
        return Zeroizing::new(contents.to_vec());
    }
    let envelope =
        json!({"_rails": {"message": base64(contents), "exp": null, "pur": format!("cookie.{name}")}});
    Zeroizing::new(envelope.to_string().into_bytes())
}
