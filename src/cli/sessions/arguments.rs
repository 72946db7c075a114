//! The options that the commands on sessions share, and what they mean.

use super::super::store::StoreArguments;
use super::super::{Context, Failure};
use super::failure;
use super::settings::{Settings, described};
use crate::config::Sessions;
use crate::rotate::StoreAccess;
use crate::session::{CustomTable, Options, Store, StoreKind, UsersTable, UsersWanted};
use std::io::Write as _;

/// The store and how it is read.
#[derive(clap::Args)]
pub(in crate::cli) struct Source {
    #[command(flatten)]
    at: StoreArguments,
    /// Where the session's payload holds the user's id, as `key.key`, when no column does.
    #[arg(long, value_name = "PATH")]
    user_path: Option<String>,
    /// The zone in which times without one are read: `Europe/Berlin`; on MySQL also `+02:00` [default: UTC].
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    zone: Option<String>,
    /// How many minutes after its last use a session ends, on Laravel, whose rows do not tell.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=5_256_000))]
    lifetime: Option<u32>,
    #[command(flatten)]
    settings: Settings,
}

/// The forms of a result.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Output {
    /// Text for people.
    Human,
    /// JSON.
    Json,
}

impl Source {
    /// The store that was named. From here on no secret of it can be printed.
    pub(in crate::cli) fn access(&self, context: &mut Context) -> Result<StoreAccess, Failure> {
        let (settings, passed_over) = self.settings.read()?;
        if !passed_over.is_empty() {
            writeln!(
                context.err,
                "warning: the configuration merely lies in the working folder, so its {} is passed over: name the file with --config",
                passed_over.join(", ")
            )?;
        }
        let at = self.at(&settings);
        // Whoever names a file that describes a table means that table, and not the one that looks like sessions.
        if let Some(table) = settings.table.as_ref().filter(|_| self.settings.is_named())
            && at.table.is_none()
            && at.dialect.is_none()
        {
            return Err(Failure::usage(format!(
                "the configuration describes the session table {table}, which only --dialect custom means"
            ))
            .hinted("add --dialect custom, or name another table with --table"));
        }
        let options = Options {
            custom: custom(&at, &settings)?,
            user_path: self.user_path.clone(),
            zone: self.zone.clone(),
            lifetime: self.lifetime,
            ..Options::default()
        };
        let is_described = options.custom.is_some();
        let access = at.guarded(options, context)?;
        // On Redis the prefix is all that there is to say; anywhere else the columns are missing.
        if is_custom(&at)
            && self.at.table.is_none()
            && !is_described
            && access.url().kind() != StoreKind::Redis
        {
            described(&settings, None)?;
        }
        Ok(access)
    }

    /// The store as it was named; the configuration may say the prefix of `--dialect custom` on Redis.
    fn at(&self, settings: &Sessions) -> StoreArguments {
        let mut at = self.at.clone();
        if is_custom(&at) && at.table.is_none() && settings.token.is_none() {
            at.table.clone_from(&settings.table);
        }
        at
    }
}

impl Source {
    /// Whether a store was named.
    pub(in crate::cli) fn names_a_store(&self) -> bool {
        self.at.store.is_some() || self.at.store_from.is_some()
    }

    /// What the configuration says about sessions.
    pub(in crate::cli) fn settings(&self) -> Result<Sessions, Failure> {
        self.settings.read().map(|(settings, _)| settings)
    }
}

fn is_custom(at: &StoreArguments) -> bool {
    at.dialect.as_deref() == Some("custom")
}

/// The table of `--dialect custom`; none where a prefix is all that was said.
fn custom(at: &StoreArguments, settings: &Sessions) -> Result<Option<CustomTable>, Failure> {
    let is_prefix = settings.token.is_none() && at.table.is_some();
    if !is_custom(at) || is_prefix {
        return Ok(None);
    }
    described(settings, at.table.as_deref()).map(Some)
}

/// What goes to standard output.
#[derive(clap::Args)]
pub(in crate::cli) struct Form {
    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Output::Human, value_name = "FORMAT")]
    pub(in crate::cli) format: Output,
}

/// The users table, when it should not be detected.
#[derive(clap::Args)]
pub(in crate::cli) struct Users {
    /// The table with the users, when it should not be detected.
    #[arg(long, value_name = "TABLE")]
    users_table: Option<String>,
    /// Its column that sessions refer to [default: what a foreign key says, else `id`].
    #[arg(long, value_name = "COLUMN")]
    users_id: Option<String>,
}

impl Users {
    pub(super) async fn find(
        &self,
        store: &mut Store,
        disabled: Option<&str>,
        settings: &Sessions,
    ) -> Result<UsersTable, crate::session::Error> {
        store.users_table(&self.wanted(disabled, settings)).await
    }

    /// What was said about the users table: on the command line, else in the configuration.
    pub(in crate::cli) fn wanted(&self, disabled: Option<&str>, settings: &Sessions) -> UsersWanted {
        let either = |given: Option<&str>, settings: &Option<String>| {
            given.map(str::to_owned).or_else(|| settings.clone())
        };
        UsersWanted {
            table: either(self.users_table.as_deref(), &settings.users_table),
            id: either(self.users_id.as_deref(), &settings.users_id),
            disabled: either(disabled, &settings.disabled),
        }
    }

    /// Whether the caller said which table it is.
    pub(super) fn are_named(&self) -> bool {
        self.users_table.is_some() || self.users_id.is_some()
    }
}

/// Waits for what has to wait.
pub(super) fn wait_for<T>(
    work: impl Future<Output = Result<T, crate::session::Error>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::usage(format!("cannot wait for the network: {error}")))?;
    runtime.block_on(work).map_err(|error| failure(&error))
}
