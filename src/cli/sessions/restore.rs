//! `unleak sessions restore`: puts back what a procedure deleted.

use super::arguments::{Form, Output, Source, wait_for};
use super::run::{completed, confirm, who};
use super::{failed, failure, say};
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::session::{
    BackupInfo, Carried, Carrier, CustomTable, Error, Options, Permission, Restored, StoreKind,
};
use serde_json::json;
use std::path::PathBuf;

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
    let (state, who) = (context.state()?, who(context));
    let action = "sessions restore";
    let carrier = Carrier { state: &state, who: &who, action, incident: "", keep: 0, batch: None };
    let permission = Permission { revive: args.revive, elsewhere: args.elsewhere };
    let info = carrier.verified(&args.file).map_err(|error| failure(&error))?;
    say(context, &described(&info))?;
    permission.covers(&info).map_err(|error| failure(&error))?;
    if args.dry_run {
        if args.form.format == Output::Json {
            writeln!(context.out, "{:#}", json!({"schema": "unleak.sessions.backup/v1", "backup": info}))?;
        }
        return Ok(Exit::Clean);
    }
    let mut access = args.source.access(context)?;
    let Options { table, dialect, custom, .. } = access.options();
    let is_unsaid = table.is_none() && dialect.is_none() && custom.is_none();
    if info.is_copy() && is_unsaid {
        access = access.described(CustomTable::of_copy(&info));
    } else if info.kind == StoreKind::Redis && is_unsaid {
        // Keys that are gone tell nothing about their form.
        access = access.known_as(&info.dialect, &info.table.name);
    }
    wait_for(async { permission.reaches(&info, &access.connect().await?.shown()) })?;
    confirm(args.yes, "restore", "this makes sessions valid again", context)?;
    let Carried { done, record } =
        wait_for(async { carrier.restore(&mut access.connect().await?, &info, permission).await })?;
    let told = match done {
        Ok(done) => told(args, &done, context),
        Err(error @ Error::RestoredUncounted { .. }) => Err(failed(&error, Exit::Unverified)),
        Err(error) => Err(failure(&error)),
    };
    completed(record, told, context)
}

fn told(args: &Args, done: &Restored, context: &mut Context) -> Result<Exit, Failure> {
    if args.form.format == Output::Json {
        let body = json!({"schema": "unleak.sessions.restore/v1", "restored": done});
        writeln!(context.out, "{body:#}")?;
    }
    say(context, &format!("{done}\n"))?;
    for path in &done.newer {
        say(context, &format!("  unleak sessions restore {}\n", path.display()))?;
    }
    Ok(Exit::Clean)
}

fn described(info: &BackupInfo) -> String {
    format!(
        "{}\n  {} rows of {} ({}), selected by `{}`, {} {}{}\n  the file is whole\n",
        info.path.display(),
        info.rows,
        info.table,
        info.store,
        info.selection,
        if info.is_copy() { "copied" } else { "deleted" },
        info.created.strftime("%Y-%m-%d %H:%M UTC"),
        info.owner.as_ref().map(|owner| format!(" by {owner}")).unwrap_or_default()
    )
}
