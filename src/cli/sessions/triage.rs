//! `unleak sessions triage`: what was seen, how bad that is, and the command that answers it.

use super::arguments::{Form, Output};
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::session::{Seen, triage};
use serde_json::json;
use std::io;

/// Name severity, response time and procedure for what was seen; asks on a terminal where nothing was said.
#[derive(clap::Args)]
#[command(after_help = "\
Exit codes: 0 what was seen has an answer, 2 nobody said what was seen; that is no answer, and `--nothing` is one.

Examples:
    unleak sessions triage --duplicates --orphans
    unleak sessions triage                          # asks")]
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
    /// Nothing of all this was seen.
    #[arg(long, conflicts_with_all = ["leak", "mismatch", "duplicates", "orphans", "replay"])]
    nothing: bool,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let said = Seen {
        leak: args.leak,
        mismatch: args.mismatch,
        duplicates: args.duplicates,
        orphans: args.orphans,
        replay: args.replay,
    };
    let seen = if said == Seen::default() && !args.nothing { ask(context)? } else { said };
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

/// Asks for each of them. No answer is none: to be told that all is well, somebody must have said that nothing was seen.
fn ask(context: &mut Context) -> Result<Seen, Failure> {
    if !context.can_ask {
        return Err(unsaid());
    }
    let mut seen = Seen::default();
    for (question, answer) in [
        ("Does a user see another user's data?", &mut seen.leak),
        ("Does the log tell of sessions whose user is not the one expected?", &mut seen.mismatch),
        ("Do several rows have one token?", &mut seen.duplicates),
        ("Was a token used twice?", &mut seen.replay),
        ("Are there sessions of users who do not exist?", &mut seen.orphans),
    ] {
        *answer = yes_or_no(question, context)?;
    }
    Ok(seen)
}

fn yes_or_no(question: &str, context: &mut Context) -> Result<bool, Failure> {
    for _ in 0..3 {
        write!(context.err, "{question} [yes/no] ")?;
        context.err.flush()?;
        let mut answer = String::new();
        if io::stdin().read_line(&mut answer)? == 0 {
            break;
        }
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            _ => {}
        }
    }
    Err(unsaid())
}

fn unsaid() -> Failure {
    Failure::usage("nobody said what was seen, so nothing can be said of how bad it is").hinted(
        "say it with --leak, --mismatch, --duplicates, --replay and --orphans, or with --nothing that none of it was seen; `unleak sessions check` finds out",
    )
}
