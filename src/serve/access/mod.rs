//! Who may do what: bearer tokens for programs, a login by token for the page, or a proxy that is trusted to say who.
//!
//! ```text
//! request ──▶ identify (token, login, proxy) ──▶ guard (scope, same site, CSRF, rate) ──▶ handler
//! ```

mod guard;
mod host;
mod identity;
mod logins;
mod proxy;

pub(super) use guard::{guard, is_cross_site, refused};
pub(super) use host::known_host;
pub(super) use identity::{Identity, Via};
pub(super) use logins::{CONSOLE, Logins};
pub use proxy::TrustedProxy;

use super::limit::{Limiter, Rate};
use super::listen::Peer;
use crate::secret::FingerprintKey;
use crate::token::{TokenInfo, Tokens};
use axum::http::{HeaderMap, header};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Tokens that were wrong, from one network.
const FAILURES: Rate = Rate { burst: 10.0, per_second: 0.1 };
/// Requests of one token or person.
const REQUESTS: Rate = Rate { burst: 200.0, per_second: 50.0 };

/// Everything that tells who asks.
pub(super) struct Access {
    pub(super) tokens: Tokens,
    pub(super) logins: Logins,
    proxy: Option<TrustedProxy>,
    /// Makes the CSRF tokens of people whom a proxy names.
    key: FingerprintKey,
    failures: Limiter<IpAddr>,
    requests: Limiter<String>,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    /// Nobody says who asks, or not rightly.
    Unknown,
    /// Too much was asked.
    TooMany(Duration),
}

impl Access {
    pub(super) fn new(
        tokens: Tokens,
        logins: Logins,
        proxy: Option<TrustedProxy>,
        key: FingerprintKey,
    ) -> Self {
        Self {
            tokens,
            logins,
            proxy,
            key,
            failures: Limiter::new(FAILURES),
            requests: Limiter::new(REQUESTS),
        }
    }

    /// Who asks.
    fn identify(&self, headers: &HeaderMap, path: &str, peer: Peer) -> Result<Identity, Refusal> {
        let identity = match bearer(headers) {
            Some(token) => {
                let TokenInfo { name, scope, .. } = self.known(token, peer)?;
                Identity { name, scope, via: Via::Token }
            }
            None => self
                .by_login(headers, path)
                .or_else(|| self.proxy.as_ref()?.identify(headers, peer, &self.key))
                .ok_or(Refusal::Unknown)?,
        };
        self.requests.take(identity.who()).map_err(Refusal::TooMany)?;
        Ok(identity)
    }

    /// Whose token this is; each that is wrong counts against the network that it came from. Only the wrong ones are
    /// held up: behind a proxy all come from one address, and whoever guesses there must lock nobody out.
    pub(super) fn known(&self, token: &str, Peer(peer): Peer) -> Result<TokenInfo, Refusal> {
        self.tokens.find(token).ok_or_else(|| match self.failures.take(network(peer.ip())) {
            Ok(()) => Refusal::Unknown,
            Err(wait) => Refusal::TooMany(wait),
        })
    }

    /// A login ends with the token that it was made by, also when another one has its name.
    fn by_login(&self, headers: &HeaderMap, path: &str) -> Option<Identity> {
        let login = self.logins.find(headers, path)?;
        let Some(token) = self.tokens.still(&login.name, &login.token) else {
            self.logins.end(headers);
            return None;
        };
        Some(Identity { name: token.name, scope: token.scope, via: Via::Page { csrf: login.csrf } })
    }
}

/// What belongs to one client: an address, or the 2^64 of IPv6 that every network has at least.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:0:0:9") && !same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:10.0.0.1", "10.0.0.1") && !same("::ffff:10.0.0.1", "::ffff:10.0.0.2"));
    }
}
