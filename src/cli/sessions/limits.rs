//! From where on a number of a check is a warning, and the users table where there is one to be found.

use super::arguments::Users;
use super::procedure::duration;
use crate::cli::{Context, Failure};
use crate::config::{self, Sessions};
use crate::session::{Error, Facts, Growth, POINTS, Store, Thresholds, UsersTable};
use jiff::{SignedDuration, Timestamp};

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
    /// Active sessions that expire soon, in percent, above which it is a warning unless all do, since none is made for longer [default: 50].
    #[arg(long, value_name = "PERCENT")]
    max_expiring: Option<u64>,
    /// So many times the usual number of new sessions an hour is a warning [default: 3].
    #[arg(long, value_name = "TIMES")]
    max_spike: Option<f64>,
    /// Networks (/24 of IPv4, /48 of IPv6) of one user's active sessions above which it is a warning [default: 5].
    #[arg(long, value_name = "NUMBER")]
    max_networks: Option<u64>,
    /// Rows, or bytes, that become more in a day, in percent, above which it is a warning [default: 50].
    #[arg(long, value_name = "PERCENT")]
    max_growth: Option<f64>,
    /// What soon is.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    soon: String,
}

/// The points that must be told.
#[derive(clap::Args)]
pub(super) struct Required {
    /// A point that must be told, by its name in the other formats; what this store could never tell is unknown then.
    #[arg(long = "require", value_name = "POINT", value_parser = clap::builder::PossibleValuesParser::new(POINTS))]
    named: Vec<String>,
}

impl Required {
    /// Those named on the command line and in the configuration.
    pub(super) fn resolved(&self, settings: &Sessions) -> Result<Vec<String>, Failure> {
        match settings.require.iter().find(|name| !POINTS.contains(&name.as_str())) {
            Some(name) => Err(Failure::usage(format!(
                "the configuration requires {name}, which is no point of a check"
            ))
            .hinted(format!("the points are {}", POINTS.join(", ")))),
            None => Ok([&self.named[..], &settings.require].concat()),
        }
    }
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
            networks: self.max_networks.or(settings.networks).unwrap_or(usual.networks),
            growth_percent: self.max_growth.or(settings.growth).unwrap_or(usual.growth_percent),
            ..usual
        }
    }

    /// What soon is.
    pub(super) fn soon(&self) -> Result<SignedDuration, Failure> {
        duration(&self.soon)
    }
}

/// How the table grows, beside what earlier looks kept in the state folder.
pub(super) fn growth(store: &Store, facts: &Facts, context: &Context) -> Growth {
    match context.state_dir() {
        Some(state) => store.growth(&state, facts, Timestamp::now()),
        None => Growth::Untold("there is no folder for what earlier checks saw".to_owned()),
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
