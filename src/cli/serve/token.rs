//! `unleak serve token`: who may ask the server.

use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::token::{Error, Scope, Tokens};
use jiff::Timestamp;

/// Make, list and remove administrators' tokens.
#[derive(clap::Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Make a token and print it, this once: the state folder keeps its SHA-256 only.
    Add {
        /// Its name, which the audit log shows.
        name: String,
        /// What it may do.
        #[arg(long, value_enum, value_name = "SCOPE", default_value_t = Scope::Read)]
        scope: Scope,
    },
    /// List the tokens by name.
    List,
    /// Remove a token (`unleak rotate --target serve-token:NAME` gives it a new value); a running server refuses it from its next request on, and ends the logins made by it.
    Remove {
        /// Its name.
        name: String,
    },
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let tokens = Tokens::open(&context.state()?).map_err(|error| failure(&error))?;
    match &args.action {
        Action::Add { name, scope } => {
            let token = tokens.add(name, *scope, Timestamp::now()).map_err(|error| failure(&error))?;
            // The one time that it is shown: there is no other way to it.
            context.out.write_all(token.expose())?;
            context.out.write_all(b"\n")?;
            if !context.quiet {
                writeln!(context.err, "Keep it: it is not shown again.")?;
            }
        }
        Action::List => {
            for token in tokens.list().map_err(|error| failure(&error))? {
                let scope = if token.scope == Scope::Write { "write" } else { "read" };
                writeln!(
                    context.out,
                    "{}  {scope}  made {}",
                    token.name,
                    token.created.strftime("%Y-%m-%d %H:%M")
                )?;
            }
        }
        Action::Remove { name } => tokens.remove(name).map_err(|error| failure(&error))?,
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
