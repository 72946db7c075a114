//! The address of a store, which may carry a password and never shows it.
//!
//! Strict on purpose: text that a careless password pushed out of its place (`@`, `#` in the path) is refused
//! without being repeated, so no part of a password can end up in a host or database name that is shown.

mod mysql;
mod postgres;
mod redis;

pub(super) use mysql::MySqlAddress;
pub(super) use postgres::{PostgresAddress, SslMode};
pub(super) use redis::{Hosts, RedisAddress};

use super::{Error, StoreKind};
use percent_encoding::percent_decode_str;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where a session store is: `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?sslmode=…]`, `sqlite:PATH`,
/// `mysql://USER[:PASSWORD]@HOST[:PORT]/DATABASE` or `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]` (`rediss:` with TLS, `unix:` for a socket, several hosts with
/// commas for a cluster, `redis+sentinel://HOST:PORT/SERVICE` for Sentinel).
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
    MySql(MySqlAddress),
    Redis(RedisAddress),
}

impl StoreUrl {
    /// Which kind of store it is.
    pub fn kind(&self) -> StoreKind {
        match self.0 {
            Address::Postgres(_) => StoreKind::Postgres,
            Address::Sqlite(_) => StoreKind::Sqlite,
            Address::MySql(_) => StoreKind::MySql,
            Address::Redis(_) => StoreKind::Redis,
        }
    }

    /// Whether the text carried a password, so that a caller who took it from argv can warn.
    pub fn has_password(&self) -> bool {
        match &self.0 {
            Address::Postgres(at) => at.password.is_some(),
            Address::MySql(at) => at.password.is_some(),
            Address::Redis(at) => at.password.is_some(),
            Address::Sqlite(_) => false,
        }
    }

    /// The address by which files beside it know the store: a SQLite file is the same one however its path was typed.
    pub(crate) fn place(&self) -> String {
        match &self.0 {
            Address::Sqlite(path) => {
                let path = path.canonicalize().unwrap_or_else(|_| path.clone());
                // An `@` ends the user and the password in every other address.
                format!("sqlite:{}", path.display()).replace('@', "%40")
            }
            _ => self.to_string(),
        }
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
            "postgres" | "postgresql" => postgres::parse(text).map(Address::Postgres).map(Self),
            "mysql" | "mariadb" => mysql::parse(text).map(Address::MySql).map(Self),
            _ if redis::is_scheme(scheme) => redis::parse(scheme, rest).map(Address::Redis).map(Self),
            _ => Err(bad("only postgres:, mysql:, redis: and sqlite: stores are known")),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Address::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Address::Postgres(at) => at.fmt(f),
            Address::MySql(at) => at.fmt(f),
            Address::Redis(at) => at.fmt(f),
        }
    }
}

fn bad(why: &str) -> Error {
    Error::Url(why.to_owned())
}

/// One part of an address, with `%XX` decoded.
fn decoded(part: &str) -> Result<String, Error> {
    let text = percent_decode_str(part).decode_utf8().map_err(|_| bad("it is not UTF-8"))?;
    if text.contains('\0') { Err(bad("it holds a NUL")) } else { Ok(text.into_owned()) }
}

/// The path of a file. Parameters that drivers take after it mean nothing here: whether it may be written, the file says.
fn sqlite_path(rest: &str) -> Result<PathBuf, Error> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let is_parameter = |text: &str| {
        let names = ["mode", "cache", "immutable", "vfs", "nolock", "psow"];
        text.split_once('=').is_some_and(|(name, _)| names.contains(&name))
    };
    let path = match path.rsplit_once('?') {
        Some((_, query)) if query.contains("mode=memory") => ":memory:",
        Some((path, query)) if query.split('&').all(is_parameter) => path,
        _ => path,
    };
    if path.is_empty() || path == ":memory:" {
        return Err(Error::Url("sqlite: needs the path of a file".to_owned()));
    }
    Ok(PathBuf::from(path))
}

/// A parameter's name, unless it looks like a stray piece of something else.
fn shown_name(name: &str) -> &str {
    let plain = name.len() <= 30 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if plain { name } else { "(not shown)" }
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
            ("mysql://app@db/shop", "mysql://app@db:3306/shop"),
            ("mariadb://app:x@[::1]:3307/shop?ssl-mode=VERIFY_CA", "mysql://app:***@[::1]:3307/shop"),
            ("redis://localhost", "redis://localhost:6379/0"),
            ("rediss://app:x@cache.internal:6380/3", "rediss://app:***@cache.internal:6380/3"),
            ("valkey://:x@[::1]", "redis://:***@[::1]:6379/0"),
            ("redis://:x@a:7000,b,[::1]:7001", "redis://:***@a:7000,b:6379,[::1]:7001/0"),
            ("redis+sentinel://:x@s1,s2:26380/main/2", "redis+sentinel://:***@s1:26379,s2:26380/main/2"),
            ("unix:///run/redis.sock?db=2", "unix:/run/redis.sock?db=2"),
            ("sqlite:data/sessions.db", "sqlite:data/sessions.db"),
            ("sqlite:///srv/app.db", "sqlite:/srv/app.db"),
            ("sqlite://app.db?mode=rwc&cache=private", "sqlite:app.db"),
            ("sqlite:what?.db", "sqlite:what?.db"),
        ] {
            assert_eq!(text.parse::<StoreUrl>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_store_is_refused() {
        for text in [
            "",
            "postgres",
            "mongodb://h",
            "mysql://h/db",
            "mysql://u@h",
            "mysql://u@h/a/b",
            "mysql://u@h/db?ssl-mode=on",
            "redis:",
            "redis://",
            "redis://h/x",
            "redis://h/0/1",
            "redis://h:x",
            "redis://h?tls=1",
            "redis://a b",
            "redis+sentinel://h",
            "unix:",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:app.db?mode=memory",
            "postgres://h/db",
            "postgres://u@a,b/db",
            "postgres://u@h/db?sslmode=on",
            "postgres://u@h/db?sslmod=require",
            "postgres://u@h:x/db",
        ] {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_has_one_place_however_its_path_is_typed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a@b.db");
        drop(std::fs::File::create(&file).unwrap());
        let place = StoreUrl::sqlite(&file).place();
        assert_eq!(StoreUrl::sqlite(dir.path().join("./a@b.db")).place(), place);
        assert!(!place.contains('@'), "{place}");
    }

    proptest! {
        /// Whatever characters a password has, encoded or not, no output shows it.
        #[test]
        fn passwords_are_never_shown(middle in "[!-~]{0,12}", digits in "[0-9]{0,3}") {
            let password = format!("{digits}{middle}Zq7Zq7");
            for text in [
                format!("postgres://app:{password}@db:5432/shop"),
                format!("postgres://app@db/shop?password={password}"),
                format!("mysql://app:{password}@db/shop"),
                format!("mysql://app@db/shop?password={password}"),
                format!("redis://:{password}@cache:6379/0"),
                format!("rediss://app:{password}@a,b:7000"),
                format!("redis+sentinel://{password}@a/main"),
                format!("unix:///run/redis.sock?password={password}"),
            ] {
                prop_assert!(!shown(&text).contains("Zq7Zq7"), "{}", text);
            }
        }
    }
}
