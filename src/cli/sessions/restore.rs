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
use std::collections::HashSet;
use std::path::PathBuf;

/// Put the sessions of backups back: of each all or none.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Args {
    /// The backups: files that `unleak sessions backups` lists. What one procedure deleted in batches comes back in one run.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
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
    /// Check the backups and change nothing.
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
    let backups = verified(&args.files, &carrier)?;
    say(context, &described(&backups))?;
    let allowed = backups.iter().try_for_each(|info| permission.covers(info));
    allowed.map_err(|error| failure(&error))?;
    if args.dry_run {
        if args.form.format == Output::Json {
            let schema = "unleak.sessions.backup/v1";
            let body = match &backups[..] {
                [one] => json!({"schema": schema, "backup": one}),
                more => json!({"schema": schema, "backups": more}),
            };
            writeln!(context.out, "{body:#}")?;
        }
        return Ok(Exit::Clean);
    }
    let info = &backups[0];
    let mut access = args.source.access(context)?;
    let Options { table, dialect, custom, .. } = access.options();
    let is_unsaid = table.is_none() && dialect.is_none() && custom.is_none();
    if info.is_copy() && is_unsaid {
        access = access.described(CustomTable::of_copy(info));
    } else if info.kind == StoreKind::Redis && is_unsaid {
        // Keys that are gone tell nothing about their form.
        access = access.known_as(&info.dialect, &info.table.name);
    }
    wait_for(async { permission.reaches(info, &access.connect().await?.shown()) })?;
    confirm(args.yes, "restore", "this makes sessions valid again", context)?;
    let mut progress = |_: &BackupInfo, restored: u64| {
        drop(say(context, &format!("  {restored} of {} restored\n", rows(&backups))));
    };
    let Carried { done, record } = wait_for(async {
        let mut store = access.connect().await?;
        Box::pin(carrier.restore(&mut store, &backups, permission, &mut progress)).await
    })?;
    let told = match done {
        Ok(done) => told(args, &done, context),
        Err(error @ Error::RestoredUncounted { .. }) => Err(failed(&error, Exit::Unverified)),
        Err(error @ Error::RestoredPartly { .. }) => Err(failed(&error, Exit::Interrupted)),
        Err(error) => Err(failure(&error)),
    };
    completed(record, told, context)
}

/// The files, each read to its end, in the order in which they were made; all of one table.
fn verified(files: &[PathBuf], carrier: &Carrier<'_>) -> Result<Vec<BackupInfo>, Failure> {
    let mut seen = HashSet::new();
    // No table can be relied on to refuse rows that it has.
    if let Some(again) =
        files.iter().find(|file| !seen.insert(file.canonicalize().unwrap_or_else(|_| (*file).clone())))
    {
        return Err(
            Failure::usage(format!("{} is named twice", again.display())).hinted("name each backup once")
        );
    }
    let read = files.iter().map(|file| carrier.verified(file));
    let mut backups = read.collect::<Result<Vec<_>, _>>().map_err(|error| failure(&error))?;
    backups.sort_by(|a, b| (a.created, &a.path).cmp(&(b.created, &b.path)));
    let of = |info: &BackupInfo| {
        (info.store.clone(), info.table.to_string(), info.dialect.clone(), info.is_copy())
    };
    for pair in backups.windows(2) {
        let [one, next] = pair else { continue };
        if of(one) != of(next) {
            let (one, next) = (one.path.display(), next.path.display());
            return Err(Failure::usage(format!("{one} and {next} are not of one table"))
                .hinted("restore what is of one table in a run of its own"));
        }
    }
    Ok(backups)
}

fn rows(backups: &[BackupInfo]) -> u64 {
    backups.iter().map(|info| info.rows).sum()
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

fn described(backups: &[BackupInfo]) -> String {
    let mut text: String = backups.iter().map(one_described).collect();
    text.push_str(if backups.len() == 1 { "  the file is whole\n" } else { "The files are whole.\n" });
    text
}

fn one_described(info: &BackupInfo) -> String {
    format!(
        "{}\n  {} rows of {} ({}), selected by `{}`, {} {}{}\n",
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
