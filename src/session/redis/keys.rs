//! The keys under a prefix: listed by SCAN, never by KEYS, and told apart by name and by how their values begin.
//!
//! Everything that counts, backs up or deletes gets its keys from here: this is the one place that says which
//! keys are sessions.

use super::answer;
use super::record::Moment;
use super::server::Node;
use crate::session::Error;
use crate::session::dialect::{Content, Keys, Part};
use redis::{Value, cmd, pipe};
use std::collections::{BTreeMap, HashSet};

/// How many keys SCAN looks at in one call.
const SCAN: usize = 1000;

/// How long a text is at most that is read while its key is sorted: some megabytes for what one SCAN names.
const SHORT: usize = 8 * 1024;

/// How much is asked for at once: keys, and bytes of their values.
pub(super) const KEYS: usize = 500;
pub(super) const BYTES: usize = 4 * 1024 * 1024;

/// The time that a key has left which is not there; it may have ended after its value was read.
pub(super) const GONE: i64 = -2;

/// What is known about one key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: Vec<u8>,
    pub(super) part: Part,
    /// About its size in bytes.
    pub(super) size: usize,
    pub(super) is_hash: bool,
    /// How many milliseconds it has left; negative for a key that stays.
    pub(super) ttl: i64,
    /// All of it, where that was asked for and it is a short text.
    pub(super) text: Option<Vec<u8>>,
}

/// What is asked of a session that is a text, besides how it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Nothing: sizes are not to be relied on. Only for who counts.
    Head,
    /// Its size.
    Size,
    /// All of it, if it is short; a longer one has no size that could be relied on, and is read alone.
    Short,
}

/// The sessions' prefix and their form.
#[derive(Clone, Debug)]
pub(super) struct KeySpace {
    pub(super) prefix: Vec<u8>,
    pub(super) form: &'static Keys,
}

/// What is under the prefix.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) sessions: u64,
    /// Those of them that are over by what they tell, though their keys are there.
    pub(super) expired: u64,
    /// Keys that only live as long as a session of Spring does.
    pub(super) alive: u64,
    /// What is no session, by its type.
    pub(super) foreign: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn foreign(&self) -> u64 {
        self.foreign.values().sum()
    }

    /// Adds what was seen of other keys.
    pub(super) fn add(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.expired += other.expired;
        self.alive += other.alive;
        other.foreign.into_iter().for_each(|(kind, count)| self.add_foreign(&kind, count));
    }

    fn add_foreign(&mut self, kind: &str, count: u64) {
        // Types come from modules too, so their number is bounded.
        let kind = if self.foreign.len() < 10 || self.foreign.contains_key(kind) { kind } else { "others" };
        *self.foreign.entry(kind.to_owned()).or_default() += count;
    }

    fn companion(&mut self, rest: &[u8]) {
        self.alive += u64::from(rest.starts_with(b"sessions:expires:"));
    }
}

impl KeySpace {
    /// The pattern for SCAN: the prefix is taken literally.
    pub(super) fn pattern(&self) -> Vec<u8> {
        pattern(&self.prefix)
    }

    /// The next keys under the prefix, and where to go on; `None` at the end. SCAN may name a key twice while the
    /// server's table shrinks.
    pub(super) async fn scan(
        &self,
        node: &mut Node,
        cursor: &mut Option<String>,
        doing: &'static str,
    ) -> Result<Vec<Vec<u8>>, Error> {
        scan(node, cursor, Some(&self.pattern()), doing).await
    }

    /// Sorts keys into sessions, companions and what is neither; those that are gone meanwhile are in none.
    pub(super) async fn sort(
        &self,
        node: &mut Node,
        names: Vec<Vec<u8>>,
        extent: Extent,
        tally: &mut Tally,
        doing: &'static str,
    ) -> Result<Vec<Key>, Error> {
        self.sort_at(node, names, extent, tally, doing).await.map(|(keys, _)| keys)
    }

