//! What a PDF holds beside its pages: the strings of its objects, and streams that are no picture, font or page.

use super::content::{Reader, Shared};
use super::object::{Dict, Object, is};
use super::store::Store;
use super::{Attach, cmap};
use crate::source::document::page::{Give, Page};
use std::collections::HashMap;

/// The shortest string that is told.
const SHORTEST: usize = 4;

/// The longest name of an attached file.
const LONGEST_NAME: usize = 256;

/// How deep objects are looked into.
const DEEPEST: u32 = 8;

/// Entries whose strings are no text: identities, signatures, what describes a font.
const NO_TEXT: [&[u8]; 6] = [b"ID", b"Cert", b"Registry", b"Ordering", b"CharSet", b"Panose"];

/// Tells all of it.
pub(super) fn read(store: &Store<'_>, shared: &mut Shared, give: &Give<'_>, attach: &Attach<'_>) {
    let mut beside = Page::new(give, "properties, links and fields");
    // What names a file may stand behind it.
    let mut files = HashMap::new();
    for &(_, place) in &store.all {
        match store.body(place) {
            Some(body) => attached(store, &body.object, &mut files, 0),
            None => store.miss(),
        }
    }
    for &(number, place) in &store.all {
        let Some(body) = store.body(place) else { continue };
        strings(&body.object, b"", &mut beside, 0);
        let Some(dict) = body.object.dict() else { continue };
        field(store, dict, &mut beside);
        let is_shown = shared.shown.contains(&number) && store.is_last(number, place);
        let file = files.get(&number);
        if body.stream.is_none() || is_shown || file.is_none() && !may_be_text(dict) {
            continue;
        }
        let Some((_, content)) = store.stream_at(place) else { continue };
        if file.is_some() || is(dict, b"Type", b"EmbeddedFile") {
            let name = file.filter(|name| !name.is_empty());
            attach(name.map_or("attached file", String::as_str), &content);
        } else if is_content(&content) {
            let mut reader = Reader::new(store, shared);
            let resources = store.dict(dict, b"Resources").unwrap_or_default();
            reader.read(&content, &resources, 0);
            reader.finish(None, &mut Page::new(give, format!("object {number}")));
        } else if is(dict, b"Subtype", b"Form") {
            // It draws lines; forms that it shows are told as themselves.
        } else if let Ok(content) = std::str::from_utf8(&content) {
            let mut page = Page::new(give, format!("object {number}"));
            content.lines().for_each(|line| page.line(line));
        } else {
            attach(&format!("object {number}"), &content);
        }
    }
}

/// Notes the streams that an object attaches as files, by their numbers, with their names.
fn attached(store: &Store<'_>, object: &Object, files: &mut HashMap<u32, String>, depth: u32) {
    if depth > DEEPEST {
        return;
    }
    match object {
        Object::Array(array) => array.iter().for_each(|object| attached(store, object, files, depth + 1)),
        Object::Dict(dict) => {
            if let Some(held) = dict.get(&b"EF"[..]).map(|held| store.resolve(held))
                && let Some(held) = held.dict()
            {
                let name = [&b"UF"[..], b"F"].iter().find_map(|key| text(&store.get(dict, key)?));
                let name: String = name.iter().flat_map(|name| name.chars()).take(LONGEST_NAME).collect();
                files.extend(held.values().filter_map(reference).map(|file| (file, name.clone())));
            }
            dict.values().for_each(|object| attached(store, object, files, depth + 1));
        }
        _ => {}
    }
}

/// Whether a stream may hold text that is told nowhere else.
fn may_be_text(dict: &Dict) -> bool {
    let types: [&[u8]; 3] = [b"ObjStm", b"XRef", b"CMap"];
    let subtypes: [&[u8]; 4] = [b"Image", b"Type1C", b"CIDFontType0C", b"OpenType"];
    let keys: [&[u8]; 5] = [b"Length1", b"FunctionType", b"ShadingType", b"PatternType", b"Alternate"];
    !types.iter().any(|name| is(dict, b"Type", name))
        && !subtypes.iter().any(|name| is(dict, b"Subtype", name))
        && !keys.iter().any(|key| dict.contains_key(*key))
}

fn is_content(content: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(content, word).is_some();
    has(b"BT") && (has(b"Tj") || has(b"TJ")) && !has(b"begincmap")
}

/// A field of a form: its name and what is filled in.
fn field(store: &Store<'_>, dict: &Dict, page: &mut Page<'_>) {
    let (Some(name), Some(value)) = (store.get(dict, b"T"), store.get(dict, b"V")) else { return };
    if let (Some(name), Some(value)) = (text(&name), text(&value)) {
        page.line(&format!("{name}: {value}"));
    }
}

/// Tells the strings of an object, each behind the name of its entry.
fn strings(object: &Object, name: &[u8], page: &mut Page<'_>, depth: u32) {
    if depth > DEEPEST || NO_TEXT.contains(&name) {
        return;
    }
    match object {
        Object::Text(bytes) if bytes.len() >= SHORTEST => {
            for line in text(object).iter().flat_map(|text| text.lines()) {
                page.line(&format!("{}: {line}", String::from_utf8_lossy(name)));
            }
        }
        Object::Array(array) => array.iter().for_each(|object| strings(object, name, page, depth + 1)),
        Object::Dict(dict) => {
            let mut entries: Vec<_> = dict.iter().collect();
            entries.sort_unstable_by_key(|(name, _)| *name);
            entries.into_iter().for_each(|(name, object)| strings(object, name, page, depth + 1));
        }
        _ => {}
    }
}

/// A string as text: UTF-16 or UTF-8 with a mark, or one byte a character; `None` if it is none.
fn text(object: &Object) -> Option<String> {
    let Object::Text(bytes) = object else { return None };
    let text = match &bytes[..] {
        [0xfe, 0xff, rest @ ..] => cmap::utf_16(rest),
        [0xff, 0xfe, rest @ ..] => {
            let (pairs, _) = rest.as_chunks::<2>();
            String::from_utf16_lossy(&pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect::<Vec<_>>())
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    let odd = text.chars().filter(|character| character.is_control() && !character.is_whitespace()).count();
    (odd * 20 <= text.len()).then_some(text)
}

fn reference(object: &Object) -> Option<u32> {
    if let Object::Reference(number) = object { Some(*number) } else { None }
}
