//! What Redis answers, and what its refusals mean.
//!
//! The text of a refusal may quote keys and arguments, which are session ids here. So only its first word is kept,
//! and the sentence is ours.

use crate::session::{Cause, Error};
use redis::{RedisError, ServerError, Value};

/// A refusal of a command.
pub(super) fn refused(doing: &'static str, error: &ServerError) -> Error {
    Error::Database { doing, cause: cause(error) }
}

pub(super) fn cause(error: &ServerError) -> Cause {
    let code = code(error);
    let message = match code {
        "NOPERM" => "the account may not use a command or key that this needs",
        "READONLY" => "the server is a replica that takes no writes",
        "MISCONF" => "the server cannot save to its disk and takes no writes",
        "NOREPLICAS" => "the server has too few replicas and takes no writes",
        "OOM" => "the server is out of memory",
        "MOVED" | "ASK" | "TRYAGAIN" => "a slot of the cluster is on another server now",
        "CLUSTERDOWN" => "the cluster is down",
        "LOADING" => "the server is still loading its data",
        "BUSY" => "the server is busy with somebody's script",
        "MASTERDOWN" => "the server is a replica without a primary",
        "NOAUTH" => "the server wants a password",
        "WRONGTYPE" => "a key holds another type than expected",
        "BUSYKEY" => "a key exists already",
        _ => "the server refused the command; its words are withheld because they may quote keys",
    };
    Cause::new(Some(code), message.to_owned())
}

/// A refusal of the login, and what it means.
pub(super) fn login(error: &ServerError) -> (&'static str, &'static str) {
    match code(error) {
        "NOAUTH" => ("NOAUTH", "the server wants a password"),
        "WRONGPASS" => ("WRONGPASS", "the server refused this user and password"),
        "LOADING" => ("LOADING", "the server is still loading its data"),
        "NOPERM" => ("NOPERM", "the account may not even ask who is there"),
        // Before version 6.2 AUTH has no code of its own.
        "ERR" if error.details().is_some_and(|text| text.contains("DB index")) => {
            ("ERR", "the server has no database of this number")
        }
        "ERR" if error.details().is_some_and(|text| text.contains("AUTH")) => {
            ("WRONGPASS", "the server expects no password for this user")
        }
        _ => ("ERR", "the server refused the login"),
    }
}

/// The first word of a refusal, if it is one that is known.
pub(super) fn code(error: &ServerError) -> &'static str {
    const KNOWN: [&str; 19] = [
        "NOPERM",
        "READONLY",
        "MISCONF",
        "NOREPLICAS",
        "OOM",
        "MOVED",
        "ASK",
        "TRYAGAIN",
        "CLUSTERDOWN",
        "CROSSSLOT",
        "LOADING",
        "BUSY",
        "MASTERDOWN",
        "NOAUTH",
        "WRONGPASS",
        "WRONGTYPE",
        "BUSYKEY",
        "NOSCRIPT",
        "EXECABORT",
    ];
    let found = KNOWN.into_iter().find(|known| *known == error.code());
    // Before version 7 an error inside a script stands in the middle of another one.
    let nested = || {
        let mut words = error.details()?.split(|c: char| !c.is_ascii_uppercase());
        words.find_map(|word| KNOWN.into_iter().find(|known| *known == word))
    };
    found.or_else(nested).unwrap_or("ERR")
}

/// The connection broke.
pub(super) fn lost(doing: &'static str, error: &RedisError) -> Error {
    Error::Database { doing, cause: Cause::new(None, network(error)) }
}

/// What the network or TLS said; the driver's other errors quote what they could not read.
pub(super) fn network(error: &RedisError) -> String {
    if error.is_io_error() {
        error.to_string()
    } else {
        "the driver and the server did not understand each other".to_owned()
    }
}

/// Whether the error is of the connection, so that nobody knows how the command ended.
pub(super) fn is_lost(error: &Error) -> bool {
    matches!(error, Error::Database { cause, .. } if cause.code().is_none())
        || matches!(error, Error::Timeout { .. })
}

pub(super) fn nonsense(doing: &'static str) -> Error {
    let message = "the server's answer has another form than expected".to_owned();
    Error::Database { doing, cause: Cause::new(Some("ERR"), message) }
}

/// The answer of TIME in microseconds.
pub(super) fn time(value: &Value) -> Option<i64> {
    let Value::Array(parts) = value else { return None };
    let [Value::BulkString(seconds), Value::BulkString(micros)] = &parts[..] else { return None };
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<i64>().ok();
    Some(number(seconds)? * 1_000_000 + number(micros)?)
}

/// One range of CLUSTER SLOTS: from, to, and host and port of its primary.
pub(super) fn slot_range(value: &Value) -> Option<(u16, u16, String, u16)> {
    let Value::Array(parts) = value else { return None };
    let [Value::Int(from), Value::Int(to), Value::Array(primary), ..] = &parts[..] else { return None };
    let [host, Value::Int(port), ..] = &primary[..] else { return None };
    let host = match host {
        Value::BulkString(host) => String::from_utf8(host.clone()).ok()?,
        Value::SimpleString(host) => host.clone(),
        _ => String::new(),
    };
    Some(((*from).try_into().ok()?, (*to).try_into().ok()?, host, (*port).try_into().ok()?))
}
