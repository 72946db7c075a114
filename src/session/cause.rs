//! What a driver's error may say: nothing of a row.
//!
//! Drivers' errors never leave this module: PostgreSQL's DETAIL and CONTEXT quote rows, MySQL quotes keys, and so
//! may the message of a data exception or of a trigger. `Cause` keeps what is known to be free of data.

use std::fmt;

/// What a database or the network said, reduced to what cannot hold data of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    code: Option<String>,
    /// MySQL's own number of an error, whose SQLSTATE says too little.
    number: Option<u16>,
    message: String,
}

impl Cause {
    /// A cause in words of our own, with the server's code for it.
    pub(super) fn new(code: Option<&str>, message: String) -> Self {
        Self { code: code.map(str::to_owned), number: None, message }
    }

    /// The SQLSTATE, SQLite's extended result code, or the first word of Redis's refusal.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Whether nobody answered, or the server cannot serve anybody at the moment: no code at all, PostgreSQL's classes of
    /// lost connections, missing resources and operators' interventions, MySQL's lost connections, Redis' own states.
    pub(super) fn is_outage(&self) -> bool {
        if let Some(number) = self.number {
            return matches!(number, 1040 | 1053 | 1203 | 2000..=2999);
        }
        let states = ["LOADING", "MASTERDOWN", "CLUSTERDOWN", "BUSY", "TRYAGAIN"];
        self.code().is_none_or(|code| {
            ["08", "53", "57", "XX"].iter().any(|class| code.len() == 5 && code.starts_with(class))
                || states.contains(&code)
        })
    }

    /// PostgreSQL's data exceptions; MySQL's incorrect string value, truncated value, mixed collations
    pub(super) fn is_of_value(&self) -> bool {
        match self.number {
            Some(number) => matches!(number, 1267 | 1292 | 1366),
            None => self.code().is_some_and(|code| code.len() == 5 && code.starts_with("22")),
        }
    }

    /// Two columns that cannot be compared: conflicting and unknown collations, no such operator, other types
    pub(super) fn is_of_comparison(&self) -> bool {
        match self.number {
            Some(number) => matches!(number, 1267 | 1271),
            None => matches!(self.code(), Some("42P21" | "42P22" | "42883" | "42804")),
        }
    }

    /// too_many_connections, configured_limit_exceeded; MySQL's too many connections, of all and of one user
    pub(super) fn is_exhausted(&self) -> bool {
        matches!(self.number, Some(1040 | 1203)) || matches!(self.code(), Some("53300" | "53400"))
    }

    /// Whether the connection ended before the server's answer came.
    pub(crate) fn is_lost(&self) -> bool {
        self.code().is_none_or(|code| code.starts_with("08") || code.starts_with("57P"))
    }

    pub(crate) fn is_lock_conflict(&self) -> bool {
        // lock wait timeout, deadlock, a row that changed since it was read
        if let Some(number) = self.number {
            return matches!(number, 1205 | 1213 | 1020);
        }
        // lock_not_available, deadlock_detected, a row that moved to another part meanwhile; SQLITE_BUSY, SQLITE_LOCKED and their extended codes
        matches!(self.code(), Some("55P03" | "40P01" | "40001" | "5" | "6" | "261" | "262" | "517" | "773"))
    }

    /// Whether the statement was ended from beside it: query_canceled, MySQL's interrupted query, SQLITE_INTERRUPT. A limit
    /// of the server's on its time looks the same on PostgreSQL.
    pub(crate) fn is_ended(&self) -> bool {
        match self.number {
            Some(number) => number == 1317,
            None => matches!(self.code(), Some("57014" | "9")),
        }
    }

    /// Whether the role lacks a right on what the statement names.
    pub(super) fn is_forbidden(&self) -> bool {
        match self.number {
            Some(number) => matches!(number, 1044 | 1142 | 1143 | 1227),
            None => self.code() == Some("42501"),
        }
    }

    /// Whether SQLite refused because it may not write (SQLITE_READONLY and its extended codes).
    pub(super) fn is_read_only(&self) -> bool {
        self.code().and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 8)
    }

    pub(crate) fn hint(&self) -> Option<String> {
        Some(
            match self.code()? {
                "NOPERM" => "the account needs SCAN, TYPE, GET, GETRANGE, STRLEN, HMGET, DUMP, PTTL, EXISTS, TIME, EVAL and UNLINK on these keys (SET and RESTORE to put them back, MEMORY for their sizes): ACL SETUSER",
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
                Some("28P01" | "28000") if self.number.is_some() && !password_given => {
                    "no password was given; pass it in a file or the environment"
                }
                Some("28000") if self.number.is_some() => {
                    "the server refused this user and password; check both"
                }
                Some("42000") if self.number.is_some() => "check the database name at the end of the address",
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
        match (&self.code, self.number) {
            (Some(code), Some(number)) => write!(f, "{} ({code}, {number})", self.message),
            (Some(code), None) => write!(f, "{} ({code})", self.message),
            (None, _) => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Cause {}

impl From<&sqlx::Error> for Cause {
    fn from(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().map(std::borrow::Cow::into_owned);
                let number = error.try_downcast_ref().map(sqlx::mysql::MySqlDatabaseError::number);
                let quotes = match number {
                    Some(number) => may_quote_data_on_mysql(number),
                    None => code.as_deref().is_some_and(may_quote_data),
                };
                let message = if quotes {
                    "the server's message is withheld because it may quote data".to_owned()
                } else {
                    error.message().to_owned()
                };
                Self { code, number, message }
            }
            sqlx::Error::Io(error) => Self { code: None, number: None, message: error.to_string() },
            sqlx::Error::Tls(error) => Self { code: None, number: None, message: format!("TLS: {error}") },
            sqlx::Error::WorkerCrashed => {
                Self { code: None, number: None, message: "the connection is gone".to_owned() }
            }
            // The others describe the driver's state, and some of them quote what they could not decode.
            _ => Self {
                code: None,
                number: None,
                message: "the driver and the server did not understand each other".to_owned(),
            },
        }
    }
}

impl From<&rusqlite::Error> for Cause {
    fn from(error: &rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(error, message) = error else {
            let message = "the driver and the file did not understand each other".to_owned();
            return Self { code: None, number: None, message };
        };
        let code = error.extended_code.to_string();
        let message = match message {
            Some(message) if !may_quote_data(&code) => message.clone(),
            Some(_) => "the message is withheld because it may quote data".to_owned(),
            None => error.to_string(),
        };
        Self { code: Some(code), number: None, message }
    }
}

/// MySQL quotes values in most messages, duplicate keys with the whole key among them. These are of the server, of
/// rights, locks, tables, columns and keys.
fn may_quote_data_on_mysql(number: u16) -> bool {
    const SAFE: [u16; 36] = [
        1005, 1020, 1040, 1044, 1045, 1046, 1049, 1053, 1054, 1061, 1071, 1091, 1105, 1114, 1129, 1130, 1142,
        1143, 1146, 1205, 1213, 1215, 1227, 1251, 1267, 1290, 1317, 1698, 1792, 1822, 1836, 1845, 1846, 1969,
        3024, 3780,
    ];
    !SAFE.contains(&number)
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

    #[test]
    fn a_duplicate_key_of_mysql_is_withheld() {
        assert!(
            may_quote_data_on_mysql(1062) && may_quote_data_on_mysql(1366) && !may_quote_data_on_mysql(1205)
        );
    }
}
