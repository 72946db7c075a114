//! A proxy that logs people in itself and names them in a header; whoever else sends that header is not believed.

use super::{Identity, Scope, Via};
use crate::secret::FingerprintKey;
use crate::serve::listen::Peer;
use axum::http::{HeaderMap, HeaderName};
use std::net::IpAddr;

/// A proxy whose word is taken.
#[derive(Clone, Debug)]
pub struct TrustedProxy {
    /// The header with the person's name.
    pub header: HeaderName,
    /// The addresses that the proxy connects from.
    pub peers: Vec<IpAddr>,
    /// What these people may do.
    pub scope: Scope,
}

impl TrustedProxy {
    /// Whom the proxy names. One name, not several: a second header may have come through from outside.
    pub(super) fn identify(
        &self,
        headers: &HeaderMap,
        Peer(peer): Peer,
        key: &FingerprintKey,
    ) -> Option<Identity> {
        if !self.peers.contains(&peer.ip().to_canonical()) {
            return None;
        }
        let mut values = headers.get_all(&self.header).iter();
        let name = values.next()?.to_str().ok()?.trim();
        if name.is_empty() || name.len() > 200 || values.next().is_some() {
            return None;
        }
        let csrf = hex::encode(key.derive(&format!("csrf {name}")));
        Some(Identity { name: name.to_owned(), scope: self.scope, via: Via::Proxy { csrf } })
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
            scope: Scope::Read,
        };
        let mut headers = HeaderMap::new();
        headers.insert("x-user", "ada".parse().unwrap());
        let ask = |headers: &HeaderMap, peer: &str| {
            proxy.identify(headers, Peer(peer.parse().unwrap()), &key).map(|identity| identity.name)
        };
        assert_eq!(ask(&headers, "10.0.0.1:5").as_deref(), Some("ada"));
        assert_eq!(ask(&headers, "[::ffff:10.0.0.1]:5").as_deref(), Some("ada"));
        assert_eq!(ask(&headers, "10.0.0.2:5"), None);
        headers.append("x-user", "eve".parse().unwrap());
        assert_eq!(ask(&headers, "10.0.0.1:5"), None);
    }
}
