//! A live value in one encoding, as a row of letters, and the few of them by which the prefilter finds it.
//!
//! There are two such anchors, so that the end of a line between the letters of one leaves the other whole.

use super::letter::{self, Escapes, Form, LONGEST_BREAK, Script};
use crate::detect::MAX_SPAN;
use crate::secret::decoded;
use std::ops::Range;
use zeroize::Zeroizing;

/// The bytes of an anchor in plain text.
const ANCHOR: usize = 8;
/// The most bytes that the prefilter compares, and the fewest that are rare.
const LONGEST_ANCHOR: usize = 16;
const SHORTEST_ANCHOR: usize = 4;
/// The least that counts as a value cut off: so many bytes, and three quarters.
const PREFIX: usize = 16;
/// How many letters of a value are held against a line's start to tell them from the marks there.
const MOST_OWN: usize = 16;
/// The most bytes of a letter that is escaped.
const WIDEST: usize = 8;
/// A value that is digits itself is also looked for as the bytes that they stand for, if these are so many.
const SHORTEST_RAW: usize = 8;

/// A value's letters.
pub(super) struct Spelling {
    script: Script,
    letters: Zeroizing<Vec<u16>>,
    name: &'static str,
}

/// Letters by which a spelling is found.
pub(super) struct Anchor {
    pub(super) text: Vec<u8>,
    /// The number of the first of the letters.
    pub(super) letter: usize,
}

/// A value that stands in a text.
pub(super) struct Found {
    pub(super) range: Range<usize>,
    /// How it is encoded; `None` when it is not.
    pub(super) encoding: Option<&'static str>,
}

/// What may stand between and for the letters of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Plain,
    /// Ends of lines between them.
    Broken,
    /// Those and escapes.
    Escaped(Escapes),
}

/// How the letters of a text were written.
struct Read {
    end: usize,
    letters: usize,
    form: Form,
}

impl Spelling {
    /// A value in every encoding.
    pub(super) fn all(value: &[u8]) -> Vec<Self> {
        let text: Vec<u8> = without_returns(value);
        let mut all = vec![Self::new(Script::Text, &text, "")];
        let reversed = Zeroizing::new(value.iter().rev().copied().collect::<Vec<u8>>());
        all.push(Self::new(Script::Byte, &reversed, "reversed"));
        all.push(Self::new(Script::Hex, hex::encode(value).as_bytes(), "hex"));
        all.extend((0..3).map(|offset| Self::base64(value, offset, "base64")));
        if let Ok(text) = std::str::from_utf8(value) {
            let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
            all.push(Self::new(Script::Byte, &wide(u16::to_le_bytes), "utf-16le"));
            all.push(Self::new(Script::Byte, &wide(u16::to_be_bytes), "utf-16be"));
        }
        if let Some(raw) = decoded(value, SHORTEST_RAW) {
            all.push(Self::new(Script::Byte, &raw, "raw-bytes"));
            all.push(Self::new(Script::Hex, hex::encode(&raw).as_bytes(), "hex+raw-bytes"));
            all.extend((0..3).map(|offset| Self::base64(&raw, offset, "base64+raw-bytes")));
        }
        all
    }

    fn new(script: Script, letters: &[u8], name: &'static str) -> Self {
        Self { script, letters: Zeroizing::new(letters.iter().map(|byte| u16::from(*byte)).collect()), name }
    }

    /// Behind `offset` other bytes of a group of three. Of the digits at both ends only some bits are the value's.
    fn base64(value: &[u8], offset: usize, name: &'static str) -> Self {
        let bits = offset * 8..(offset + value.len()) * 8;
        let bit = |at: usize| {
            at.checked_sub(bits.start).and_then(|at| Some(value.get(at / 8)? >> (7 - at % 8) & 1))
        };
        let digit = |digit: usize| {
            (0..6).fold(0_u16, |letter, at| {
                let (mask, bit) = bit(digit * 6 + at).map_or((0, 0), |bit| (1, u16::from(bit)));
                letter << 1 | mask << 8 | bit
            })
        };
        let digits = bits.start / 6..bits.end.div_ceil(6);
        Self { script: Script::Sextet, letters: Zeroizing::new(digits.map(digit).collect()), name }
    }

