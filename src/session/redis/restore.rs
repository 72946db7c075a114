//! Puts the keys of a backup back, with the time that they have left.
//!
//! A key that exists is never touched, and one whose time has come stays dead. There is no transaction: after an
//! error a second restore goes on, since it skips what the first one put back.
//!
//! A session that was rewritten while it was purged is in two backups, of one purge or of two at once. It comes back from the one
//! that read it last, whatever the order in which they are restored.

use super::delete::grouped;
use super::newer::Newer;
use super::record::{Form, Record, Records};
use super::server::{Node, Servers};
use super::{Redis, answer};
use crate::session::backup::Reader;
use crate::session::restore::PutBack;
use crate::session::store::within;
use crate::session::{BackupKey, Error};
use redis::{Value, pipe};
use std::collections::BTreeSet;
use std::path::Path;

const DOING: &str = "restoring the sessions";

impl Redis {
    /// Gives the sessions that are back, and those that are left to newer backups.
    pub(in crate::session) async fn restore(
        &mut self,
        reader: Reader,
        path: &Path,
        key: &BackupKey,
    ) -> Result<PutBack, Error> {
        let newer = Newer::than(path, key)?;
        let mut servers = self.take().await?;
        let work = put_back(&mut servers, reader, path, &newer);
        let (restored, superseded, from) = within(self.opener.limits.purge, DOING, work).await?;
        self.servers = Some(servers);
        Ok(PutBack { restored, superseded, newer: newer.named(&from) })
    }
}

async fn put_back(
    servers: &mut Servers,
    reader: Reader,
    path: &Path,
    newer: &Newer,
) -> Result<(u64, u64, BTreeSet<usize>), Error> {
    let mut records = Records::new(reader)?;
    let (mut restored, mut superseded, mut from) = (0, 0, BTreeSet::new());
    loop {
        let mut batch = records.batch(500, 4 * 1024 * 1024)?;
        if batch.is_empty() {
            return Ok((restored, superseded, from));
        }
        batch.retain(|record| {
            let holder = newer.holder(record);
            from.extend(holder);
            superseded += u64::from(holder.is_some() && record.is_session);
            holder.is_none()
        });
        for (at, batch) in grouped(servers, batch, |record| &record.key).into_iter().enumerate() {
            restored += write(&mut servers.nodes[at], batch, path).await?;
        }
    }
}

async fn write(node: &mut Node, mut batch: Vec<Record>, path: &Path) -> Result<u64, Error> {
    let now = node.now(DOING).await?;
    batch.retain(|record| record.ends.is_none_or(|ends| ends > now));
    let mut pipe = pipe();
    for record in &batch {
        let left = record.ends.map(|ends| ends - now);
        match record.form {
            Form::Dump => {
                pipe.cmd("RESTORE").arg(&record.key).arg(left.unwrap_or(0)).arg(&record.value);
            }
            Form::Text => {
                let set = pipe.cmd("SET").arg(&record.key).arg(&record.value).arg("NX");
                left.map(|left| set.arg("PX").arg(left));
            }
        }
    }
    let mut restored = 0;
    for (record, answer) in batch.iter().zip(node.ask_all(DOING, &pipe).await?) {
        match answer {
            Value::Nil => {}
            Value::ServerError(error) if answer::code(&error) == "BUSYKEY" => {}
            Value::ServerError(error)
                if error.details().is_some_and(|text| text.contains("DUMP payload")) =>
            {
                let reason = "the server is older than the one that it was made on".to_owned();
                return Err(Error::Backup { path: path.to_owned(), reason });
            }
            Value::ServerError(error) => return Err(answer::refused(DOING, &error)),
            _ => restored += u64::from(record.is_session),
        }
    }
    Ok(restored)
}
