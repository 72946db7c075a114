//! Which sessions are meant: each one is looked at, since Redis knows no conditions.

use super::Redis;
use super::keys::Key;
use super::payload::{FIELDS, Told};
use super::server::Node;
use super::{answer, keys};
use crate::session::dialect::{Content, Family, Part};
use crate::session::{Error, Selection, StoreKind};
use redis::{Value, pipe};

/// A session with what it tells.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) key: Key,
    pub(super) told: Told,
    /// Whether its end is past, though its key is there.
    pub(super) expired: bool,
}

/// How much is read of each session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// What tells whether it is over.
    End,
    /// All that it tells.
    Whole,
}

/// A selection, and how many sessions told what it asks for.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    selection: &'a Selection,
    looked_at: u64,
    told: u64,
}

impl<'a> Choice<'a> {
    /// Refuses what has no meaning here, or nothing to go by.
    pub(super) fn new(selection: &'a Selection, store: &Redis) -> Result<Self, Error> {
        let impossible =
            |what, reason, hint| Err(Error::Impossible { what, kind: StoreKind::Redis, reason, hint });
        match selection {
            Selection::Duplicates => {
                return impossible(
                    "duplicates",
                    "a key is there once, so no two sessions have one token",
                    None,
                );
            }
            Selection::Orphans(_) | Selection::Disabled(_) => return Err(no_users()),
            Selection::From(_) | Selection::Marked(..) => return Err(no_marks()),
            Selection::Users(_) if !store.knows_users() => {
                return Err(store.lacks("no place for the user's id that is known; say with --user-path where the payload holds it"));
            }
            _ => {}
        }
        Ok(Self { selection, looked_at: 0, told: 0 })
    }

    pub(super) fn is_all(&self) -> bool {
        matches!(self.selection, Selection::All)
    }

    pub(super) fn depth(&self) -> Depth {
        match self.selection {
            Selection::Users(_) | Selection::Before(_) | Selection::Idle(_) => Depth::Whole,
            _ => Depth::End,
        }
    }

    /// Whether a session is one of those that are meant.
    pub(super) fn takes(&mut self, seen: &Seen, id: &[u8]) -> bool {
        let by = |time: Option<i64>, until: jiff::Timestamp| time.map(|time| time <= until.as_millisecond());
        let taken = match self.selection {
            Selection::Tokens(tokens) => Some(tokens.iter().any(|token| token.expose() == id)),
            Selection::Users(ids) => seen.told.user.as_ref().map(|user| ids.contains(user)),
            // A key with a time to live ends by itself, so its end is told.
            Selection::Expired => {
                let ends_by_itself = !seen.key.is_hash && seen.key.ttl >= 0;
                (ends_by_itself || seen.told.ends.is_some()).then_some(seen.expired)
            }
            Selection::Before(time) => by(seen.told.created, *time),
            Selection::Idle(time) => by(seen.told.used, *time),
            _ => Some(true),
        };
        self.looked_at += 1;
        self.told += u64::from(taken.is_some());
        taken.unwrap_or_default()
    }

    /// Whether a session told what was asked for.
    pub(super) fn has_told(&self) -> bool {
        self.told > 0
    }

    /// Refuses an answer that rests on nothing: not one session told what was asked for.
    pub(super) fn check(&self, store: &Redis) -> Result<(), Error> {
        if self.has_told() || self.looked_at == 0 || store.told == Some(self.selection.name()) {
            return Ok(());
        }
        let what = match self.selection {
            Selection::Users(_) => {
                "whose it is, where its framework keeps that or at the path that was named"
            }
            Selection::Expired => "when it ends, by a time to live or in its payload",
            Selection::Before(_) => "when it was made",
            _ => {
                "when it was last used, and the server's own clock for that starts anew with each look at a key"
            }
        };
        Err(store.lacks(&format!("{} sessions, and none tells {what}", self.looked_at)))
    }

    /// The names of the keys, where the selection itself tells them.
    pub(super) fn names(&self, store: &Redis) -> Option<Vec<Vec<u8>>> {
        let Selection::Tokens(tokens) = self.selection else { return None };
        let name =
            |token: &crate::secret::Secret| [&store.space.prefix, store.inner(), token.expose()].concat();
        // What cannot be the name of a session is none.
        let is_session =
            |name: &Vec<u8>| store.space.form.family.part(&name[store.space.prefix.len()..]) == Part::Session;
        Some(tokens.iter().map(name).filter(is_session).collect())
    }
}

