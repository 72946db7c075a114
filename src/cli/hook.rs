//! `unleak hook`: stops commits that hold a secret, by a git hook.

use super::{Context, Failure};
use crate::exit::Exit;
use crate::hook::{self, Installed, Removed};
use clap::Subcommand;
use std::path::PathBuf;

/// Install or remove the git hook that stops a commit which holds a secret.
///
/// The hook runs `unleak scan --staged` before each commit. A hook that is there already is kept, runs first, and
/// comes back when ours is removed. It also searches for the live values of `git config --add unleak.knownFrom .env`. To commit once without the check: `git commit --no-verify`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  unleak hook install\n  unleak hook install ../other-repository\n  unleak hook uninstall"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Install the hook, in front of the one that may be there.
    Install(Place),
    /// Remove the hook and give the earlier one back.
    Uninstall(Place),
}

#[derive(clap::Args)]
struct Place {
    /// A path in the repository.
    #[arg(default_value = ".")]
    path: PathBuf,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let text = match &args.action {
        Action::Install(place) => {
            // Without a path of its own the hook still finds the program on the PATH.
            let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("unleak"));
            installed(&hook::install(&place.path, &program).map_err(|error| failure(&error))?)
        }
        Action::Uninstall(place) => removed(&hook::uninstall(&place.path).map_err(|error| failure(&error))?),
    };
    if !context.quiet {
        context.err.write_all(text.as_bytes())?;
    }
    Ok(Exit::Clean)
}

fn failure(error: &hook::Error) -> Failure {
    let failure = Failure::from_error(error, Exit::Usage);
    match error.hint() {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}

fn installed(done: &Installed) -> String {
    let verb = if done.again { "Renewed" } else { "Installed" };
    let mut lines = vec![format!("{verb} the pre-commit hook {}", done.hook.display())];
    if let Some(earlier) = &done.earlier {
        lines.push(format!("The hook that was there runs first, from {}", earlier.display()));
    }
    if done.shared {
        lines.push(
            "core.hooksPath comes from outside this repository: the hook runs in every repository that uses it."
                .to_owned(),
        );
    }
    lines.join("\n") + "\n"
}

fn removed(done: &Removed) -> String {
    match done {
        Removed::Nothing => "There is no pre-commit hook.\n".to_owned(),
        Removed::Ours(hook) => format!("Removed the pre-commit hook {}\n", hook.display()),
        Removed::Restored(hook) => {
            format!("Removed the pre-commit hook and gave the earlier one back: {}\n", hook.display())
        }
    }
}
