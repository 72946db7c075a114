//! The address of a store, which may carry a password and never shows it.
//!
//! Strict on purpose: text that a careless password pushed out of its place (`@`, `#` in the path) is refused
//! without being repeated, so no part of a password can end up in a host or database name that is shown.

use super::{Error, StoreKind};
use crate::secret::Secret;
use percent_encoding::percent_decode_str;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use url::Url;

/// Where a session store is: `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?sslmode=…]` or `sqlite:PATH`.
///
/// ```
/// let url: unleak::session::StoreUrl = "postgres://app:hunter2@db.internal/shop".parse().unwrap();
/// assert_eq!(url.to_string(), "postgres://app:***@db.internal:5432/shop");
/// assert!(!format!("{url:?}").contains("hunter2"));
/// ```
#[derive(Clone, Debug)]
pub struct StoreUrl(pub(super) Address);

#[derive(Clone, Debug)]
pub(super) enum Address {
    Postgres(PostgresAddress),
    Sqlite(PathBuf),
}

#[derive(Clone, Debug)]
pub(super) struct PostgresAddress {
    pub(super) user: String,
    pub(super) password: Option<Secret>,
    /// A name, an address, or the folder of a Unix socket.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) ssl_mode: SslMode,
    pub(super) ssl_root_cert: Option<PathBuf>,
    pub(super) ssl_cert: Option<PathBuf>,
    pub(super) ssl_key: Option<PathBuf>,
    /// Prisma's `?schema=`: only tables of this schema are looked at.
    pub(super) schema: Option<String>,
}

/// How much TLS must prove, with libpq's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SslMode {
    Disable,
    Allow,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl StoreUrl {
    /// Which kind of store it is.
    pub fn kind(&self) -> StoreKind {
        match self.0 {
            Address::Postgres(_) => StoreKind::Postgres,
            Address::Sqlite(_) => StoreKind::Sqlite,
        }
    }

    /// Whether the text carried a password, so that a caller who took it from argv can warn.
    pub fn has_password(&self) -> bool {
        matches!(&self.0, Address::Postgres(PostgresAddress { password: Some(_), .. }))
    }

    /// The address of a SQLite file.
    pub fn sqlite(path: impl AsRef<Path>) -> Self {
        Self(Address::Sqlite(path.as_ref().to_owned()))
    }
}

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (scheme, rest) = text.split_once(':').ok_or_else(|| Error::Url("it has no scheme".to_owned()))?;
        match scheme {
            "sqlite" => sqlite_path(rest).map(Address::Sqlite).map(Self),
            "postgres" | "postgresql" => postgres_address(text).map(Address::Postgres).map(Self),
            _ => Err(Error::Url("only postgres:// and sqlite: stores are known".to_owned())),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Address::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Address::Postgres(at) => {
                let password = if at.password.is_some() { ":***" } else { "" };
                let bracketed = at.host.contains(':') && !at.host.starts_with('/');
                let (open, close) = if bracketed { ("[", "]") } else { ("", "") };
                let (user, host, port, database) = (&at.user, &at.host, at.port, &at.database);
                write!(f, "postgres://{user}{password}@{open}{host}{close}:{port}/{database}")
            }
        }
    }
}

fn sqlite_path(rest: &str) -> Result<PathBuf, Error> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path == ":memory:" {
        return Err(Error::Url("sqlite: needs the path of a file".to_owned()));
    }
    Ok(PathBuf::from(path))
}

fn postgres_address(text: &str) -> Result<PostgresAddress, Error> {
    let bad = |why: &str| Error::Url(why.to_owned());
    let url = Url::parse(text).map_err(|_| bad("host or port are malformed"))?;
    let misplaced = |part: &str| part.contains('@');
    if url.fragment().is_some() || misplaced(url.path()) || url.query().is_some_and(misplaced) {
        return Err(bad("a special character stands unencoded in it"));
    }
    let decode = |part: &str| -> Result<String, Error> {
        let text = percent_decode_str(part).decode_utf8().map_err(|_| bad("it is not UTF-8"))?;
        if text.contains('\0') { Err(bad("it holds a NUL")) } else { Ok(text.into_owned()) }
    };
    let mut at = PostgresAddress {
        user: decode(url.username())?,
        password: url.password().map(decode).transpose()?.map(Secret::from),
        host: decode(url.host_str().unwrap_or_default())?.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(5432),
        database: decode(url.path().trim_start_matches('/'))?,
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

/// A parameter's name, unless it looks like a stray piece of something else.
fn shown_name(name: &str) -> &str {
    let plain = name.len() <= 30 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if plain { name } else { "(not shown)" }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        text.parse::<StoreUrl>()
            .map_or_else(|error| format!("{error} {error:?}"), |url| format!("{url} {url:?}"))
    }

    #[test]
    fn addresses_are_read() {
        for (text, expected) in [
            ("postgres://app@db/shop", "postgres://app@db:5432/shop"),
            ("postgresql://app:x@[::1]:6000/shop?schema=auth", "postgres://app:***@[::1]:6000/shop"),
            ("postgres://app@localhost", "postgres://app@localhost:5432/app"),
            ("postgres://app@%2Frun%2Fpostgresql/shop", "postgres://app@/run/postgresql:5432/shop"),
            ("postgres:///shop?host=/run/pg&user=app&password=x", "postgres://app:***@/run/pg:5432/shop"),
            ("sqlite:data/sessions.db", "sqlite:data/sessions.db"),
            ("sqlite:///srv/app.db", "sqlite:/srv/app.db"),
        ] {
            assert_eq!(text.parse::<StoreUrl>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_store_is_refused() {
        for text in [
            "",
            "postgres",
            "redis://h",
            "sqlite:",
            "sqlite::memory:",
            "postgres://h/db",
            "postgres://u@a,b/db",
            "postgres://u@h/db?sslmode=on",
            "postgres://u@h/db?sslmod=require",
            "postgres://u@h:x/db",
        ] {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
    }

    proptest! {
        /// Whatever characters a password has, encoded or not, no output shows it.
        #[test]
        fn passwords_are_never_shown(middle in "[!-~]{0,12}", digits in "[0-9]{0,3}") {
            let password = format!("{digits}{middle}Zq7Zq7");
            for text in [
                format!("postgres://app:{password}@db:5432/shop"),
                format!("postgres://app@db/shop?password={password}"),
            ] {
                prop_assert!(!shown(&text).contains("Zq7Zq7"), "{}", text);
            }
        }
    }
}
