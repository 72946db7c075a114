//! Finds out how a deletion ended that nobody saw the end of: by which keys of its backup are gone.
//!
//! A backup is thrown away only when all of its keys are there with the very values that it holds. A key with another
//! value may be a deleted session that the application wrote again, so it tells nothing.

use super::delete::{Fate, grouped};
use super::keys::{BYTES, KEYS};
use super::record::{Record, Records};
use super::server::Servers;
use super::verdict::{self, Then, Verdict};
use super::{Redis, answer};
use crate::session::backup::{self, BackupInfo, Reader};
use crate::session::store::within;
use crate::session::{BackupKey, Error, Settled};
use std::path::Path;

const DOING: &str = "looking for sessions";

/// What a look at the keys of a backup saw, of those whose time has not come.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Sessions that are gone.
    sessions: u64,
    /// Companions that are gone.
    companions: u64,
    same: u64,
    changed: u64,
}

impl Seen {
    /// How many sessions were deleted; `None` when that cannot be told.
    fn deleted(&self) -> Option<u64> {
        match self {
            Self { sessions: 0, companions: 0, changed: 0, same } => (*same > 0).then_some(0),
            Self { sessions: 0, .. } => None,
            _ => Some(self.sessions),
        }
    }

    fn note(&mut self, is_session: bool, verdict: Verdict) {
        match (verdict, is_session) {
            (Verdict::Gone, true) => self.sessions += 1,
            (Verdict::Gone, false) => self.companions += 1,
            (Verdict::Same, _) => self.same += 1,
            (Verdict::Changed, _) => self.changed += 1,
        }
    }
}

impl Redis {
    /// Says how far a delete came that failed.
    pub(super) async fn stopped(
        &self,
        servers: &mut Servers,
        path: &Path,
        key: &BackupKey,
        read: u64,
        fate: &Fate,
        cause: Error,
    ) -> Error {
        let seen = if answer::is_lost(&cause) {
            match self.opener.open().await {
                Ok(mut servers) => self.look_up(&mut servers, path, key).await,
                Err(error) => Err(error),
            }
        } else {
            self.look_up(servers, path, key).await
        };
        match seen {
            Ok(Some(0)) if fate.unlinked == 0 => {
                backup::discard(path);
                cause
            }
            Ok(Some(gone)) => {
                // What the server said that it deleted may have been written again since; of the rest nobody knows who ended it.
                let (deleted, gone) = (fate.deleted, gone.saturating_sub(fate.deleted));
                let backup = backup::committed(path).map_or_else(|_| path.to_owned(), |info| info.path);
                Error::Partial { read, deleted, gone, backups: vec![backup], cause: Box::new(cause) }
            }
            // What the server said is known, though no more than that.
            _ if fate.deleted > 0 => Error::Partial {
                read,
                deleted: fate.deleted,
                gone: 0,
                backups: vec![path.to_owned()],
                cause: Box::new(cause),
            },
            _ => Error::CommitUnknown { backup: path.to_owned() },
        }
    }

    /// Finds out what became of the sessions of a prepared backup. There is no transaction whose fate could be
    /// asked for: what is gone before its time was deleted.
    pub(in crate::session) async fn settle(
        &mut self,
        path: &Path,
        key: &BackupKey,
    ) -> Result<Settled, Error> {
        let mut servers = self.take().await?;
        let deleted = within(self.opener.limits.purge, DOING, self.look_up(&mut servers, path, key)).await?;
        self.servers = Some(servers);
        Ok(match deleted {
            Some(0) => {
                backup::discard(path);
                Settled::RolledBack
            }
            Some(rows) => {
                let info = backup::committed(path)?;
                Settled::Committed(Box::new(BackupInfo { rows, ..info }))
            }
            None => Settled::Unknown,
        })
    }

    /// How many sessions of a backup are gone before their time; `None` when that cannot be told.
    async fn look_up(
        &self,
        servers: &mut Servers,
        path: &Path,
        key: &BackupKey,
    ) -> Result<Option<u64>, Error> {
        let mut records = Records::new(Reader::open(path, key)?)?;
        let mut seen = Seen::default();
        loop {
            let batch = records.batch(KEYS, BYTES)?;
            if batch.is_empty() {
                return Ok(seen.deleted());
            }
            let at_once = verdict::at_once(servers);
            for (at, mut batch) in grouped(servers, batch, |record| &record.key).into_iter().enumerate() {
                let node = &mut servers.nodes[at];
                let now = node.now(DOING).await?;
                batch.retain(|record| record.ends.is_none_or(|ends| ends > now + 1000));
                let mut tell = |record: &Record, verdict| seen.note(record.is_session, verdict);
                verdict::judge(node, &batch, at_once, Then::Keep, DOING, &mut tell).await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Changed, Gone, Same};
    use super::*;

    #[test]
    fn only_keys_that_are_all_as_they_were_tell_that_nothing_was_deleted() {
        let seen = |verdicts: &[(bool, Verdict)]| {
            let mut seen = Seen::default();
            verdicts.iter().for_each(|(is_session, verdict)| seen.note(*is_session, *verdict));
            seen.deleted()
        };
        assert_eq!(seen(&[]), None);
        assert_eq!(seen(&[(true, Same), (false, Same)]), Some(0));
        assert_eq!(seen(&[(true, Same), (true, Changed)]), None, "it may have been written again");
        assert_eq!(seen(&[(true, Same), (false, Gone)]), None, "a companion is gone");
        assert_eq!(seen(&[(true, Gone), (true, Changed), (true, Same)]), Some(1));
    }
}
