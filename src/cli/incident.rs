//! `unleak incident`: what rotations have left, and whether anybody has changed it.

use super::sessions::arguments::Output;
use super::{Context, Failure};
use crate::durable::{Mode, write_atomic};
use crate::exit::Exit;
use crate::rotate::{
    Error, IncidentId, ReportForm, Status, incidents, report as read_report, verify as verify_incident,
};
use serde_json::json;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

/// List, show and verify the incidents that rotations have left in the state folder.
#[derive(clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  Which rotations were there, and is one unfinished?
    unleak incident list

  Read a report, or hand it over as one page:
    unleak incident show INC-20251119-001
    unleak incident show INC-20251119-001 --form html > report.html
    unleak incident report INC-20251119-001 --format pdf --output report.pdf

  Was anything changed since? With a public key that was put elsewhere before:
    unleak incident verify INC-20251119-001 --public-key /media/keys/signing.pub"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List every incident, the oldest first.
    List {
        /// What goes to standard output.
        #[arg(long, value_enum, default_value_t = Output::Human, value_name = "FORMAT")]
        format: Output,
    },
    /// Print the report of an incident.
    Show {
        /// The incident.
        id: String,
        /// The form of the report.
        #[arg(long, value_enum, default_value_t = ReportForm::Markdown, value_name = "FORM")]
        form: ReportForm,
    },
    /// Write the report of an incident into a file, or print it.
    Report {
        /// The incident.
        id: String,
        /// The form of the report.
        #[arg(long, value_enum, default_value_t = ReportForm::Markdown, value_name = "FORM")]
        format: ReportForm,
        /// The file; a PDF is written into one only.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Check that journal and reports are what was written and signed; exit code 6 when they are not.
    Verify {
        /// The incident.
        id: String,
        /// The public key to check with [default: `signing.pub` in the state folder].
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
        /// What goes to standard output.
        #[arg(long, value_enum, default_value_t = Output::Human, value_name = "FORMAT")]
        format: Output,
    },
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let state = context.state()?;
    let id = |text: &str| IncidentId::from_str(text).map_err(|error| failure(&error));
    match &args.action {
        Action::List { format } => {
            let entries = incidents(&state).map_err(|error| failure(&error))?;
            if *format == Output::Json {
                writeln!(
                    context.out,
                    "{:#}",
                    json!({"schema": "unleak.incidents/v1", "incidents": entries})
                )?;
                return Ok(Exit::Clean);
            }
            if entries.is_empty() {
                writeln!(context.err, "There are no incidents in {}.", state.display())?;
            }
            for entry in entries {
                let when = entry
                    .opened
                    .map_or_else(|| "?".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M").to_string());
                let open = if entry.unfinished { " (resume or abort it)" } else { "" };
                writeln!(
                    context.out,
                    "{}  {when}  {}{open}  {}",
                    entry.id,
                    entry.status,
                    entry.targets.join(", ")
                )?;
            }
            Ok(Exit::Clean)
        }
        Action::Show { id: name, form } => give(*form, None, &state, &id(name)?, context),
        Action::Report { id: name, format, output } => {
            give(*format, output.as_deref(), &state, &id(name)?, context)
        }
        Action::Verify { id: name, public_key, format } => {
            let id = id(name)?;
            let checks =
                verify_incident(&state, &id, public_key.as_deref()).map_err(|error| failure(&error))?;
            if *format == Output::Json {
                writeln!(
                    context.out,
                    "{:#}",
                    json!({"schema": "unleak.verification/v1", "id": id, "checks": checks})
                )?;
            } else {
                for check in &checks {
                    writeln!(
                        context.out,
                        "{:<11} {}: {}",
                        check.status.to_string(),
                        check.claim,
                        check.evidence
                    )?;
                }
            }
            let any = |status| checks.iter().any(|check| check.status == status);
            Ok(if any(Status::Failed) {
                Exit::Unverified
            } else if any(Status::NotChecked) {
                Exit::Incomplete
            } else {
                Exit::Clean
            })
        }
    }
}

/// Gives a report out as it was signed.
fn give(
    form: ReportForm,
    output: Option<&Path>,
    state: &Path,
    id: &IncidentId,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let bytes = read_report(state, id, form).map_err(|error| failure(&error))?;
    match output {
        Some(path) => write_atomic(path, &bytes, Mode::Private).map_err(|error| failure(&error.into()))?,
        None if form == ReportForm::Pdf => {
            return Err(Failure::usage("a PDF is no text for a terminal")
                .hinted("name a file: `unleak incident report ID --format pdf --output FILE`"));
        }
        None => context.out.write_all(&bytes)?,
    }
    Ok(Exit::Clean)
}

fn failure(error: &Error) -> Failure {
    let failure = Failure::from_error(error, Exit::Usage);
    match error.hint() {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}
