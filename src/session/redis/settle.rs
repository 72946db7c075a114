//! Finds out how a deletion ended that nobody saw the end of: by which keys of its backup are gone.

use super::delete::grouped;
use super::keys::{BYTES, KEYS};
use super::record::Records;
use super::server::Servers;
use super::{Redis, answer};
use crate::session::backup::{self, BackupInfo, Reader};
use crate::session::store::within;
use crate::session::{BackupKey, Error, Settled};
use redis::{Value, pipe};
use std::path::Path;

impl Redis {
    /// Says how far a delete came that failed.
    pub(super) async fn stopped(
        &self,
        servers: &mut Servers,
        path: &Path,
        key: &BackupKey,
        read: u64,
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
            Ok(Some(0)) => {
                backup::discard(path);
                cause
            }
            Ok(Some(deleted)) => {
                let backup = backup::committed(path).map_or_else(|_| path.to_owned(), |info| info.path);
                Error::Partial { read, deleted, backups: vec![backup], cause: Box::new(cause) }
            }
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
        let deleted =
            within(self.opener.limits.purge, "looking for sessions", self.look_up(&mut servers, path, key))
                .await?;
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

    /// How many sessions of a backup are gone before their time; `None` when the time of all has come.
    async fn look_up(
        &self,
        servers: &mut Servers,
        path: &Path,
        key: &BackupKey,
    ) -> Result<Option<u64>, Error> {
        let doing = "looking for sessions";
        let mut records = Records::new(Reader::open(path, key)?)?;
        let (mut gone, mut looked_at) = (0, false);
        loop {
            let batch = records.batch(KEYS, BYTES)?;
            if batch.is_empty() {
                return Ok(looked_at.then_some(gone));
            }
            for (at, mut batch) in grouped(servers, batch, |record| &record.key).into_iter().enumerate() {
                let node = &mut servers.nodes[at];
                let now = node.now(doing).await?;
                batch.retain(|record| record.ends.is_none_or(|ends| ends > now + 1000));
                let mut pipe = pipe();
                for record in &batch {
                    pipe.cmd("EXISTS").arg(&record.key);
                }
                for (record, answer) in batch.iter().zip(node.ask_all(doing, &pipe).await?) {
                    looked_at = true;
                    gone += u64::from(record.is_session && answer == Value::Int(0));
                }
            }
        }
    }
}
