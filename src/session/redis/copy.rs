//! Copies the selected sessions into a backup: found by a listing, or by their names.

use super::choice::Choice;
use super::delete::{Task, grouped};
use super::keys::{KEYS, Key, Tally, portions};
use super::record::Record;
use super::server::{Node, Servers};
use super::{Redis, answer};
use crate::session::backup::{Encoding, Subject, Writer};
use crate::session::dialect::Part;
use crate::session::{Error, StoreKind};
use redis::{Value, pipe};
use std::path::PathBuf;

const DOING: &str = "backing the sessions up";

/// A backup that is written.
pub(super) struct Written {
    pub(super) tally: Tally,
    records: u64,
    pub(super) sessions: u64,
    pub(super) path: Option<PathBuf>,
}

impl Redis {
    /// Backs the selected keys up, or these.
    pub(super) async fn back_up(
        &self,
        servers: &mut Servers,
        task: &Task<'_>,
        only: Option<Vec<Vec<u8>>>,
    ) -> Result<Written, Error> {
        let mut choice = Choice::new(task.selection, self)?;
        let subject = Subject {
            store: &self.opener.url,
            kind: StoreKind::Redis,
            dialect: self.selected.dialect.name,
            table: &self.selected.table,
            encoding: Encoding::RedisDump,
            selection: task.selection.name(),
            transaction: None,
        };
        let mut writer = Writer::create(task.spec, &subject)?;
        let mut written = Written { tally: Tally::default(), records: 0, sessions: 0, path: None };
        let limit = task.bounds.batch.filter(|_| !choice.is_all()).unwrap_or(u64::MAX);
        // In a later round the keys are known that are left.
        let again = only.is_some();
        match only.or_else(|| choice.names(self)) {
            Some(names) => {
                for (at, names) in grouped(servers, names, |name| name).into_iter().enumerate() {
                    for names in names.chunks(KEYS) {
                        let node = &mut servers.nodes[at];
                        self.copy(node, names.to_vec(), &mut choice, &mut writer, &mut written).await?;
                    }
                }
            }
            None => {
                for node in &mut servers.nodes {
                    let mut cursor = Some("0".to_owned());
                    while cursor.is_some() && written.sessions < limit {
                        let names = self.space.scan(node, &mut cursor, DOING).await?;
                        self.copy(node, names, &mut choice, &mut writer, &mut written).await?;
                    }
                }
            }
        }
        self.refuse_foreign(&written.tally)?;
        if !again {
            choice.check(self)?;
        }
        if written.records > 0 {
            written.path = Some(writer.finish(written.sessions)?.keep());
        }
        Ok(written)
    }

    /// Copies those of the keys that are meant, and what goes with them.
    async fn copy(
        &self,
        node: &mut Node,
        names: Vec<Vec<u8>>,
        choice: &mut Choice<'_>,
        writer: &mut Writer,
        written: &mut Written,
    ) -> Result<(), Error> {
        let keys = self.space.sort(node, names, &mut written.tally, DOING).await?;
        let keys = if choice.is_all() { keys } else { self.chosen(node, keys, choice).await? };
        let mut kept = Vec::new();
        for keys in portions(&keys) {
            let records = self.dump(node, keys).await?;
            if choice.is_all() {
                kept = records;
            } else {
                // Judged once more after it was copied: a session that changed in between is another one, and one that
                // changes from now on is not as it was copied when it comes to the delete.
                let again = self.space.sort(node, names_of(keys), &mut Tally::default(), DOING).await?;
                let again = names_of(&self.chosen(node, again, choice).await?);
                kept.extend(records.into_iter().filter(|record| again.contains(&record.key)));
            }
            for record in kept.drain(..) {
                record.write(writer)?;
                written.records += 1;
                written.sessions += u64::from(record.is_session);
            }
        }
        Ok(())
    }

    /// Those of the keys that are sessions which are meant.
    pub(super) async fn chosen(
        &self,
        node: &mut Node,
        mut keys: Vec<Key>,
        choice: &mut Choice<'_>,
    ) -> Result<Vec<Key>, Error> {
        keys.retain(|key| key.part == Part::Session);
        let mut seen = self.look(node, keys, choice.depth(), DOING).await?;
        seen.retain(|seen| choice.takes(seen, self.id(&seen.key)));
        Ok(seen.into_iter().map(|seen| seen.key).collect())
    }

    /// The values of keys with the time that they have left; those that are gone are in none.
    async fn dump(&self, node: &mut Node, keys: &[Key]) -> Result<Vec<Record>, Error> {
        let now = node.now(DOING).await?;
        let mut pipe = pipe();
        for key in keys {
            pipe.cmd("DUMP").arg(&key.name).cmd("PTTL").arg(&key.name);
        }
        let mut answers = node.ask_all(DOING, &pipe).await?.into_iter();
        let mut records = Vec::with_capacity(keys.len());
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
            records.push(Record::new(key.part, key.name.clone(), ends, dump));
        }
        Ok(records)
    }
}

fn names_of(keys: &[Key]) -> Vec<Vec<u8>> {
    keys.iter().map(|key| key.name.clone()).collect()
}
