//! `unleak man`: the manual page, made from the same definitions as `--help`.

use super::{Context, Failure};
use crate::exit::Exit;
use clap::CommandFactory as _;

/// Print the manual page of unleak or of one of its commands, in roff.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  unleak man scan | man -l -")]
pub(super) struct Args {
    /// The command whose page is wanted.
    command: Option<String>,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let mut root = super::Cli::command();
    root.build();
    let command = match &args.command {
        None => root,
        Some(name) => root.find_subcommand(name).cloned().ok_or_else(|| {
            Failure::usage(format!("there is no command `{name}`")).hinted("see `unleak --help`")
        })?,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    context.out.write_all(&page)?;
    Ok(Exit::Clean)
}
