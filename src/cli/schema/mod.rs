//! `unleak schema`: arguments in, plans and reports out; the work is in `crate::schema`.

mod advice;
mod apply;
mod arguments;
mod change;
mod plan;
mod revoke;
mod rollback;
mod show;
mod status;
mod verify;

pub(super) use advice::add_unique_token;

use super::{Context, Failure};
use crate::exit::Exit;
use crate::schema::Error;

/// Harden the table of sessions that applications keep beside signed tokens: plan, apply, verify, roll back.
#[derive(clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
The table `auth_sessions` (or the one that --table names) gets what it takes to notice a stolen token: columns for the \
current token, the device, the network and the time of the login; seven indexes; functions that rotate a token, notice \
its second use, end a family of sessions and clean up; two views; and a log of security events. It is done beside live \
traffic: indexes are built concurrently, locks are waited for in moments, old rows are filled in batches.

Examples:
  What would be done, and why; the same as SQL for psql:
    unleak schema plan --store postgres://app@127.0.0.1/app
    unleak schema plan --store postgres://app@127.0.0.1/app --sql > harden.sql

  Do it, after an encrypted backup of the table; a run that was stopped goes on later:
    unleak schema apply --store postgres://app@127.0.0.1/app

  Is everything there, and does it work? In transactions that are rolled back:
    unleak schema verify --store postgres://app@127.0.0.1/app

  Undo what was recorded, and nothing else:
    unleak schema rollback --store postgres://app@127.0.0.1/app

  Any other session table, on any database: what it lacks, and add that:
    unleak schema plan --store mysql://app@127.0.0.1/app
    unleak schema apply --advice --store mysql://app@127.0.0.1/app

  Was a token used twice in the last hour? Then end what it belongs to:
    unleak schema status --store postgres://app@127.0.0.1/app
    unleak schema revoke 0e0e3a34-0f0b-4c3c-8a0e-4d3b6c1f2a10 --store postgres://app@127.0.0.1/app"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    Plan(plan::Args),
    Apply(Box<apply::Args>),
    Verify(verify::Args),
    Rollback(rollback::Args),
    Status(status::Args),
    Revoke(revoke::Args),
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    match &args.action {
        Action::Plan(args) => plan::run(args, context),
        Action::Apply(args) => apply::run(args, context),
        Action::Verify(args) => verify::run(args, context),
        Action::Rollback(args) => rollback::run(args, context),
        Action::Status(args) => status::run(args, context),
        Action::Revoke(args) => revoke::run(args, context),
    }
}

fn failure(error: &Error) -> Failure {
    let exit = match error {
        Error::Stopped { .. } | Error::LeftOver { .. } => Exit::Interrupted,
        Error::StillLive { .. } => Exit::Unverified,
        _ => Exit::Usage,
    };
    let failure = Failure::from_error(error, exit);
    match error.hint() {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}
