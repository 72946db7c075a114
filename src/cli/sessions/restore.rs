//! `unleak sessions restore`: puts back what a procedure deleted.

use super::arguments::{Form, Output, Source, state, wait_for};
use super::run::{confirm, who};
use super::{failed, failure, say};
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::session::{
    AuditEvent, AuditLog, AuditState, BackupInfo, BackupKey, BackupState, Error, Settled, is_routine,
    verify_backup,
};
use serde_json::json;
use std::path::PathBuf;

/// Put the sessions of a backup back, all or none.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The backup: a file that `unleak sessions backups` lists.
    file: PathBuf,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    form: Form,
    /// Restore sessions although they were ended on purpose: whoever had one has it again, an attacker too.
    #[arg(long)]
    revive: bool,
    /// Check the backup and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let state = state(context)?;
    let key = BackupKey::load(&state.join("backup.key")).map_err(|error| failure(&error))?;
    let info = verify_backup(&args.file, &key).map_err(|error| failure(&error))?;
    say(context, &described(&info))?;
    if !args.revive && !is_routine(&info.selection) {
        return Err(failure(&refusal(&info)));
    }
    if args.dry_run {
        if args.form.format == Output::Json {
            writeln!(context.out, "{:#}", json!({"schema": "unleak.sessions.backup/v1", "backup": info}))?;
        }
        return Ok(Exit::Clean);
    }
    let access = args.source.access(context)?;
    confirm(args.yes, "restore", "this makes sessions valid again", context)?;
    let log = AuditLog::new(&state);
    let who = who(context);
    let record = |state, detail: String| {
        let event = AuditEvent {
            who: who.clone(),
            action: "sessions restore".to_owned(),
            state,
            store: info.store.clone(),
            table: info.table.to_string(),
            selection: info.selection.clone(),
            detail,
            incident: info.incident.clone(),
        };
        log.append(event).map_err(|error| failure(&error))
    };
    record(AuditState::Begun, format!("{} rows of {}", info.rows, args.file.display()))?;
    let done = wait_for(async {
        Ok(async {
            let mut store = access.connect().await?;
            // A crash may have come between the backup and its delete.
            if info.state == BackupState::Prepared
                && let Settled::RolledBack = store.settle(&args.file, &key).await?
            {
                let reason = "its sessions were never deleted, so there is nothing to restore".to_owned();
                return Err(Error::Backup { path: args.file.clone(), reason });
            }
            let path =
                if args.file.exists() { args.file.clone() } else { args.file.with_extension("backup") };
            store.restore(&path, &key).await
        }
        .await)
    })?;
    match done {
        Ok(done) => {
            let text = format!(
                "{} restored; {} sessions before, {} now",
                done.restored, done.before.total, done.after.total
            );
            record(AuditState::Done, text.clone())?;
            if args.form.format == Output::Json {
                writeln!(
                    context.out,
                    "{:#}",
                    json!({"schema": "unleak.sessions.restore/v1", "restored": done})
                )?;
            }
            say(context, &format!("{text}\n"))?;
            Ok(Exit::Clean)
        }
        Err(error) => {
            record(AuditState::Failed, error.to_string())?;
            Err(failed(&error, Exit::Usage))
        }
    }
}

fn refusal(info: &BackupInfo) -> Error {
    Error::Revives { path: info.path.clone(), rows: info.rows, selection: info.selection.clone() }
}

fn described(info: &BackupInfo) -> String {
    format!(
        "{}\n  {} rows of {} ({}), selected by `{}`, deleted {}{}\n  the file is whole\n",
        info.path.display(),
        info.rows,
        info.table,
        info.store,
        info.selection,
        info.created.strftime("%Y-%m-%d %H:%M UTC"),
        info.owner.as_ref().map(|owner| format!(" by {owner}")).unwrap_or_default()
    )
}
