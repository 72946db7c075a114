//! What PHP's `serialize` writes, as Laravel does it: a text that holds an array once more, or JSON.

use super::{Bytes, DEEPEST, name, text};
use serde_json::{Map, Value as Json};

pub(super) fn read(value: &[u8]) -> Option<Json> {
    match whole(value)? {
        // What is in it may be encrypted, and tells nothing then.
        Json::String(inner) if inner.starts_with("a:") => whole(inner.as_bytes()),
        Json::String(inner) => serde_json::from_str(&inner).ok(),
        array => Some(array),
    }
}

fn whole(value: &[u8]) -> Option<Json> {
    let mut bytes = Bytes(value);
    let found = one(&mut bytes, 0)?;
    bytes.0.is_empty().then_some(found)
}

fn one(bytes: &mut Bytes<'_>, depth: usize) -> Option<Json> {
    if depth > DEEPEST {
        return None;
    }
    let kind = bytes.byte()?;
    if kind == b'N' {
        return (bytes.byte()? == b';').then_some(Json::Null);
    }
    if bytes.byte()? != b':' {
        return None;
    }
    Some(match kind {
        b'b' => Json::Bool(number(bytes, b';')? != 0),
        b'i' => number(bytes, b';')?.into(),
        b'd' => std::str::from_utf8(bytes.until(b';')?).ok()?.parse::<f64>().map_or(Json::Null, Json::from),
        b's' => {
            let found = text(quoted(bytes)?);
            (bytes.byte()? == b';').then_some(found)?
        }
        b'a' => members(bytes, depth)?,
        // An object by its properties, of which none is called.
        b'O' => {
            quoted(bytes)?;
            (bytes.byte()? == b':').then(|| members(bytes, depth))??
        }
        // A place that was there already.
        b'r' | b'R' => {
            number(bytes, b';')?;
            Json::Null
        }
        _ => return None,
    })
}

fn number(bytes: &mut Bytes<'_>, end: u8) -> Option<i64> {
    std::str::from_utf8(bytes.until(end)?).ok()?.parse().ok()
}

/// `LENGTH:"…"`
fn quoted<'a>(bytes: &mut Bytes<'a>) -> Option<&'a [u8]> {
    let length = usize::try_from(number(bytes, b':')?).ok()?;
    let open = bytes.byte()? == b'"';
    let found = bytes.take(length)?;
    (open && bytes.byte()? == b'"').then_some(found)
}

/// `COUNT:{key value …}`
fn members(bytes: &mut Bytes<'_>, depth: usize) -> Option<Json> {
    let count = number(bytes, b':')?;
    if bytes.byte()? != b'{' {
        return None;
    }
    let mut members = Map::new();
    for _ in 0..count {
        let (key, value) = (one(bytes, depth + 1)?, one(bytes, depth + 1)?);
        members.extend(name(key).map(|name| (name, value)));
    }
    (bytes.byte()? == b'}').then_some(Json::Object(members))
}
