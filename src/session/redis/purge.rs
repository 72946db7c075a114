//! Backs every session up, then deletes those that still are as they were backed up.
//!
//! The comparison and the delete are one script on the server, so that a session that the application rewrites is
//! never deleted without its backup. Those are taken once more, into a backup of their own, a few times over.

use super::answer;
use super::keys::{Key, Tally};
use super::record::{Record, Records};
use super::server::{Node, Servers};
use super::{Redis, counts_of};
use crate::session::backup::{self, BackupInfo, BackupSpec, Encoding, Reader, Subject, Writer};
use crate::session::dialect::Part;
use crate::session::store::within;
use crate::session::{BackupKey, Counts, Error, Settled, StoreKind};
use redis::{Value, pipe};
use std::path::{Path, PathBuf};

const DOING: &str = "purging the sessions";

/// How often sessions are taken that were rewritten between backup and delete.
const ROUNDS: u32 = 5;

/// How much is asked for at once: keys, and bytes of their values.
const KEYS: usize = 500;
const BYTES: usize = 4 * 1024 * 1024;

/// How many keys one script deletes: short enough to keep nobody waiting.
const SCRIPT_KEYS: usize = 200;

/// One letter a key: deleted, changed, or gone already.
const DELETE: &str = "
local out = {}
for i, key in ipairs(KEYS) do
  local dump = redis.call('DUMP', key)
  if not dump then
    out[i] = 'g'
  elseif redis.sha1hex(dump) == ARGV[i] then
    redis.call('UNLINK', key)
    out[i] = 'd'
  else
    out[i] = 'c'
  end
end
return table.concat(out)";

/// What a purge of Redis did.
pub(in crate::session) struct Emptied {
    /// What its first listing saw.
    pub(in crate::session) before: Counts,
    /// The sessions that are gone: deleted, or ended by themselves after they were backed up.
    pub(in crate::session) deleted: u64,
    /// One of each round: sessions that were rewritten meanwhile are in later ones.
    pub(in crate::session) backups: Vec<BackupInfo>,
}

/// What one round did.
struct Round {
    tally: Tally,
    deleted: u64,
    changed: Vec<Vec<u8>>,
    backup: Option<BackupInfo>,
}

/// A backup that is written.
struct Written {
    tally: Tally,
    records: u64,
    sessions: u64,
    path: Option<PathBuf>,
}

/// What became of the keys of a backup.
#[derive(Default)]
struct Fate {
    deleted: u64,
    /// Sessions and companions that are gone.
    gone: u64,
    changed: Vec<Vec<u8>>,
}

impl Redis {
    pub(in crate::session) async fn purge(&mut self, spec: &BackupSpec<'_>) -> Result<Emptied, Error> {
        let mut servers = self.take().await?;
        let emptied = within(self.opener.limits.purge, DOING, self.empty(&mut servers, spec)).await?;
        self.servers = Some(servers);
        Ok(emptied)
    }

    async fn empty(&self, servers: &mut Servers, spec: &BackupSpec<'_>) -> Result<Emptied, Error> {
        let first = self.round(servers, spec, None).await?;
        let mut emptied = Emptied {
            before: counts_of(&first.tally),
            deleted: first.deleted,
            backups: first.backup.into_iter().collect(),
        };
        let mut changed = first.changed;
        for _ in 1..ROUNDS {
            if changed.is_empty() {
                break;
            }
            let round = self.round(servers, spec, Some(changed)).await?;
            emptied.deleted += round.deleted;
            emptied.backups.extend(round.backup);
            changed = round.changed;
        }
        Ok(emptied)
    }

    /// Backs all keys up, or these, and deletes them. On an error nothing is deleted that is in no backup.
    async fn round(
        &self,
        servers: &mut Servers,
        spec: &BackupSpec<'_>,
        only: Option<Vec<Vec<u8>>>,
    ) -> Result<Round, Error> {
        let written = self.back_up(servers, spec, only).await?;
        let Some(path) = written.path else {
            return Ok(Round { tally: written.tally, deleted: 0, changed: Vec::new(), backup: None });
        };
        let mut fate = Fate::default();
        if let Err(error) = self.delete(servers, &path, spec.key, &mut fate).await {
            return Err(self.stopped(servers, &path, spec.key, written.sessions, error).await);
        }
        let backup = if fate.gone == 0 {
            backup::discard(&path);
            None
        } else {
            Some(backup::committed(&path)?)
        };
        Ok(Round { tally: written.tally, deleted: fate.deleted, changed: fate.changed, backup })
    }

