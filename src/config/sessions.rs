//! `sessions:` in a configuration: a session table of an own form, and what monitoring goes by.

use serde::Deserialize;

/// What a configuration says about sessions.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// The session table, for `--dialect custom`; on Redis the prefix of the keys.
    pub table: Option<String>,
    /// Its column with the session's id or token.
    #[serde(alias = "id")]
    pub token: Option<String>,
    /// Its column with the user's id.
    pub user: Option<String>,
    /// Its column that tells when a session ends; without one none ends.
    pub expiry: Option<String>,
    /// How that column is to be read.
    pub unit: Option<Unit>,
    /// How many minutes after its last use a session ends; the expiry is the time of the last use then.
    pub lifetime: Option<u32>,
    /// The table with the users.
    pub users_table: Option<String>,
    /// Its column that sessions refer to.
    pub users_id: Option<String>,
    /// Its column that tells who is disabled or deleted.
    pub disabled: Option<String>,
    /// The points of a check that must be told: what this store could never tell is then not checked.
    pub require: Vec<String>,
    /// From where on a number is a warning.
    pub thresholds: Thresholds,
    /// What logs are searched for besides the usual texts.
    pub logs: Logs,
}

/// How a column that tells a time is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A date and time.
    Time,
    /// Unix seconds.
    Seconds,
    /// Unix milliseconds.
    Milliseconds,
}

/// The thresholds of `unleak sessions check`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Active sessions a user on average.
    pub per_user: Option<f64>,
    /// Active sessions of one user.
    pub of_one: Option<u64>,
    /// Expired sessions in percent of all.
    pub expired: Option<u64>,
    /// Active sessions that expire soon, in percent.
    pub expiring: Option<u64>,
    /// So many times the usual number of new sessions an hour.
    pub spike: Option<f64>,
    /// Networks of one user's active sessions.
    pub networks: Option<u64>,
    /// Rows, or bytes, that become more in a day, in percent.
    pub growth: Option<f64>,
}

/// Further texts of logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logs {
    /// Those that are critical.
    pub critical: Vec<String>,
    /// Those that are warnings.
    pub warning: Vec<String>,
}

impl Sessions {
    /// What does not go together.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.token.is_some() && self.table.is_none() {
            return Err("sessions: `token` is a column of `table`, which is missing");
        }
        if self.token.is_none() && (self.user.is_some() || self.expiry.is_some()) {
            return Err("sessions: `user` and `expiry` need `table` and `token` beside them");
        }
        if self.expiry.is_none() && (self.unit.is_some() || self.lifetime.is_some()) {
            return Err("sessions: `unit` and `lifetime` say how `expiry` is to be read, which is missing");
        }
        if self.lifetime.is_some() && self.unit.is_some_and(|unit| unit != Unit::Seconds) {
            return Err("sessions: with `lifetime`, `expiry` holds Unix seconds of the last use");
        }
        if self.lifetime.is_some_and(|minutes| minutes == 0 || minutes > 5_256_000) {
            return Err("sessions: `lifetime` is a number of minutes, from one to ten years");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Error};
    use super::*;
    use crate::coverage::LayerKind;
    use std::path::Path;

    fn read(text: &str) -> Result<Sessions, Error> {
        let config = Config::parse(Path::new("a.yaml"), text, LayerKind::Folder, &|_| Ok(Vec::new()))?;
        Ok(config.sessions().clone())
    }

    #[test]
    fn a_table_is_described_and_mistakes_are_named() {
        let read_all = read(
            "sessions: {table: logins, id: secret, user: who, expiry: until, unit: milliseconds, \
             thresholds: {per_user: 2.5, of_one: 9}, logs: {critical: [gone wrong]}}",
        );
        let all = read_all.unwrap();
        assert_eq!((all.token.as_deref(), all.unit), (Some("secret"), Some(Unit::Milliseconds)));
        assert_eq!((all.thresholds.per_user, all.logs.critical.len()), (Some(2.5), 1));
        for (wrong, said) in [
            ("sessions: {tabel: x}", "tabel"),
            ("sessions: {thresholds: {most: 1}}", "of_one"),
            ("sessions: {token: x}", "`table`, which is missing"),
            ("sessions: {table: x, user: y}", "need `table` and `token`"),
            ("sessions: {table: x, token: y, unit: time}", "`expiry` is to be read"),
            ("sessions: {table: x, token: y, expiry: z, lifetime: 0}", "number of minutes"),
            (
                "sessions: {table: x, token: y, expiry: z, unit: time, lifetime: 5}",
                "Unix seconds of the last use",
            ),
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }
}
