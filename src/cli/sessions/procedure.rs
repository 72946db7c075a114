//! The procedures: which sessions each of them means.

use super::arguments::{Users, wait_for};
use super::run::{Deleting, Procedure, carry_out, confirm};
use super::{failure, say};
use crate::cli::schema::add_unique_token;
use crate::cli::{Context, Failure, fingerprint_key};
use crate::exit::Exit;
use crate::rotate::StoreAccess;
use crate::session::{Error, Mark, Network, Selection, UserPattern};
use jiff::{SignedDuration, Timestamp};
use std::fmt::Write as _;

/// More users than these are not named by one pattern on purpose.
const MOST_USERS: u32 = 1000;

/// Delete every session: everybody is logged out.
#[derive(clap::Args)]
pub(super) struct Purge {
    #[command(flatten)]
    deleting: Deleting,
}

impl Purge {
    pub(super) fn run(&self, context: &mut Context) -> Result<Exit, Failure> {
        let access = self.deleting.source.access(context)?;
        let procedure = Procedure {
            action: "sessions purge",
            selection: Selection::All,
            max_share: None,
            what: "every session; everybody is logged out".to_owned(),
        };
        carry_out(&self.deleting, &access, procedure, context)
    }
}

/// Delete the sessions of certain users, by id or by how the users table names them.
#[derive(clap::Args)]
pub(super) struct ByUser {
    /// The users' ids.
    #[arg(value_name = "ID", required_unless_present_any = ["name", "email"])]
    ids: Vec<String>,
    /// Users whose name or handle is this; `*` stands for anything, case does not matter.
    #[arg(long, value_name = "PATTERN", conflicts_with_all = ["ids", "email"])]
    name: Option<String>,
    /// Users whose address is this; `*` stands for anything, case does not matter.
    #[arg(long, value_name = "PATTERN", conflicts_with = "ids")]
    email: Option<String>,
    #[command(flatten)]
    users: Users,
    #[command(flatten)]
    deleting: Deleting,
}

impl ByUser {
    pub(super) fn run(&self, context: &mut Context) -> Result<Exit, Failure> {
        let access = self.deleting.source.access(context)?;
        let pattern = self.name.clone().map(UserPattern::Name).or(self.email.clone().map(UserPattern::Email));
        let ids = match pattern {
            None => self.ids.clone(),
            Some(pattern) => {
                let settings = self.deleting.source.settings()?;
                let found = wait_for(async {
                    let mut store = access.connect().await?;
                    let users = self.users.find(&mut store, None, &settings).await?;
                    store.find_users(&users, &pattern, MOST_USERS + 1).await
                })?;
                if found.is_empty() {
                    return Err(Failure::usage("no user fits the pattern")
                        .hinted("`*` stands for anything: --name '*ada*'"));
                }
                if found.len() > MOST_USERS as usize {
                    return Err(Failure::usage(format!("more than {MOST_USERS} users fit the pattern"))
                        .hinted("make it narrower, or log everybody out with `unleak sessions purge`"));
                }
                let mut text = format!("{} users fit:\n", found.len());
                for user in &found {
                    let about: String = user.about.join(", ").chars().filter(|c| !c.is_control()).collect();
                    writeln!(text, "  {}  {about}", user.id).expect("a string takes any text");
                }
                say(context, &text)?;
                found.into_iter().map(|user| user.id).collect()
            }
        };
        let what = format!("the sessions of {} users", ids.len());
        let what = if ids.len() == 1 { format!("the sessions of the user {}", ids[0]) } else { what };
        let procedure =
            Procedure { action: "sessions user", selection: Selection::Users(ids), max_share: None, what };
        carry_out(&self.deleting, &access, procedure, context)
    }
}

/// Delete rows that share a token: all but the newest of one user, all of several users.
#[derive(clap::Args)]
pub(super) struct Dedupe {
    /// Then add a unique index on the token, so that the database refuses the next duplicate; on PostgreSQL without a lock that anybody waits for.
    #[arg(long)]
    add_index: bool,
    #[command(flatten)]
    deleting: Deleting,
}

impl Dedupe {
    pub(super) fn run(&self, context: &mut Context) -> Result<Exit, Failure> {
        let access = self.deleting.source.access(context)?;
        let procedure = Procedure {
            action: "sessions dedupe",
            selection: Selection::Duplicates,
            max_share: None,
            what: "rows that share a token: all but the newest where they are one user's, all where they are not"
                .to_owned(),
        };
        let exit = carry_out(&self.deleting, &access, procedure, context)?;
        if exit != Exit::Clean || self.deleting.is_dry() {
            return Ok(exit);
        }
        let unique = wait_for(async { access.connect().await?.token_is_unique().await })?;
        let unique = match (unique, self.add_index) {
            (true, _) => "there already",
            (false, false) => "missing: add it with --add-index",
            (false, true) => {
                confirm(self.deleting.is_agreed(), "add", "this adds a unique index to the table", context)?;
                let incident = self.deleting.incident();
                return add_unique_token(&access, "sessions dedupe", incident, context);
            }
        };
        say(context, &format!("The unique index on the token is {unique}.\n"))?;
        Ok(exit)
    }
}

