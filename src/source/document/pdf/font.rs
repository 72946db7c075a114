//! What the codes of a font say, and how wide their characters are.

use super::cmap::{Characters, number};
use super::glyph;
use super::object::{Dict, Object, is};
use super::store::Store;
use std::collections::HashMap;

/// The most widths of one font.
const MOST: usize = 1 << 16;

/// The longest name: it is looked at for each character.
const LONGEST_NAME: usize = 128;

/// About so many bytes of memory is an entry of a font's tables.
const ENTRY: usize = 96;

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
        let name = store.get(font, b"BaseFont");
        let name = name.as_ref().and_then(Object::name).unwrap_or_default();
        let name = name[..name.len().min(LONGEST_NAME)].to_vec();
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
        if new.characters.is_cut {
            store.cut();
        }
        store.charge(ENTRY * (new.characters.texts.len() + new.named.len() + new.widths.len()));
        new
    }

    /// Codes that have another character than the table says.
    fn differences(&mut self, store: &Store<'_>, encoding: &Dict) {
        let Some(Object::Array(all)) = store.get(encoding, b"Differences") else { return };
        let mut code = 0_u32;
        for object in all.iter().take(MOST) {
            match object {
                Object::Number(_) => {
                    code = self::code(object).unwrap_or(0);
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
        let first = store.get(font, b"FirstChar").and_then(|first| code(&first)).unwrap_or(0);
        let Some(Object::Array(widths)) = store.get(font, b"Widths") else { return };
        // The space that a font's own drawings stand in is mostly a thousandth.
        let unit = match store.get(font, b"FontMatrix") {
            Some(Object::Array(matrix)) => matrix.first().and_then(Object::number).unwrap_or(0.001),
            _ => 0.001,
        };
        for (code, width) in (first..=u32::MAX).zip(widths.iter().take(MOST)) {
            if let Some(width) = store.resolve(width).number() {
                self.widths.insert(code, width * unit);
            }
        }
    }

    fn wide_widths(&mut self, store: &Store<'_>, font: &Dict) {
        let default = store.get(font, b"DW").and_then(|width| width.number()).unwrap_or(1000.0);
        self.other_width = Some(default / 1000.0);
        let Some(Object::Array(all)) = store.get(font, b"W") else { return };
        let (mut rest, mut left) = (&all[..], MOST);
        while let [first, second, behind @ ..] = rest
            && left > 0
        {
            let Some(start) = code(first) else { break };
            match (store.resolve(second), behind) {
                (Object::Array(widths), _) => {
                    for (code, width) in (start..=u32::MAX).zip(&widths).take(left) {
                        left -= 1;
                        self.widths.insert(code, width.number().unwrap_or(default) / 1000.0);
                    }
                    rest = behind;
                }
                (last, [width, behind @ ..]) => {
                    let last = code(&last).unwrap_or(start);
                    let width = width.number().unwrap_or(default) / 1000.0;
                    for code in (start..=last).take(left) {
                        left -= 1;
                        self.widths.insert(code, width);
                    }
                    rest = behind;
                }
                _ => break,
            }
        }
    }

    /// Whether nothing tells which characters its codes are.
    pub(super) fn is_mute(&self) -> bool {
        self.bytes > 1 && !self.is_unicode && self.characters.texts.is_empty()
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

/// A number that is a code.
fn code(object: &Object) -> Option<u32> {
    object.count().and_then(|count| u32::try_from(count).ok())
}

fn has(name: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(name, part).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::document::pdf::object::Parser;

    fn font(text: &str) -> Font {
        let Some(Object::Dict(dict)) = Parser::new(text.as_bytes(), 0).next() else { panic!("{text}") };
        Font::read(&Store::new(b"", 0), &dict)
    }

    #[test]
    fn widths_have_a_last_code_and_a_bound() {
        // The last number of this kind below the last code.
        let (last, widths) = ("4294967040", "500 ".repeat(300));
        let simple = font(&format!("<< /FirstChar {last} /Widths [{widths}] >>"));
        let wide = format!("<< /Subtype /Type0 /DescendantFonts [<< /W [{last} [{widths}]] >>] >>");
        assert_eq!((simple.widths.len(), font(&wide).widths.len()), (256, 256));
        let many = "0 65535 500 65536 131071 500 ".repeat(50);
        let many = font(&format!("<< /Subtype /Type0 /DescendantFonts [<< /W [{many}] >>] >>"));
        assert_eq!(many.widths.len(), MOST);
    }
}
