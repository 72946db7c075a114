//! AWS Signature Version 4, for the one kind of request that is made here: POST to `/` with a JSON body.

use super::Surroundings;
use crate::secret::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    id: Secret,
    key: Secret,
    session: Option<Secret>,
}

impl Credentials {
    /// Those of the environment.
    pub(super) fn from(around: &Surroundings<'_>) -> Option<Self> {
        let of = |name| (around.env)(name);
        Some(Self {
            id: of("AWS_ACCESS_KEY_ID")?,
            key: of("AWS_SECRET_ACCESS_KEY")?,
            session: of("AWS_SESSION_TOKEN"),
        })
    }

    pub(super) fn secrets(&self) -> Vec<Secret> {
        [&self.key].into_iter().chain(&self.session).cloned().collect()
    }
}

type Header = (&'static str, Zeroizing<Vec<u8>>);

/// The headers of a signed request.
pub(super) fn signed(
    who: &Credentials,
    region: &str,
    service: &str,
    host: &str,
    target: &str,
    body: &[u8],
) -> Vec<Header> {
    signed_at(Timestamp::now(), who, [region, service, host, target], body)
}

fn signed_at(
    now: Timestamp,
    who: &Credentials,
    [region, service, host, target]: [&str; 4],
    body: &[u8],
) -> Vec<Header> {
    const KIND: &str = "application/x-amz-json-1.1";
    let at = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = &at[..8];
    let plain = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
    let mut headers: Vec<Header> =
        vec![("content-type", plain(KIND)), ("x-amz-date", plain(&at)), ("x-amz-target", plain(target))];
    headers.extend(
        who.session.as_ref().map(|token| ("x-amz-security-token", Zeroizing::new(token.expose().to_vec()))),
    );
    let mut signed: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, &value[..])).collect();
    signed.push(("host", host.as_bytes()));
    signed.sort_unstable_by_key(|(name, _)| *name);
    let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let mut canonical = Zeroizing::new(b"POST\n/\n\n".to_vec());
    for (name, value) in signed {
        canonical.extend([name.as_bytes(), b":", value, b"\n"].concat());
    }
    canonical.extend(format!("\n{names}\n{}", hex::encode(Sha256::digest(body))).into_bytes());
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let to_sign = format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{}", hex::encode(Sha256::digest(&*canonical)));
    let mut key = Zeroizing::new([b"AWS4", who.key.expose()].concat());
    for part in [day, region, service, "aws4_request"] {
        key = Zeroizing::new(mac(&key, part.as_bytes()));
    }
    let signature = hex::encode(mac(&key, to_sign.as_bytes()));
    let id = String::from_utf8_lossy(who.id.expose());
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
    headers.push(("authorization", Zeroizing::new(authorization.into_bytes())));
    headers
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length is one");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}
