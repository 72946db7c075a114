//! Lists and facts on Redis: one pass over all keys, in memory for one page.

use super::choice::{Choice, Depth, Seen};
use super::keys::{Extent, Tally};
use super::server::{Node, Servers};
use super::{Redis, answer, counts_of};
use crate::secret::Secret;
use crate::session::dialect::Part;
use crate::session::listing::Tokens;
use crate::session::store::within;
use crate::session::{Error, Facts, ListQuery, Listed, Origin, Page, Selection, Sort, UserFacts};
use jiff::{SignedDuration, Timestamp};
use redis::{Value, pipe};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

const DOING: &str = "reading the sessions";

/// How many sessions of a list are kept at most while it is sorted.
const KEPT: usize = 1_000_000;

const HOUR: i64 = 3_600_000;

impl Redis {
    pub(in crate::session) async fn page(&mut self, query: &ListQuery) -> Result<Page, Error> {
        let kept = usize::try_from(query.offset).unwrap_or(usize::MAX).saturating_add(query.limit as usize);
        if kept > KEPT {
            let what = format!("a page that begins after {KEPT} sessions: keys have no order of their own");
            return Err(Error::Unsupported { what });
        }
        if query.sort != Sort::Expires {
            let what = "a list that is not sorted by what expires next".to_owned();
            return Err(Error::Unsupported { what });
        }
        let mut list = List { kept, total: 0, found: Vec::new() };
        let users = query.user.clone().map_or(Selection::All, |user| Selection::Users(vec![user]));
        let mut choice = Choice::new(&users, self)?;
        let depth = if choice.is_all() { Depth::End } else { Depth::Whole };
        let mut add = |this: &Self, seen: Seen, now: i64| {
            if choice.takes(&seen, this.id(&seen.key)) && fits(query, &seen, now) {
                list.add(seen, now);
            }
            None
        };
        self.each(depth, &mut add).await?;
        choice.check(self)?;
        let total = list.total;
        let sessions = self.told(list.page(query)).await?;
        Ok(Page { total, sessions })
    }

    /// The sessions of a page with all that they tell.
    async fn told(&mut self, page: Vec<Entry>) -> Result<Vec<Listed>, Error> {
        let mut servers = self.take().await?;
        let mut sessions = Vec::with_capacity(page.len());
        for entry in page {
            let at = servers.of(&entry.seen.key.name);
            let seen = self.look(&mut servers.nodes[at], vec![entry.seen.key], Depth::Whole, DOING).await?;
            let time = |millis: i64| Timestamp::from_millisecond(millis).ok();
            for seen in seen {
                sessions.push(Listed {
                    token: Secret::from(self.id(&seen.key).to_vec()),
                    user: seen.told.user,
                    expires: entry.ends.and_then(time),
                    created: seen.told.created.and_then(time),
                    active: !seen.expired,
                    origin: Origin::default(),
                });
            }
        }
        self.servers = Some(servers);
        Ok(sessions)
    }

    pub(in crate::session) async fn facts(&mut self, soon: SignedDuration) -> Result<Facts, Error> {
        let soon = i64::try_from(soon.as_millis()).unwrap_or(i64::MAX);
        let knows_users = self.knows_users();
        let (mut expiring_soon, mut hour, mut day, mut dated) = (0, 0, 0, false);
        // Users are kept as hashes, so that many cost little.
        let (hasher, mut users) = (RandomState::new(), HashMap::<u64, u64>::new());
        let mut add = |_: &Self, seen: Seen, now: i64| {
            if !seen.expired {
                let ends = ends(&seen, now);
                expiring_soon += u64::from(ends.is_some_and(|ends| ends <= now.saturating_add(soon)));
                if let Some(user) = &seen.told.user {
                    *users.entry(hasher.hash_one(user)).or_default() += 1;
                }
            }
            if let Some(created) = seen.told.created {
                dated = true;
                hour += u64::from(created > now - HOUR);
                day += u64::from(created > now - 24 * HOUR);
            }
            Some(seen)
        };
        let (tally, bytes) = self.each(Depth::Whole, &mut add).await?;
        Ok(Facts {
            counts: counts_of(&tally),
            expiring_soon,
            made_last_hour: dated.then_some(hour),
            made_last_day: dated.then_some(day),
            users: knows_users.then(|| UserFacts {
                sessions: users.values().sum(),
                users: users.len() as u64,
                most: users.values().copied().max().unwrap_or_default(),
            }),
            // No framework keeps addresses in a session's value.
            networks: None,
            growth: None,
            // A key is there once.
            duplicate_tokens: 0,
            duplicate_rows: 0,
            shared_tokens: Some(0),
            orphaned: None,
            orphans_untold: None,
            replays: None,
            token_is_unique: true,
            bytes,
        })
    }

