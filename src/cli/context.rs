//! What every command may use: the two output streams, the environment, the state folder.
//!
//! The only reader of environment variables, so that a test can run any command in a known world.

use super::Failure;
use anstream::{AutoStream, ColorChoice};
use clap::{Args, ValueEnum};
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;

/// Where the help lists them: behind a command's own options.
const GLOBAL: &str = "Global options";

/// Options that every command takes.
#[derive(Args)]
pub(super) struct GlobalArgs {
    /// When to use colour: on a terminal, always, or never.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN", help_heading = GLOBAL)]
    color: Color,
    /// Print errors only: no progress, no summary.
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    quiet: bool,
    /// The folder of journals, keys and incidents [default: unleak in the XDG state folder].
    #[arg(long, global = true, value_name = "DIR", help_heading = GLOBAL)]
    state: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// The world as a command sees it.
pub struct Context {
    /// Results.
    pub out: Box<dyn Write>,
    /// Everything else: progress, summaries, errors.
    pub err: Box<dyn Write>,
    /// Whether somebody watches standard error, so that progress is worth drawing.
    pub err_is_terminal: bool,
    /// Whether somebody can answer a question.
    pub can_ask: bool,
    /// Whether only errors are wanted.
    pub quiet: bool,
    state: Option<PathBuf>,
}

impl Context {
    pub(super) fn new(args: GlobalArgs) -> Self {
        let choice = match args.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self {
            out: Box::new(io::BufWriter::new(AutoStream::new(io::stdout(), choice))),
            err: Box::new(AutoStream::new(io::stderr(), choice)),
            err_is_terminal: io::stderr().is_terminal(),
            can_ask: io::stdin().is_terminal() && io::stderr().is_terminal(),
            quiet: args.quiet,
            state: args.state,
        }
    }

    /// Reads an environment variable; an empty one counts as unset.
    #[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
    pub fn env(&self, name: &str) -> Option<std::ffi::OsString> {
        std::env::var_os(name).filter(|value| !value.is_empty())
    }

    /// The environment variables whose names are text and start so, with their values, in the order of the names.
    pub fn env_starting_with(&self, prefix: &str) -> Vec<(String, std::ffi::OsString)> {
        let named = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let mut found: Vec<_> = named.filter(|(name, _)| name.starts_with(prefix)).collect();
        found.sort_unstable();
        found
    }

    /// The folder of journals, keys and incidents: `--state`, else `$XDG_STATE_HOME/unleak`, else
    /// `~/.local/state/unleak` (`%LOCALAPPDATA%\unleak` on Windows). `None` without a home.
    pub fn state_dir(&self) -> Option<PathBuf> {
        self.state.clone().or_else(|| {
            let base = if cfg!(windows) {
                PathBuf::from(self.env("LOCALAPPDATA")?)
            } else if let Some(xdg) =
                self.env("XDG_STATE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute())
            {
                xdg
            } else {
                PathBuf::from(self.env("HOME")?).join(".local/state")
            };
            Some(base.join("unleak"))
        })
    }

    /// The same, for what cannot do without.
    pub fn state(&self) -> Result<PathBuf, Failure> {
        let missing =
            || Failure::usage("there is no folder for the state").hinted("name one with --state DIR");
        self.state_dir().ok_or_else(missing)
    }
}
