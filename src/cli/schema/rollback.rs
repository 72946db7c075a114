//! `unleak schema rollback`: what is recorded is undone, and nothing else.

use super::advice;
use super::arguments::{Changing, wait_for};
use super::change::{Change, stopped};
use super::{failure, show};
use crate::cli::sessions::run::{confirm, who};
use crate::cli::sessions::say;
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::schema::{Course, Error};
use serde_json::json;

/// Drop what applies made and bring back what they replaced, after a backup; nothing else is touched.
#[derive(clap::Args)]
#[command(after_help = "\
Exit codes: 0 undone and verified, 2 refused and nothing changed, 5 stopped half-way (run it again to go on), 6 done, \
but something is left.")]
pub(super) struct Args {
    #[command(flatten)]
    changing: Changing,
    /// Go on although sessions that were revoked and have not expired are live again afterwards.
    #[arg(long)]
    revive: bool,
    /// Drop what `apply --advice` added; without it that is done where there is no table to be hardened.
    #[arg(long, conflicts_with = "revive")]
    advice: bool,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let changing = &args.changing;
    let place = changing.source.place(context)?;
    if args.advice || wait_for(place.is_other())? {
        return advice::rollback(changing, &place, context);
    }
    let way = wait_for(async { place.open().await?.way_back().await })?;
    if changing.dry_run {
        if changing.source.is_json() {
            let body = json!({"schema": "unleak.schema.way_back/v1", "rollback": way});
            writeln!(context.out, "{body:#}")?;
        } else {
            context.out.write_all(show::way(&way).as_bytes())?;
        }
        return Ok(Exit::Clean);
    }
    if way.revived > 0 && !args.revive {
        return Err(failure(&Error::Revives { table: way.table.to_string(), sessions: way.revived }));
    }
    say(context, &show::way(&way))?;
    confirm(changing.yes, "rollback", "this drops columns with what is in them", context)?;
    let vault = changing.vault(&place.state)?;
    let who = who(context);
    let change = Change::new(changing, &place, "schema rollback", &way.table, way.steps.len());
    change.carry_out(
        context,
        async |stopped, tell| {
            let settings = changing.settings(vault.as_ref(), &who);
            place.open().await?.roll_back(&way, &settings, stopped, tell).await
        },
        |done| &done.course,
        |done, context| {
            change.print(&json!({"schema": UNDONE, "rollback": done}), context)?;
            let left: Vec<String> = done.left.iter().map(|left| format!("{left} should be gone")).collect();
            undone(&done.course, &left, context)
        },
    )
}

/// The schema of what a rollback prints as JSON.
pub(super) const UNDONE: &str = "unleak.schema.rollback/v1";

/// Tells how a rollback ended.
pub(super) fn undone(course: &Course, left: &[String], context: &mut Context) -> Result<Exit, Failure> {
    if course.stopped {
        return stopped(course, "", context);
    }
    for left in left {
        writeln!(context.err, "  failed: {left}")?;
    }
    if !left.is_empty() {
        return Ok(Exit::Unverified);
    }
    let text = format!("{} steps undone; the catalogue holds none of it any more.\n", course.steps.len());
    say(context, &text)?;
    Ok(Exit::Clean)
}
