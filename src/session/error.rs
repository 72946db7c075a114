//! How a session store fails: typed, with the next step, and without a value from any row.

use super::names::{bounded, more_gone, paths, seen};
use super::plain::instead;
use super::{Cause, StoreKind};
use std::path::PathBuf;

/// What went wrong with a session store or a backup of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text after `--store` is no address of a store; it is not repeated, since it may hold a password.
    #[error("the store's address is not usable: {0}")]
    Url(String),
    /// The SQLite file is not there or is no file.
    #[error("the store {path} cannot be opened: {reason}")]
    File {
        /// The path as it was given.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The server did not take the connection.
    #[error("cannot connect to {url}")]
    Connect {
        /// The address without its password.
        url: String,
        /// Whether a password was given.
        password_given: bool,
        /// What the server or the network said.
        #[source]
        cause: Cause,
    },
    /// Something took longer than its limit.
    #[error("{doing} took longer than {seconds} s")]
    Timeout {
        /// What was being done.
        doing: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// No table looks like a session table.
    #[error("{url} has no table that looks like a session store ({})", seen(.tables))]
    NoSessionTable {
        /// The address without its password.
        url: String,
        /// The tables that are there.
        tables: Vec<String>,
    },
    /// Several tables look like session tables.
    #[error("{} tables look like session stores: {}", .candidates.len(), bounded(.candidates))]
    Ambiguous {
        /// Each as `table (dialect)`.
        candidates: Vec<String>,
    },
    /// The named table does not exist.
    #[error("there is no table {table} ({})", seen(.tables))]
    NoSuchTable {
        /// The name that was asked for.
        table: String,
        /// The tables that are there.
        tables: Vec<String>,
    },
    /// The named dialect does not exist or does not run on this kind of store.
    #[error("{name} is no dialect for {kind}; the dialects are {}", .known.join(", "))]
    UnknownDialect {
        /// The name that was asked for.
        name: String,
        /// The kind of store.
        kind: StoreKind,
        /// The names that would do.
        known: Vec<&'static str>,
    },
    /// The named table does not have the columns of a session table.
    #[error("the table {table} is no {dialect} session table: {reason}")]
    WrongShape {
        /// The table.
        table: String,
        /// The dialect, or a phrase when none was named.
        dialect: String,
        /// What is missing.
        reason: String,
    },
    /// What looks like the session table is a view, a part of another table, a foreign, virtual or inherited one.
    #[error("{table} is a {what}, and deleting through it cannot be backed up safely")]
    NotAPlainTable {
        /// The table.
        table: String,
        /// What it is.
        what: &'static str,
        /// The tables that hold its rows, where that is known.
        behind: Vec<String>,
    },
    /// Deleting sessions would delete or change rows of other tables, which the backup would not hold.
    #[error("deleting from {table} would also change {}", bounded(.by))]
    Referenced {
        /// The session table.
        table: String,
        /// The tables with a cascading foreign key on it.
        by: Vec<String>,
    },
    /// Row-level security would hide rows.
    #[error(
        "row-level security on {table} hides rows from this role, so neither a count nor a purge would be complete"
    )]
    RowSecurity {
        /// The table.
        table: String,
    },
    /// No keys look like sessions.
    #[error("{url} has no keys that look like sessions ({looked_at} keys were looked at{})", if *.all { "" } else { ", and there are more" })]
    NoSessionKeys {
        /// The address without its password.
        url: String,
        /// How many keys were looked at.
        looked_at: u64,
        /// Whether these were all.
        all: bool,
    },
    /// Under the prefix are keys that are no sessions.
    #[error(
        "{foreign} of {seen} keys under {prefix} are no sessions of {dialect} ({kinds}), so a purge of all of them would delete something else"
    )]
    ForeignKeys {
        /// The prefix.
        prefix: String,
        /// The dialect.
        dialect: &'static str,
        /// How many keys were looked at.
        seen: u64,
        /// How many of them are no sessions.
        foreign: u64,
        /// What they are: types, never names.
        kinds: String,
    },
    /// The prefix would match keys that nobody meant.
    #[error("{prefix:?} is no usable prefix of session keys: {reason}")]
    Prefix {
        /// The prefix as it was given.
        prefix: String,
        /// Why.
        reason: &'static str,
    },
    /// A purge that takes several transactions, or has none, ended in the middle.
    #[error("{deleted} of {read} sessions were deleted{} and are backed up in {}, then it failed", more_gone(*.gone), paths(.backups))]
    Partial {
        /// How many sessions were read.
        read: u64,
        /// How many of them are known to be deleted.
        deleted: u64,
        /// How many more are gone: deleted just before the end, or ended by somebody else.
        gone: u64,
        /// The backups, which hold all of them.
        backups: Vec<PathBuf>,
        /// What failed.
        #[source]
        cause: Box<Self>,
    },
    /// The role may not do what is needed.
    #[error("the role {role} lacks {} on {table}", .missing.join(" and "))]
    Privilege {
        /// The database role.
        role: String,
        /// The table.
        table: String,
        /// The missing privileges.
        missing: Vec<&'static str>,
    },
    /// A standby, a read-only session or a read-only file.
    #[error("{url} is read-only: {reason}")]
    ReadOnly {
        /// The address without its password.
        url: String,
        /// Why.
        reason: String,
    },
    /// Another session held a lock for too long, on every attempt.
    #[error("another session kept {table} locked ({attempts} attempts)")]
    Locked {
        /// The table.
        table: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The database refused a statement.
    #[error("{doing} failed")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        #[source]
        cause: Cause,
    },
    /// The connection was lost while the purge was being committed, and nobody could tell how it ended.
    #[error("the connection was lost during the commit; whether the rows are deleted is unknown, the backup {} holds them", .backup.display())]
    CommitUnknown {
        /// The backup file, kept.
        backup: PathBuf,
    },
    /// A trigger kept rows from being deleted, so the backup and the delete would not agree.
    #[error("{read} sessions were read but {deleted} deleted, so a trigger interferes; nothing was changed")]
    Incomplete {
        /// How many rows were read.
        read: u64,
        /// How many rows were deleted.
        deleted: u64,
    },
    /// The purge is done, but the sessions could not be counted afterwards.
    #[error("{deleted} sessions were deleted and are backed up in {}, but could not be counted afterwards", paths(.backups))]
    Uncounted {
        /// How many rows were deleted.
        deleted: u64,
        /// The backup files; none when nothing was deleted.
        backups: Vec<PathBuf>,
        /// Why they could not be counted.
        #[source]
        cause: Box<Self>,
    },
    /// A backup or key file could not be read or written.
    #[error("cannot {doing} {}", .path.display())]
    Io {
        /// The verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The key file is not usable.
    #[error("the key file {} is not usable: {reason}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// The backup file is damaged, tampered with, of another key or of another store.
    #[error("the backup {} is refused: {reason}", .path.display())]
    Backup {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// This store cannot do what was asked for.
    #[error("this store cannot work with {what}")]
    Unsupported {
        /// What it is.
        what: String,
    },
    /// A question that has no meaning on this kind of store, or whose answer is elsewhere.
    #[error("{what} cannot be told on {kind}: {reason}")]
    Impossible {
        /// What was asked.
        what: &'static str,
        /// The kind of store.
        kind: StoreKind,
        /// Why.
        reason: &'static str,
        /// The next step, where there is one.
        hint: Option<&'static str>,
    },
    /// A table lacks the column that a selection needs, or the column is of no use.
    #[error("the table {table} does not serve for this: {reason}")]
    Column {
        /// The table.
        table: String,
        /// Why.
        reason: String,
    },
    /// No table looks like the one with the users.
    #[error("there is no table of users beside the sessions ({})", seen(.tables))]
    NoUsersTable {
        /// The tables that are there.
        tables: Vec<String>,
    },
    /// The sessions' key and the users' key are of different types, so that every session would look like an orphan.
    #[error(
        "{session} ({session_type}) and {users} ({users_type}) are of different types, so they cannot be compared"
    )]
    KeyTypes {
        /// The sessions' column.
        session: String,
        /// Its type.
        session_type: String,
        /// The users' column.
        users: String,
        /// Its type.
        users_type: String,
    },
    /// The users table is empty, so that every session would look like an orphan.
    #[error("the users table {users} is empty, so every session would look orphaned")]
    NoUsers {
        /// The table.
        users: String,
    },
    /// More rows are selected than such a procedure may take.
    #[error("{selected} of {total} sessions are selected, more than {percent} %")]
    Share {
        /// How many.
        selected: u64,
        /// Of how many.
        total: u64,
        /// The limit.
        percent: u8,
    },
    /// More rows would be deleted than the plan counted.
    #[error("{found} sessions would be deleted where the plan allows {at_most}; nothing was changed")]
    TooMany {
        /// How many rows there were.
        found: u64,
        /// The bound.
        at_most: u64,
    },
    /// What is selected depends on the zone in which times without one are read.
    #[error(
        "times in {table} have no zone: {in_utc} sessions are selected in UTC, {elsewhere} in the server's zone {zone}; nothing was changed"
    )]
    ZoneMatters {
        /// The session table.
        table: String,
        /// The number in UTC.
        in_utc: u64,
        /// The number in the server's zone.
        elsewhere: u64,
        /// The server's zone.
        zone: String,
    },
    /// How long sessions live is the application's setting, which no row tells.
    #[error(
        "the rows of {table} do not tell when a session ends, and nobody said how long one lives after its last use"
    )]
    LifetimeUnknown {
        /// The session table.
        table: String,
    },
    /// A backup is of another store than the one that is connected.
    #[error("the backup {} was made of {made_of}, not of {connected}", .path.display())]
    Elsewhere {
        /// The backup file.
        path: PathBuf,
        /// The store that it was made of.
        made_of: String,
        /// The store that is connected.
        connected: String,
    },
    /// Whether the rows of a backup were deleted cannot be told, so putting them back may double them.
    #[error("whether the {rows} sessions in {} were deleted cannot be told; nothing was changed", .path.display())]
    Unsettled {
        /// The backup file.
        path: PathBuf,
        /// How many it holds.
        rows: u64,
    },
    /// Rows were put back, but the sessions could not be counted afterwards.
    #[error("{restored} sessions were restored, but could not be counted afterwards")]
    RestoredUncounted {
        /// How many.
        restored: u64,
        /// Why they could not be counted.
        #[source]
        cause: Box<Self>,
    },
    /// Of several backups some are back: each is put back whole or not at all.
    #[error("{restored} sessions are back, of {}; then restoring {} failed", paths(.back), .failed.display())]
    RestoredPartly {
        /// How many sessions.
        restored: u64,
        /// The backups that are back.
        back: Vec<PathBuf>,
        /// The one that failed; what comes behind it was not begun.
        failed: PathBuf,
        /// Why.
        #[source]
        cause: Box<Self>,
    },
    /// Triggers or rules would run for every deleted row.
    #[error("deleting from {table} would run {}, which may keep rows or change other tables", bounded(.by))]
    Triggered {
        /// The session table.
        table: String,
        /// The triggers and rules.
        by: Vec<String>,
    },
    /// The account would not be shown what a delete sets off.
    #[error("{} cannot be seen by {role}, so nobody knows what deleting from {table} sets off", .what.join(" and "))]
    Unseen {
        /// The session table.
        table: String,
        /// Its database.
        schema: String,
        /// The account.
        role: String,
        /// What is hidden.
        what: Vec<&'static str>,
    },
    /// The named zone does not exist.
    #[error("{name} is no time zone that this store knows")]
    UnknownZone {
        /// The name that was asked for.
        name: String,
    },
    /// The backup holds sessions that were ended in an emergency.
    #[error("the backup {} holds {rows} sessions that were ended on purpose ({selection}); restoring it makes them valid again", .path.display())]
    Revives {
        /// The backup file.
        path: PathBuf,
        /// How many.
        rows: u64,
        /// What was selected when they were deleted.
        selection: String,
    },
    /// No session, or more than one, has this fingerprint.
    #[error("{found} sessions have the fingerprint {fingerprint}")]
    Fingerprint {
        /// What was asked for.
        fingerprint: String,
        /// How many were found.
        found: usize,
    },
    /// The audit log could not be read or written.
    #[error("the audit log {} is not usable: {reason}", .path.display())]
    Audit {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file of the state folder could not be written.
    #[error(transparent)]
    Durable(#[from] crate::durable::Error),
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    Random,
}

impl Error {
    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Url(_) => "write postgres://USER@HOST:PORT/DATABASE, mysql://USER@HOST:PORT/DATABASE, redis://HOST:PORT/DATABASE or sqlite:PATH, and percent-encode special characters in names and passwords".to_owned(),
            Self::Connect { password_given, cause, .. } => return cause.connect_hint(*password_given),
            Self::NoSessionTable { .. } => "check the database in the address, or name the table and its form with --table and --dialect".to_owned(),
            Self::Ambiguous { .. } => "name the one that the application uses with --table (and --dialect)".to_owned(),
            Self::UnknownDialect { name, .. } if name == "custom" => "describe the table in .unleak.yaml: `sessions: {table: logins, token: id, expiry: until, unit: seconds}`".to_owned(),
            Self::NoSuchTable { .. } => "write the name exactly as in the catalogue: TABLE or SCHEMA.TABLE".to_owned(),
            Self::NoSessionKeys { .. } => "check the number of the database in the address, or name the form with --dialect and the keys' prefix with --table; Laravel's sessions look like its cache and need --dialect laravel".to_owned(),
            Self::ForeignKeys { .. } => "name the sessions' own prefix with --table, and their form with --dialect (custom takes every string and hash); nothing was changed".to_owned(),
            Self::Prefix { .. } => "give the whole prefix with --table, as the application is configured, for example sess:".to_owned(),
            Self::Partial { .. } => "remove the cause and run again: it goes on with what is left; a restore skips sessions that are there".to_owned(),
            Self::Database { cause, .. } => return cause.hint(),
            Self::NotAPlainTable { what, behind, .. } => instead(what, behind),
            Self::Referenced { .. } => "back these tables up and clear them first, or drop the cascade".to_owned(),
            Self::RowSecurity { table } => format!("connect as the owner of {table} or as a role with BYPASSRLS"),
            Self::Privilege { role, table, missing } => {
                format!("GRANT {} ON {table} TO {role}, or connect as the table's owner", missing.join(", "))
            }
            Self::ReadOnly { .. } => "connect to the primary with a role that may write".to_owned(),
            Self::Locked { .. } => "find the session in pg_stat_activity (SHOW PROCESSLIST on MySQL, or the process that has the file open), end it, and run again; nothing was changed".to_owned(),
            Self::CommitUnknown { .. } => "when the server is back, count the sessions: none means that the purge was committed; keep the backup until then".to_owned(),
            Self::NoUsersTable { .. } => "name it with --users-table, and its key with --users-id".to_owned(),
            Self::KeyTypes { .. } => "name the table and the column that sessions refer to with --users-table and --users-id".to_owned(),
            Self::NoUsers { .. } => "is it the right database and table, and is it being filled just now?".to_owned(),
            Self::Share { .. } => "check that this is the right users table and column; raise --max-share when it is meant".to_owned(),
            Self::TooMany { .. } => "sessions changed since the plan was made; look at --dry-run again".to_owned(),
            Self::ZoneMatters { zone, .. } => format!(
                "find out which zone the application writes in, then add --zone UTC or --zone {zone}"
            ),
            Self::LifetimeUnknown { .. } => "add --lifetime MINUTES as the application has it: SESSION_LIFETIME, or config/session.php of Laravel".to_owned(),
            Self::Elsewhere { .. } => "add --elsewhere when it is the same store by another name, or when its sessions are meant to be there".to_owned(),
            Self::RestoredPartly { cause, .. } => {
                let rest = "restore the others alone, without those that are back";
                cause.hint().map_or_else(|| rest.to_owned(), |first| format!("{first}; then {rest}"))
            }
            Self::Unsettled { .. } => "look with `unleak sessions list` whether they are there: when they are gone, give the file the ending .backup and restore it; when they are there, it is not needed".to_owned(),
            Self::Triggered { .. } => "look at what they do, disable or drop them (on PostgreSQL ALTER TABLE … DISABLE TRIGGER), and put them back afterwards".to_owned(),
            Self::Unseen { schema, role, .. } => {
                format!("GRANT TRIGGER ON {schema}.* TO {role}, which shows both, run again, and revoke it afterwards")
            }
            Self::UnknownZone { .. } => "write it as in the zone database: UTC, Europe/Berlin".to_owned(),
            Self::Revives { .. } => "add --revive when every one of them is meant to log its holder in again".to_owned(),
            Self::Fingerprint { found: 0, .. } => "`unleak sessions list` shows the fingerprints, which change with the key in the state folder".to_owned(),
            Self::Fingerprint { .. } => "`unleak sessions dedupe` clears tokens that several rows have".to_owned(),
            Self::Impossible { hint, .. } => return hint.map(str::to_owned),
            Self::Durable(error) => return error.hint(),
            Self::Key { .. } => "keys are one line of 64 hexadecimal characters in a file that only its owner can read (chmod 600)".to_owned(),
            _ => return None,
        })
    }

    pub(super) fn database<E>(doing: &'static str) -> impl FnOnce(E) -> Self
    where
        for<'e> Cause: From<&'e E>,
    {
        move |error| Self::Database { doing, cause: Cause::from(&error) }
    }
}
