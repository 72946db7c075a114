//! How the demo fails: not a proof that does not hold, which is a result, but something that keeps it from going on.

use crate::{detect, durable, rotate, scan, source};
use std::io;

/// Why the demo could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("the demo cannot {doing}")]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The story cannot be written.
    #[error("cannot write the story")]
    Output(#[source] io::Error),
    /// A file of the demo could not be written.
    #[error(transparent)]
    Durable(#[from] durable::Error),
    /// The repository could not be made.
    #[error("the demo's repository cannot be made")]
    Git(#[from] git2::Error),
    /// The application's store could not be read or written.
    #[error("the demo's session store cannot be used")]
    Store(#[from] sqlx::Error),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Randomness,
    /// The application's `.env` has no secret.
    #[error("there is no {0} in the application's .env")]
    NoSecret(String),
    /// The application did not start.
    #[error("the demo's application did not start")]
    NotStarted,
    /// The application gave no usable answer.
    #[error("the demo's application gave no usable answer: {0}")]
    Answer(&'static str),
    /// The restart that was asked for did not take place.
    #[error("the application was not restarted: {0}")]
    Restart(String),
    /// The scan did not find what leaked.
    #[error("the scan did not find the secret that leaked")]
    NotFound,
    /// The built-in rules cannot be run.
    #[error(transparent)]
    Detect(#[from] detect::Error),
    /// The repository cannot be read.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// The scan did not take place.
    #[error(transparent)]
    Scan(#[from] scan::Error),
    /// The rotation could not be planned or started.
    #[error(transparent)]
    Rotate(#[from] rotate::Error),
    /// Somebody pressed Ctrl-C.
    #[error("the demo was stopped")]
    Stopped,
}

impl Error {
    pub(super) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Durable(error) => error.hint(),
            Self::Detect(error) => error.hint(),
            Self::Source(error) => error.hint(),
            Self::Scan(error) => error.hint(),
            Self::Rotate(error) => error.hint(),
            Self::Io { .. } | Self::Git(_) | Self::Store(_) => Some(
                "the demo needs a temporary folder that can be written (TMPDIR) and free ports on 127.0.0.1"
                    .to_owned(),
            ),
            Self::Stopped => Some("nothing was left behind".to_owned()),
            Self::Output(_)
            | Self::Randomness
            | Self::NoSecret(_)
            | Self::NotStarted
            | Self::Answer(_)
            | Self::Restart(_)
            | Self::NotFound => None,
        }
    }
}
