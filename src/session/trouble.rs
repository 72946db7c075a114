//! What an error says of the store: whether it is away, full, waiting for somebody, or does not take the question.

use super::Error;

impl Error {
    /// Whether the store could not be asked, in contrast to a question that it refused.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Timeout { .. } => true,
            Self::Database { cause, .. } => cause.is_outage(),
            _ => false,
        }
    }

    /// Whether it is a value of the question that the store cannot take.
    pub fn is_of_value(&self) -> bool {
        matches!(self, Self::Database { cause, .. } if cause.is_of_value())
    }

    /// Whether the server turned us away because it has as many connections as it takes: it is there.
    pub fn is_exhausted(&self) -> bool {
        match self {
            Self::Connect { cause, .. } | Self::Database { cause, .. } => cause.is_exhausted(),
            _ => false,
        }
    }

    /// Whether the server may go on, or be done, with what this was the answer to: nobody answered, or a limit of ours
    /// ended the waiting.
    pub(crate) fn leaves_open(&self) -> bool {
        match self {
            Self::Database { cause, .. } => cause.is_lost(),
            Self::Timeout { .. } | Self::Connect { .. } => true,
            _ => false,
        }
    }

    /// Whether a statement was ended from beside it.
    pub(crate) fn is_ended(&self) -> bool {
        matches!(self, Self::Database { cause, .. } if cause.is_ended())
    }

    /// Whether the role lacks a right on what the statement names.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Database { cause, .. } if cause.is_forbidden())
    }

    /// Whether trying again can help because somebody else held a lock.
    pub(crate) fn is_lock_conflict(&self) -> bool {
        matches!(self, Self::Database { cause, .. } if cause.is_lock_conflict())
    }
}
