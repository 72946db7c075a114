//! `unleak sessions backups`: what procedures have left, and which of it is past its time.

use super::arguments::Output;
use super::run::confirm;
use super::{failure, say};
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::session::{BackupState, list_backups, prune_backups};
use jiff::Timestamp;
use serde_json::json;

/// List the backups of deleted sessions, or remove those past their time.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Output::Human, value_name = "FORMAT")]
    format: Output,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Remove the backups whose time is past, and what a crash left of unfinished ones. Backups that may be the only copy of their rows stay.
    Prune {
        /// Print what would be removed and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let folder = context.state()?.join("backups");
    let now = Timestamp::now();
    let list = list_backups(&folder).map_err(|error| failure(&error))?;
    if let Some(Action::Prune { dry_run, yes }) = &args.action {
        let expired = list.backups.iter().filter(|backup| backup.is_past(now));
        let paths: Vec<_> = expired.map(|backup| backup.path.clone()).collect();
        for path in &paths {
            writeln!(context.out, "{}", path.display())?;
        }
        if *dry_run {
            return Ok(Exit::Clean);
        }
        if !paths.is_empty() {
            confirm(*yes, "remove", "this removes the only copies of deleted sessions", context)?;
        }
        let removed = prune_backups(&folder, now).map_err(|error| failure(&error))?;
        say(context, &format!("{removed} files removed.\n"))?;
        return Ok(Exit::Clean);
    }
    let unreadable: Vec<String> = list.unreadable.iter().map(ToString::to_string).collect();
    if args.format == Output::Json {
        let body = json!({
            "schema": "unleak.sessions.backups/v1", "backups": list.backups, "partial": list.partial,
            "unreadable": unreadable,
        });
        writeln!(context.out, "{body:#}")?;
    } else {
        for backup in &list.backups {
            let age = (now.as_second() - backup.created.as_second()) / 86_400;
            let state = match backup.state {
                BackupState::Committed if backup.is_past(now) => "past its time",
                BackupState::Committed => "kept",
                BackupState::Prepared => "unsettled",
            };
            writeln!(
                context.out,
                "{}  {} rows  {}  {age} d old, until {}, {state}  {}  {}",
                backup.path.display(),
                backup.rows,
                backup.selection,
                backup.expires.strftime("%Y-%m-%d"),
                backup.owner.as_deref().unwrap_or("-"),
                backup.incident,
            )?;
        }
        for path in &list.partial {
            writeln!(context.out, "{}  unfinished: no row of it was deleted", path.display())?;
        }
        for reason in &unreadable {
            writeln!(context.err, "note: {reason}")?;
        }
        if list.backups.is_empty() && list.partial.is_empty() {
            say(context, &format!("There are no backups in {}.\n", folder.display()))?;
        }
    }
    Ok(if unreadable.is_empty() { Exit::Clean } else { Exit::Incomplete })
}