/// Delete sessions whose user does not exist.
#[derive(clap::Args)]
pub(super) struct Orphans {
    /// Refuse when more percent of all sessions would go: the users table may be the wrong one.
    #[arg(long, value_name = "PERCENT", default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=100))]
    max_share: u8,
    #[command(flatten)]
    users: Users,
    #[command(flatten)]
    deleting: Deleting,
}

impl Orphans {
    pub(super) fn run(&self, context: &mut Context) -> Result<Exit, Failure> {
        let access = self.deleting.source.access(context)?;
        let settings = self.deleting.source.settings()?;
        let users = wait_for(async { self.users.find(&mut access.connect().await?, None, &settings).await })?;
        let what = format!("sessions whose user is not in {}", users.name());
        let procedure = Procedure {
            action: "sessions orphans",
            selection: Selection::Orphans(users),
            max_share: Some(self.max_share),
            what,
        };
        carry_out(&self.deleting, &access, procedure, context)
    }
}

/// Delete sessions whose expiry is past.
#[derive(clap::Args)]
pub(super) struct Expired {
    #[command(flatten)]
    deleting: Deleting,
}

impl Expired {
    pub(super) fn run(&self, context: &mut Context) -> Result<Exit, Failure> {
        let access = self.deleting.source.access(context)?;
        let procedure = Procedure {
            action: "sessions expired",
            selection: Selection::Expired,
            max_share: None,
            what: "sessions whose expiry is past".to_owned(),
        };
        carry_out(&self.deleting, &access, procedure, context)
    }
}

/// Which sessions are stale.
#[derive(clap::Args)]
#[group(id = "which", required = true, multiple = false)]
pub(super) struct Which {
    /// Those made before this time: `2026-11-20` or `2026-11-20T16:12:00Z`.
    #[arg(long, value_name = "TIME")]
    before: Option<String>,
    /// Those made longer ago than this: `30d`, `12h`.
    #[arg(long, value_name = "DURATION")]
    older_than: Option<String>,
    /// Those not used for so long: `30d`, `12h`.
    #[arg(long, value_name = "DURATION")]
    idle: Option<String>,
    /// Those used from this network, where a column tells addresses: `10.0.0.0/8`, or one address.
    #[arg(long, value_name = "CIDR")]
    network: Option<Network>,
    /// Those of this device, where a column tells devices apart: its value there.
    #[arg(long, value_name = "HASH")]
    device: Option<String>,
    /// Those of users who are disabled or marked as deleted.
    #[arg(long)]
    disabled: bool,
    /// After the database was filled anew: those whose user does not exist any more, however many they are, and those of users marked as deleted. Sessions that are in the cookies themselves (JWT) are beyond any store: `unleak serve --sign-in` refuses them.
    #[arg(long)]
    after_seed: bool,
}

/// Delete sessions that are too old, unused, of a network or device, of disabled users, or of users who are gone after a re-seed.
#[derive(clap::Args)]
pub(super) struct Stale {
    #[command(flatten)]
    which: Which,
    /// The column of the users table that tells who is disabled or deleted, when it should not be detected.
    #[arg(long, value_name = "COLUMN", requires = "disabled")]
    disabled_column: Option<String>,
    /// With --disabled or --after-seed, refuse when more percent of all sessions would go: the column may be the wrong one.
    #[arg(long, value_name = "PERCENT", default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=100))]
    max_share: u8,
    #[command(flatten)]
    users: Users,
    #[command(flatten)]
    deleting: Deleting,
}

impl Stale {
    pub(super) fn run(&self, context: &mut Context) -> Result<Exit, Failure> {
        let (selection, what) = if let Some(before) = &self.which.before {
            let time = time(before)?;
            (Some(Selection::Before(time)), format!("sessions made before {time}"))
        } else if let Some(age) = &self.which.older_than {
            let time = Timestamp::now() - duration(age)?;
            (Some(Selection::Before(time)), format!("sessions made before {time}"))
        } else if let Some(idle) = &self.which.idle {
            let time = Timestamp::now() - duration(idle)?;
            (Some(Selection::Idle(time)), format!("sessions not used since {time}"))
        } else if let Some(device) = &self.which.device {
            let selection = Selection::Marked(Mark::Device, vec![device.clone()]);
            (Some(selection), "sessions of the device".to_owned())
        } else {
            (None, String::new())
        };
        let access = self.deleting.source.access(context)?;
        if self.which.after_seed {
            return self.after_seed(&access, context);
        }
        let (selection, what) = match (selection, &self.which.network) {
            (Some(selection), _) => (selection, what),
            (None, Some(network)) => {
                (Selection::From(*network), format!("sessions used from the network {network}"))
            }
            (None, None) => self.disabled(&access)?,
        };
        let max_share = matches!(selection, Selection::Disabled(_)).then_some(self.max_share);
        let procedure = Procedure { action: "sessions stale", selection, max_share, what };
        carry_out(&self.deleting, &access, procedure, context)
    }
}

