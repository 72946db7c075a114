//! `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?sslmode=…]`, with the parameters that libpq and Prisma know.

use super::{bad, decoded, shown_name};
use crate::secret::Secret;
use crate::session::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use url::Url;

#[derive(Clone, Debug)]
pub(in crate::session) struct PostgresAddress {
    pub(in crate::session) user: String,
    pub(in crate::session) password: Option<Secret>,
    /// A name, an address, or the folder of a Unix socket.
    pub(in crate::session) host: String,
    pub(in crate::session) port: u16,
    pub(in crate::session) database: String,
    pub(in crate::session) ssl_mode: SslMode,
    pub(in crate::session) ssl_root_cert: Option<PathBuf>,
    pub(in crate::session) ssl_cert: Option<PathBuf>,
    pub(in crate::session) ssl_key: Option<PathBuf>,
    /// Prisma's `?schema=`: only tables of this schema are looked at.
    pub(in crate::session) schema: Option<String>,
}

/// How much TLS must prove, with libpq's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::session) enum SslMode {
    Disable,
    Allow,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

pub(super) fn parse(text: &str) -> Result<PostgresAddress, Error> {
    let url = Url::parse(text).map_err(|_| bad("host or port are malformed"))?;
    let misplaced = |part: &str| part.contains('@');
    if url.fragment().is_some() || misplaced(url.path()) || url.query().is_some_and(misplaced) {
        return Err(bad("a special character stands unencoded in it"));
    }
    let mut at = PostgresAddress {
        user: decoded(url.username())?,
        password: url.password().map(decoded).transpose()?.map(Secret::from),
        host: decoded(url.host_str().unwrap_or_default())?.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(5432),
        database: decoded(url.path().trim_start_matches('/'))?,
        ssl_mode: SslMode::default(),
        ssl_root_cert: None,
        ssl_cert: None,
        ssl_key: None,
        schema: None,
    };
    for (name, value) in url.query_pairs() {
        at.set(&name, &value)?;
    }
    if at.host.is_empty() {
        "localhost".clone_into(&mut at.host);
    }
    if at.host.contains(',') {
        return Err(bad("it names several hosts; name the primary alone"));
    }
    if at.user.is_empty() {
        return Err(bad("it names no user"));
    }
    if at.database.is_empty() {
        at.database.clone_from(&at.user);
    }
    Ok(at)
}

impl PostgresAddress {
    /// Takes one parameter of the query part.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        match name {
            "sslmode" => self.ssl_mode = value.parse()?,
            "sslrootcert" => self.ssl_root_cert = Some(value.into()),
            "sslcert" => self.ssl_cert = Some(value.into()),
            "sslkey" => self.ssl_key = Some(value.into()),
            "host" => value.clone_into(&mut self.host),
            "port" => {
                self.port = value.parse().map_err(|_| Error::Url("the port is no number".to_owned()))?;
            }
            "user" => value.clone_into(&mut self.user),
            "password" => self.password = Some(Secret::from(value.to_owned())),
            "dbname" => value.clone_into(&mut self.database),
            "schema" => self.schema = Some(value.to_owned()),
            // Pools, poolers and other drivers read these; they mean nothing for one connection of ours.
            "application_name"
            | "connection_limit"
            | "connect_timeout"
            | "pool_timeout"
            | "pgbouncer"
            | "statement_cache_size"
            | "sslaccept"
            | "target_session_attrs"
            | "channel_binding"
            | "pool_max_conns"
            | "pool_min_conns"
            | "uselibpqcompat" => {}
            _ => return Err(Error::Url(format!("the parameter {} is not known", shown_name(name)))),
        }
        Ok(())
    }
}

impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = if self.password.is_some() { ":***" } else { "" };
        let bracketed = self.host.contains(':') && !self.host.starts_with('/');
        let (open, close) = if bracketed { ("[", "]") } else { ("", "") };
        let (user, host, port, database) = (&self.user, &self.host, self.port, &self.database);
        write!(f, "postgres://{user}{password}@{open}{host}{close}:{port}/{database}")
    }
}

impl FromStr for SslMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" | "no-verify" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => {
                return Err(Error::Url(
                    "sslmode is none of disable, allow, prefer, require, verify-ca and verify-full"
                        .to_owned(),
                ));
            }
        })
    }
}
