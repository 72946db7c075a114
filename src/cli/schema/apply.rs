//! `unleak schema apply`: shown, asked for, carried out, verified, recorded.

use super::advice::{self, Advising};
use super::arguments::{Changing, wait_for};
use super::change::{Change, stopped};
use super::{failure, show, verify};
use crate::cli::sessions::run::{confirm, who};
use crate::cli::sessions::say;
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::schema::{Applied, Error};
use serde_json::json;

/// Carry the plan out beside live traffic, then verify it.
#[derive(clap::Args)]
#[command(after_help = "\
Exit codes: 0 done and verified, 2 refused and nothing changed, 3 done, but some of it could not be checked, \
5 stopped half-way (run it again to go on), 6 done, but a verification failed.")]
pub(super) struct Args {
    #[command(flatten)]
    changing: Changing,
    #[command(flatten)]
    advising: Advising,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let changing = &args.changing;
    let place = changing.source.place(context)?;
    if args.advising.is_asked() {
        return advice::apply(changing, &args.advising, &place, context);
    }
    if wait_for(place.is_other())? {
        return Err(Failure::usage("there is no table to be hardened (`auth_sessions`, or the one that --table names); nothing was changed")
            .hinted("for any other session table look at `unleak schema plan`; `unleak schema apply --advice` adds what it tells"));
    }
    let plan = wait_for(async { place.open().await?.plan().await })?;
    if changing.dry_run {
        if changing.source.is_json() {
            writeln!(context.out, "{:#}", json!({"schema": "unleak.schema.plan/v1", "plan": plan}))?;
        } else {
            context.out.write_all(show::plan(&plan).as_bytes())?;
        }
        return Ok(if plan.problems.is_empty() { Exit::Clean } else { Exit::Usage });
    }
    if !plan.problems.is_empty() {
        let (table, problems) = (plan.table.to_string(), plan.problems);
        return Err(failure(&Error::Blocked { table, problems }));
    }
    say(context, &show::plan(&plan))?;
    if !plan.steps.is_empty() {
        confirm(changing.yes, "apply", "this changes the table", context)?;
    }
    let vault = changing.vault(&place.state)?;
    let who = who(context);
    let change = Change::new(changing, &place, "schema apply", &plan.table, plan.steps.len());
    change.carry_out(
        context,
        async |stopped, tell| {
            let settings = changing.settings(vault.as_ref(), &who);
            place.open().await?.apply(&plan, &settings, stopped, tell).await
        },
        |applied| &applied.course,
        |applied, context| report(&change, &applied, context),
    )
}

/// Tells what was done, and verifies it: that it is recorded does not wait for that.
fn report(change: &Change<'_>, applied: &Applied, context: &mut Context) -> Result<Exit, Failure> {
    let rows = [
        (applied.rows_filled, "rows were filled."),
        (applied.unreadable_addresses, "rows have an address that is none, so they have no network."),
    ];
    for (rows, what) in rows.into_iter().filter(|(rows, _)| *rows > 0) {
        say(context, &format!("{rows} {what}\n"))?;
    }
    let verified = if applied.course.stopped {
        None
    } else {
        Some(wait_for(async { change.place.open().await?.verify(true).await }))
    };
    let verified = verified.transpose().map_err(|failure| failure.exiting(Exit::Unverified));
    let (verified, failed) = match verified {
        Ok(verified) => (verified, None),
        Err(failure) => (None, Some(failure)),
    };
    let body = json!({"schema": "unleak.schema.apply/v1", "applied": applied, "verification": verified});
    change.print(&body, context)?;
    match (verified, failed) {
        (_, Some(failure)) => Err(failure),
        (None, None) => {
            stopped(&applied.course, ", or `unleak schema rollback` to undo what is done", context)
        }
        (Some(verified), None) => {
            say(context, &show::verification(&verified))?;
            Ok(verify::exit(&verified))
        }
    }
}
