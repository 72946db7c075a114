//! `unleak completions`: a script that teaches a shell the commands and options.

use super::{Context, Failure};
use crate::exit::Exit;
use clap::CommandFactory as _;

/// Print a completion script for a shell.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  unleak completions bash > ~/.local/share/bash-completion/completions/unleak"
)]
pub(super) struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "unleak", &mut script);
    context.out.write_all(&script)?;
    Ok(Exit::Clean)
}
