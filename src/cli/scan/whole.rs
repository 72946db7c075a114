//! The scan that other commands make to know what is there: everything, with the options of `unleak scan` that decide what
//! that is.

use super::{Args, Done, perform, settled};
use crate::cli::{Context, Failure};
use crate::secret::Secret;
use clap::{Args as _, FromArgMatches as _};
use std::ffi::OsString;
use std::path::PathBuf;

/// What is scanned.
#[derive(clap::Args, Default)]
pub(in crate::cli) struct Whole {
    /// Read the files of a folder as they are, without git.
    #[arg(long)]
    no_git: bool,
    /// Read also the files of the working tree that git is told to ignore.
    #[arg(long)]
    ignored: bool,
    /// The configuration [default: .unleak.yaml at the root of what is scanned].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A file or folder of rules to use besides the built-in ones; may be given again.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
}

impl Whole {
    /// Scans a repository or folder. `extra` are further options of `unleak scan`.
    pub(in crate::cli) fn scan(
        &self,
        path: &std::path::Path,
        extra: &[&str],
        context: &mut Context,
    ) -> Result<Done, Failure> {
        let mut line: Vec<OsString> = vec!["scan".into()];
        line.extend(extra.iter().map(OsString::from));
        line.extend(self.no_git.then(|| "--no-git".into()));
        line.extend(self.ignored.then(|| "--ignored".into()));
        for (name, value) in self
            .config
            .iter()
            .map(|file| ("--config", file))
            .chain(self.rules.iter().map(|path| ("--rules", path)))
        {
            line.extend([name.into(), value.into()]);
        }
        line.extend(["--".into(), path.into()]);
        let command = Args::augment_args(clap::Command::new("scan"));
        let matches = command.try_get_matches_from(line);
        let args = matches.and_then(|matches| Args::from_arg_matches(&matches));
        perform(&args.map_err(|error| Failure::usage(error.to_string()))?, context)
    }
}

impl Done {
    /// Takes out what the ignore file leaves out. Gives all values that were found.
    pub(in crate::cli) fn settle(&mut self) -> Vec<Secret> {
        let values = settled::values(&self.scan);
        self.settled.apply(&mut self.scan, self.judged);
        values
    }
}
