//! What a run tells while it goes on.

/// What just happened.
#[derive(Clone, Debug)]
pub enum Progress<'a> {
    /// The table is being copied into a backup.
    BackingUp,
    /// The backup is complete.
    BackedUp(&'a crate::session::BackupInfo),
    /// A step begins.
    Begun {
        /// Its number, from 1.
        number: usize,
        /// Of how many.
        of: usize,
        /// What it does.
        step: &'a str,
    },
    /// Rows were filled.
    Filled {
        /// How many so far.
        rows: u64,
        /// Of how many.
        of: u64,
    },
    /// Somebody holds the lock; it is tried again.
    Waiting {
        /// For what.
        doing: &'a str,
        /// The attempt that failed, from 1.
        attempt: u32,
    },
}
