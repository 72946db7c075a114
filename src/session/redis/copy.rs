//! Copies the selected sessions into a backup: found by a listing, or by their names.

use super::choice::Choice;
use super::delete::{Task, grouped};
use super::keys::{Extent, GONE, KEYS, Key, Tally, portions};
use super::record::{Form, Moment, Record};
use super::server::{Node, Servers};
use super::sweep::Swept;
use super::{Redis, answer};
use crate::session::backup::{Encoding, Subject, Writer};
use crate::session::dialect::Part;
use crate::session::{Error, StoreKind};
use futures_util::TryStreamExt as _;
use redis::{Value, pipe};
use std::collections::HashSet;
use std::path::PathBuf;
use std::pin::pin;

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
                    if choice.is_all() {
                        self.copy_all(node, &mut writer, &mut written).await?;
                        continue;
                    }
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
        let mut keys = self.space.sort(node, names, Extent::Size, &mut written.tally, DOING).await?;
        if !choice.is_all() {
            keys = self.chosen(node, keys, choice).await?;
        }
        for keys in portions(&keys) {
            let records = self.read(node, keys).await?;
            if choice.is_all() {
                records.iter().try_for_each(|record| written.add(record, writer))?;
                continue;
            }
            // Judged once more after it was copied: a session that changed in between is another one, and one that
            // changes from now on is not as it was copied when it comes to the delete.
            let names = keys.iter().map(|key| key.name.clone()).collect();
            let again = self.space.sort(node, names, Extent::Size, &mut Tally::default(), DOING).await?;
            let again = self.chosen(node, again, choice).await?;
            let again: HashSet<&[u8]> = again.iter().map(|key| &*key.name).collect();
            for record in records.iter().filter(|record| again.contains(&*record.key)) {
                written.add(record, writer)?;
            }
        }
        Ok(())
    }

    /// Copies everything that one server has under the prefix: short texts as they are listed, the rest by questions of
    /// its own.
    async fn copy_all(
        &self,
        node: &mut Node,
        writer: &mut Writer,
        written: &mut Written,
    ) -> Result<(), Error> {
        let swept_from = node.clone();
        let mut sweep = pin!(self.space.sweep(&swept_from, Extent::Short, DOING));
        while let Some(Swept { at, keys, tally }) = sweep.try_next().await? {
            written.tally.add(tally);
            let at = at.ok_or_else(|| answer::nonsense(DOING))?;
            let mut rest = Vec::new();
            for mut key in keys {
                match key.text.take() {
                    Some(text) => {
                        let record = Record::new(key.part, key.name, at, key.ttl, Form::Text, text);
                        written.add(&record, writer)?;
                    }
                    None => rest.push(key),
                }
            }
            for keys in portions(&rest) {
                self.read(node, keys).await?.iter().try_for_each(|record| written.add(record, writer))?;
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
    async fn read(&self, node: &mut Node, keys: &[Key]) -> Result<Vec<Record>, Error> {
        let is_text = self.space.form.content.is_text() == Some(true);
        let form = |key: &Key| if is_text && key.part == Part::Session { Form::Text } else { Form::Dump };
        let mut pipe = pipe();
        for key in keys {
            let read = if form(key) == Form::Text { "GET" } else { "DUMP" };
            pipe.cmd(read).arg(&key.name).cmd("PTTL").arg(&key.name);
        }
        pipe.cmd("TIME");
        let mut answers = node.ask_all(DOING, &pipe).await?;
        let at = Moment::told(answers.pop(), DOING)?;
        let mut answers = answers.into_iter();
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            let (value, ttl) = match (answers.next(), answers.next()) {
                // It ended before the one question or the other.
                (Some(Value::Nil), Some(Value::Int(_))) | (Some(_), Some(Value::Int(GONE))) => continue,
                (Some(Value::BulkString(value)), Some(Value::Int(ttl))) => (value, ttl),
                // It is no session any more.
                (Some(Value::ServerError(error)), _) if answer::code(&error) == "WRONGTYPE" => continue,
                (Some(Value::ServerError(error)), _) | (_, Some(Value::ServerError(error))) => {
                    return Err(answer::refused(DOING, &error));
                }
                _ => return Err(answer::nonsense(DOING)),
            };
            records.push(Record::new(key.part, key.name.clone(), at, ttl, form(key), value));
        }
        Ok(records)
    }
}

impl Written {
    fn add(&mut self, record: &Record, writer: &mut Writer) -> Result<(), Error> {
        record.write(writer)?;
        self.records += 1;
        self.sessions += u64::from(record.is_session);
        Ok(())
    }
}
