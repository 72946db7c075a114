//! `unleak schema apply`: shown, asked for, carried out, verified, recorded.

use super::advice::{self, Advising};
use super::arguments::{Changing, settle, stop_sign, trail, wait_for};
use super::{failure, show};
use crate::cli::sessions::run::{completed, confirm, who};
use crate::cli::sessions::say;
use crate::cli::{Context, Failure, interrupt};
use crate::exit::Exit;
use crate::schema::{Applied, Error, Verification};
use crate::session::AuditState;
use serde_json::json;
use std::sync::atomic::Ordering;

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
    let who = who(context);
    let trail = trail(&place, "schema apply", plan.table.to_string(), "", changing.incident(), context);
    if !plan.steps.is_empty() {
        let begun = trail.record(AuditState::Begun, format!("{} steps", plan.steps.len()));
        begun.map_err(|error| failure(&error.into()))?;
    }
    let vault = changing.vault(&place.state)?;
    let stop = stop_sign()?;
    let done = {
        let mut teller = show::Teller::new(context);
        settle(async {
            let settings = changing.settings(vault.as_ref(), &who);
            let mut hardening = place.open().await?;
            let stopped = || stop.load(Ordering::Relaxed);
            let applied = hardening.apply(&plan, &settings, &stopped, &mut |now| teller.tell(now)).await?;
            let verified = if applied.stopped { None } else { Some(hardening.verify(true).await?) };
            Ok((applied, verified))
        })?
    };
    interrupt::end_at_once();
    match done {
        Ok((applied, verified)) => {
            let state = if applied.stopped { AuditState::Stopped } else { AuditState::Done };
            let text = format!("{} of {} steps", applied.steps.len(), applied.of);
            let nothing = plan.steps.is_empty();
            let told = report(args, &applied, verified.as_ref(), context);
            if nothing { told } else { completed(trail.record(state, text), told, context) }
        }
        Err(error) => {
            let state =
                if matches!(error, Error::Stopped { .. }) { AuditState::Stopped } else { AuditState::Failed };
            completed(trail.record(state, error.to_string()), Err(failure(&error)), context)
        }
    }
}

fn report(
    args: &Args,
    applied: &Applied,
    verified: Option<&Verification>,
    context: &mut Context,
) -> Result<Exit, Failure> {
    if args.changing.source.is_json() {
        let body = json!({"schema": "unleak.schema.apply/v1", "applied": applied, "verification": verified});
        writeln!(context.out, "{body:#}")?;
    }
    if applied.rows_filled > 0 {
        say(context, &format!("{} rows were filled.\n", applied.rows_filled))?;
    }
    if applied.unreadable_addresses > 0 {
        let text = format!(
            "{} rows have an address that is none, so they have no network.\n",
            applied.unreadable_addresses
        );
        say(context, &text)?;
    }
    let Some(verified) = verified else {
        context
            .err
            .write_all(b"Stopped. What is done is whole and recorded; run the command again to go on.\n")?;
        return Ok(Exit::Interrupted);
    };
    say(context, &show::verification(verified))?;
    Ok(match (verified.failed(), verified.not_checked()) {
        (0, 0) => Exit::Clean,
        (0, _) => Exit::Incomplete,
        _ => Exit::Unverified,
    })
}
