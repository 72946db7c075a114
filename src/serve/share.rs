//! No address takes all connections: each may hold so many at a time.
//!
//! Loopback is exempt, since the proxy of the same machine brings everybody's requests. A whole /64 of IPv6 counts as
//! one address: that is what a single customer has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many connections each address holds.
#[derive(Debug)]
pub(super) struct Shares {
    most: usize,
    held: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection of an address, for as long as this lives.
#[derive(Debug)]
pub(super) struct Share {
    of: Option<(IpAddr, Arc<Shares>)>,
}

impl Shares {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: Mutex::default() })
    }

    /// One more for this address; `None` when it has as many as it may.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Share> {
        let address = address.to_canonical();
        if address.is_loopback() {
            return Some(Share { of: None });
        }
        let who = network(address);
        let mut all = self.all();
        let held = all.entry(who).or_default();
        if *held >= self.most {
            return None;
        }
        *held += 1;
        Some(Share { of: Some((who, Arc::clone(self))) })
    }

    fn all(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((who, shares)) = &self.of else { return };
        let mut all = shares.all();
        if let Some(held) = all.get_mut(who) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                all.remove(who);
            }
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_its_share_and_gets_it_back() {
        let shares = Shares::new(2);
        let take = |address: &str| shares.take(address.parse().unwrap());
        let one = take("192.0.2.1").unwrap();
        let _two = take("::ffff:192.0.2.1").unwrap();
        assert!(take("192.0.2.1").is_none() && take("192.0.2.2").is_some());
        drop(one);
        let _again = take("192.0.2.1").unwrap();
        assert!(take("192.0.2.1").is_none());
        let _six = (take("2001:db8::1").unwrap(), take("2001:db8::2:1").unwrap());
        assert!(take("2001:db8::3").is_none() && take("2001:db8:0:1::3").is_some());
        let _own: Vec<_> = (0..5).map(|_| take("127.0.0.1").unwrap()).collect();
        assert_eq!(shares.all().len(), 2, "who is gone is forgotten");
    }
}
