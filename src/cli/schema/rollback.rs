//! `unleak schema rollback`: what is recorded is undone, and nothing else.

use super::advice;
use super::arguments::{Changing, settle, stop_sign, trail, wait_for};
use super::{failure, show};
use crate::cli::sessions::run::{completed, confirm, who};
use crate::cli::sessions::say;
use crate::cli::{Context, Failure, interrupt};
use crate::exit::Exit;
use crate::schema::{Error, RolledBack};
use crate::session::AuditState;
use serde_json::json;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

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
    let who = who(context);
    let trail = trail(&place, "schema rollback", way.table.to_string(), "", changing.incident(), context);
    let begun = trail.record(AuditState::Begun, format!("{} steps", way.steps.len()));
    begun.map_err(|error| failure(&error.into()))?;
    let vault = changing.vault(&place.state)?;
    let stop = stop_sign()?;
    let done = {
        let mut teller = show::Teller::new(context);
        settle(async {
            let settings = changing.settings(vault.as_ref(), &who);
            let stopped = || stop.load(Ordering::Relaxed);
            let mut hardening = place.open().await?;
            hardening.roll_back(&way, &settings, &stopped, &mut |now| teller.tell(now)).await
        })?
    };
    interrupt::end_at_once();
    match done {
        Ok(done) => {
            let state = if done.stopped { AuditState::Stopped } else { AuditState::Done };
            let text = format!("{} of {} steps", done.steps.len(), way.steps.len());
            let told = report(args, &done, context);
            completed(trail.record(state, text), told, context)
        }
        Err(error) => {
            let state =
                if matches!(error, Error::Stopped { .. }) { AuditState::Stopped } else { AuditState::Failed };
            completed(trail.record(state, error.to_string()), Err(failure(&error)), context)
        }
    }
}

fn report(args: &Args, done: &RolledBack, context: &mut Context) -> Result<Exit, Failure> {
    if args.changing.source.is_json() {
        writeln!(context.out, "{:#}", json!({"schema": "unleak.schema.rollback/v1", "rollback": done}))?;
    }
    if done.stopped {
        context
            .err
            .write_all(b"Stopped. What is done is whole and recorded; run the command again to go on.\n")?;
        return Ok(Exit::Interrupted);
    }
    let mut text = String::new();
    for left in &done.left {
        writeln!(text, "  failed: {left} should be gone").expect("a string takes any text");
    }
    if done.left.is_empty() {
        writeln!(text, "{} steps undone; the catalogue holds none of it any more.", done.steps.len())
            .expect("a string takes any text");
        say(context, &text)?;
        return Ok(Exit::Clean);
    }
    context.err.write_all(text.as_bytes())?;
    Ok(Exit::Unverified)
}