impl Stale {
    /// The sessions of users who are gone, by the users table.
    fn disabled(&self, access: &StoreAccess) -> Result<(Selection, String), Failure> {
        let (column, settings) = (self.disabled_column.as_deref(), self.deleting.source.settings()?);
        let users =
            wait_for(async { self.users.find(&mut access.connect().await?, column, &settings).await })?;
        let columns: Vec<_> = users.disabled().iter().map(|column| column.name.as_str()).collect();
        let what = format!("sessions of users who are gone by {} of {}", columns.join(" or "), users.name());
        Ok((Selection::Disabled(users), what))
    }
}

impl Stale {
    /// The database was filled anew, so many sessions may go, all of them even: those whose user does not exist, then
    /// those of users who are marked as deleted, where a column tells.
    fn after_seed(&self, access: &StoreAccess, context: &mut Context) -> Result<Exit, Failure> {
        let settings = self.deleting.source.settings()?;
        let users = wait_for(async { self.users.find(&mut access.connect().await?, None, &settings).await })?;
        let orphans = Procedure {
            action: "sessions stale",
            what: format!("sessions whose user is not in {} any more", users.name()),
            selection: Selection::Orphans(users.clone()),
            max_share: None,
        };
        let exit = carry_out(&self.deleting, access, orphans, context)?;
        if exit != Exit::Clean || users.disabled().is_empty() {
            return Ok(exit);
        }
        let deleted = Procedure {
            action: "sessions stale",
            what: format!("sessions of users who are marked as gone in {}", users.name()),
            selection: Selection::Disabled(users),
            max_share: Some(self.max_share),
        };
        carry_out(&self.deleting, access, deleted, context)
    }
}

/// Delete one session, by the fingerprint that `list` shows.
#[derive(clap::Args)]
pub(super) struct Delete {
    /// The fingerprint.
    fingerprint: String,
    #[command(flatten)]
    deleting: Deleting,
}

impl Delete {
    pub(super) fn run(&self, context: &mut Context) -> Result<Exit, Failure> {
        let access = self.deleting.source.access(context)?;
        let key = fingerprint_key::load(context)?;
        let wanted = self.fingerprint.to_ascii_lowercase();
        let fits = |token: &crate::secret::Secret| key.fingerprint(token).to_string() == wanted;
        let tokens = wait_for(async { access.connect().await?.find_tokens(&fits).await })?;
        if tokens.len() != 1 {
            let error = Error::Fingerprint { fingerprint: wanted, found: tokens.len() };
            return Err(failure(&error));
        }
        let procedure = Procedure {
            action: "sessions delete",
            selection: Selection::Tokens(tokens),
            max_share: None,
            what: format!("the session with the fingerprint {wanted}"),
        };
        carry_out(&self.deleting, &access, procedure, context)
    }
}

/// A point in time, or the beginning of a day in UTC.
fn time(text: &str) -> Result<Timestamp, Failure> {
    let day = || {
        let day = text.parse::<jiff::civil::Date>().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    text.parse::<Timestamp>().ok().or_else(day).ok_or_else(|| {
        Failure::usage(format!("{text} is no time")).hinted("write it as 2026-11-20 or 2026-11-20T16:12:00Z")
    })
}

/// A length of time of days, hours and minutes.
pub(in crate::cli) fn duration(text: &str) -> Result<SignedDuration, Failure> {
    let bad = || Failure::usage(format!("{text} is no length of time")).hinted("write it as 30d, 12h or 45m");
    let (number, unit) = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((number, "d")) => (number, 24 * 60),
        Some((number, "h")) => (number, 60),
        Some((number, "m")) => (number, 1),
        _ => return Err(bad()),
    };
    let minutes = i64::from(number.parse::<u32>().map_err(|_| bad())?) * unit;
    // Any point in time that far from now is one that can be written.
    if minutes > 36_500 * 24 * 60 {
        return Err(Failure::usage(format!("{text} is too long")).hinted("at most 36500d"));
    }
    Ok(SignedDuration::from_mins(minutes))
}
