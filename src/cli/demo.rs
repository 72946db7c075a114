//! `unleak demo`, and the hidden command that is the demo's application; the work is in `crate::demo`.

use super::{Context, Failure};
use crate::demo::{self, Error, Options};
use crate::exit::Exit;
use crate::rotate::Stop;
use std::io::{self, Write};
use std::path::PathBuf;

/// See the whole story on throw-away data: a secret leaks, is found, is rotated, and is proved dead.
///
/// Makes a repository whose history leaks a session secret, and a small application that signs sessions with it, in a
/// temporary folder; scans, rotates and purges; and shows that the old cookies are refused. Needs no service and no
/// network.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 every proof held, 6 one did not, 2 the demo could not run.")]
pub(super) struct Args {
    /// Keep the folder, to look around in it. It holds the demo's secrets, which open nothing else.
    #[arg(long)]
    keep: bool,
}

/// The demo's application. Not for anything else.
#[derive(clap::Args)]
pub(super) struct AppArgs {
    #[command(subcommand)]
    command: AppCommand,
}

#[derive(clap::Subcommand)]
enum AppCommand {
    /// Serve until standard input ends.
    Serve {
        /// The port on 127.0.0.1; 0 for any.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// The application's folder.
        folder: PathBuf,
    },
    /// Ask the running demo to restart its application.
    Restart {
        /// The application's folder.
        folder: PathBuf,
    },
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::usage(format!("this program cannot find itself: {error}")))?;
    let stop = Stop::default();
    let handler = stop.clone();
    ctrlc::set_handler(move || handler.request())
        .map_err(|error| Failure::usage(format!("cannot watch for Ctrl-C: {error}")))?;
    let options = Options { program, keep: args.keep };
    let mut nowhere = io::sink();
    let out: &mut dyn Write = if context.quiet { &mut nowhere } else { &mut context.out };
    let outcome = demo::run(&options, &stop, out).map_err(failure)?;
    if let Some(folder) = &outcome.kept {
        writeln!(context.out, "Kept: {}", folder.display())?;
    }
    if outcome.held() {
        return Ok(Exit::Clean);
    }
    for proof in outcome.proofs.iter().filter(|proof| !proof.held) {
        writeln!(context.err, "not so: {}", proof.claim)?;
    }
    Ok(Exit::Unverified)
}

pub(super) fn run_app(args: &AppArgs, context: &mut Context) -> Result<Exit, Failure> {
    match &args.command {
        AppCommand::Serve { port, folder } => demo::serve(folder, *port, &mut context.out),
        AppCommand::Restart { folder } => demo::restart(folder),
    }
    .map_err(failure)?;
    Ok(Exit::Clean)
}

fn failure(error: Error) -> Failure {
    let exit = if matches!(error, Error::Stopped) { Exit::Unverified } else { Exit::Usage };
    let hint = error.hint();
    let failure = match error {
        Error::Output(error) => return error.into(),
        error => Failure::from_error(&error, exit),
    };
    match hint {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}
