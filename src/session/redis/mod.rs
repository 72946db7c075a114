//! Redis and Valkey: sessions are keys under a prefix, and there are no transactions over all of them.
//!
//! A deletion therefore backs its keys up first (value and time of their end), and then deletes each one only if it still
//! has that value, in a script on the server. What changed in between is backed up and deleted once more. As with
//! the other stores, connections on which something failed are closed.

mod answer;
mod choice;
mod copy;
mod delete;
mod detect;
mod keys;
mod listing;
mod newer;
mod packed;
mod payload;
mod pool;
mod record;
mod restore;
mod server;
mod settle;
mod sweep;
mod verdict;

use super::Options;
use super::dialect::{Content, Part, Roles, Unit};
use super::schema::{Column, Selected, Table, TableName};
use super::selection;
use super::store::within;
use super::url::RedisAddress;
use super::{Counts, Error, Selection};
pub(super) use choice::{no_marks, no_users};
pub(super) use delete::Emptied;
pub(super) use pool::RedisPool;

use choice::{Choice, Depth};
use futures_util::TryStreamExt as _;
use keys::{Extent, KeySpace, Tally};
use redis::cmd;
use server::{Opener, Servers};
use std::fmt;
use std::pin::pin;
use sweep::Swept;

const COUNTING: &str = "counting the sessions";

pub(super) struct Redis {
    opener: Opener,
    servers: Option<Servers>,
    space: KeySpace,
    selected: Selected,
    /// Where a payload says whose session it is.
    path: Option<Vec<String>>,
    /// A selection of this name was counted by what sessions told. When it is deleted, those that are left may tell nothing,
    /// and that is no reason to doubt the answer.
    told: Option<&'static str>,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("url", &self.opener.url).finish_non_exhaustive()
    }
}

impl Redis {
    pub(super) async fn connect(at: &RedisAddress, url: String, options: &Options) -> Result<Self, Error> {
        let opener = Opener::new(at, url, options)?;
        let mut servers = opener.open().await?;
        let choice = detect::choose(&mut servers, &opener.url, options);
        let (space, dialect) = within(opener.limits.statement, "looking for sessions", choice).await?;
        let column =
            |name: &str, data_type: &str| Column { name: name.to_owned(), data_type: data_type.to_owned() };
        let (token, expires) = (column("key", "key"), column("ttl", "milliseconds"));
        let roles = Roles { token, expires, unit: Unit::Milliseconds, user: None };
        let table = Table {
            name: TableName { schema: None, name: format!("{}*", String::from_utf8_lossy(&space.prefix)) },
            path_rank: None,
            special: None,
            is_partitioned: false,
            columns: vec![roles.token.clone(), roles.expires.clone(), column("value", "GET or DUMP")],
        };
        let selected = Selected { table, dialect, roles, lifetime_told: true };
        let path = options.user_path.as_deref();
        let path = path.map(|path| selection::path(&selected, path)).transpose()?;
        Ok(Self { opener, servers: Some(servers), space, selected, path, told: None })
    }

    pub(super) fn selected(&self) -> &Selected {
        &self.selected
    }

    /// Counts what SCAN lists. Redis hides expired keys, so only those can be expired that stay though their value says
    /// that they are over, and Spring's, whose hashes outlive the session by five minutes.
    pub(super) async fn counts(&mut self) -> Result<Counts, Error> {
        let mut servers = self.take().await?;
        let tally = within(self.opener.limits.purge, COUNTING, self.tally(&mut servers)).await?;
        self.servers = Some(servers);
        self.refuse_foreign(&tally)?;
        Ok(counts_of(&tally))
    }

    pub(super) async fn preflight(&mut self) -> Result<(), Error> {
        let mut servers = self.take().await?;
        let check = detect::preflight(&mut servers, &self.space, &self.opener.url);
        within(self.opener.limits.statement, "checking what this account may do", check).await?;
        self.servers = Some(servers);
        Ok(())
    }