    /// The most bytes between the start of an anchor and either end of what is read.
    pub(super) fn span(&self) -> usize {
        let per_line = if self.script == Script::Text { 16 } else { 32 };
        let count = self.letters.len();
        (count * self.widest() + (count / per_line + 2) * LONGEST_BREAK).min(MAX_SPAN - LONGEST_ANCHOR)
    }

    /// The value in the text, of which an anchor that begins with the letter stands at `at`.
    pub(super) fn find(&self, text: &[u8], at: usize, letter: usize) -> Option<Found> {
        let nearest = at.checked_sub(letter);
        let plain = nearest.and_then(|start| self.whole(text, start, Reading::Plain));
        if plain.is_some() {
            return plain;
        }
        if letter > 0 && !self.may_precede(text, at, letter - 1) {
            return None;
        }
        let furthest = if letter == 0 { 0 } else { letter * self.widest() + LONGEST_BREAK };
        let mut cut = None;
        for start in (at.saturating_sub(furthest)..=nearest.unwrap_or(0)).rev() {
            // A backslash may be one that breaks a line, one that escapes, or one of the value's own.
            let read = |reading| self.whole(text, start, reading).filter(|found| found.range.end > at);
            if let Some(found) = self.readings().find_map(read) {
                return Some(found);
            }
            cut = cut.or_else(|| self.cut(text, start).filter(|found| found.range.end > at));
        }
        cut
    }

    /// Whether the letter with this number may stand before `at`. An anchor can be a common word: nearly all of them end here.
    fn may_precede(&self, text: &[u8], at: usize, number: usize) -> bool {
        let letter = self.letters[number];
        let ends_here = |len: usize| {
            let start = at.checked_sub(len)?;
            letter::at(self.script, letter, &text[start..at], Escapes::All).filter(|found| found.0 == len)
        };
        (1..=self.widest()).any(|len| ends_here(len).is_some()) || letter::is_behind_line_end(&text[..at])
    }

    /// The ways in which a text can have it besides the plain one.
    fn readings(&self) -> impl Iterator<Item = Reading> + use<> {
        let escapes: &[Escapes] = if self.script == Script::Text { &Escapes::ANY } else { &[] };
        std::iter::once(Reading::Broken).chain(escapes.iter().copied().map(Reading::Escaped))
    }

    /// The most bytes of a letter.
    fn widest(&self) -> usize {
        if self.script == Script::Text { WIDEST } else { 1 }
    }

    fn whole(&self, text: &[u8], start: usize, reading: Reading) -> Option<Found> {
        let read = self.read(text, start, reading).filter(|read| read.letters == self.letters.len())?;
        if self.script == Script::Sextet && self.is_other(&text[..read.end], &text[read.end..]) {
            return None;
        }
        // `%78%61` is `xa`, and not an `8` before an escaped `a`.
        if matches!(read.form, Form::Escape | Form::Quoted | Form::Percent)
            && letter::is_within_escape(text, start)
        {
            return None;
        }
        let form = match read.form {
            Form::Plain => None,
            Form::Broken => Some("wrapped"),
            Form::Escape => Some("escape"),
            Form::Entity => Some("entity"),
            Form::Quoted => Some("quoted-printable"),
            Form::Percent => Some("percent"),
        };
        let encoding = if self.script == Script::Text { form } else { Some(self.name) };
        Some(Found { range: start..read.end, encoding })
    }

    /// Whether the last digit holds bits of more than the value where no more digits follow.
    fn is_other(&self, digits: &[u8], behind: &[u8]) -> bool {
        let mask = self.letters.last().map_or(0, |letter| letter >> 8);
        let rest = digits
            .last()
            .and_then(|digit| letter::sextet(*digit))
            .is_some_and(|bits| u16::from(bits) & !mask != 0);
        let is_digit = |text: &[u8]| text.first().is_some_and(|next| letter::sextet(*next).is_some());
        let next_line = letter::line_end(behind).map(|end| &behind[end..]);
        let goes_on =
            is_digit(behind) || next_line.is_some_and(|line| is_digit(&line[letter::blanks(line)..]));
        rest && !goes_on
    }

