//! `unleak sessions`: arguments in, plans and reports out; the work is in `crate::session`.

pub(super) mod arguments;
mod backups;
mod check;
mod limits;
mod list;
mod logs;
pub(super) mod procedure;
mod restore;
pub(super) mod run;
mod settings;
mod stats;
mod triage;
mod watch;

use super::{Context, Failure};
use crate::exit::Exit;
use crate::session::Error;

/// Look at the sessions of an application, end some or all of them, and undo that.
#[derive(clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Every procedure shows what it would delete, asks, writes an encrypted backup of exactly the deleted rows in the same \
transaction, counts again by the same condition, and leaves a record that `unleak audit` shows. Nothing that is \
printed or written shows a token; `list` shows fingerprints.

Examples:
  What was seen, and what to do about it:
    unleak sessions triage --duplicates

  Is everything well? For people, for Nagios, for Prometheus:
    unleak sessions check --store postgres://app@127.0.0.1/app
    unleak sessions check --store-from env:DATABASE_URL --format nagios

  Log everybody out, after a look at the plan:
    unleak sessions purge --store postgres://app@127.0.0.1/app --dry-run
    unleak sessions purge --store postgres://app@127.0.0.1/app

  Log one person out:
    unleak sessions user --email ada@example.org --store postgres://app@127.0.0.1/app

  Look on while it goes on, and into the application's log:
    unleak sessions watch --store postgres://app@127.0.0.1/app
    unleak sessions logs /var/log/app.log

  Routine, from a timer:
    unleak sessions expired --yes --store-from file:/etc/unleak/store-url"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    Purge(procedure::Purge),
    User(procedure::ByUser),
    Dedupe(procedure::Dedupe),
    Orphans(procedure::Orphans),
    Expired(procedure::Expired),
    Stale(procedure::Stale),
    Delete(procedure::Delete),
    Restore(restore::Args),
    Backups(backups::Args),
    List(list::Args),
    Stats(stats::Args),
    Check(check::Args),
    Watch(Box<watch::Args>),
    Logs(logs::Args),
    Triage(triage::Args),
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    match &args.action {
        Action::Purge(args) => args.run(context),
        Action::User(args) => args.run(context),
        Action::Dedupe(args) => args.run(context),
        Action::Orphans(args) => args.run(context),
        Action::Expired(args) => args.run(context),
        Action::Stale(args) => args.run(context),
        Action::Delete(args) => args.run(context),
        Action::Restore(args) => restore::run(args, context),
        Action::Backups(args) => backups::run(args, context),
        Action::List(args) => list::run(args, context),
        Action::Stats(args) => stats::run(args, context),
        Action::Check(args) => check::run(args, context),
        Action::Watch(args) => watch::run(args, context),
        Action::Logs(args) => logs::run(args, context),
        Action::Triage(args) => triage::run(args, context),
    }
}

fn failure(error: &Error) -> Failure {
    failed(error, Exit::Usage)
}

fn failed(error: &Error, exit: Exit) -> Failure {
    let failure = Failure::from_error(error, exit);
    match error.hint() {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}

/// Text for people, unless they want errors only.
pub(super) fn say(context: &mut Context, text: &str) -> Result<(), Failure> {
    if !context.quiet {
        context.err.write_all(text.as_bytes())?;
        context.err.flush()?;
    }
    Ok(())
}