    /// Counts the selected sessions.
    pub(super) async fn count(&mut self, selection: &Selection) -> Result<u64, Error> {
        if matches!(selection, Selection::All) {
            return Ok(self.counts().await?.total);
        }
        let mut choice = Choice::new(selection, self)?;
        let mut servers = self.take().await?;
        let work = self.count_chosen(&mut servers, &mut choice);
        let count = within(self.opener.limits.purge, COUNTING, work).await?;
        if choice.has_told() {
            self.told = Some(selection.name());
        }
        self.servers = Some(servers);
        Ok(count)
    }

    async fn count_chosen(&self, servers: &mut Servers, choice: &mut Choice<'_>) -> Result<u64, Error> {
        let (mut tally, mut count) = (Tally::default(), 0);
        let named = choice.names(self);
        let groups = named.as_ref().map(|names| delete::grouped(servers, names.clone(), |name| name));
        for (at, node) in servers.nodes.iter_mut().enumerate() {
            let mut cursor = Some("0".to_owned());
            while cursor.is_some() {
                let names = match &groups {
                    Some(groups) => {
                        cursor = None;
                        groups[at].clone()
                    }
                    None => self.space.scan(node, &mut cursor, COUNTING).await?,
                };
                let keys = self.space.sort(node, names, Extent::Size, &mut tally, COUNTING).await?;
                count += self.chosen(node, keys, choice).await?.len() as u64;
            }
        }
        self.refuse_foreign(&tally)?;
        choice.check(self)?;
        Ok(count)
    }

    async fn tally(&self, servers: &mut Servers) -> Result<Tally, Error> {
        let mut tally = Tally::default();
        for node in &mut servers.nodes {
            let swept_from = node.clone();
            let mut sweep = pin!(self.space.sweep(&swept_from, Extent::Head, COUNTING));
            while let Some(Swept { mut keys, tally: seen, .. }) = sweep.try_next().await? {
                tally.add(seen);
                // A string with a time to live is over when it is gone.
                keys.retain(|key| key.part == Part::Session && (key.is_hash || key.ttl < 0));
                if self.space.form.content.is_text() == Some(true) && !keys.is_empty() {
                    let names = keys.into_iter().map(|key| key.name).collect();
                    let again = &mut Tally::default();
                    keys = self.space.sort(node, names, Extent::Size, again, COUNTING).await?;
                }
                let seen = self.look(node, keys, Depth::End, COUNTING).await?;
                tally.expired += seen.iter().filter(|seen| seen.expired).count() as u64;
            }
        }
        Ok(tally)
    }

    /// What is no session under a prefix that should hold nothing else: the prefix or the form is wrong.
    fn refuse_foreign(&self, tally: &Tally) -> Result<(), Error> {
        let foreign = tally.foreign();
        if foreign == 0 || self.space.form.shared {
            return Ok(());
        }
        let kinds: Vec<String> =
            tally.foreign.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        Err(Error::ForeignKeys {
            prefix: self.selected.table.name.to_string(),
            dialect: self.selected.dialect.name,
            seen: tally.sessions + foreign,
            foreign,
            kinds: kinds.join(", "),
        })
    }

    /// The open connections, or new ones when they died meanwhile.
    async fn take(&mut self) -> Result<Servers, Error> {
        if let Some(mut servers) = self.servers.take() {
            let mut alive = true;
            for node in &mut servers.nodes {
                let ping = cmd("PING");
                let answer = node.ask("asking whether the server is there", &ping);
                alive &= matches!(tokio::time::timeout(self.opener.limits.connect, answer).await, Ok(Ok(_)));
            }
            if alive {
                return Ok(servers);
            }
        }
        self.opener.open().await
    }
}

fn counts_of(tally: &Tally) -> Counts {
    let total = tally.sessions;
    let hidden = if tally.alive > 0 { total.saturating_sub(tally.alive) } else { 0 };
    let expired = tally.expired.max(hidden);
    Counts { total, active: total - expired, expired, in_server_zone: None }
}
