//! The options that the commands on the schema share, and what they mean.

use super::failure;
use crate::cli::sessions::arguments::{Form, Output};
use crate::cli::sessions::run::who;
use crate::cli::store::StoreArguments;
use crate::cli::{Context, Failure, interrupt};
use crate::rotate::{IncidentId, StoreAccess};
use crate::schema::{Error, Fault, Hardening, Settings};
use crate::session::Error::NoSuchTable;
use crate::session::{AuditEvent, AuditState, BackupKey, BackupSpec, Options, StoreKind, Trail};
use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The store, and the form of the result.
#[derive(clap::Args)]
pub(super) struct Source {
    #[command(flatten)]
    at: StoreArguments,
    #[command(flatten)]
    form: Form,
}

impl Source {
    /// What was named, with the folder of the journal.
    pub(super) fn place(&self, context: &mut Context) -> Result<Place, Failure> {
        let access = self.at.guarded(Options::default(), context)?;
        Ok(Place { access, state: context.state()? })
    }

    pub(super) fn is_json(&self) -> bool {
        self.form.format == Output::Json
    }
}

/// A store with what it takes to work on it.
pub(super) struct Place {
    pub(super) access: StoreAccess,
    pub(super) state: PathBuf,
}

impl Place {
    /// Whether it is not a table that is hardened but any other session table: on another store, by another name that
    /// nobody said, or by one that was named and has the columns of a framework's.
    pub(super) async fn is_other(&self) -> Result<bool, Error> {
        if self.access.url().kind() != StoreKind::Postgres {
            return Ok(true);
        }
        match self.open().await {
            Err(Error::Store(NoSuchTable { .. })) if self.access.options().table.is_none() => Ok(true),
            Err(error) => Err(error),
            Ok(hardening) if hardening.has_sessions() => Ok(false),
            Ok(_) => Ok(self.access.connect().await.is_ok()),
        }
    }

    pub(super) async fn open(&self) -> Result<Hardening, Error> {
        Hardening::open(self.access.url(), self.access.options(), &self.state).await
    }
}

/// What everything takes that changes the table.
#[derive(clap::Args)]
pub(super) struct Changing {
    #[command(flatten)]
    pub(super) source: Source,
    /// Print what would be done and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask.
    #[arg(long, short, visible_alias = "force")]
    pub(super) yes: bool,
    /// Make no backup of the table first.
    #[arg(long)]
    pub(super) no_backup: bool,
    /// How many days the backup is to be kept.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub(super) keep: u16,
    /// How many milliseconds a lock is waited for that others wait behind; then there is a pause, and another try.
    #[arg(long, value_name = "MS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..=60_000))]
    lock_timeout: u32,
    /// How many rows a batch of filling looks at.
    #[arg(long, value_name = "ROWS", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch: u32,
    /// The incident that this belongs to, for the backup and the audit log.
    #[arg(long, value_name = "ID")]
    incident: Option<IncidentId>,
    /// Crash at a step.
    #[cfg(debug_assertions)]
    #[arg(long, hide = true)]
    fault: Option<Fault>,
}

impl Changing {
    pub(super) fn incident(&self) -> &str {
        self.incident.as_ref().map_or("", IncidentId::as_str)
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        #[cfg(debug_assertions)]
        let fault = self.fault.clone();
        #[cfg(not(debug_assertions))]
        let fault = None;
        fault
    }

    /// Gives the settings to what needs them; they borrow the key and the folder.
    pub(super) fn settings<'a>(&self, vault: Option<&'a Vault>, owner: &'a str) -> Settings<'a>
    where
        Self: 'a,
    {
        let created = Timestamp::now();
        let backup = vault.map(|vault| BackupSpec {
            dir: &vault.dir,
            key: &vault.key,
            incident: &vault.incident,
            created,
            expires: created + SignedDuration::from_hours(24 * i64::from(self.keep)),
            owner: Some(owner),
        });
        Settings {
            backup,
            lock_timeout: Duration::from_millis(u64::from(self.lock_timeout)),
            batch: self.batch,
            fault: self.fault(),
        }
    }

    /// Where the backup goes; none when nobody wants one.
    pub(super) fn vault(&self, state: &Path) -> Result<Option<Vault>, Failure> {
        if self.no_backup {
            return Ok(None);
        }
        let key = BackupKey::load_or_create(&state.join("backup.key"));
        let key = key.map_err(|error| failure(&Error::from(error)))?;
        Ok(Some(Vault { dir: state.join("backups"), key, incident: self.incident().to_owned() }))
    }
}

/// The records of one change in the audit log.
pub(super) fn trail(
    place: &Place,
    action: &str,
    table: String,
    selection: &str,
    incident: &str,
    context: &Context,
) -> Trail {
    let event = AuditEvent {
        who: who(context),
        action: action.to_owned(),
        state: AuditState::Begun,
        store: place.access.url().to_string(),
        table,
        selection: selection.to_owned(),
        detail: String::new(),
        incident: incident.to_owned(),
    };
    Trail::new(&place.state, event)
}

/// Where a backup goes.
pub(super) struct Vault {
    dir: PathBuf,
    key: BackupKey,
    incident: String,
}

/// Waits for what has to wait.
pub(super) fn wait_for<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    settle(work)?.map_err(|error| failure(&error))
}

/// The same, for who has something to do when it fails.
pub(super) fn settle<T>(work: impl Future<Output = Result<T, Error>>) -> Result<Result<T, Error>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::usage(format!("cannot wait for the network: {error}")))?;
    Ok(runtime.block_on(work))
}

/// Ctrl-C asks to stop: the server ends the statement that is under way, and what is done stays. A second one ends the
/// process, which loses nothing either.
#[expect(
    clippy::exit,
    clippy::print_stderr,
    reason = "a signal is answered at once, whatever else is going on"
)]
pub(super) fn stop_sign() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let answer = move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!(
            "\nstopping: the statement that is under way is ended; Ctrl-C again to leave at once, what is done is recorded"
        );
    };
    interrupt::answer_by(answer)
        .map_err(|error| Failure::usage(format!("cannot watch for Ctrl-C: {error}")))?;
    Ok(stop)
}
