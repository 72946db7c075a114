//! How a change of the schema fails: typed, with the next step, and without a value from any row.

use crate::session::Cause;
use std::fmt;
use std::path::PathBuf;

/// What went wrong with a change of the schema.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store could not be reached, or is none that this works on.
    #[error(transparent)]
    Store(#[from] crate::session::Error),
    /// Something stands in the way; nothing was changed.
    #[error("nothing can be done with {table} yet, and nothing was changed:{}", listed(.problems))]
    Blocked {
        /// The table.
        table: String,
        /// Everything that stands in the way.
        problems: Vec<Problem>,
    },
    /// Another unleak changes this table.
    #[error("another unleak changes the schema of {table} just now")]
    Busy {
        /// The table.
        table: String,
    },
    /// The table is not as it was when the plan was made.
    #[error("the schema of {table} is not as it was when the plan was made; nothing was changed")]
    Changed {
        /// The table.
        table: String,
    },
    /// Other transactions held a lock for too long, on every attempt.
    #[error("{doing}: other transactions kept the lock for too long ({attempts} attempts)")]
    Locked {
        /// What was being done.
        doing: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The database refused a statement.
    #[error("{doing} failed")]
    Database {
        /// What was being done.
        doing: String,
        /// What the database said.
        #[source]
        cause: Cause,
    },
    /// Somebody asked to stop, and what was under way was ended.
    #[error("stopped on request")]
    Interrupted,
    /// Somebody asked to stop while an index was built, and what was built of it could not be dropped.
    #[error(
        "stopped, but what was built of the index {index} could not be dropped: no query uses it, every write keeps it up, and a unique one may refuse rows"
    )]
    LeftOver {
        /// The index.
        index: String,
        /// Why it could not.
        #[source]
        cause: Box<Self>,
    },
    /// Something else has the name that an index or a reference is to have.
    #[error("{table} has a key named {name} already, which is not what is missing")]
    Taken {
        /// The name.
        name: String,
        /// The table.
        table: String,
    },
    /// Rows arrived meanwhile that a constraint or a unique index does not allow.
    #[error("{doing}: rows do not allow it: {rows}")]
    Rows {
        /// What was being done.
        doing: String,
        /// Which rows, in numbers.
        rows: String,
    },
    /// Some steps were done, then one failed.
    #[error("stopped after {done} of {of} steps")]
    Stopped {
        /// How many steps are done.
        done: usize,
        /// Of how many.
        of: usize,
        /// What failed.
        #[source]
        cause: Box<Self>,
    },
    /// A rollback would drop the only thing that says that sessions are revoked.
    #[error(
        "{sessions} revoked sessions of {table} have not expired and would be live again; nothing was changed"
    )]
    Revives {
        /// The table.
        table: String,
        /// How many.
        sessions: u64,
    },
    /// The database's own function did not end what it was asked to end.
    #[error(
        "{sessions} sessions of the family {family} are still live, although the function of the database was called"
    )]
    StillLive {
        /// The family.
        family: String,
        /// How many.
        sessions: u64,
    },
    /// No apply is recorded that could be undone.
    #[error("no apply to {table} is recorded in {}", .folder.display())]
    NothingRecorded {
        /// The table.
        table: String,
        /// The folder of the journal.
        folder: PathBuf,
    },
    /// The journal was changed or is none.
    #[error("the journal {} is not usable: line {line}: {reason}", .path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// Why.
        reason: &'static str,
    },
    /// The journal could not be read.
    #[error("the journal {} cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A file of the state folder could not be written.
    #[error(transparent)]
    Durable(#[from] crate::durable::Error),
}

/// One thing that stands in the way, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// What it is.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Problem {
    pub(super) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

impl Error {
    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Store(crate::session::Error::Database { cause, .. }) if cause.code() == Some("25006") => {
                    "connect to the primary with a role that may write"
                }
                Self::Store(error) => return error.hint(),
                Self::Database { cause, .. } => match cause.code() {
                    Some("42501") => "connect as the owner of the table, or as a role that may act as its owner",
                    Some("2BP01") => "something of your own depends on it: drop that first, and make it again afterwards",
                    Some("25006") => "connect to the primary with a role that may write",
                    Some("53100") => "make room on the server's disk, then run the command again: it goes on where it stopped",
                    _ => return cause.hint(),
                },
                Self::Busy { .. } => "wait until it has ended; after a crash the server needs some seconds to notice that its client is gone",
                Self::Locked { .. } => "a long transaction holds the table: find it in pg_stat_activity, let it end, and run the command again",
                Self::Stopped { cause, .. } => {
                    let next = "what is done stays and is recorded; run the command again to go on, or `unleak schema rollback` to undo it";
                    return Some(match cause.hint() {
                        Some(hint) => format!("{hint}; {next}"),
                        None => next.to_owned(),
                    });
                }
                Self::NothingRecorded { .. } => "a rollback undoes only what an apply recorded: run it with the --state folder that the apply had",
                Self::Revives { .. } => "delete them first or wait until they have expired; --revive goes on all the same",
                Self::StillLive { .. } => "end them with `unleak sessions delete` or `unleak sessions user`, and see `unleak schema verify`",
                Self::Journal { .. } => "it was changed by something else than unleak, so a rollback cannot trust it; look at the file",
                Self::Durable(error) => return error.hint(),
                Self::Taken { .. } => "rename or drop what has the name, then run again",
                Self::LeftOver { .. } => "run the command again, which builds it anew, or drop it with DROP INDEX CONCURRENTLY; `unleak schema rollback` drops it too",
                Self::Changed { .. } => "look at the plan again",
                Self::Blocked { .. } | Self::Rows { .. } | Self::Unreadable { .. } | Self::Interrupted => {
                    return None;
                }
            }
            .to_owned(),
        )
    }

    pub(super) fn database(doing: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Self {
        let doing = doing.into();
        move |error| Self::Database { doing, cause: Cause::from(&error) }
    }

    /// The server's code for what it refused.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Database { cause, .. } => cause.code(),
            _ => None,
        }
    }

    /// Whether the change may have taken effect all the same: a connection that is lost at the commit does not say.
    pub(super) fn leaves_open(&self) -> bool {
        match self {
            Self::Database { cause, .. } => cause.is_lost(),
            Self::Store(error) => error.leaves_open(),
            _ => false,
        }
    }

    /// Whether a statement was ended from beside it.
    pub(super) fn is_ended(&self) -> bool {
        match self {
            Self::Database { cause, .. } => cause.is_ended(),
            Self::Store(error) => error.is_ended(),
            _ => false,
        }
    }

    /// Whether trying again can help because somebody else held a lock.
    pub(super) fn is_lock_conflict(&self) -> bool {
        match self {
            Self::Database { cause, .. } => cause.is_lock_conflict(),
            Self::Store(error) => error.is_lock_conflict(),
            _ => false,
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("\n  - {problem}")).collect();
    lines.concat()
}
