//! What the configuration says about sessions; the command line wins over it.
//!
//! A file that merely lies in the working folder sets thresholds and texts of logs. It never says which table is
//! deleted from: that counts only with `--dialect custom`, which nobody writes by accident. Nor does it say whose sessions
//! end: the users table counts only from a file that was named.

use crate::cli::Failure;
use crate::config::{Config, Sessions, Unit as Read};
use crate::coverage::LayerKind;
use crate::exit::Exit;
use crate::session::{CustomTable, Unit};
use std::path::{Path, PathBuf};

/// Where the configuration is.
#[derive(clap::Args)]
pub(super) struct Settings {
    /// The configuration with a `sessions:` part [default: .unleak.yaml in the working folder, if there is one,
    /// without what it says about the users table].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Settings {
    /// Whether a file was named.
    pub(super) fn is_named(&self) -> bool {
        self.config.is_some()
    }

    /// What the configuration says; nothing where there is none. With it what counts only in a file that was named, and is
    /// passed over in this one.
    pub(super) fn read(&self) -> Result<(Sessions, Vec<&'static str>), Failure> {
        let found = match &self.config {
            // A link that the user names is followed; one that merely lies there is not.
            Some(path) => {
                Some((path.canonicalize().unwrap_or_else(|_| path.clone()), LayerKind::Organisation))
            }
            None => Config::find(Path::new(".")).map(|path| (path, LayerKind::Repository)),
        };
        let Some((path, kind)) = found else {
            return Ok((Sessions::default(), Vec::new()));
        };
        let config = Config::load(&path, kind).map_err(|error| {
            let failure = Failure::from_error(&error, Exit::Usage);
            match error.hint() {
                Some(hint) => failure.hinted(hint),
                None => failure,
            }
        })?;
        let mut sessions = config.sessions().clone();
        let mut passed_over = Vec::new();
        if kind == LayerKind::Repository {
            let of_users = [
                ("users_table", sessions.users_table.take()),
                ("users_id", sessions.users_id.take()),
                ("disabled", sessions.disabled.take()),
            ];
            passed_over =
                of_users.into_iter().filter(|(_, said)| said.is_some()).map(|(key, _)| key).collect();
        }
        Ok((sessions, passed_over))
    }
}

/// The table that `--dialect custom` means.
pub(super) fn described(settings: &Sessions, table: Option<&str>) -> Result<CustomTable, Failure> {
    let (Some(own), Some(token)) = (&settings.table, &settings.token) else {
        return Err(Failure::usage("--dialect custom means a table that the configuration describes, and it describes none")
            .hinted("in .unleak.yaml: `sessions: {table: logins, token: id, user: user_id, expiry: until, unit: seconds}`"));
    };
    let unit = match (settings.lifetime, settings.unit) {
        (Some(minutes), _) => Unit::IdleSeconds(minutes.saturating_mul(60)),
        (None, Some(Read::Seconds)) => Unit::Seconds,
        (None, Some(Read::Milliseconds)) => Unit::Milliseconds,
        (None, Some(Read::Time) | None) => Unit::Time,
    };
    Ok(CustomTable {
        table: table.unwrap_or(own).to_owned(),
        token: token.clone(),
        user: settings.user.clone(),
        expiry: settings.expiry.clone().map(|column| (column, unit)),
    })
}
