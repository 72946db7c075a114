//! A proxy that logs people in itself and names them in a header; whoever else sends that header is not believed.
//!
//! An address alone is no proof: every program of the proxy's machine has it, and on loopback every user's. So the proxy
//! also sends a secret, in [`SECRET_HEADER`].

use super::{Identity, Via};
use crate::secret::{FingerprintKey, Secret};
use crate::serve::listen::Peer;
use crate::token::Scope;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;
use subtle::ConstantTimeEq as _;

/// The header with the secret that a trusted proxy sends.
const SECRET_HEADER: &str = "x-unleak-proxy";

/// A proxy whose word is taken.
#[derive(Clone, Debug)]
pub struct TrustedProxy {
    /// The header with the person's name.
    pub header: HeaderName,
    /// The addresses that the proxy connects from.
    pub peers: Vec<IpAddr>,
    /// What it sends as a proof.
    pub secret: Secret,
    /// What these people may do.
    pub scope: Scope,
}

/// The one value of a header. Of several, one may have come through from outside.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

impl TrustedProxy {
    /// Whom the proxy names.
    pub(super) fn identify(
        &self,
        headers: &HeaderMap,
        Peer(peer): Peer,
        key: &FingerprintKey,
    ) -> Option<Identity> {
        if !self.peers.contains(&peer.ip().to_canonical()) || !self.proves(only(headers, SECRET_HEADER)?) {
            return None;
        }
        let name = only(headers, self.header.as_str())?.to_str().ok()?.trim();
        if name.is_empty() || name.len() > 200 {
            return None;
        }
        let csrf = hex::encode(key.derive(&format!("csrf {name}")));
        Some(Identity { name: name.to_owned(), scope: self.scope, via: Via::Proxy { csrf } })
    }

    /// Hashes are compared, so that the time tells nothing of the length either.
    fn proves(&self, given: &HeaderValue) -> bool {
        Sha256::digest(given.as_bytes()).ct_eq(&Sha256::digest(self.secret.expose())).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_proxy_itself_is_believed_and_only_one_name() {
        let key = FingerprintKey::new([7; 32]);
        let proxy = TrustedProxy {
            header: HeaderName::from_static("x-user"),
            peers: vec!["10.0.0.1".parse().unwrap()],
            secret: Secret::from("proof".to_owned()),
            scope: Scope::Read,
        };
        let mut headers = HeaderMap::new();
        headers.insert(SECRET_HEADER, "proof".parse().unwrap());
        headers.insert("x-user", "ada".parse().unwrap());
        let ask = |headers: &HeaderMap, peer: &str| {
            proxy.identify(headers, Peer(peer.parse().unwrap()), &key).map(|identity| identity.name)
        };
        assert_eq!(ask(&headers, "10.0.0.1:5").as_deref(), Some("ada"));
        assert_eq!(ask(&headers, "[::ffff:10.0.0.1]:5").as_deref(), Some("ada"));
        assert_eq!(ask(&headers, "10.0.0.2:5"), None);
        let mut two = headers.clone();
        two.append("x-user", "eve".parse().unwrap());
        assert_eq!(ask(&two, "10.0.0.1:5"), None);
        headers.insert(SECRET_HEADER, "guess".parse().unwrap());
        assert_eq!(ask(&headers, "10.0.0.1:5"), None);
        headers.remove(SECRET_HEADER);
        assert_eq!(ask(&headers, "10.0.0.1:5"), None);
    }
}
