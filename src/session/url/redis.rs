//! `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]` and its relatives for TLS, sockets, clusters and Sentinel.
//!
//! Taken apart by hand, since several hosts are no URL. What is shown of it was checked character by character
//! first, so that a stray piece of a password cannot pass for a host.

use super::{bad, decoded, shown_name};
use crate::secret::Secret;
use crate::session::Error;
use std::fmt;
use std::path::PathBuf;
use url::form_urlencoded;

#[derive(Clone)]
pub(in crate::session) struct RedisAddress {
    pub(in crate::session) hosts: Hosts,
    pub(in crate::session) tls: bool,
    pub(in crate::session) user: Option<String>,
    pub(in crate::session) password: Option<Secret>,
    pub(in crate::session) database: u32,
    /// PEM files: what to trust instead of the public authorities, and what to show to the server.
    pub(in crate::session) root_cert: Option<PathBuf>,
    pub(in crate::session) cert: Option<PathBuf>,
    pub(in crate::session) key: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub(in crate::session) enum Hosts {
    /// A server, or some nodes of a cluster.
    Servers(Vec<(String, u16)>),
    /// Sentinels, and the name of the service they watch.
    Sentinels(Vec<(String, u16)>, String),
    /// A Unix socket.
    Socket(PathBuf),
}

pub(super) fn is_scheme(scheme: &str) -> bool {
    matches!(scheme, "unix" | "redis+unix" | "valkey+unix") || network(scheme).is_some()
}

/// Whether a scheme means Sentinel and TLS.
fn network(scheme: &str) -> Option<(bool, bool)> {
    Some(match scheme {
        "redis" | "valkey" => (false, false),
        "rediss" | "valkeys" => (false, true),
        "redis+sentinel" | "redis-sentinel" => (true, false),
        "rediss+sentinel" | "rediss-sentinel" => (true, true),
        _ => return None,
    })
}

pub(super) fn parse(scheme: &str, rest: &str) -> Result<RedisAddress, Error> {
    let misplaced = || bad("a special character stands unencoded in it");
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if rest.contains('#') || query.contains('@') {
        return Err(misplaced());
    }
    let Some((sentinel, tls)) = network(scheme) else { return socket(place, query) };
    let place = place.strip_prefix("//").ok_or_else(|| bad("it names no host"))?;
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    if path.contains(['@', ':']) {
        return Err(misplaced());
    }
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').map_or((login, None), |(user, word)| (user, Some(word)));
    let hosts = hosts
        .split(',')
        .map(|host| server(host, if sentinel { 26379 } else { 6379 }))
        .collect::<Result<Vec<_>, _>>()?;
    let mut path = path.split('/').map(decoded).collect::<Result<Vec<_>, _>>()?.into_iter();
    let hosts = if sentinel {
        let service = path.next().filter(|name| is_name(name));
        let service = service.ok_or_else(|| bad("it names no service that Sentinel watches"))?;
        Hosts::Sentinels(hosts, service)
    } else {
        Hosts::Servers(hosts)
    };
    let database = path.next().unwrap_or_default();
    if path.next().is_some() {
        return Err(bad("what follows the database means nothing"));
    }
    let mut at = RedisAddress {
        hosts,
        tls,
        user: Some(decoded(user)?).filter(|user| !user.is_empty()),
        password: password.map(decoded).transpose()?.map(Secret::from),
        database: number(if database.is_empty() { "0" } else { &database })?,
        root_cert: None,
        cert: None,
        key: None,
    };
    at.parameters(query)?;
    Ok(at)
}

fn socket(place: &str, query: &str) -> Result<RedisAddress, Error> {
    let path = decoded(place.strip_prefix("//").unwrap_or(place))?;
    if !path.starts_with('/') {
        return Err(bad("unix: needs the full path of a socket"));
    }
    let hosts = Hosts::Socket(path.into());
    let mut at = RedisAddress {
        hosts,
        tls: false,
        user: None,
        password: None,
        database: 0,
        root_cert: None,
        cert: None,
        key: None,
    };
    at.parameters(query)?;
    Ok(at)
}

/// `HOST`, `HOST:PORT`, `[ADDRESS]` or `[ADDRESS]:PORT`.
fn server(text: &str, port: u16) -> Result<(String, u16), Error> {
    let malformed = || bad("host or port are malformed");
    let (host, after) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or_else(malformed)?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_address = text.starts_with('[') && host.parse::<std::net::Ipv6Addr>().is_ok();
    if !is_address && !is_name(host) {
        return Err(malformed());
    }
    let port = match after.strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| malformed())?,
        None if after.is_empty() => port,
        None => return Err(malformed()),
    };
    Ok((host.to_owned(), port))
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn number(text: &str) -> Result<u32, Error> {
    text.parse().map_err(|_| bad("the database is no number"))
}

impl RedisAddress {
    fn parameters(&mut self, query: &str) -> Result<(), Error> {
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "db" => self.database = number(&value)?,
                "user" | "username" => self.user = Some(value.into_owned()),
                "password" | "pass" => self.password = Some(Secret::from(value.into_owned())),
                "ssl_ca_certs" => self.root_cert = Some(value.as_ref().into()),
                "ssl_certfile" => self.cert = Some(value.as_ref().into()),
                "ssl_keyfile" => self.key = Some(value.as_ref().into()),
                "protocol" | "family" => {}
                _ => return Err(bad(&format!("the parameter {} is not known", shown_name(&name)))),
            }
        }
        Ok(())
    }
}

/// As it is shown: what stands where a user's name should may be a password.
impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "rediss" } else { "redis" };
        let (hosts, service) = match &self.hosts {
            Hosts::Socket(path) => return write!(f, "unix:{}?db={}", path.display(), self.database),
            Hosts::Servers(hosts) => (hosts, None),
            Hosts::Sentinels(hosts, service) => (hosts, Some(service)),
        };
        write!(f, "{scheme}{}://", service.map_or("", |_| "+sentinel"))?;
        match (&self.user, &self.password) {
            (user, Some(_)) => write!(f, "{}:***@", user.as_deref().unwrap_or(""))?,
            // Who forgets the colon before a password has written a user's name.
            (Some(_), None) => f.write_str("***@")?,
            (None, None) => {}
        }
        for (index, (host, port)) in hosts.iter().enumerate() {
            let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
            write!(f, "{}{open}{host}{close}:{port}", if index > 0 { "," } else { "" })?;
        }
        if let Some(service) = service {
            write!(f, "/{service}")?;
        }
        write!(f, "/{}", self.database)
    }
}
