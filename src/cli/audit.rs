//! `unleak audit`: who changed sessions, when and how many, and whether anybody has changed that.

use super::sessions::arguments::Output;
use super::{Context, Failure};
use crate::exit::Exit;
use crate::session::{AuditLog, AuditState, Error};
use serde_json::json;

/// Show or verify the record of every change to sessions.
#[derive(clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Each record holds the hash of the one before. Whoever can write the file can write all of it anew: keep the last hash, \
which `verify` prints, elsewhere, and compare it later with --head.

Examples:
    unleak audit show
    unleak audit verify --head 3f0c…"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Print every record, the oldest first.
    Show {
        /// What goes to standard output.
        #[arg(long, value_enum, default_value_t = Output::Human, value_name = "FORMAT")]
        format: Output,
    },
    /// Check that no record was changed, taken out or put in; exit code 6 when one was.
    Verify {
        /// A hash that was kept: the log must still hold it.
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let state = context.state()?;
    let log = AuditLog::new(&state);
    let records = log.read().map_err(|error| match error {
        Error::Audit { .. } => Failure::from_error(&error, Exit::Unverified)
            .hinted("compare with a copy that was kept elsewhere; nothing after that line can be trusted"),
        error => Failure::from_error(&error, Exit::Usage),
    })?;
    match &args.action {
        Action::Show { format: Output::Json } => {
            writeln!(context.out, "{:#}", json!({"schema": "unleak.audit/v1", "records": records}))?;
        }
        Action::Show { format: Output::Human } => {
            for record in &records {
                let event = &record.event;
                let state = match event.state {
                    AuditState::Begun => "begun",
                    AuditState::Done => "done",
                    AuditState::Stopped => "stopped",
                    AuditState::Failed => "failed",
                };
                let line = format!(
                    "{}  {}  {} {state}  {} {}  {}  {}",
                    record.at.strftime("%Y-%m-%d %H:%M:%S"),
                    event.who,
                    event.action,
                    event.store,
                    event.table,
                    event.detail,
                    event.incident
                );
                // What was written may steer a terminal or pretend to be a line of its own.
                let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
                writeln!(context.out, "{}", line.chars().map(plain).collect::<String>())?;
            }
        }
        Action::Verify { head } => {
            let last = records.last().map_or("none", |record| record.hash.as_str());
            writeln!(context.out, "{} records are whole, the last hash is {last}", records.len())?;
            if let Some(head) = head
                && !records.iter().any(|record| record.hash == *head)
            {
                return Err(Failure::from_error(
                    &Error::Audit {
                        path: log.path().to_owned(),
                        reason: "it does not hold the kept hash".to_owned(),
                    },
                    Exit::Unverified,
                )
                .hinted("records were taken out, or the log was written anew"));
            }
            if log.is_cut().map_err(|error| Failure::from_error(&error, Exit::Usage))? {
                let note = "the last line is cut off, so how that change ended is not told; the next record takes its place";
                writeln!(context.err, "note: {note}")?;
                return Ok(Exit::Incomplete);
            }
        }
    }
    Ok(Exit::Clean)
}
