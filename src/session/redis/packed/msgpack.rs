//! msgpack, as Flask-Session writes it since version 0.7.

use super::{Bytes, DEEPEST, name, text};
use serde_json::{Map, Value as Json};

pub(super) fn read(value: &[u8]) -> Option<Json> {
    let mut bytes = Bytes(value);
    let found = one(&mut bytes, 0)?;
    bytes.0.is_empty().then_some(found)
}

fn one(bytes: &mut Bytes<'_>, depth: usize) -> Option<Json> {
    if depth > DEEPEST {
        return None;
    }
    Some(match bytes.byte()? {
        number @ 0..=0x7f => number.into(),
        size @ 0x80..=0x8f => map(bytes, usize::from(size & 0x0f), depth)?,
        size @ 0x90..=0x9f => list(bytes, usize::from(size & 0x0f), depth)?,
        size @ 0xa0..=0xbf => text(bytes.take(usize::from(size & 0x1f))?),
        0xc0 => Json::Null,
        0xc2 => Json::Bool(false),
        0xc3 => Json::Bool(true),
        kind @ (0xc4..=0xc6 | 0xd9..=0xdb) => {
            let size = size(bytes, if kind < 0xd9 { kind - 0xc4 } else { kind - 0xd9 })?;
            text(bytes.take(size)?)
        }
        // Times and whatever else an application adds.
        kind @ 0xc7..=0xc9 => {
            let size = size(bytes, kind - 0xc7)?;
            bytes.take(size + 1)?;
            Json::Null
        }
        kind @ 0xd4..=0xd8 => {
            bytes.take((1 << (kind - 0xd4)) + 1)?;
            Json::Null
        }
        0xca => f64::from(f32::from_be_bytes(bytes.array()?)).into(),
        0xcb => f64::from_be_bytes(bytes.array()?).into(),
        0xcc => bytes.byte()?.into(),
        0xcd => u16::from_be_bytes(bytes.array()?).into(),
        0xce => u32::from_be_bytes(bytes.array()?).into(),
        0xcf => u64::from_be_bytes(bytes.array()?).into(),
        0xd0 => i8::from_be_bytes(bytes.array()?).into(),
        0xd1 => i16::from_be_bytes(bytes.array()?).into(),
        0xd2 => i32::from_be_bytes(bytes.array()?).into(),
        0xd3 => i64::from_be_bytes(bytes.array()?).into(),
        kind @ (0xdc | 0xdd) => {
            let size = size(bytes, kind - 0xdb)?;
            list(bytes, size, depth)?
        }
        kind @ (0xde | 0xdf) => {
            let size = size(bytes, kind - 0xdd)?;
            map(bytes, size, depth)?
        }
        negative @ 0xe0..=0xff => i8::from_be_bytes([negative]).into(),
        0xc1 => return None,
    })
}

/// A length of one, two or four bytes.
fn size(bytes: &mut Bytes<'_>, width: u8) -> Option<usize> {
    match width {
        0 => bytes.byte().map(usize::from),
        1 => bytes.array().map(u16::from_be_bytes).map(usize::from),
        _ => usize::try_from(u32::from_be_bytes(bytes.array()?)).ok(),
    }
}

fn list(bytes: &mut Bytes<'_>, size: usize, depth: usize) -> Option<Json> {
    (0..size).map(|_| one(bytes, depth + 1)).collect::<Option<_>>().map(Json::Array)
}

fn map(bytes: &mut Bytes<'_>, size: usize, depth: usize) -> Option<Json> {
    let mut members = Map::new();
    for _ in 0..size {
        let (key, value) = (one(bytes, depth + 1)?, one(bytes, depth + 1)?);
        members.extend(name(key).map(|name| (name, value)));
    }
    Some(Json::Object(members))
}
