//! From where on a number of a check is a warning, and the users table where there is one to be found.

use super::arguments::Users;
use super::procedure::duration;
use crate::cli::Failure;
use crate::config::{self, Sessions};
use crate::session::{Error, Store, Thresholds, UsersTable};
use jiff::SignedDuration;

/// The thresholds; the command line wins over the configuration.
#[derive(clap::Args)]
pub(super) struct Limits {
    /// Active sessions a user on average above which it is a warning [default: 3].
    #[arg(long, value_name = "NUMBER")]
    max_per_user: Option<f64>,
    /// Active sessions of one user above which it is a warning [default: 20].
    #[arg(long, value_name = "NUMBER")]
    max_of_one: Option<u64>,
    /// Expired sessions in percent of all above which it is a warning [default: 50].
    #[arg(long, value_name = "PERCENT")]
    max_expired: Option<u64>,
    /// Active sessions that expire soon, in percent, above which it is a warning [default: 50].
    #[arg(long, value_name = "PERCENT")]
    max_expiring: Option<u64>,
    /// So many times the usual number of new sessions an hour is a warning [default: 3].
    #[arg(long, value_name = "TIMES")]
    max_spike: Option<f64>,
    /// What soon is.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    soon: String,
}

impl Limits {
    /// The thresholds that hold.
    pub(super) fn resolved(&self, settings: &config::Thresholds) -> Thresholds {
        let usual = Thresholds::default();
        Thresholds {
            per_user: self.max_per_user.or(settings.per_user).unwrap_or(usual.per_user),
            most: self.max_of_one.or(settings.of_one).unwrap_or(usual.most),
            expired_percent: self.max_expired.or(settings.expired).unwrap_or(usual.expired_percent),
            expiring_percent: self.max_expiring.or(settings.expiring).unwrap_or(usual.expiring_percent),
            spike: self.max_spike.or(settings.spike).unwrap_or(usual.spike),
            ..usual
        }
    }

    /// What soon is.
    pub(super) fn soon(&self) -> Result<SignedDuration, Failure> {
        duration(&self.soon)
    }
}

/// The users table that sessions can be held against. Not every application keeps its users here, so that none is no
/// error; who named one meant it.
pub(super) async fn comparable_users(
    users: &Users,
    store: &mut Store,
    settings: &Sessions,
) -> Result<Option<UsersTable>, Error> {
    let compared = async {
        let found = users.find(store, None, settings).await?;
        store.comparable(&found)?;
        Ok(found)
    };
    match compared.await {
        Ok(found) => Ok(Some(found)),
        Err(
            Error::NoUsersTable { .. }
            | Error::Ambiguous { .. }
            | Error::Column { .. }
            | Error::KeyTypes { .. }
            | Error::Impossible { .. },
        ) if !users.are_named() && settings.users_table.is_none() => Ok(None),
        Err(error) => Err(error),
    }
}
