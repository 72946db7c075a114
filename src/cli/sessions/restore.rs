//! `unleak sessions restore`: puts back what a procedure deleted.

use super::arguments::{Form, Output, Source, state, wait_for};
use super::run::{Trail, completed, confirm, who};
use super::{failed, failure, say};
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::rotate::StoreAccess;
use crate::session::{
    AuditEvent, AuditState, BackupInfo, BackupKey, BackupState, Error, Restored, Settled, is_routine,
    verify_backup,
};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Put the sessions of a backup back, all or none.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
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
    /// Restore into a store that is not the one the backup was made of, by its address.
    #[arg(long)]
    elsewhere: bool,
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
    if !args.revive && !is_routine(&info.selection, &info.incident) {
        return Err(failure(&refusal(&info)));
    }
    if args.dry_run {
        if args.form.format == Output::Json {
            writeln!(context.out, "{:#}", json!({"schema": "unleak.sessions.backup/v1", "backup": info}))?;
        }
        return Ok(Exit::Clean);
    }
    let access = args.source.access(context)?;
    let connected = wait_for(async { Ok(access.connect().await?.shown()) })?;
    if connected != info.store && !args.elsewhere {
        let (path, made_of) = (info.path.clone(), info.store.clone());
        return Err(failure(&Error::Elsewhere { path, made_of, connected }));
    }
    confirm(args.yes, "restore", "this makes sessions valid again", context)?;
    let trail = Trail::new(
        &state,
        AuditEvent {
            who: who(context),
            action: "sessions restore".to_owned(),
            state: AuditState::Begun,
            store: connected,
            table: info.table.to_string(),
            selection: info.selection.clone(),
            detail: String::new(),
            incident: info.incident.clone(),
        },
    );
    let begun = format!("{} rows of {}", info.rows, args.file.display());
    trail.record(AuditState::Begun, begun).map_err(|error| failure(&error))?;
    match wait_for(async { Ok(put_back(&access, &info, &args.file, &key).await) })? {
        Ok(done) => {
            let text = format!(
                "{} restored; {} sessions before, {} now",
                done.restored, done.before.total, done.after.total
            );
            let told = told(args, &done, &text, context);
            completed(trail.record(AuditState::Done, text), told, context)
        }
        Err(error) => {
            let exit = match &error {
                Error::RestoredUncounted { .. } => Exit::Unverified,
                _ => Exit::Usage,
            };
            let written = trail.record(AuditState::Failed, error.to_string());
            completed(written, Err(failed(&error, exit)), context)
        }
    }
}

async fn put_back(
    access: &StoreAccess,
    info: &BackupInfo,
    file: &Path,
    key: &BackupKey,
) -> Result<Restored, Error> {
    let mut store = access.connect().await?;
    // A crash may have come between the backup and its delete.
    if info.state == BackupState::Prepared {
        match store.settle(file, key).await? {
            Settled::Committed(_) => {}
            Settled::RolledBack => {
                let reason = "its sessions were never deleted, so there is nothing to restore".to_owned();
                return Err(Error::Backup { path: file.to_owned(), reason });
            }
            Settled::Unknown => {
                return Err(Error::Unsettled { path: file.to_owned(), rows: info.rows });
            }
        }
    }
    let path = if file.exists() { file.to_owned() } else { file.with_extension("backup") };
    store.restore(&path, key).await
}

fn told(args: &Args, done: &Restored, text: &str, context: &mut Context) -> Result<Exit, Failure> {
    if args.form.format == Output::Json {
        let body = json!({"schema": "unleak.sessions.restore/v1", "restored": done});
        writeln!(context.out, "{body:#}")?;
    }
    say(context, &format!("{text}\n"))?;
    Ok(Exit::Clean)
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