    /// The ids that a test fits.
    pub(in crate::session) async fn find_tokens(
        &mut self,
        fits: &dyn Fn(&Secret) -> bool,
    ) -> Result<Vec<Secret>, Error> {
        let mut tokens = Tokens::new(fits);
        let mut add = |this: &Self, seen: Seen, _: i64| {
            tokens.add(this.id(&seen.key));
            None
        };
        self.each(Depth::End, &mut add).await?;
        Ok(tokens.found())
    }

    /// Hands every session over; the memory is asked for of those that come back. SCAN may name a key twice while the
    /// server's table shrinks.
    async fn each(
        &mut self,
        depth: Depth,
        add: &mut dyn FnMut(&Self, Seen, i64) -> Option<Seen>,
    ) -> Result<(Tally, u64), Error> {
        let mut servers = self.take().await?;
        let work = self.each_of(&mut servers, depth, add);
        let (tally, bytes) = within(self.opener.limits.purge, DOING, work).await?;
        self.servers = Some(servers);
        self.refuse_foreign(&tally)?;
        Ok((tally, bytes))
    }

    async fn each_of(
        &self,
        servers: &mut Servers,
        depth: Depth,
        add: &mut dyn FnMut(&Self, Seen, i64) -> Option<Seen>,
    ) -> Result<(Tally, u64), Error> {
        let (mut tally, mut bytes) = (Tally::default(), 0);
        for node in &mut servers.nodes {
            let mut cursor = Some("0".to_owned());
            while cursor.is_some() {
                let names = self.space.scan(node, &mut cursor, DOING).await?;
                let mut keys = self.space.sort(node, names, Extent::Size, &mut tally, DOING).await?;
                keys.retain(|key| key.part == Part::Session);
                let now = node.now(DOING).await?;
                let seen = self.look(node, keys, depth, DOING).await?;
                tally.expired += seen.iter().filter(|seen| seen.expired).count() as u64;
                let back: Vec<Seen> = seen.into_iter().filter_map(|seen| add(self, seen, now)).collect();
                bytes += memory(node, &back).await?;
            }
        }
        Ok((tally, bytes))
    }
}

/// What keys take in the server's memory.
async fn memory(node: &mut Node, sessions: &[Seen]) -> Result<u64, Error> {
    let mut pipe = pipe();
    for seen in sessions {
        pipe.cmd("MEMORY").arg("USAGE").arg(&seen.key.name);
    }
    let mut bytes = 0;
    for answer in node.ask_all(DOING, &pipe).await? {
        match answer {
            Value::Int(size) => bytes += size.unsigned_abs(),
            Value::Nil => {}
            Value::ServerError(error) => return Err(answer::refused(DOING, &error)),
            _ => return Err(answer::nonsense(DOING)),
        }
    }
    Ok(bytes)
}

/// When a session ends: by what it tells where its key outlives it, else by the time that its key has left.
fn ends(seen: &Seen, now: i64) -> Option<i64> {
    if seen.key.ttl < 0 || seen.key.is_hash {
        return seen.told.ends;
    }
    Some(now.saturating_add(seen.key.ttl))
}

fn fits(query: &ListQuery, seen: &Seen, now: i64) -> bool {
    let soon = query.expiring_within.is_none_or(|within| {
        let within = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        !seen.expired && ends(seen, now).is_some_and(|ends| ends <= now.saturating_add(within))
    });
    soon && query.active.is_none_or(|active| active != seen.expired)
}

/// A session of a list, and when it ends.
struct Entry {
    ends: Option<i64>,
    seen: Seen,
}

/// The sessions that end first.
struct List {
    kept: usize,
    total: u64,
    found: Vec<Entry>,
}

impl List {
    fn add(&mut self, seen: Seen, now: i64) {
        self.total += 1;
        self.found.push(Entry { ends: ends(&seen, now), seen });
        if self.found.len() > 2 * self.kept + 1000 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        // What never ends comes last.
        self.found.sort_by(|a, b| {
            let key = |entry: &Entry| (entry.ends.is_none(), entry.ends);
            key(a).cmp(&key(b)).then_with(|| a.seen.key.name.cmp(&b.seen.key.name))
        });
        self.found.truncate(self.kept);
    }

    fn page(mut self, query: &ListQuery) -> Vec<Entry> {
        self.cut();
        self.found.split_off(self.found.len().min(usize::try_from(query.offset).unwrap_or(usize::MAX)))
    }
}