/// A payload has no usual place for these.
pub(in crate::session) fn no_marks() -> Error {
    Error::Impossible {
        what: "from where a session is used",
        kind: StoreKind::Redis,
        reason: "no framework keeps addresses or devices in a session's value",
        hint: None,
    }
}

/// The users are not here.
pub(in crate::session) fn no_users() -> Error {
    Error::Impossible {
        what: "whose user is gone",
        kind: StoreKind::Redis,
        reason: "the users are in another store",
        hint: Some(
            "look there for the users who are gone, and end their sessions here with `unleak sessions user ID… --user-path PATH`",
        ),
    }
}

impl Redis {
    /// Whether there is a place for the user: named, or the framework's own.
    pub(super) fn knows_users(&self) -> bool {
        self.path.is_some() || self.is_spring() || self.space.form.content.is_packed()
    }

    pub(super) fn is_spring(&self) -> bool {
        matches!(self.space.form.family, Family::Spring)
    }

    /// What stands between the prefix and a session's id.
    pub(super) fn inner(&self) -> &'static [u8] {
        if self.is_spring() { b"sessions:" } else { b"" }
    }

    /// A session's id, as its cookie has it.
    pub(super) fn id<'k>(&self, key: &'k Key) -> &'k [u8] {
        key.name.get(self.space.prefix.len() + self.inner().len()..).unwrap_or_default()
    }

    pub(super) fn lacks(&self, what: &str) -> Error {
        Error::Column { table: self.selected.table.name.to_string(), reason: format!("it has {what}") }
    }

    /// Reads so much of sessions. Those that are gone meanwhile are in none.
    pub(super) async fn look(
        &self,
        node: &mut Node,
        sessions: Vec<Key>,
        depth: Depth,
        doing: &'static str,
    ) -> Result<Vec<Seen>, Error> {
        let mut seen = Vec::with_capacity(sessions.len());
        let mut rest = sessions;
        while !rest.is_empty() {
            let many = keys::portions(&rest).first().map_or(rest.len(), |portion| portion.len());
            let later = rest.split_off(many);
            seen.extend(self.look_at_once(node, rest, depth, doing).await?);
            rest = later;
        }
        Ok(seen)
    }

    async fn look_at_once(
        &self,
        node: &mut Node,
        sessions: Vec<Key>,
        depth: Depth,
        doing: &'static str,
    ) -> Result<Vec<Seen>, Error> {
        let wanted = |key: &Key| match self.space.form.content {
            Content::Hash => Ask::Fields,
            Content::TextOrHash if key.is_hash => Ask::Nothing,
            _ if depth == Depth::Whole => Ask::Text,
            Content::ExpressJson | Content::TextOrHash if key.ttl < 0 => Ask::Text,
            _ => Ask::Nothing,
        };
        let mut pipe = pipe();
        for key in &sessions {
            match wanted(key) {
                Ask::Fields => drop(pipe.cmd("HMGET").arg(&key.name).arg(&FIELDS)),
                Ask::Text => drop(pipe.cmd("GET").arg(&key.name)),
                Ask::Nothing => {}
            }
        }
        let now = if pipe.is_empty() { 0 } else { node.now(doing).await? };
        let mut answers = node.ask_all(doing, &pipe).await?.into_iter();
        let mut seen = Vec::with_capacity(sessions.len());
        for key in sessions {
            let told = match wanted(&key) {
                Ask::Nothing => Told::default(),
                Ask::Fields => match answers.next() {
                    Some(Value::Array(fields)) => Told::by_fields(&fields),
                    other => refused(other, doing)?,
                },
                Ask::Text => match answers.next() {
                    Some(Value::BulkString(value)) => Told::by_text(&value, self.path.as_deref()),
                    other => refused(other, doing)?,
                },
            };
            let over = told.ends.is_some_and(|ends| ends <= now);
            // What a string's payload says is older than the time to live that the application gives it again.
            let expired = over && (key.is_hash || key.ttl < 0);
            seen.push(Seen { key, told, expired });
        }
        Ok(seen)
    }
}

/// What is asked of one session.
enum Ask {
    Fields,
    Text,
    Nothing,
}

/// A session that is gone or of another type meanwhile tells nothing.
fn refused(answer: Option<Value>, doing: &'static str) -> Result<Told, Error> {
    match answer {
        Some(Value::Nil) => Ok(Told::default()),
        Some(Value::ServerError(error)) if answer::code(&error) == "WRONGTYPE" => Ok(Told::default()),
        Some(Value::ServerError(error)) => Err(answer::refused(doing, &error)),
        _ => Err(answer::nonsense(doing)),
    }
}
