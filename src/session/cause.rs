//! What a driver's error may tell.
//!
//! Drivers' errors never leave this module: PostgreSQL's DETAIL and CONTEXT quote rows, and so may the message
//! of a data exception or of a trigger. `Cause` keeps what is known to be free of data.

use std::fmt;

/// What a database or the network said, reduced to what cannot hold data of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    code: Option<String>,
    message: String,
}

impl Cause {
    /// A cause in words of our own, with the server's code for it.
    pub(super) fn new(code: Option<&str>, message: String) -> Self {
        Self { code: code.map(str::to_owned), message }
    }

    /// The SQLSTATE, SQLite's extended result code, or the first word of Redis's refusal.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    pub(super) fn is_lock_conflict(&self) -> bool {
        // lock_not_available, deadlock_detected; SQLITE_BUSY, SQLITE_LOCKED and their extended codes
        matches!(self.code(), Some("55P03" | "40P01" | "5" | "6" | "261" | "262" | "517" | "773"))
    }

    /// Whether SQLite refused because it may not write (SQLITE_READONLY and its extended codes).
    pub(super) fn is_read_only(&self) -> bool {
        self.code().and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 8)
    }

    pub(super) fn hint(&self) -> Option<String> {
        Some(
            match self.code()? {
                "NOPERM" => "the account needs SCAN, TYPE, GETRANGE, STRLEN, DUMP, PTTL, EXISTS, TIME, EVAL and UNLINK on these keys (RESTORE to put them back): ACL SETUSER",
                "MISCONF" => "the server cannot save its data and refuses writes: look at its log and its disk",
                "MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN" => {
                    "run again when CLUSTER INFO says cluster_state:ok and no slots are moving"
                }
                "LOADING" | "BUSY" | "MASTERDOWN" => "run again when the server has finished what it is doing",
                "OOM" => "the server has no memory left for this: raise maxmemory or make room",
                _ => return None,
            }
            .to_owned(),
        )
    }

    pub(super) fn connect_hint(&self, password_given: bool) -> Option<String> {
        Some(
            match self.code() {
                Some("28P01") if !password_given => {
                    "no password was given; pass it in a file or the environment"
                }
                Some("NOAUTH") => "no password was given; pass it in a file or the environment",
                Some("WRONGPASS") => "check user and password; without a user it is the one called default",
                Some("28P01") => "the server refused this user and password; check both",
                Some("28000") => "the server's pg_hba.conf has no entry that lets this user in from here",
                Some("3D000") => "check the database name at the end of the address",
                Some(_) => return None,
                None => "check host and port, and that the server runs and accepts connections from here",
            }
            .to_owned(),
        )
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{} ({code})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Cause {}

impl From<&sqlx::Error> for Cause {
    fn from(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().map(std::borrow::Cow::into_owned);
                let message = if code.as_deref().is_some_and(may_quote_data) {
                    "the server's message is withheld because it may quote data".to_owned()
                } else {
                    error.message().to_owned()
                };
                Self { code, message }
            }
            sqlx::Error::Io(error) => Self { code: None, message: error.to_string() },
            sqlx::Error::Tls(error) => Self { code: None, message: format!("TLS: {error}") },
            sqlx::Error::WorkerCrashed => Self { code: None, message: "the connection is gone".to_owned() },
            // The others describe the driver's state, and some of them quote what they could not decode.
            _ => Self {
                code: None,
                message: "the driver and the server did not understand each other".to_owned(),
            },
        }
    }
}

/// Data exceptions, trigger and function errors, and whatever an extension defines quote values in their message.
fn may_quote_data(code: &str) -> bool {
    const SAFE: [&str; 13] = ["08", "0A", "23", "25", "28", "3D", "3F", "40", "42", "53", "54", "55", "57"];
    let is_sqlstate = code.len() == 5;
    // 1811 is SQLITE_CONSTRAINT_TRIGGER: the text of RAISE(ABORT, …).
    if is_sqlstate { !SAFE.contains(&&code[..2]) } else { code == "1811" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_may_quote_rows_are_withheld() {
        assert!(may_quote_data("22P02") && may_quote_data("P0001") && may_quote_data("1811"));
        assert!(!may_quote_data("23505") && !may_quote_data("42501") && !may_quote_data("5"));
    }
}
