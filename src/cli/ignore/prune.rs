//! `unleak ignore prune`: drops entries that do nothing any more.

use super::{failure, target};
use crate::cli::{Context, Failure, scan};
use crate::durable::Lock;
use crate::exit::Exit;
use crate::report::{count, visible};
use crate::suppress::{FILE_NAME, Judged};
use std::collections::HashSet;
use std::path::PathBuf;

/// Drop the entries of .unleakignore that have expired or match nothing any more.
///
/// It scans to know which do. Where not everything could be seen, as in a shallow clone, only expired entries are dropped,
/// and the exit code is 3.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  unleak ignore prune --dry-run\n  unleak ignore prune")]
pub(super) struct Args {
    /// The repository or folder.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Only say which would be dropped.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    whole: scan::Whole,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    // What is found only on request is no reason to drop the entry that somebody made for it.
    let mut done = args.whole.scan(&args.path, &["--min-confidence", "low", "--no-ignore-file"], context)?;
    let place = target::place(&done)?;
    let lock = Lock::beside(&place).map_err(|error| failure(&error.into()))?;
    let Some(mut file) = target::load(&place)? else {
        return Err(Failure::usage(format!("there is no {FILE_NAME} here")));
    };
    file.apply(FILE_NAME, &mut done.scan, scan::today(), done.judged);
    let used = done.scan.configuration.ignore_file.unwrap_or_default();
    let stale: HashSet<_> = used.stale.into_iter().map(|entry| (entry.fingerprint, entry.rule)).collect();
    let dropped = file.prune(|entry| {
        entry.is_expired(scan::today())
            || stale.contains(&(entry.fingerprint.to_string(), entry.rule.clone()))
    });
    for entry in &dropped {
        let why = if entry.is_expired(scan::today()) { "expired" } else { "stale" };
        let reason = &entry.decision.reason;
        writeln!(context.out, "{} {}  {why}  {}", entry.fingerprint, visible(&entry.rule), visible(reason))?;
    }
    if !dropped.is_empty() && !args.dry_run {
        file.save(&place).map_err(|error| failure(&error))?;
    }
    drop(lock);
    let is_whole = done.judged == Judged::Whole;
    if !context.quiet {
        let verb = if args.dry_run { "would be dropped" } else { "dropped" };
        let (number, kept) = (dropped.len() as u64, file.entries().len());
        let entries = if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") };
        writeln!(context.err, "{entries} {verb}, {kept} kept.")?;
        if !is_whole {
            let skipped = count(done.scan.coverage.skipped.len() as u64, "thing");
            writeln!(context.err, "Not everything could be seen ({skipped}): what is stale is not known.")?;
        }
    }
    Ok(if is_whole { Exit::Clean } else { Exit::Incomplete })
}
