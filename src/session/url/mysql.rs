//! `mysql://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?ssl-mode=…]`, with the parameters that MySQL's client and Prisma know.

use super::postgres::SslMode;
use super::{bad, decoded, shown_name};
use crate::secret::Secret;
use crate::session::Error;
use std::fmt;
use std::path::PathBuf;
use url::Url;

#[derive(Clone, Debug)]
pub(in crate::session) struct MySqlAddress {
    pub(in crate::session) user: String,
    pub(in crate::session) password: Option<Secret>,
    pub(in crate::session) host: String,
    pub(in crate::session) port: u16,
    pub(in crate::session) database: String,
    /// A Unix socket, which is used instead of host and port.
    pub(in crate::session) socket: Option<PathBuf>,
    pub(in crate::session) ssl_mode: SslMode,
    pub(in crate::session) ssl_root_cert: Option<PathBuf>,
    pub(in crate::session) ssl_cert: Option<PathBuf>,
    pub(in crate::session) ssl_key: Option<PathBuf>,
}

pub(super) fn parse(text: &str) -> Result<MySqlAddress, Error> {
    let url = Url::parse(text).map_err(|_| bad("host or port are malformed"))?;
    let misplaced = |part: &str| part.contains('@');
    if url.fragment().is_some() || misplaced(url.path()) || url.query().is_some_and(misplaced) {
        return Err(bad("a special character stands unencoded in it"));
    }
    let database = decoded(url.path().trim_start_matches('/'))?;
    let mut at = MySqlAddress {
        user: decoded(url.username())?,
        password: url.password().map(decoded).transpose()?.map(Secret::from),
        host: decoded(url.host_str().unwrap_or_default())?.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(3306),
        database,
        socket: None,
        ssl_mode: SslMode::default(),
        ssl_root_cert: None,
        ssl_cert: None,
        ssl_key: None,
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
        return Err(bad("it names no database"));
    }
    if at.database.contains('/') {
        return Err(bad("what follows the database means nothing"));
    }
    Ok(at)
}

impl MySqlAddress {
    /// Takes one parameter of the query part.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        match name {
            "ssl-mode" | "sslmode" | "ssl_mode" => {
                self.ssl_mode = match &*value.to_ascii_lowercase().replace('_', "-") {
                    "disabled" | "disable" => SslMode::Disable,
                    "preferred" | "prefer" => SslMode::Prefer,
                    "required" | "require" => SslMode::Require,
                    "verify-ca" => SslMode::VerifyCa,
                    "verify-identity" | "verify-full" => SslMode::VerifyFull,
                    _ => {
                        return Err(bad(
                            "ssl-mode is none of disabled, preferred, required, verify-ca and verify-identity",
                        ));
                    }
                };
            }
            "ssl-ca" | "sslrootcert" => self.ssl_root_cert = Some(value.into()),
            "ssl-cert" | "sslcert" => self.ssl_cert = Some(value.into()),
            "ssl-key" | "sslkey" => self.ssl_key = Some(value.into()),
            "socket" => self.socket = Some(value.into()),
            "user" => value.clone_into(&mut self.user),
            "password" => self.password = Some(Secret::from(value.to_owned())),
            // Pools and other drivers read these; they mean nothing for one connection of ours.
            "charset"
            | "collation"
            | "timezone"
            | "connection_limit"
            | "connect_timeout"
            | "pool_timeout"
            | "sslaccept"
            | "statement-cache-capacity" => {}
            _ => return Err(bad(&format!("the parameter {} is not known", shown_name(name)))),
        }
        Ok(())
    }
}

impl fmt::Display for MySqlAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = if self.password.is_some() { ":***" } else { "" };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let (user, host, port, database) = (&self.user, &self.host, self.port, &self.database);
        write!(f, "mysql://{user}{password}@{open}{host}{close}:{port}/{database}")
    }
}
