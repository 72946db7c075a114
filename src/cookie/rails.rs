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

pub(super) fn open(secret: &[u8], value: &str) -> Option<Contents> {
    let [data, iv, tag] = split(value)?;
    let sealed = [from_base64(data)?, from_base64(tag)?].concat();
    let nonce = Nonce::try_from(&from_base64(iv)?[..]).ok()?;
    // Rails 7.0 went over to SHA-256; applications that came from before may still have SHA-1.
    [false, true].into_iter().find_map(|older| {
        let bytes = cipher(secret, older).decrypt(&nonce, &sealed[..]).ok()?;
        Some(Contents { older, ..Contents::new(bytes) })
    })
}

pub(super) fn make(secret: &[u8], name: &str, contents: &Contents) -> Option<Zeroizing<String>> {
    let plain = wrapped(name, &contents.bytes);
    let iv = Nonce::from(random::<12>()?);
    let sealed = cipher(secret, contents.older).encrypt(&iv, &plain[..]).ok()?;
    let (data, tag) = sealed.split_at(sealed.len().checked_sub(16)?);
    Some(Zeroizing::new(format!("{}--{}--{}", base64(data), base64(&iv), base64(tag))))
}

pub(super) fn open_signed(secret: &[u8], value: &str) -> Option<Contents> {
    let (data, signature) = value.rsplit_once("--")?;
    [false, true].into_iter().find_map(|older| {
        same(sign(secret, data, older).as_bytes(), signature.as_bytes()).then_some(())?;
        Some(Contents { older, ..Contents::new(from_base64(data)?) })
    })
}

pub(super) fn make_signed(secret: &[u8], name: &str, contents: &Contents) -> Zeroizing<String> {
    let data = base64(&wrapped(name, &contents.bytes));
    let signature = sign(secret, &data, contents.older);
    Zeroizing::new(format!("{data}--{signature}"))
}

fn split(value: &str) -> Option<[&str; 3]> {
    value.split("--").collect::<Vec<_>>().try_into().ok()
}

fn cipher(secret: &[u8], older: bool) -> Aes256Gcm {
    let mut key = Zeroizing::new([0; 32]);
    derive(secret, b"authenticated encrypted cookie", older, &mut *key);
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
}

/// The signature itself is SHA-1 in every version; only the key's way changed.
fn sign(secret: &[u8], data: &str, older: bool) -> String {
    let mut key = Zeroizing::new([0; 64]);
    derive(secret, b"signed cookie", older, &mut *key);
    hex::encode(hmac_sha1(&*key, &[data.as_bytes()]))
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
