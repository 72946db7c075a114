//! What is wrong with the tokens, or with the name of one.

use std::path::PathBuf;

/// What keeps a token from being read, made or replaced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file of the tokens cannot be used.
    #[error("{path} cannot be used: {reason}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// No token has this name, or one has it already.
    #[error("{name}: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file could not be written.
    #[error(transparent)]
    Durable(#[from] crate::durable::Error),
    /// The operating system has no randomness to give.
    #[error("the operating system gives no random numbers")]
    Random,
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::File { .. } => {
                "it must be readable by its owner alone (chmod 600); remove it and add the tokens again when it is damaged"
            }
            Self::Name { .. } => "`unleak serve token list` shows which there are",
            Self::Durable(error) => return error.hint(),
            Self::Random => return None,
        };
        Some(text.to_owned())
    }
}