    /// The same with the time when all of them were read, where their texts are asked for.
    pub(super) async fn sort_at(
        &self,
        node: &mut Node,
        names: Vec<Vec<u8>>,
        extent: Extent,
        tally: &mut Tally,
        doing: &'static str,
    ) -> Result<(Vec<Key>, Option<Moment>), Error> {
        let mut keys: Vec<Key> = names.into_iter().map(|name| self.named(name)).collect();
        for _ in keys.iter().filter(|key| key.part == Part::Other) {
            tally.add_foreign("with other names", 1);
        }
        let asked: Vec<usize> = (0..keys.len()).filter(|&at| keys[at].part == Part::Session).collect();
        let mut pipe = pipe();
        for &at in &asked {
            self.question(&mut pipe, &keys[at].name, extent);
        }
        if extent == Extent::Short {
            pipe.cmd("TIME");
        }
        let mut answers = node.ask_all(doing, &pipe).await?;
        let at = match extent {
            Extent::Short => Some(Moment::told(answers.pop(), doing)?),
            Extent::Head | Extent::Size => None,
        };
        let mut answers = answers.into_iter();
        for at in asked {
            let found = self.judge(&mut answers, extent, doing)?;
            match found {
                Found::Session { size, is_hash, ttl, text } => {
                    let key = &mut keys[at];
                    (key.size, key.is_hash, key.ttl, key.text) = (size, is_hash, ttl, text);
                }
                Found::Gone => keys[at].name.clear(),
                Found::Foreign(kind) => {
                    keys[at].part = Part::Other;
                    tally.add_foreign(&kind, 1);
                }
            }
        }
        for key in &keys {
            match key.part {
                Part::Session => tally.sessions += u64::from(!key.name.is_empty()),
                Part::Companion => tally.companion(&key.name[self.prefix.len()..]),
                Part::Other => {}
            }
        }
        keys.retain(|key| !key.name.is_empty() && key.part != Part::Other);
        Ok((keys, at))
    }

    fn named(&self, name: Vec<u8>) -> Key {
        let part =
            name.strip_prefix(&self.prefix[..]).map_or(Part::Other, |rest| self.form.family.part(rest));
        // What belongs to sessions is not looked at, and an index may be large.
        Key { name, part, size: BYTES / 64, is_hash: false, ttl: -1, text: None }
    }

    fn question(&self, pipe: &mut redis::Pipeline, name: &[u8], extent: Extent) {
        match self.form.content.is_text() {
            Some(true) => {
                let length = if extent == Extent::Short { SHORT } else { Content::HEAD };
                pipe.cmd("GETRANGE").arg(name).arg(0).arg(length - 1);
                if extent == Extent::Size {
                    pipe.cmd("STRLEN").arg(name);
                }
            }
            _ => {
                pipe.cmd("TYPE").arg(name);
                pipe.cmd("MEMORY").arg("USAGE").arg(name);
            }
        }
        pipe.cmd("PTTL").arg(name);
    }

