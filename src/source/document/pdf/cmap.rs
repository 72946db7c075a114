//! Tables from codes to characters, as fonts carry them for those who copy text.

use super::object::{Object, Parser};
use std::collections::HashMap;

/// The most codes of one table.
const MOST: usize = 1 << 16;

/// How often codes may be told, since a later line may tell them anew.
const MOST_TOLD: usize = 4 * MOST;

/// The most bytes that a code stands for: one that stands for a long text makes a file of any size.
const LONGEST: usize = 64;

/// From codes to texts.
#[derive(Default)]
pub(super) struct Characters {
    pub(super) texts: HashMap<u32, String>,
    /// How many bytes a code has, if the table says so.
    pub(super) width: Option<usize>,
    /// Whether something was left out that was too much.
    pub(super) is_cut: bool,
    told: usize,
}

impl Characters {
    /// Reads a table.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let (mut table, mut parser, mut words) = (Self::default(), Parser::new(bytes, 0), Vec::new());
        while let Some(object) = parser.next() {
            match object {
                Object::Word(word) => {
                    match &word[..] {
                        b"endcodespacerange" => table.width = words.iter().filter_map(length).max(),
                        b"endbfchar" => table.single(&words),
                        b"endbfrange" => table.ranges(&words),
                        _ => {}
                    }
                    words.clear();
                }
                object if words.len() < MOST => words.push(object),
                _ => table.is_cut = true,
            }
        }
        table
    }

    fn single(&mut self, words: &[Object]) {
        for pair in words.chunks_exact(2) {
            if let [Object::Text(code), Object::Text(text)] = pair {
                self.add(number(code), text);
            }
        }
    }

    fn ranges(&mut self, words: &[Object]) {
        for three in words.chunks_exact(3) {
            let [Object::Text(first), Object::Text(last), to] = three else { continue };
            let (first, last) = (number(first), number(last));
            let codes = first..=last.min(first.saturating_add(0xffff));
            match to {
                Object::Text(text) => {
                    let Some((end, start)) = text.split_last().filter(|_| !self.is_too_long(text)) else {
                        continue;
                    };
                    for (step, code) in codes.enumerate() {
                        let next = usize::from(*end) + step;
                        let mut text = start.to_vec();
                        // A carry goes into the byte before, if there is one.
                        if let Some(before) = text.last_mut() {
                            *before = before.wrapping_add(u8::try_from(next >> 8).unwrap_or(0));
                        }
                        text.push(end.wrapping_add(u8::try_from(step & 0xff).unwrap_or(0)));
                        if !self.add(code, &text) {
                            return;
                        }
                    }
                }
                Object::Array(texts) => {
                    for (code, text) in codes.zip(texts) {
                        if let Object::Text(text) = text {
                            self.add(code, text);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Adds a code; false if these are too many.
    fn add(&mut self, code: u32, text: &[u8]) -> bool {
        let fits = self.told < MOST_TOLD && (self.texts.len() < MOST || self.texts.contains_key(&code));
        self.is_cut |= !fits;
        if fits && !self.is_too_long(text) {
            self.told += 1;
            self.texts.insert(code, utf_16(text));
        }
        fits
    }

    fn is_too_long(&mut self, text: &[u8]) -> bool {
        self.is_cut |= text.len() > LONGEST;
        text.len() > LONGEST
    }
}

fn length(object: &Object) -> Option<usize> {
    if let Object::Text(code) = object { Some(code.len().clamp(1, 4)) } else { None }
}

/// The number that bytes are, the last four of them.
pub(super) fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// UTF-16 as text; a single byte is a character too.
pub(super) fn utf_16(bytes: &[u8]) -> String {
    if let [byte] = bytes {
        return char::from(*byte).to_string();
    }
    let (pairs, _) = bytes.as_chunks::<2>();
    String::from_utf16_lossy(&pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_code_stands_for_has_bounds() {
        let table = Characters::read(b"beginbfchar <0041> <00480069> <0042> <0043> endbfchar");
        assert_eq!((table.texts[&0x41].as_str(), table.texts.len(), table.is_cut), ("Hi", 2, false));
        let long = "0048".repeat(200);
        for line in [format!("<0001> <{long}> endbfchar"), format!("<0001> <ffff> <{long}> endbfrange")] {
            let table = Characters::read(line.as_bytes());
            assert!(table.is_cut && table.texts.is_empty());
        }
        let many = "<0000> <fffe> <0041> ".repeat(2000);
        let table = Characters::read(format!("{many} endbfrange").as_bytes());
        assert!(table.is_cut && table.told == MOST_TOLD, "{} codes", table.told);
    }
}