    async fn back_up(
        &self,
        servers: &mut Servers,
        spec: &BackupSpec<'_>,
        only: Option<Vec<Vec<u8>>>,
    ) -> Result<Written, Error> {
        let subject = Subject {
            store: &self.opener.url,
            kind: StoreKind::Redis,
            dialect: self.selected.dialect.name,
            table: &self.selected.table,
            encoding: Encoding::RedisDump,
            selection: "all",
            transaction: None,
        };
        let mut writer = Writer::create(spec, &subject)?;
        let mut written = Written { tally: Tally::default(), records: 0, sessions: 0, path: None };
        match only {
            Some(names) => {
                for (at, names) in grouped(servers, names, |name| name).into_iter().enumerate() {
                    for names in names.chunks(KEYS) {
                        self.copy(&mut servers.nodes[at], names.to_vec(), &mut writer, &mut written).await?;
                    }
                }
            }
            None => {
                for node in &mut servers.nodes {
                    let mut cursor = Some("0".to_owned());
                    while cursor.is_some() {
                        let names = self.space.scan(node, &mut cursor, DOING).await?;
                        self.copy(node, names, &mut writer, &mut written).await?;
                    }
                }
            }
        }
        self.refuse_foreign(&written.tally)?;
        if written.records > 0 {
            written.path = Some(writer.finish(written.sessions, spec.key)?.keep());
        }
        Ok(written)
    }

    /// Copies those of the keys that are sessions or go with them.
    async fn copy(
        &self,
        node: &mut Node,
        names: Vec<Vec<u8>>,
        writer: &mut Writer,
        written: &mut Written,
    ) -> Result<(), Error> {
        let keys = self.space.sort(node, names, &mut written.tally, DOING).await?;
        for keys in portions(&keys) {
            let now = node.now(DOING).await?;
            let mut pipe = pipe();
            for key in keys {
                pipe.cmd("DUMP").arg(&key.name).cmd("PTTL").arg(&key.name);
            }
            let mut answers = node.ask_all(DOING, &pipe).await?.into_iter();
            for key in keys {
                let (dump, ttl) = match (answers.next(), answers.next()) {
                    (Some(Value::BulkString(dump)), Some(Value::Int(ttl))) => (dump, ttl),
                    // It ended between the two questions.
                    (Some(Value::Nil), Some(Value::Int(_))) => continue,
                    (Some(Value::ServerError(error)), _) | (_, Some(Value::ServerError(error))) => {
                        return Err(answer::refused(DOING, &error));
                    }
                    _ => return Err(answer::nonsense(DOING)),
                };
                let ends = (ttl >= 0).then_some(now + ttl);
                Record::new(key.part, key.name.clone(), ends, dump).write(writer)?;
                written.records += 1;
                written.sessions += u64::from(key.part == Part::Session);
            }
        }
        Ok(())
    }

    /// Deletes what is in the backup and still has that value.
    async fn delete(
        &self,
        servers: &mut Servers,
        path: &Path,
        key: &BackupKey,
        fate: &mut Fate,
    ) -> Result<(), Error> {
        let mut records = Records::new(Reader::open(path, key)?)?;
        loop {
            let batch = records.batch(SCRIPT_KEYS, BYTES)?;
            if batch.is_empty() {
                return Ok(());
            }
            // In a cluster the keys of one script must share a slot, so each gets its own.
            let at_once = if servers.is_cluster { 1 } else { SCRIPT_KEYS };
            for (at, batch) in grouped(servers, batch, |record| &record.key).into_iter().enumerate() {
                let mut pipe = pipe();
                for records in batch.chunks(at_once) {
                    let command = pipe.cmd("EVAL").arg(DELETE).arg(records.len());
                    for record in records {
                        command.arg(&record.key);
                    }
                    for record in records {
                        command.arg(record.digest());
                    }
                }
                let answers = servers.nodes[at].ask_all(DOING, &pipe).await?;
                for (records, answer) in batch.chunks(at_once).zip(answers) {
                    fate.note(records, &answer)?;
                }
            }
        }
    }

    /// Says how far a delete came that failed.
    async fn stopped(
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
                Error::Partial { read, deleted, backup, cause: Box::new(cause) }
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

impl Fate {
    fn note(&mut self, records: &[Record], answer: &Value) -> Result<(), Error> {
        let letters = match answer {
            Value::BulkString(letters) if letters.len() == records.len() => letters,
            Value::ServerError(error) => return Err(answer::refused(DOING, error)),
            _ => return Err(answer::nonsense(DOING)),
        };
        for (record, letter) in records.iter().zip(letters) {
            if *letter == b'c' {
                self.changed.push(record.key.clone());
            } else {
                self.gone += 1;
                self.deleted += u64::from(record.is_session);
            }
        }
        Ok(())
    }
}

/// Keys whose values together are no more than is asked for at once.
fn portions(keys: &[Key]) -> Vec<&[Key]> {
    let (mut portions, mut from, mut size) = (Vec::new(), 0, 0);
    for (at, key) in keys.iter().enumerate() {
        if at > from && (at - from >= KEYS || size + key.size > BYTES) {
            portions.push(&keys[from..at]);
            (from, size) = (at, 0);
        }
        size += key.size;
    }
    if from < keys.len() {
        portions.push(&keys[from..]);
    }
    portions
}

/// What belongs to each server.
pub(super) fn grouped<T>(servers: &mut Servers, items: Vec<T>, key: impl Fn(&T) -> &Vec<u8>) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = servers.nodes.iter().map(|_| Vec::new()).collect();
    for item in items {
        let at = servers.of(key(&item));
        groups[at].push(item);
    }
    groups
}