    /// Most of the value, cut off. Where more of a word follows it is another value that begins alike.
    fn cut(&self, text: &[u8], start: usize) -> Option<Found> {
        if self.script != Script::Text {
            return None;
        }
        let least = PREFIX.max((self.letters.len() * 3).div_ceil(4));
        let reads = self.readings().filter_map(|reading| self.read(text, start, reading));
        let read = reads.max_by_key(|read| read.letters)?;
        let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/_-=".contains(byte);
        let is_cut = read.letters >= least && !text.get(read.end).is_some_and(goes_on);
        is_cut.then_some(Found { range: start..read.end, encoding: Some("prefix") })
    }

    /// Reads as many letters as there are.
    fn read(&self, text: &[u8], start: usize, reading: Reading) -> Option<Read> {
        let mut read = Read { end: start, letters: 0, form: Form::Plain };
        while let Some((len, form)) = self.step(read.letters, &text[read.end..], reading) {
            read.end += len;
            read.letters += 1;
            read.form = read.form.max(form);
        }
        (read.letters > 0).then_some(read)
    }

    /// The length and form of the letter with this number at the start of the text, or behind a line's end there.
    fn step(&self, number: usize, text: &[u8], reading: Reading) -> Option<(usize, Form)> {
        let letter = *self.letters.get(number)?;
        let escapes = match reading {
            Reading::Escaped(escapes) => escapes,
            _ => Escapes::None,
        };
        let at = |text: &[u8]| letter::at(self.script, letter, text, escapes);
        let here = at(text);
        if here.is_some() || reading == Reading::Plain || number == 0 {
            return here;
        }
        let line = letter::line_end(text)?;
        let indent = letter::blanks(&text[line..]);
        let most = line + indent + letter::marks(&text[line + indent..]);
        // Of what stands at the line's start the last may be the value's own.
        let is_own = |letter: &&u16| letter::is_mark(letter.to_be_bytes()[1]);
        let own = self.letters[number..].iter().take(MOST_OWN).take_while(is_own).count();
        (line..=most).find_map(|skip| {
            let (len, form) = at(&text[skip..])?;
            let goes_on = |ahead: usize| {
                let letter = self.letters.get(number + ahead);
                letter.is_none_or(|letter| {
                    letter::at(self.script, *letter, &text[skip + ahead..], Escapes::None).is_some()
                })
            };
            let is_here = form != Form::Plain || self.script == Script::Sextet || (1..=own).all(goes_on);
            is_here.then(|| (skip + len, form.max(Form::Broken)))
        })
    }

    /// The texts by which the prefilter finds it.
    pub(super) fn anchors(&self) -> Vec<Anchor> {
        match self.script {
            Script::Text => self.text_anchors(),
            _ => self.digit_anchors(),
        }
    }

    /// Two rows of letters or digits, which nobody escapes alone, and the beginnings where everything is escaped. A value
    /// with hardly any letters is found by its beginnings with the signs escaped.
    fn text_anchors(&self) -> Vec<Anchor> {
        let bytes: Vec<u8> = self.letters.iter().map(|letter| letter.to_be_bytes()[1]).collect();
        let mut found = Vec::new();
        let mut at = 0;
        while found.len() < 2 && at < bytes.len() {
            let word = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            // Two short ones are better than a long one that a line's end may break.
            let is_short = found.is_empty() && (2 * SHORTEST_ANCHOR..2 * ANCHOR).contains(&word);
            let len = if is_short { word / 2 } else { word.min(ANCHOR) };
            if len >= SHORTEST_ANCHOR {
                found.push(Anchor { text: bytes[at..at + len].to_vec(), letter: at });
                at += len;
            } else {
                at += word.max(1);
            }
        }
        // Two that are far apart can both be broken, each by a line's end of its own.
        let is_sure = |first: &Anchor, second: &Anchor| {
            first.letter <= 2 * ANCHOR && second.letter + second.text.len() - first.letter <= 2 * ANCHOR
        };
        if !matches!(&found[..], [first, second] if is_sure(first, second)) {
            let styles: [fn(u8) -> String; 6] =
                [plain, in_address, in_json, in_script, in_page, in_page_by_number];
            found.extend(styles.iter().flat_map(|style| beginnings(&bytes, ANCHOR, *style)));
        }
        let styles: [fn(u8) -> String; 5] = [
            |byte| format!("%{byte:02x}"),
            |byte| format!("\\u{byte:04x}"),
            |byte| format!("\\x{byte:02x}"),
            |byte| format!("&#{byte};"),
            |byte| format!("&#x{byte:02x};"),
        ];
        found.extend(styles.iter().flat_map(|style| beginnings(&bytes, LONGEST_ANCHOR, *style)));
        found
    }

