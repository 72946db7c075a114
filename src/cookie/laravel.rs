//! Laravel's cookies: base64 of `{"iv", "value", "mac", "tag"}`, AES-256-CBC and HMAC-SHA256, both by the one key.
//!
//! Inside stands a hash of the cookie's name, a bar, and the session's id. The session itself is on the server, except
//! with the driver `cookie`.

use super::parts::{Contents, base64, from_base64, hmac_sha1, hmac_sha256, random, same};
use aes::Aes256;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

#[derive(Serialize, Deserialize)]
struct Envelope {
    iv: String,
    value: String,
    mac: String,
    #[serde(default)]
    tag: String,
}

pub(super) fn open(secret: &[u8], name: &str, value: &str) -> Option<Contents> {
    let key = key(secret)?;
    let envelope: Envelope = serde_json::from_slice(&from_base64(value)?).ok()?;
    let mac = mac(&key, &envelope.iv, &envelope.value);
    same(mac.as_bytes(), envelope.mac.as_bytes()).then_some(())?;
    let iv: [u8; 16] = from_base64(&envelope.iv)?.try_into().ok()?;
    let sealed = from_base64(&envelope.value)?;
    let plain = cbc::Decryptor::<Aes256>::new((&*key).into(), &iv.into());
    let plain = Zeroizing::new(plain.decrypt_padded_vec::<Pkcs7>(&sealed).ok()?);
    plain.strip_prefix(prefix(&key, name).as_bytes()).map(Contents::new)
}

pub(super) fn make(secret: &[u8], name: &str, contents: &Contents) -> Option<Zeroizing<String>> {
    let key = key(secret)?;
    let iv = random::<16>()?;
    let plain = Zeroizing::new([prefix(&key, name).as_bytes(), &contents.bytes].concat());
    let sealed =
        cbc::Encryptor::<Aes256>::new((&*key).into(), &iv.into()).encrypt_padded_vec::<Pkcs7>(&plain);
    let (iv, value) = (base64(&iv), base64(&sealed));
    let mac = mac(&key, &iv, &value);
    let envelope = serde_json::to_vec(&Envelope { iv, value, mac, tag: String::new() }).ok()?;
    Some(Zeroizing::new(base64(&envelope)))
}

/// The 32 bytes that stand in `APP_KEY` as `base64:…`.
fn key(secret: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let text = std::str::from_utf8(secret).ok()?;
    let bytes = match text.strip_prefix("base64:") {
        Some(encoded) => Zeroizing::new(from_base64(encoded)?),
        None => Zeroizing::new(secret.to_vec()),
    };
    <[u8; 32]>::try_from(&bytes[..]).ok().map(Zeroizing::new)
}

fn mac(key: &[u8; 32], iv: &str, value: &str) -> String {
    hex::encode(hmac_sha256(key, &[iv.as_bytes(), value.as_bytes()]))
}

/// Binds a value to its cookie.
fn prefix(key: &[u8; 32], name: &str) -> String {
    format!("{}|", hex::encode(hmac_sha1(key, &[name.as_bytes(), b"v2"])))
}
