//! How a command fails: what, why, what to do next, and with which exit code.

use super::Context;
use crate::exit::Exit;
use anstyle::{AnsiColor, Style};
use std::error::Error;
use std::fmt::Write as _;
use std::io;

/// An error on its way to the person who ran the command.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
    exit: Exit,
}

impl Failure {
    /// The command line, a file or the configuration is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Usage }
    }

    /// From a domain error with its causes, one after the other.
    pub fn from_error(error: &dyn Error, exit: Exit) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            // Causes that their parent already quoted would be said twice.
            let text = error.to_string();
            if !message.contains(&text) {
                write!(message, ": {text}").expect("a string takes any text");
            }
            cause = error.source();
        }
        Self { message, hint: None, exit }
    }

    /// What went wrong, in words.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Whoever read the results stopped reading: no news for anyone.
    pub(super) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// Adds the next step.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Ends with another exit code.
    #[must_use]
    pub(super) fn exiting(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Says it on standard error and gives the exit code.
    pub(super) fn report(&self, context: &mut Context) -> Exit {
        if self.is_silent() {
            return self.exit;
        }
        let (error, hint) = (AnsiColor::Red.on_default().bold(), Style::new().bold());
        let text = match &self.hint {
            Some(next) => {
                format!("{error}error{error:#}: {}\n {hint}hint{hint:#}: {}\n", self.message, next)
            }
            None => format!("{error}error{error:#}: {}\n", self.message),
        };
        // Nobody is left to tell when standard error is gone.
        drop(context.err.write_all(text.as_bytes()));
        self.exit
    }
}

impl From<io::Error> for Failure {
    /// An error of writing the results. A reader that closed the pipe (`| head`) has what it wanted.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { message: String::new(), hint: None, exit: Exit::Incomplete };
        }
        Self { message: format!("cannot write the results: {error}"), hint: None, exit: Exit::Usage }
    }
}

/// Help and version go to standard output and are no failure; anything else is a usage error.
pub(super) fn usage(error: &clap::Error) -> Exit {
    // Nobody is left to tell when the stream is gone.
    drop(error.print());
    if error.use_stderr() { Exit::Usage } else { Exit::Clean }
}
