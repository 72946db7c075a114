//! `unleak sessions triage`: what was seen, how bad that is, and the command that answers it.

use super::arguments::{Form, Output};
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::session::{Seen, triage};
use serde_json::json;

/// Name severity, response time and procedure for what was seen.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each was seen or not, whatever else was")]
pub(super) struct Args {
    /// A user sees another user's data.
    #[arg(long)]
    leak: bool,
    /// The log tells of sessions whose user is not the one expected.
    #[arg(long)]
    mismatch: bool,
    /// Several rows have one token.
    #[arg(long)]
    duplicates: bool,
    /// Sessions of users who do not exist.
    #[arg(long)]
    orphans: bool,
    /// A token was used twice: `unleak sessions check` and `unleak schema status` tell.
    #[arg(long)]
    replay: bool,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let seen = Seen {
        leak: args.leak,
        mismatch: args.mismatch,
        duplicates: args.duplicates,
        orphans: args.orphans,
        replay: args.replay,
    };
    let found = triage(seen);
    if args.form.format == Output::Json {
        writeln!(context.out, "{:#}", json!({"schema": "unleak.sessions.triage/v1", "triage": found}))?;
        return Ok(Exit::Clean);
    }
    writeln!(context.out, "{} {}: act {}", found.level, found.severity, found.respond)?;
    writeln!(context.out, "  {}; {}", found.reason, found.impact)?;
    writeln!(context.out, "  each with --store, the procedures with --dry-run first:")?;
    for command in &found.commands {
        writeln!(context.out, "    {command}")?;
    }
    Ok(Exit::Clean)
}
