//! Auth.js v5 and NextAuth v4 with the strategy `jwt`: the session is an encrypted token (JWE, `dir`).
//!
//! The key is derived from the secret; in v5 the cookie's name is the salt. With database sessions the cookie is a bare
//! token in which the secret has no part.

use super::parts::{Contents, base64url, from_base64url, hmac_sha512, random, same};
use aes::Aes256;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use hkdf::Hkdf;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::Zeroizing;

pub(super) const NAME: &str = "authjs.session-token";
pub(super) const NAME_V4: &str = "next-auth.session-token";

/// How long a forged token says that it lives.
const HOURS: i64 = 24;

/// Auth.js v5: A256CBC-HS512, the key from the cookie's name.
pub(super) fn open(secret: &[u8], name: &str, value: &str) -> Option<Contents> {
    let [header, none, iv, sealed, tag] = split(value)?;
    let fields: Value = serde_json::from_slice(&from_base64url(header)?).ok()?;
    (none.is_empty() && fields["alg"] == "dir").then_some(())?;
    if fields["enc"] == "A256GCM" {
        return open_gcm(&derived::<32>(secret, name, &info(name)), header, iv, sealed, tag);
    }
    (fields["enc"] == "A256CBC-HS512").then_some(())?;
    let key = derived::<64>(secret, name, &info(name));
    let (iv, sealed): ([u8; 16], _) = (from_base64url(iv)?.try_into().ok()?, from_base64url(sealed)?);
    let expected = tag_of(&key, header, &iv, &sealed);
    same(&expected, &from_base64url(tag)?).then_some(())?;
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&key[32..], &iv).ok()?;
    cipher.decrypt_padded_vec::<Pkcs7>(&sealed).ok().map(Contents::new)
}

pub(super) fn make(
    secret: &[u8],
    name: &str,
    contents: &Contents,
    now: Timestamp,
) -> Option<Zeroizing<String>> {
    let key = derived::<64>(secret, name, &info(name));
    let header = json!({"alg": "dir", "enc": "A256CBC-HS512", "kid": thumbprint(&*key)});
    let header = base64url(header.to_string().as_bytes());
    let iv = random::<16>()?;
    let cipher = cbc::Encryptor::<Aes256>::new_from_slices(&key[32..], &iv).ok()?;
    let sealed = cipher.encrypt_padded_vec::<Pkcs7>(&claims(&contents.bytes, now)?);
    let tag = tag_of(&key, &header, &iv, &sealed);
    Some(compact(&header, &iv, &sealed, &tag))
}

/// NextAuth v4: A256GCM, one key for every cookie.
pub(super) fn open_v4(secret: &[u8], value: &str) -> Option<Contents> {
    let [header, none, iv, sealed, tag] = split(value)?;
    let fields: Value = serde_json::from_slice(&from_base64url(header)?).ok()?;
    (none.is_empty() && fields["alg"] == "dir" && fields["enc"] == "A256GCM").then_some(())?;
    open_gcm(&key_v4(secret), header, iv, sealed, tag)
}

pub(super) fn make_v4(secret: &[u8], contents: &Contents, now: Timestamp) -> Option<Zeroizing<String>> {
    let header = base64url(json!({"alg": "dir", "enc": "A256GCM"}).to_string().as_bytes());
    let iv = random::<12>()?;
    let plain = claims(&contents.bytes, now)?;
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key_v4(secret)));
    let sealed = cipher.encrypt(&Nonce::from(iv), Payload { msg: &plain, aad: header.as_bytes() }).ok()?;
    let (sealed, tag) = sealed.split_at(sealed.len().checked_sub(16)?);
    Some(compact(&header, &iv, sealed, tag))
}

fn open_gcm(key: &[u8; 32], header: &str, iv: &str, sealed: &str, tag: &str) -> Option<Contents> {
    let sealed = [from_base64url(sealed)?, from_base64url(tag)?].concat();
    let nonce = Nonce::try_from(&from_base64url(iv)?[..]).ok()?;
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key));
    let plain = cipher.decrypt(&nonce, Payload { msg: &sealed, aad: header.as_bytes() }).ok()?;
    Some(Contents::new(plain))
}

