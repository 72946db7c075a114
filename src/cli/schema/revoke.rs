//! `unleak schema revoke`: ends a family of sessions.

use super::arguments::{Source, trail, wait_for};
use super::failure;
use crate::cli::sessions::run::{completed, confirm};
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::session::AuditState;
use serde_json::json;

/// End every live session of a family; its holder logs in again.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The family, as `unleak schema status` and the view `session_families` show it.
    #[arg(value_name = "FAMILY", value_parser = family)]
    family: String,
    /// Why, for the log in the database.
    #[arg(long, value_name = "TEXT", default_value = "revoked by an operator")]
    reason: String,
    #[command(flatten)]
    source: Source,
    /// Do not ask.
    #[arg(long, short, visible_alias = "force")]
    yes: bool,
}

/// Thirty-two hexadecimal digits, with or without dashes.
fn family(text: &str) -> Result<String, &'static str> {
    let digits = text.chars().filter(|c| *c != '-');
    let is_uuid = digits.clone().count() == 32 && digits.clone().all(|c| c.is_ascii_hexdigit());
    if is_uuid { Ok(digits.collect()) } else { Err("it is no UUID") }
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let place = args.source.place(context)?;
    confirm(args.yes, "revoke", "this ends sessions", context)?;
    let trail = trail(&place, "schema revoke", String::new(), &args.family, "", context);
    trail.record(AuditState::Begun, String::new()).map_err(|error| failure(&error.into()))?;
    let ended = wait_for(async { place.open().await?.revoke_family(&args.family, &args.reason).await });
    match ended {
        Ok(ended) => {
            if args.source.is_json() {
                writeln!(context.out, "{:#}", json!({"schema": "unleak.schema.revoke/v1", "ended": ended}))?;
            } else {
                writeln!(context.out, "{ended} live sessions of the family were ended.")?;
            }
            completed(trail.record(AuditState::Done, format!("{ended} ended")), Ok(Exit::Clean), context)
        }
        Err(error) => {
            completed(trail.record(AuditState::Failed, error.message().to_owned()), Err(error), context)
        }
    }
}