    fn judge(
        &self,
        answers: &mut impl Iterator<Item = Value>,
        extent: Extent,
        doing: &'static str,
    ) -> Result<Found, Error> {
        let content = self.form.content;
        if content.is_text() == Some(true) {
            let head = answers.next();
            let size = (extent == Extent::Size).then(|| answers.next());
            let ttl = left(answers.next(), doing)?;
            let head = match head {
                Some(Value::BulkString(head)) => head,
                Some(Value::ServerError(error)) if answer::code(&error) == "WRONGTYPE" => {
                    return Ok(Found::Foreign("no strings".to_owned()));
                }
                Some(Value::ServerError(error)) => return Err(answer::refused(doing, &error)),
                _ => return Err(answer::nonsense(doing)),
            };
            if ttl == GONE {
                return Ok(Found::Gone);
            }
            if !content.fits(&head) {
                return Ok(Found::Foreign("strings of another kind".to_owned()));
            }
            let size = match size {
                None if head.len() < SHORT => head.len(),
                None => BYTES,
                Some(Some(Value::Int(size))) => usize::try_from(size).unwrap_or_default(),
                Some(Some(Value::ServerError(error))) => return Err(answer::refused(doing, &error)),
                Some(_) => return Err(answer::nonsense(doing)),
            };
            let text = (extent == Extent::Short && head.len() < SHORT).then_some(head);
            return Ok(Found::Session { size, is_hash: false, ttl, text });
        }
        let kind = match answers.next() {
            Some(Value::SimpleString(kind)) => kind,
            Some(Value::BulkString(kind)) => String::from_utf8_lossy(&kind).into_owned(),
            Some(Value::ServerError(error)) => return Err(answer::refused(doing, &error)),
            _ => return Err(answer::nonsense(doing)),
        };
        let size = match answers.next() {
            Some(Value::Int(size)) => usize::try_from(size).unwrap_or_default(),
            // An account that may not ask, or a server that does not know, has it read alone.
            Some(Value::ServerError(_) | Value::Nil) => BYTES,
            _ => return Err(answer::nonsense(doing)),
        };
        let ttl = left(answers.next(), doing)?;
        let is_hash = kind == "hash";
        Ok(match (&*kind, content) {
            ("none", _) => Found::Gone,
            _ if ttl == GONE => Found::Gone,
            ("hash", _) | ("string", Content::TextOrHash) => {
                Found::Session { size, is_hash, ttl, text: None }
            }
            _ => Found::Foreign(format!("of the type {kind}")),
        })
    }
}

enum Found {
    Session { size: usize, is_hash: bool, ttl: i64, text: Option<Vec<u8>> },
    Foreign(String),
    Gone,
}

/// The answer of PTTL.
fn left(answer: Option<Value>, doing: &'static str) -> Result<i64, Error> {
    match answer {
        Some(Value::Int(ttl)) => Ok(ttl),
        Some(Value::ServerError(error)) => Err(answer::refused(doing, &error)),
        _ => Err(answer::nonsense(doing)),
    }
}

/// Keys whose values together are no more than is asked for at once.
pub(super) fn portions(keys: &[Key]) -> Vec<&[Key]> {
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

/// One call of SCAN. The cursor is `Some("0")` in the beginning and `None` at the end.
pub(super) async fn scan(
    node: &mut Node,
    cursor: &mut Option<String>,
    pattern: Option<&[u8]>,
    doing: &'static str,
) -> Result<Vec<Vec<u8>>, Error> {
    let Some(from) = cursor.take() else { return Ok(Vec::new()) };
    let mut ask = cmd("SCAN");
    ask.arg(from);
    if let Some(pattern) = pattern {
        ask.arg("MATCH").arg(pattern);
    }
    ask.arg("COUNT").arg(SCAN);
    let Value::Array(parts) = node.ask(doing, &ask).await? else { return Err(answer::nonsense(doing)) };
    let mut parts = parts.into_iter();
    let (Some(Value::BulkString(next)), Some(Value::Array(found))) = (parts.next(), parts.next()) else {
        return Err(answer::nonsense(doing));
    };
    let next = String::from_utf8(next).map_err(|_| answer::nonsense(doing))?;
    *cursor = Some(next).filter(|next| next != "0");
    let mut names = Vec::with_capacity(found.len());
    for name in found {
        let Value::BulkString(name) = name else { return Err(answer::nonsense(doing)) };
        names.push(name);
    }
    // A key that is named twice is one.
    let mut known = HashSet::with_capacity(names.len());
    names.retain(|name| known.insert(name.clone()));
    Ok(names)
}

/// A pattern that matches what begins with the prefix.
pub(super) fn pattern(prefix: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(prefix.len() + 8);
    for &byte in prefix {
        if b"*?[]^-\\".contains(&byte) {
            pattern.push(b'\\');
        }
        pattern.push(byte);
    }
    pattern.push(b'*');
    pattern
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn a_prefix_is_no_pattern() {
        assert_eq!(pattern(b"sess:"), b"sess:*");
        assert_eq!(pattern(br"a*[b]?\"), br"a\*\[b\]\?\\*");
    }
}
