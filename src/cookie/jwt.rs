//! JSON Web Tokens in cookies (RFC 7519): signed by HMAC-SHA256 with a secret, or by RSA whose public key is known.
//!
//! The key says which algorithm holds, never the token: `none` and a public key used as a secret get nowhere.

use super::parts::{Contents, from_base64, from_base64url, hmac_sha256, same};
use crate::secret::Secret;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

/// What signatures are checked with.
#[derive(Clone, Debug)]
pub enum JwtKey {
    /// HS256: whoever checks can sign as well.
    Secret(Secret),
    /// RS256: the public key as PKCS#1.
    Public(Vec<u8>),
}

impl JwtKey {
    /// A key as it is configured: a public key in PEM, or a secret. `None` for PEM that holds no RSA key, for public keys in
    /// other forms, and for nothing.
    pub fn new(key: &Secret) -> Option<Self> {
        let text = std::str::from_utf8(key.expose()).ok()?.trim();
        let Some((_, rest)) = text.split_once("-----BEGIN ") else {
            // A public key in another form, taken for a secret, would let everybody sign who has it.
            let is_public = ["MII", "ssh-", "{", "ecdsa-"].iter().any(|start| text.starts_with(start));
            return (!is_public && !text.is_empty()).then(|| Self::Secret(key.clone()));
        };
        let (label, rest) = rest.split_once("-----")?;
        let (body, _) = rest.split_once("-----END ")?;
        let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        let der = from_base64(&body)?;
        match label {
            "RSA PUBLIC KEY" => Some(Self::Public(der)),
            "PUBLIC KEY" => inner(&der).map(Self::Public),
            _ => None,
        }
    }

    /// The claims of a token that this key signed. Whether it has expired is for the caller to see.
    pub fn open(&self, token: &str) -> Option<Contents> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let fields: Value = serde_json::from_slice(&from_base64url(header)?).ok()?;
        // Extensions that must be understood are not (RFC 7515, 4.1.11).
        fields.get("crit").is_none().then_some(())?;
        let signature = from_base64url(signature)?;
        let holds = match (self, fields["alg"].as_str()?) {
            (Self::Secret(secret), "HS256") => {
                same(&hmac_sha256(secret.expose(), &[signed.as_bytes()]), &signature)
            }
            (Self::Public(key), "RS256") => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
                .verify(signed.as_bytes(), &signature)
                .is_ok(),
            _ => false,
        };
        if holds { from_base64url(claims).map(Contents::new) } else { None }
    }
}

/// The RSA key inside a `SubjectPublicKeyInfo`: a sequence of the algorithm and a bit string.
fn inner(der: &[u8]) -> Option<Vec<u8>> {
    /// `rsaEncryption`, without parameters.
    const RSA: [u8; 15] =
        [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let (whole, _) = element(der, 0x30)?;
    let (bits, _) = element(whole.strip_prefix(&RSA)?, 0x03)?;
    bits.strip_prefix(&[0]).map(<[u8]>::to_vec)
}

/// The contents of the first element, which has this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk::<2>()?;
    (found == tag).then_some(())?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (bytes.iter().fold(0, |number, &byte| number << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::super::parts::base64url;
    use super::*;
    use proptest::prelude::*;

    fn token(alg: &str, key: &[u8]) -> String {
        let signed = format!(
            "{}.{}",
            base64url(format!(r#"{{"alg":"{alg}"}}"#).as_bytes()),
            base64url(b"{\"sub\":\"7\"}")
        );
        let signature = base64url(&hmac_sha256(key, &[signed.as_bytes()]));
        format!("{signed}.{signature}")
    }

    #[test]
    fn the_key_says_which_algorithm_holds() {
        let key = JwtKey::new(&Secret::from("s".to_owned())).unwrap();
        assert_eq!(*key.open(&token("HS256", b"s")).unwrap().bytes, b"{\"sub\":\"7\"}");
        for refused in [token("HS256", b"t"), token("none", b"s"), token("RS256", b"s"), token("HS512", b"s")]
        {
            assert!(key.open(&refused).is_none());
        }
        let bare = token("none", b"s");
        assert!(key.open(bare.rsplit_once('.').unwrap().0).is_none());
        let public = JwtKey::Public(b"public".to_vec());
        assert!(public.open(&token("HS256", b"public")).is_none(), "a public key is no secret");
    }

    proptest! {
        #[test]
        fn nothing_else_opens(text in "[A-Za-z0-9_=-]{0,40}(\\.[A-Za-z0-9_=-]{0,40}){0,5}", bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let key = JwtKey::Secret(Secret::from("s".to_owned()));
            prop_assert!(key.open(&text).is_none());
            drop(inner(&bytes));
        }
    }
}
