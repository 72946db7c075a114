//! Backs the selected sessions up, then deletes those that still are as they were backed up.
//!
//! The comparison and the delete are one script on the server, so that a session that the application rewrites is
//! never deleted without its backup. Those are taken once more, into a backup of their own, a few times over.

use super::keys::{BYTES, KEYS, Tally};
use super::record::{Record, Records};
use super::server::Servers;
use super::verdict::{self, Then, Verdict};
use super::{Redis, counts_of};
use crate::session::backup::{self, BackupInfo, BackupSpec, Reader};
use crate::session::store::within;
use crate::session::{BackupKey, Bounds, Counts, Error, Selection};
use futures_util::{TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};
use std::time::Instant;

const DOING: &str = "deleting the sessions";

/// How often sessions are taken that were rewritten between backup and delete.
const ROUNDS: u32 = 5;

/// What a deletion did so far.
#[derive(Default)]
pub(in crate::session) struct Emptied {
    /// What its first listing of everything saw.
    pub(in crate::session) before: Option<Counts>,
    /// The sessions that were read for it.
    read: u64,
    /// The sessions that were deleted here.
    pub(in crate::session) deleted: u64,
    /// Those that were gone when their delete came: they ended by themselves, or somebody else ended them.
    pub(in crate::session) gone: u64,
    /// Those of them whose time had not come.
    pub(in crate::session) taken: u64,
    /// One of each round: sessions that were rewritten meanwhile are in later ones.
    pub(in crate::session) backups: Vec<BackupInfo>,
}

/// What became of the keys of a backup.
#[derive(Default)]
pub(super) struct Fate {
    pub(super) deleted: u64,
    /// Sessions and companions that were deleted.
    pub(super) unlinked: u64,
    /// Sessions that were gone before, and those of them whose time had not come.
    gone: u64,
    taken: u64,
    changed: Vec<Vec<u8>>,
}

/// The server's clock as it goes on from one look at it, in Unix milliseconds.
#[derive(Clone, Copy)]
struct Clock {
    shown: i64,
    at: Instant,
}

