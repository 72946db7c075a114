//! `unleak baseline`: what is known today, so that a scan can tell only of what is new.

use super::{Context, Failure, scan};
use crate::exit::Exit;
use crate::report::count;
use crate::suppress::{self, Baseline, Judged};
use clap::Subcommand;
use std::path::PathBuf;

/// Keep what is known today, so that `unleak scan --baseline FILE` tells only of what is new.
///
/// A baseline is for the day on which a team starts to scan; a decision about a single finding belongs into .unleakignore
/// (`unleak ignore`). Its first line holds a random salt, and each further line a secret in one file.
///
/// It goes by the value, the rule and the path, never by the line: lines may shift, and another value on the same line is
/// new, as is the same value in another file. It holds no value; but whoever has it can guess a weak one, as
/// `unleak ignore --help` tells. The report of a scan says how many secrets it left out, and what of it is gone.
#[derive(clap::Args)]
#[command(after_help = "The form of the file:
  unleak-baseline/v1 salt=<32 hexadecimal digits>
  <fingerprint> <rule> path=\"src/app.js\"

Examples:
  unleak baseline write known.txt
  unleak scan --baseline known.txt
  unleak baseline write known.txt          again, once some of it is gone")]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Write(Write),
}

/// Scan, and write what is found to a file. A file that is there keeps its salt, so that a diff shows what changed.
///
/// What .unleakignore leaves out is not written. Where not everything could be seen, the exit code is 3.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  unleak baseline write known.txt\n  unleak baseline write ../known.txt ./docs --no-git"
)]
struct Write {
    /// The file to write.
    file: PathBuf,
    /// The repository or folder.
    #[arg(default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    whole: scan::Whole,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let Action::Write(args) = &args.action;
    let mut baseline = match Baseline::load(&args.file).map_err(|error| failure(&error))? {
        Some(baseline) => baseline,
        None => Baseline::new().map_err(|error| failure(&error))?,
    };
    let mut done = args.whole.scan(&args.path, &[], context)?;
    let values = done.settle();
    baseline.replace(&done.scan.findings, &values);
    baseline.save(&args.file).map_err(|error| failure(&error))?;
    let is_whole = done.judged == Judged::Whole;
    if !context.quiet {
        let secrets = count(done.scan.findings.len() as u64, "secret");
        let places = count(baseline.len() as u64, "place");
        writeln!(context.err, "Wrote {secrets} in {places} to {}", args.file.display())?;
    }
    if !is_whole && !context.quiet {
        let skipped = count(done.scan.coverage.skipped.len() as u64, "thing");
        writeln!(context.err, "Not everything could be seen ({skipped}); `unleak scan` says what.")?;
    }
    Ok(if is_whole { Exit::Clean } else { Exit::Incomplete })
}

fn failure(error: &suppress::Error) -> Failure {
    let failure = Failure::from_error(error, Exit::Usage);
    error.hint().into_iter().fold(failure, Failure::hinted)
}
