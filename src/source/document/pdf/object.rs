//! The objects that a PDF is made of, and the words of its content streams, which are written the same way.

use std::collections::HashMap;

/// How deep arrays and dictionaries may stand in each other.
const DEEPEST: u32 = 24;

/// An object, or an operator of a content stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    Number(f32),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Array(Vec<Self>),
    Dict(Dict),
    Reference(u32),
    /// A bare word: `true`, `null`, `endobj`, `Tj`.
    Word(Vec<u8>),
}

pub(super) type Dict = HashMap<Vec<u8>, Object>;

impl Object {
    pub(super) fn number(&self) -> Option<f32> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// A number that counts something.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what is no count becomes one in bounds"
    )]
    pub(super) fn count(&self) -> Option<usize> {
        self.number().filter(|number| *number >= 0.0).map(|number| number as usize)
    }

    pub(super) fn name(&self) -> Option<&[u8]> {
        if let Self::Name(name) = self { Some(name) } else { None }
    }

    pub(super) fn array(&self) -> Option<&[Self]> {
        if let Self::Array(array) = self { Some(array) } else { None }
    }

    pub(super) fn dict(&self) -> Option<&Dict> {
        if let Self::Dict(dict) = self { Some(dict) } else { None }
    }
}

/// Whether an entry of a dictionary is this name.
pub(super) fn is(dict: &Dict, key: &[u8], name: &[u8]) -> bool {
    dict.get(key).and_then(Object::name) == Some(name)
}

/// Reads objects one after the other.
pub(super) struct Parser<'p> {
    bytes: &'p [u8],
    pub(super) at: usize,
}

impl<'p> Parser<'p> {
    pub(super) fn new(bytes: &'p [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// The next object; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Object> {
        self.object(0)
    }

    fn object(&mut self, depth: u32) -> Option<Object> {
        loop {
            self.blanks();
            let rest = self.bytes.get(self.at..)?;
            match *rest.first()? {
                b'/' => return Some(Object::Name(self.name())),
                b'(' => return Some(Object::Text(self.literal())),
                b'<' if rest.starts_with(b"<<") && depth < DEEPEST => {
                    self.at += 2;
                    return Some(Object::Dict(self.dict(depth)));
                }
                b'<' => return Some(Object::Text(self.hex())),
                b'[' if depth < DEEPEST => {
                    self.at += 1;
                    return Some(Object::Array(self.array(depth)));
                }
                b'+' | b'-' | b'.' | b'0'..=b'9' => return Some(self.number()),
                b'>' | b']' if depth > 0 => return None,
                byte if is_regular(byte) => return Some(Object::Word(self.word().to_vec())),
                // A sign that closes nothing.
                _ => self.at += 1,
            }
        }
    }

    fn blanks(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            if byte == b'%' {
                let rest = &self.bytes[self.at..];
                self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            } else if is_blank(byte) {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    fn array(&mut self, depth: u32) -> Vec<Object> {
        let mut array = Vec::new();
        while let Some(object) = self.object(depth + 1) {
            // It was never closed, and the next object is none of its own.
            if is_border(&object) {
                return array;
            }
            array.push(object);
        }
        self.at += usize::from(self.bytes.get(self.at).is_some());
        array
    }

    fn dict(&mut self, depth: u32) -> Dict {
        let mut dict = Dict::new();
        while let Some(key) = self.object(depth + 1) {
            // What is no key is the rest of something broken.
            let Object::Name(key) = key else {
                if is_border(&key) || matches!(&key, Object::Word(word) if word == b"stream") {
                    break;
                }
                continue;
            };
            let Some(value) = self.object(depth + 1) else { break };
            dict.insert(key, value);
        }
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(b">>")) {
            self.at += 2;
        } else {
            self.at += usize::from(self.bytes.get(self.at).is_some());
        }
        dict
    }

    fn word(&mut self) -> &'p [u8] {
        let rest = &self.bytes[self.at..];
        let len = rest.iter().take_while(|byte| is_regular(**byte)).count();
        self.at += len;
        &rest[..len]
    }

    /// A number, or a reference if two more words make it one.
    fn number(&mut self) -> Object {
        let word = self.word();
        let Some(number) = parse(word) else { return Object::Word(word.to_vec()) };
        if word.iter().all(u8::is_ascii_digit) && word.len() < 9 {
            let rest = &self.bytes[self.at..self.bytes.len().min(self.at + 12)];
            let generation = rest.trim_ascii_start();
            let digits = generation.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let sign = generation[digits..].trim_ascii_start();
            let is_end = sign.get(1).is_none_or(|byte| !is_regular(*byte));
            if rest.len() > generation.len() && digits > 0 && sign.first() == Some(&b'R') && is_end {
                self.at += rest.len() - sign.len() + 1;
                let number = word.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
                return Object::Reference(number);
            }
        }
        Object::Number(number)
    }

    fn name(&mut self) -> Vec<u8> {
        self.at += 1;
        let word = self.word();
        let mut name = Vec::with_capacity(word.len());
        let mut at = 0;
        while at < word.len() {
            let escape = word
                .get(at + 1..at + 3)
                .filter(|_| word[at] == b'#')
                .and_then(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?));
            name.push(escape.unwrap_or(word[at]));
            at += if escape.is_some() { 3 } else { 1 };
        }
        name
    }

    fn hex(&mut self) -> Vec<u8> {
        let rest = &self.bytes[self.at + 1..];
        let len = memchr::memchr(b'>', rest).unwrap_or(rest.len());
        self.at += (len + 2).min(rest.len() + 1);
        from_hex(&rest[..len])
    }

    fn literal(&mut self) -> Vec<u8> {
        self.at += 1;
        let (mut text, mut open) = (Vec::new(), 1);
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        break;
                    }
                }
                b'\\' => {
                    text.extend(self.escape());
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        text
    }

    fn escape(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' | b'f' => b' ',
            b'\r' => {
                self.at += usize::from(self.bytes.get(self.at) == Some(&b'\n'));
                return None;
            }
            b'\n' => return None,
            b'0'..=b'7' => {
                let more = self.bytes[self.at..]
                    .iter()
                    .take(2)
                    .take_while(|byte| matches!(byte, b'0'..=b'7'))
                    .count();
                let digits = &self.bytes[self.at - 1..self.at + more];
                self.at += more;
                digits.iter().fold(0, |number: u8, digit| number.wrapping_mul(8).wrapping_add(digit - b'0'))
            }
            byte => byte,
        })
    }
}

/// Whether this is a word that begins or ends an object of a file.
fn is_border(object: &Object) -> bool {
    matches!(object, Object::Word(word) if word == b"obj" || word == b"endobj")
}

/// The bytes of hexadecimal digits, whatever stands between them.
pub(super) fn from_hex(digits: &[u8]) -> Vec<u8> {
    let nibbles: Vec<u8> = digits.iter().filter_map(|digit| nibble(*digit)).collect();
    nibbles.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect()
}

fn parse(word: &[u8]) -> Option<f32> {
    std::str::from_utf8(word).ok()?.parse().ok().filter(|number: &f32| number.is_finite())
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0x0c | 0)
}

fn is_regular(byte: u8) -> bool {
    !is_blank(byte) && !b"()<>[]{}/%".contains(&byte)
}
