//! On how many networks each user's sessions are: those of one person come from few, those of a stolen account or a
//! shared one from many.
//!
//! Addresses of one site count once: the first 24 bits of IPv4, 48 of IPv6, as hardened tables keep them.

use super::Network;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};

/// How many users are named.
const NAMED: usize = 3;
/// Of one user more networks than these are not counted.
const COUNTED: usize = 100_000;

/// On how many networks users are with their active sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NetworkFacts {
    /// The most networks of one user.
    pub most: u64,
    /// How many users are on so many networks; those on a single one are in none.
    pub users: BTreeMap<u64, u64>,
    /// The users on the most networks, at most three of them.
    pub widest: Vec<UserNetworks>,
    /// Addresses that could be read.
    pub read: u64,
    /// Values that are no addresses in any form that is known.
    pub unread: u64,
}

/// A user, and on how many networks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserNetworks {
    /// The user's id.
    pub user: String,
    /// The networks.
    pub networks: u64,
}

impl NetworkFacts {
    /// How many users are on more networks than these.
    pub fn beyond(&self, most: u64) -> u64 {
        self.users.range(most.saturating_add(1)..).map(|(_, users)| users).sum()
    }
}

/// Takes users with their addresses, one user after the other, in memory for one of them.
pub(super) struct Sites {
    /// Whether addresses are kept as numbers.
    is_number: bool,
    user: String,
    seen: HashSet<Network>,
    facts: NetworkFacts,
}

impl Sites {
    pub(super) fn new(is_number: bool) -> Self {
        Self { is_number, user: String::new(), seen: HashSet::new(), facts: NetworkFacts::default() }
    }

    pub(super) fn add(&mut self, user: String, address: &str) {
        if user != self.user {
            self.close();
            self.user = user;
        }
        match Network::written(address, self.is_number) {
            Some(network) => {
                self.facts.read += 1;
                if self.seen.len() < COUNTED {
                    self.seen.insert(network.site());
                }
            }
            None => self.facts.unread += u64::from(!address.trim().is_empty()),
        }
    }

    /// The user's numbers are complete.
    fn close(&mut self) {
        let networks = self.seen.len() as u64;
        self.seen.clear();
        self.facts.most = self.facts.most.max(networks);
        if networks < 2 {
            return;
        }
        *self.facts.users.entry(networks).or_default() += 1;
        let widest = &mut self.facts.widest;
        let at = widest.partition_point(|one| one.networks >= networks);
        if at < NAMED {
            widest.insert(at, UserNetworks { user: std::mem::take(&mut self.user), networks });
            widest.truncate(NAMED);
        }
    }

    pub(super) fn facts(mut self) -> NetworkFacts {
        self.close();
        self.facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_counted_user_by_user() {
        let mut sites = Sites::new(false);
        for (user, address) in [
            ("a", "10.0.0.1"),
            ("a", "10.0.0.200"),
            ("a", "::ffff:10.0.0.7"),
            ("b", "10.0.0.1"),
            ("b", "10.0.1.1"),
            ("b", "2001:db8:1:2::1"),
            ("b", "2001:db8:1:3::1"),
            ("b", "unknown"),
            ("c", "192.0.2.0/24"),
            ("c", "192.0.3.0/24"),
        ] {
            sites.add(user.to_owned(), address);
        }
        let facts = sites.facts();
        assert_eq!((facts.most, facts.read, facts.unread), (3, 9, 1));
        assert_eq!(facts.users, BTreeMap::from([(2, 1), (3, 1)]));
        assert_eq!((facts.beyond(1), facts.beyond(2), facts.beyond(3)), (2, 1, 0));
        let widest: Vec<_> = facts.widest.iter().map(|one| (one.user.as_str(), one.networks)).collect();
        assert_eq!(widest, [("b", 3), ("c", 2)]);
    }
}
