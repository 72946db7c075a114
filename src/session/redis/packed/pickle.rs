//! Pickles, as Django's caches and older versions of Flask-Session write them.
//!
//! Only plain values are taken. What a pickle would import, call or build stands for nothing, and what it refers to once
//! more is taken again only where it is short and no container: so a small pickle cannot become large.

use super::{Bytes, DEEPEST, name, text};
use serde_json::{Map, Value as Json};

/// The longest text that is taken again, in bytes: names and ids are shorter.
const LONGEST_AGAIN: usize = 64;

pub(super) fn read(value: &[u8]) -> Option<Json> {
    let mut machine = Machine::default();
    let mut bytes = Bytes(value);
    while !machine.step(&mut bytes)? {}
    (bytes.0.is_empty() && machine.stack.len() == 1).then(|| machine.stack.pop())?.map(|(value, _)| value)
}

/// A value, and how deep containers are nested in it.
type Nested = (Json, usize);

/// A stack of values, and where the groups on it begin.
#[derive(Default)]
struct Machine {
    stack: Vec<Nested>,
    marks: Vec<usize>,
    memo: Vec<Json>,
}

impl Machine {
    /// One instruction; gives whether it was the last.
    fn step(&mut self, bytes: &mut Bytes<'_>) -> Option<bool> {
        let code = bytes.byte()?;
        match code {
            b'.' => return Some(true),
            0x80 => drop(bytes.byte()?),
            0x95 => drop(bytes.take(8)?),
            b'(' => {
                self.marks.push(self.stack.len());
                if self.marks.len() > DEEPEST {
                    return None;
                }
            }
            // Dropped, or the state of what was made.
            b'0' | b'b' => drop(self.stack.pop()?),
            b'1' => drop(self.group()?),
            b'}' => self.push(Json::Object(Map::new())),
            b']' | b')' | 0x8f => self.push(Json::Array(Vec::new())),
            b't' | 0x91 => {
                let group = self.group()?;
                self.list(group)?;
            }
            0x85..=0x87 => {
                let from = self.stack.len().checked_sub(usize::from(code - 0x84))?;
                let group = self.stack.split_off(from);
                self.list(group)?;
            }
            b'a' => {
                let value = self.stack.pop()?;
                self.append(vec![value])?;
            }
            b'e' | 0x90 => {
                let group = self.group()?;
                self.append(group)?;
            }
            b's' => {
                let from = self.stack.len().checked_sub(2)?;
                let pair = self.stack.split_off(from);
                self.set(pair)?;
            }
            b'u' => {
                let group = self.group()?;
                self.set(group)?;
            }
            b'c' => {
                bytes.until(b'\n')?;
                bytes.until(b'\n')?;
                self.push(Json::Null);
            }
            // A name, an object made of a class and arguments, a call: the class or function is one of them.
            0x93 | 0x81 | b'R' => self.instead(2)?,
            0x92 => self.instead(3)?,
            0x94 => self.remember(self.memo.len())?,
            b'q' => self.remember(usize::from(bytes.byte()?))?,
            b'r' => self.remember(long(bytes)?)?,
            b'h' => self.recall(usize::from(bytes.byte()?))?,
            b'j' => self.recall(long(bytes)?)?,
            _ => {
                let value = plain(code, bytes)?;
                self.push(value);
            }
        }
        Some(false)
    }

    fn push(&mut self, value: Json) {
        self.stack.push((value, 0));
    }

    fn list(&mut self, group: Vec<Nested>) -> Option<()> {
        let depth = around(&group)?;
        self.stack.push((Json::Array(values(group).collect()), depth));
        Some(())
    }

    fn group(&mut self) -> Option<Vec<Nested>> {
        let from = self.marks.pop()?;
        (from <= self.stack.len()).then(|| self.stack.split_off(from))
    }

    fn instead(&mut self, of: usize) -> Option<()> {
        let from = self.stack.len().checked_sub(of)?;
        self.stack.truncate(from);
        self.push(Json::Null);
        Some(())
    }

    fn append(&mut self, group: Vec<Nested>) -> Option<()> {
        let added = around(&group)?;
        match self.stack.last_mut()? {
            (Json::Array(list), depth) => {
                list.extend(values(group));
                *depth = added.max(*depth);
            }
            // Something that stands for nothing takes anything.
            (Json::Null, _) => {}
            _ => return None,
        }
        Some(())
    }

    fn set(&mut self, pairs: Vec<Nested>) -> Option<()> {
        let added = around(&pairs)?;
        match self.stack.last_mut()? {
            (Json::Object(members), depth) => {
                let mut pairs = values(pairs);
                while let (Some(key), Some(value)) = (pairs.next(), pairs.next()) {
                    members.extend(name(key).map(|name| (name, value)));
                }
                *depth = added.max(*depth);
            }
            (Json::Null, _) => {}
            _ => return None,
        }
        Some(())
    }

    /// Places are given one after the other.
    fn remember(&mut self, place: usize) -> Option<()> {
        let plain = match &self.stack.last()?.0 {
            Json::Array(_) | Json::Object(_) => Json::Null,
            Json::String(text) if text.len() > LONGEST_AGAIN => Json::Null,
            plain => plain.clone(),
        };
        if place == self.memo.len() {
            self.memo.push(plain);
        } else {
            *self.memo.get_mut(place)? = plain;
        }
        Some(())
    }

    fn recall(&mut self, place: usize) -> Option<()> {
        let value = self.memo.get(place)?.clone();
        self.push(value);
        Some(())
    }
}

/// How deep a container of these is. Nobody nests deeper than the bound, and dropping what is would not end well.
fn around(group: &[Nested]) -> Option<usize> {
    let depth = group.iter().map(|(_, depth)| depth + 1).max().unwrap_or(0);
    (depth <= DEEPEST).then_some(depth)
}

fn values(group: Vec<Nested>) -> impl Iterator<Item = Json> {
    group.into_iter().map(|(value, _)| value)
}

/// A value that is no container.
fn plain(code: u8, bytes: &mut Bytes<'_>) -> Option<Json> {
    Some(match code {
        b'N' => Json::Null,
        0x88 => Json::Bool(true),
        0x89 => Json::Bool(false),
        b'K' => bytes.byte()?.into(),
        b'M' => u16::from_le_bytes(bytes.array()?).into(),
        b'J' => i32::from_le_bytes(bytes.array()?).into(),
        b'G' => f64::from_be_bytes(bytes.array()?).into(),
        0x8a => {
            let size = bytes.byte()?;
            whole(bytes.take(usize::from(size))?)
        }
        0x8c | b'C' | b'U' => {
            let size = bytes.byte()?;
            text(bytes.take(usize::from(size))?)
        }
        b'X' | b'B' | b'T' => {
            let size = long(bytes)?;
            text(bytes.take(size)?)
        }
        0x8d | 0x8e => {
            let size = u64::from_le_bytes(bytes.array()?);
            text(bytes.take(usize::try_from(size).ok()?)?)
        }
        _ => return None,
    })
}

fn long(bytes: &mut Bytes<'_>) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(bytes.array()?)).ok()
}

/// A number of any length, the lowest byte first; one that no id can be stands for nothing.
fn whole(bytes: &[u8]) -> Json {
    if bytes.len() > 8 {
        return Json::Null;
    }
    let mut wide = if bytes.last().is_some_and(|high| *high >= 0x80) { [0xff; 8] } else { [0; 8] };
    wide[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(wide).into()
}