fn split(value: &str) -> Option<[&str; 5]> {
    value.split('.').collect::<Vec<_>>().try_into().ok()
}

fn compact(header: &str, iv: &[u8], sealed: &[u8], tag: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(format!("{header}..{}.{}.{}", base64url(iv), base64url(sealed), base64url(tag)))
}

fn info(name: &str) -> String {
    format!("Auth.js Generated Encryption Key ({name})")
}

fn key_v4(secret: &[u8]) -> Zeroizing<[u8; 32]> {
    derived(secret, "", "NextAuth.js Generated Encryption Key")
}

fn derived<const N: usize>(secret: &[u8], salt: &str, info: &str) -> Zeroizing<[u8; N]> {
    let mut key = Zeroizing::new([0; N]);
    let hkdf = Hkdf::<Sha256>::new(Some(salt.as_bytes()), secret);
    hkdf.expand(info.as_bytes(), &mut *key).expect("HKDF gives 64 bytes");
    key
}

/// The name of the key, by which a reader with several secrets finds the right one (RFC 7638).
fn thumbprint(key: &[u8]) -> String {
    let jwk = Zeroizing::new(format!(r#"{{"k":"{}","kty":"oct"}}"#, base64url(key)));
    base64url(&Sha512::digest(jwk.as_bytes()))
}

/// The first half of the key signs header, IV, text and the header's length in bits (RFC 7518, 5.2.2.1).
fn tag_of(key: &[u8; 64], header: &str, iv: &[u8], sealed: &[u8]) -> Vec<u8> {
    let bits = (header.len() as u64 * 8).to_be_bytes();
    let mut tag = hmac_sha512(&key[..32], &[header.as_bytes(), iv, sealed, &bits]);
    tag.truncate(32);
    tag
}

/// The claims as of a token that was made now.
fn claims(contents: &[u8], now: Timestamp) -> Option<Zeroizing<Vec<u8>>> {
    let mut claims: Map<String, Value> = serde_json::from_slice(contents).ok()?;
    let seconds = now.as_second();
    claims.insert("iat".to_owned(), Value::from(seconds));
    claims.insert("exp".to_owned(), Value::from(seconds + HOURS * 3600));
    claims.insert("jti".to_owned(), Value::from(hex::encode(random::<16>()?)));
    serde_json::to_vec(&claims).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What next-auth 4.24 and @auth/core 0.41 derive from the secret `test-secret`.
    #[test]
    fn the_keys_are_those_of_the_libraries() {
        let v4 = hex::encode(*key_v4(b"test-secret"));
        assert!(v4.starts_with("233a0d9c3e93817c") && v4.ends_with("0b90af59115a"), "{v4}");
        for (name, kid) in [
            ("authjs.session-token", "LRkaLvvdyMfrwyOXl"),
            ("__Secure-authjs.session-token", "LyatFJaXETIrsw"),
        ] {
            let key = derived::<64>(b"test-secret", name, &info(name));
            assert!(thumbprint(&*key).starts_with(kid), "{name}");
        }
    }

    #[test]
    fn a_token_of_either_cipher_is_read() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let contents = Contents::new(*br#"{"sub":"7"}"#);
        let v5 = make(b"s", NAME, &contents, now).unwrap();
        let opened = open(b"s", NAME, &v5).unwrap();
        assert!(String::from_utf8_lossy(&opened.bytes).contains(r#""sub":"7""#));
        assert!(
            open(b"s", "__Secure-authjs.session-token", &v5).is_none() && open(b"t", NAME, &v5).is_none()
        );
        let v4 = make_v4(b"s", &contents, now).unwrap();
        assert!(open_v4(b"s", &v4).is_some() && open_v4(b"t", &v4).is_none() && open_v4(b"s", &v5).is_none());
    }
}
