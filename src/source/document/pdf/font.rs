//! What the codes of a font say, and how wide their characters are.

use super::cmap::{Characters, number};
use super::glyph;
use super::object::{Dict, Object, is};
use super::store::Store;
use std::collections::HashMap;

/// The most widths of one font.
const MOST: usize = 1 << 16;

/// A font.
#[derive(Default)]
pub(super) struct Font {
    /// How many bytes a code has.
    bytes: usize,
    characters: Characters,
    /// Characters that the font itself names.
    named: HashMap<u32, String>,
    /// Whether the codes are UTF-16.
    is_unicode: bool,
    widths: HashMap<u32, f32>,
    other_width: Option<f32>,
    name: Vec<u8>,
}

impl Font {
    /// One of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self { bytes: 1, ..Self::default() }
    }

    pub(super) fn read(store: &Store<'_>, font: &Dict) -> Self {
        let table = font.get(&b"ToUnicode"[..]).and_then(|object| store.stream(object));
        let characters = table.map(|(_, bytes)| Characters::read(&bytes)).unwrap_or_default();
        let name =
            store.get(font, b"BaseFont").and_then(|name| name.name().map(<[u8]>::to_vec)).unwrap_or_default();
        let encoding = store.get(font, b"Encoding");
        let mut new = Self { bytes: 1, characters, name, ..Self::default() };
        if is(font, b"Subtype", b"Type0") {
            new.bytes = 2;
            let name = encoding.as_ref().and_then(Object::name).unwrap_or_default();
            new.is_unicode = name.starts_with(b"Uni") && (has(name, b"UCS2") || has(name, b"UTF16"));
            if !name.starts_with(b"Identity") && !new.is_unicode {
                new.bytes = new.characters.width.unwrap_or(2);
            }
            let inner = match store.get(font, b"DescendantFonts") {
                Some(Object::Array(fonts)) => fonts.first().map(|font| store.resolve(font)),
                _ => None,
            };
            if let Some(Object::Dict(inner)) = inner {
                new.wide_widths(store, &inner);
            }
        } else {
            if let Some(Object::Dict(encoding)) = &encoding {
                new.differences(store, encoding);
            }
            new.simple_widths(store, font);
        }
        new
    }

    /// Codes that have another character than the table says.
    fn differences(&mut self, store: &Store<'_>, encoding: &Dict) {
        let Some(Object::Array(all)) = store.get(encoding, b"Differences") else { return };
        let mut code = 0_u32;
        for object in all.iter().take(MOST) {
            match object {
                Object::Number(_) => {
                    code = object.count().and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
                }
                Object::Name(name) => {
                    if let Some(text) = glyph::named(&String::from_utf8_lossy(name)) {
                        self.named.insert(code, text);
                    }
                    code = code.saturating_add(1);
                }
                _ => {}
            }
        }
    }

    fn simple_widths(&mut self, store: &Store<'_>, font: &Dict) {
        let first = store.get(font, b"FirstChar").and_then(|first| first.count()).unwrap_or(0);
        let Some(Object::Array(widths)) = store.get(font, b"Widths") else { return };
        // The space that a font's own drawings stand in is mostly a thousandth.
        let unit = match store.get(font, b"FontMatrix") {
            Some(Object::Array(matrix)) => matrix.first().and_then(Object::number).unwrap_or(0.001),
            _ => 0.001,
        };
        for (code, width) in (first..).zip(widths.iter().take(MOST)) {
            if let (Ok(code), Some(width)) = (u32::try_from(code), store.resolve(width).number()) {
                self.widths.insert(code, width * unit);
            }
        }
    }

    fn wide_widths(&mut self, store: &Store<'_>, font: &Dict) {
        let default = store.get(font, b"DW").and_then(|width| width.number()).unwrap_or(1000.0);
        self.other_width = Some(default / 1000.0);
        let Some(Object::Array(all)) = store.get(font, b"W") else { return };
        let mut rest = &all[..];
        while let [first, second, behind @ ..] = rest {
            let Some(start) = first.count().and_then(|count| u32::try_from(count).ok()) else { break };
            match (store.resolve(second), behind) {
                (Object::Array(widths), _) => {
                    for (code, width) in (start..).zip(&widths) {
                        self.widths.insert(code, width.number().unwrap_or(default) / 1000.0);
                    }
                    rest = behind;
                }
                (last, [width, behind @ ..]) => {
                    let last = last.count().and_then(|count| u32::try_from(count).ok()).unwrap_or(start);
                    let width = width.number().unwrap_or(default) / 1000.0;
                    for code in start..=last.min(start.saturating_add(0xffff)) {
                        self.widths.insert(code, width);
                    }
                    rest = behind;
                }
                _ => break,
            }
            if self.widths.len() > MOST {
                break;
            }
        }
    }

    /// The characters of a string, each with its width and whether it is a single byte's blank.
    pub(super) fn each(&self, text: &[u8], mut tell: impl FnMut(&str, f32, bool)) {
        for bytes in text.chunks(self.bytes.max(1)) {
            let code = number(bytes);
            let is_blank = bytes == b" ";
            let width = self.widths.get(&code).copied().or(self.other_width);
            let width = width.unwrap_or_else(|| glyph::width(bytes[0], &self.name));
            match self.characters.texts.get(&code).or_else(|| self.named.get(&code)) {
                Some(text) => tell(text, width, is_blank),
                None if self.is_unicode => tell(&super::cmap::utf_16(bytes), width, is_blank),
                None if bytes.len() == 1 => tell(&glyph::plain(bytes[0]), width, is_blank),
                None => tell("", width, is_blank),
            }
        }
    }
}

fn has(name: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(name, part).is_some()
}
