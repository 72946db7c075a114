//! What a store is opened with besides its address.

use super::dialect::CustomTable;
use crate::secret::Secret;
use std::time::Duration;

/// What to connect with besides the address.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The password, from a file or the environment; it wins over one in the address.
    pub password: Option<Secret>,
    /// The session table, when detection should not choose: `TABLE` or `SCHEMA.TABLE`; on Redis the keys' prefix.
    pub table: Option<String>,
    /// The dialect, when detection should not choose.
    pub dialect: Option<String>,
    /// Where the payload holds the user's id, as `key.key`, when it has no column.
    pub user_path: Option<String>,
    /// The zone in which times without one are read [default: UTC].
    pub zone: Option<String>,
    /// The session table in the caller's words, when it is of no known form; it wins over `table` and `dialect`.
    pub custom: Option<CustomTable>,
    /// How many minutes after its last use a session ends, on dialects whose rows do not tell.
    pub lifetime: Option<u32>,
    /// How long things may take.
    pub limits: Limits,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To connect.
    pub connect: Duration,
    /// To wait for a lock that another session holds, on each of three attempts.
    pub lock: Duration,
    /// One statement that only reads, and one commit.
    pub statement: Duration,
    /// A whole purge or restore.
    pub purge: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            lock: Duration::from_secs(5),
            statement: Duration::from_mins(1),
            purge: Duration::from_mins(30),
        }
    }
}
