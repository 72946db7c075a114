//! The command line: one file a command, each of which only translates arguments into calls of the library.

mod audit;
mod baseline;
mod completions;
mod context;
mod demo;
mod failure;
mod fingerprint_key;
mod hook;
mod ignore;
mod incident;
mod input;
mod interrupt;
mod man;
mod progress;
mod rotate;
mod rules;
mod scan;
mod schema;
mod serve;
mod sessions;
mod store;

pub use context::Context;
pub use failure::Failure;

use crate::exit::Exit;
use clap::{Parser, Subcommand};

/// Find leaked credentials in everything a repository has ever held, rotate them, end every session they could
/// forge, and prove it.
#[derive(Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: context::GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Scan(scan::Args),
    Rules(rules::Args),
    Ignore(ignore::Args),
    Baseline(baseline::Args),
    Hook(hook::Args),
    Rotate(Box<rotate::Args>),
    Sessions(Box<sessions::Args>),
    Schema(Box<schema::Args>),
    Incident(incident::Args),
    Audit(audit::Args),
    Serve(Box<serve::Args>),
    Demo(demo::Args),
    #[command(hide = true)]
    DemoApp(demo::AppArgs),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs the command that the process was started with.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::usage(&error),
    };
    let mut context = Context::new(cli.global);
    let result = match cli.command {
        Command::Scan(args) => scan::run(&args, &mut context),
        Command::Rules(args) => rules::run(&args, &mut context),
        Command::Ignore(args) => ignore::run(&args, &mut context),
        Command::Baseline(args) => baseline::run(&args, &mut context),
        Command::Hook(args) => hook::run(&args, &mut context),
        Command::Rotate(args) => rotate::run(&args, &mut context),
        Command::Sessions(args) => sessions::run(&args, &mut context),
        Command::Schema(args) => schema::run(&args, &mut context),
        Command::Incident(args) => incident::run(&args, &mut context),
        Command::Audit(args) => audit::run(&args, &mut context),
        Command::Serve(args) => serve::run(&args, &mut context),
        Command::Demo(args) => demo::run(&args, &mut context),
        Command::DemoApp(args) => demo::run_app(&args, &mut context),
        Command::Completions(args) => completions::run(&args, &mut context),
        Command::Man(args) => man::run(&args, &mut context),
    };
    match result.and_then(|exit| Ok(context.out.flush().map(|()| exit)?)) {
        Ok(exit) => exit,
        Err(failure) => failure.report(&mut context),
    }
}