impl Clock {
    fn now(self) -> i64 {
        self.shown.saturating_add(i64::try_from(self.at.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

/// What a deletion is about.
pub(super) struct Task<'a> {
    pub(super) selection: &'a Selection,
    pub(super) spec: &'a BackupSpec<'a>,
    pub(super) bounds: Bounds,
}

impl Redis {
    /// Deletes the selected sessions. Where all are meant, they go at once: nobody waits for that here.
    pub(in crate::session) async fn delete(
        &mut self,
        selection: &Selection,
        spec: &BackupSpec<'_>,
        bounds: Bounds,
    ) -> Result<Emptied, Error> {
        let mut servers = self.take().await?;
        let task = Task { selection, spec, bounds };
        // What is done when the time is up is told like anything else.
        let mut emptied = Emptied::default();
        let work = self.empty(&mut servers, &task, &mut emptied);
        match within(self.opener.limits.purge, DOING, work).await {
            Ok(()) => {
                self.servers = Some(servers);
                if emptied.deleted > 0 {
                    self.told = Some(selection.name());
                }
                Ok(emptied)
            }
            Err(error) => Err(emptied.failed(error)),
        }
    }

    async fn empty(
        &self,
        servers: &mut Servers,
        task: &Task<'_>,
        emptied: &mut Emptied,
    ) -> Result<(), Error> {
        let (mut only, mut spec) = (None, *task.spec);
        for _ in 0..ROUNDS {
            let task = Task { spec: &spec, ..*task };
            let (round, changed) = self.round(servers, &task, only, emptied).await?;
            // What is taken once more is of a later time, by which a restore knows which backup has it as it was last.
            spec.created = Timestamp::now().max(spec.created + SignedDuration::from_micros(1));
            if emptied.before.is_none() {
                emptied.before = Some(counts_of(&round));
            }
            if changed.is_empty() {
                break;
            }
            only = Some(changed);
        }
        Ok(())
    }

    /// Backs the selected keys up, or these, and deletes them. On an error nothing is deleted that is in no backup. Gives
    /// those that were rewritten meanwhile.
    async fn round(
        &self,
        servers: &mut Servers,
        task: &Task<'_>,
        only: Option<Vec<Vec<u8>>>,
        emptied: &mut Emptied,
    ) -> Result<(Tally, Vec<Vec<u8>>), Error> {
        let written = self.back_up(servers, task, only).await?;
        let Some(path) = written.path else { return Ok((written.tally, Vec::new())) };
        if let Err(error) = task.bounds.check(emptied.deleted + written.sessions) {
            backup::discard(&path);
            return Err(error);
        }
        emptied.read += written.sessions;
        let mut fate = Fate::default();
        if let Err(error) = self.unlink(servers, &path, task.spec.key, &mut fate).await {
            return Err(self.stopped(servers, &path, task.spec.key, written.sessions, &fate, error).await);
        }
        emptied.deleted += fate.deleted;
        emptied.gone += fate.gone;
        emptied.taken += fate.taken;
        // Whoever deleted the others has them in a backup, or meant to lose them.
        if fate.unlinked == 0 {
            backup::discard(&path);
        } else {
            emptied.backups.push(backup::committed(&path)?);
        }
        Ok((written.tally, fate.changed))
    }

    /// Deletes what is in the backup and still has that value.
    async fn unlink(
        &self,
        servers: &mut Servers,
        path: &Path,
        key: &BackupKey,
        fate: &mut Fate,
    ) -> Result<(), Error> {
        let mut records = Records::new(Reader::open(path, key)?)?;
        let shown = match servers.nodes.first_mut() {
            Some(node) => node.now(DOING).await?,
            None => return Ok(()),
        };
        let clock = Clock { shown, at: Instant::now() };
        let servers = &*servers;
        let batches = std::iter::from_fn(|| Some(records.batch(KEYS, BYTES)).filter(has_records));
        // While the server works on one batch the next is opened and sent.
        let mut judged =
            stream::iter(batches).map_ok(|batch| unlink_batch(servers, clock, batch)).try_buffered(2);
        while let Some((of_batch, end)) = judged.try_next().await? {
            fate.add(of_batch);
            end?;
        }
        Ok(())
    }
}

fn has_records(batch: &Result<Vec<Record>, Error>) -> bool {
    batch.as_ref().map_or(true, |records| !records.is_empty())
}

/// Deletes the keys of one batch that still have their values. What is told of them is true whatever the end.
async fn unlink_batch(
    servers: &Servers,
    clock: Clock,
    batch: Vec<Record>,
) -> Result<(Fate, Result<(), Error>), Error> {
    let (mut fate, at_once) = (Fate::default(), verdict::at_once(servers));
    for (at, batch) in grouped(servers, batch, |record| &record.key).into_iter().enumerate() {
        let mut node = servers.nodes[at].clone();
        let mut tell = |record: &Record, verdict| fate.note(record, verdict, clock);
        let end = verdict::judge(&mut node, &batch, at_once, Then::Unlink, DOING, &mut tell).await;
        if end.is_err() {
            return Ok((fate, end));
        }
    }
    Ok((fate, Ok(())))
}

impl Emptied {
    /// An error of one round; what earlier ones did stays done and is told with it.
    fn failed(self, error: Error) -> Error {
        if self.backups.is_empty() {
            return error;
        }
        let mut backups: Vec<PathBuf> = self.backups.into_iter().map(|backup| backup.path).collect();
        let (deleted, cause) = match error {
            Error::Partial { deleted, gone, backups: more, cause, .. } => {
                backups.extend(more);
                ((deleted, gone), cause)
            }
            Error::CommitUnknown { backup } => {
                backups.push(backup.clone());
                ((0, 0), Box::new(Error::CommitUnknown { backup }))
            }
            other => ((0, 0), Box::new(other)),
        };
        let (deleted, gone) = (self.deleted + deleted.0, self.gone + deleted.1);
        Error::Partial { read: self.read.max(deleted + gone), deleted, gone, backups, cause }
    }
}

impl Fate {
    fn add(&mut self, other: Self) {
        self.deleted += other.deleted;
        self.unlinked += other.unlinked;
        self.gone += other.gone;
        self.taken += other.taken;
        self.changed.extend(other.changed);
    }

    fn note(&mut self, record: &Record, verdict: Verdict, clock: Clock) {
        let session = u64::from(record.is_session);
        match verdict {
            Verdict::Changed => self.changed.push(record.key.clone()),
            Verdict::Same => {
                self.unlinked += 1;
                self.deleted += session;
            }
            Verdict::Gone => {
                self.gone += session;
                let was_due = record.ends.is_some_and(|ends| ends <= clock.now() + 1000);
                self.taken += if was_due { 0 } else { session };
            }
        }
    }
}

/// What belongs to each server.
pub(super) fn grouped<T>(servers: &Servers, items: Vec<T>, key: impl Fn(&T) -> &Vec<u8>) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = servers.nodes.iter().map(|_| Vec::new()).collect();
    for item in items {
        let at = servers.of(key(&item));
        groups[at].push(item);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::StoreKind;
    use crate::session::backup::BackupState;
    use crate::session::schema::TableName;
    use jiff::Timestamp;

    fn backup(name: &str) -> BackupInfo {
        BackupInfo {
            path: PathBuf::from(name),
            state: BackupState::Committed,
            store: String::new(),
            kind: StoreKind::Redis,
            dialect: String::new(),
            table: TableName { schema: None, name: String::new() },
            columns: Vec::new(),
            rows: 1,
            bytes: 1,
            incident: String::new(),
            selection: String::new(),
            owner: None,
            created: Timestamp::UNIX_EPOCH,
            expires: Timestamp::UNIX_EPOCH,
            transaction: None,
        }
    }

    #[test]
    fn what_earlier_rounds_did_is_told_with_the_error_of_a_later_one() {
        let lost = || Error::Timeout { doing: DOING, seconds: 1 };
        let emptied =
            || Emptied { before: None, read: 10, deleted: 7, gone: 1, taken: 0, backups: vec![backup("a")] };
        assert!(matches!(Emptied::default().failed(lost()), Error::Timeout { .. }));
        for (error, deleted, files) in [
            (lost(), 7, &["a"][..]),
            (Error::CommitUnknown { backup: PathBuf::from("b") }, 7, &["a", "b"]),
            (
                Error::Partial {
                    read: 3,
                    deleted: 2,
                    gone: 0,
                    backups: vec![PathBuf::from("b")],
                    cause: Box::new(lost()),
                },
                9,
                &["a", "b"],
            ),
        ] {
            let Error::Partial { deleted: told, backups, .. } = emptied().failed(error) else { panic!() };
            let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
            assert_eq!((told, backups), (deleted, files));
        }
    }
}
