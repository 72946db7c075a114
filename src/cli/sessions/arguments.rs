//! The options that the commands on sessions share, and what they mean.

use super::super::store::StoreArguments;
use super::super::{Context, Failure};
use super::failure;
use crate::rotate::{StoreAccess, protect};
use crate::secret::{RedactingWriter, Redactor};
use crate::session::{Options, Store, UsersTable, UsersWanted};
use std::io;
use std::path::PathBuf;

/// The store and how it is read.
#[derive(clap::Args)]
pub(in crate::cli) struct Source {
    #[command(flatten)]
    at: StoreArguments,
    /// Where the session's payload holds the user's id, as `key.key`, when no column does.
    #[arg(long, value_name = "PATH")]
    user_path: Option<String>,
    /// The zone in which times without one are read [default: UTC].
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// How many minutes after its last use a session ends, on Laravel, whose rows do not tell.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=5_256_000))]
    lifetime: Option<u32>,
}

/// The forms of a result.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Output {
    /// Text for people.
    Human,
    /// JSON.
    Json,
}

impl Source {
    /// The store that was named. From here on no secret of it can be printed.
    pub(in crate::cli) fn access(&self, context: &mut Context) -> Result<StoreAccess, Failure> {
        protect();
        let options = Options {
            user_path: self.user_path.clone(),
            zone: self.zone.clone(),
            lifetime: self.lifetime,
            ..Options::default()
        };
        let access = self.at.access(options, None, context)?.ok_or_else(|| {
            Failure::usage("no session store was named")
                .hinted("give --store postgres://USER@HOST/DB or sqlite:PATH, or --store-from env:VARIABLE")
        })?;
        let redactor = Redactor::new(access.secrets());
        guard(&mut context.out, &redactor);
        guard(&mut context.err, &redactor);
        Ok(access)
    }
}

fn guard(stream: &mut Box<dyn io::Write>, redactor: &Redactor) {
    let inner = std::mem::replace(stream, Box::new(io::sink()));
    *stream = Box::new(RedactingWriter::new(inner, redactor.clone()));
}

/// What goes to standard output.
#[derive(clap::Args)]
pub(super) struct Form {
    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Output::Human, value_name = "FORMAT")]
    pub(super) format: Output,
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
    ) -> Result<UsersTable, crate::session::Error> {
        store.users_table(&self.wanted(disabled)).await
    }

    /// What was said about the users table.
    pub(in crate::cli) fn wanted(&self, disabled: Option<&str>) -> UsersWanted {
        UsersWanted {
            table: self.users_table.clone(),
            id: self.users_id.clone(),
            disabled: disabled.map(str::to_owned),
        }
    }

    /// Whether the caller said which table it is.
    pub(super) fn are_named(&self) -> bool {
        self.users_table.is_some() || self.users_id.is_some()
    }
}

/// The folder of backups, keys and the audit log.
pub(in crate::cli) fn state(context: &Context) -> Result<PathBuf, Failure> {
    context
        .state_dir()
        .ok_or_else(|| Failure::usage("there is no folder for the state").hinted("name one with --state DIR"))
}

/// Waits for what has to wait.
pub(super) fn wait_for<T>(
    work: impl Future<Output = Result<T, crate::session::Error>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::usage(format!("cannot wait for the network: {error}")))?;
    runtime.block_on(work).map_err(|error| failure(&error))
}