    fn digit_anchors(&self) -> Vec<Anchor> {
        let is_whole = |letter: &u16| self.script != Script::Sextet || letter >> 8 == 0x3f;
        let first = self.letters.iter().position(is_whole).unwrap_or(0);
        let count = self.letters[first..].iter().filter(|letter| is_whole(letter)).count();
        let len = (count / 2).min(ANCHOR);
        let mut found = Vec::new();
        for letter in [first, first + len] {
            let letters = self.letters[letter..letter + len].iter().map(|letter| letter.to_be_bytes()[1]);
            if self.script == Script::Sextet {
                let digits =
                    |alphabet: &[u8; 64]| letters.clone().map(|bits| alphabet[usize::from(bits)]).collect();
                found.push(Anchor { text: digits(&alphabet(*b"+/")), letter });
                found.push(Anchor { text: digits(&alphabet(*b"-_")), letter });
            } else {
                found.push(Anchor { text: letters.collect(), letter });
            }
        }
        found
    }
}

/// The first letters of a value written in a style, and those behind them.
fn beginnings(value: &[u8], longest: usize, style: fn(u8) -> String) -> Vec<Anchor> {
    let mut found = Vec::new();
    let mut at = 0;
    for _ in 0..2 {
        let (letter, mut text) = (at, String::new());
        for byte in &value[letter..] {
            let next = style(*byte);
            if !text.is_empty() && text.len() + next.len() > longest {
                break;
            }
            text += &next;
            at += 1;
        }
        // Bytes beyond ASCII are several in text.
        if text.len() >= SHORTEST_ANCHOR && text.is_ascii() {
            found.push(Anchor { text: text.into_bytes(), letter });
        }
    }
    found
}

fn plain(byte: u8) -> String {
    char::from(byte).to_string()
}

fn in_address(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => plain(byte),
        _ => format!("%{byte:02x}"),
    }
}

fn in_json(byte: u8) -> String {
    match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b'\n' => "\\n".to_owned(),
        _ => plain(byte),
    }
}

fn in_script(byte: u8) -> String {
    match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b'&' | b'<' | b'>' | b'\'' | b'+' | b'=' => format!("\\u{byte:04x}"),
        _ => plain(byte),
    }
}

fn in_page(byte: u8) -> String {
    match byte {
        b'&' => "&amp;".to_owned(),
        b'<' => "&lt;".to_owned(),
        b'>' => "&gt;".to_owned(),
        b'"' => "&quot;".to_owned(),
        b'\'' => "&#39;".to_owned(),
        _ => plain(byte),
    }
}

fn in_page_by_number(byte: u8) -> String {
    match byte {
        b'&' | b'<' | b'>' | b'"' | b'\'' | b'/' | b'`' | b'=' => format!("&#x{byte:02x};"),
        _ => plain(byte),
    }
}

fn alphabet(last: [u8; 2]) -> [u8; 64] {
    let mut digits = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    digits[62..].copy_from_slice(&last);
    digits
}

/// A line's end is one letter, however it is written.
fn without_returns(value: &[u8]) -> Vec<u8> {
    let next = value.iter().skip(1).chain([&0]);
    let kept = value.iter().zip(next).filter(|&(byte, next)| !(*byte == b'\r' && *next == b'\n'));
    kept.map(|(byte, _)| *byte).collect()
}
