//! Single characters written by their number. Only those that can be part of a secret count: printable ones and spaces.

use super::Kind;
use super::pieces::Edit;

/// The longest way to write a character.
pub(super) const LONGEST: usize = 20;
/// The most digits of a numbered entity, with what ends it.
const MOST_DIGITS: usize = 6;

/// The escape that begins at `at`.
pub(super) fn at(text: &[u8], kind: Kind, at: usize) -> Option<Edit> {
    let rest = text.get(at..)?;
    if let Some(len) = without_character(kind, rest) {
        return Some(Edit { range: at..at + len, byte: None });
    }
    let (len, byte) = match (kind, rest) {
        (Kind::Percent, [b'%', digits @ ..]) | (Kind::Printable, [b'=', digits @ ..]) => {
            (3, number(digits, 2, 16)?)
        }
        (Kind::Backslash, [b'\\', sign @ (b'/' | b'_'), ..]) => (2, *sign),
        (Kind::Backslash, [b'\\', b'u', digits @ ..]) => (6, number(digits, 4, 16)?),
        (Kind::Backslash, [b'\\', b'x', digits @ ..]) => (4, number(digits, 2, 16)?),
        (Kind::Backslash, [b'\\', digits @ ..]) => (4, number(digits, 3, 8)?),
        (Kind::Entity, [b'&', b'#', b'x' | b'X', digits @ ..]) => numbered(digits, 3, 16)?,
        (Kind::Entity, [b'&', b'#', digits @ ..]) => numbered(digits, 2, 10)?,
        (Kind::Quote, _) if rest.starts_with(b"&quot;") => (6, b'"'),
        _ => return None,
    };
    Some(Edit { range: at..at + len, byte: Some(byte) })
}

/// How long an escape is that stands for nothing: a break that a mail program made, a colour.
fn without_character(kind: Kind, rest: &[u8]) -> Option<usize> {
    match (kind, rest) {
        (Kind::Printable, [b'=', b'\n', ..]) => Some(2),
        (Kind::Printable, [b'=', b'\r', b'\n', ..]) => Some(3),
        (Kind::Colour, [0x1b, b'[', code @ ..]) => {
            let digits = |byte: &&u8| byte.is_ascii_digit() || **byte == b';';
            let len = code.iter().take(LONGEST - 3).take_while(digits).count();
            matches!(code.get(len), Some(b'm' | b'K')).then_some(len + 3)
        }
        _ => None,
    }
}

/// A number of so many digits that is a character's.
fn number(digits: &[u8], count: usize, radix: u32) -> Option<u8> {
    let mut number = 0_u32;
    for digit in digits.get(..count)? {
        number = number * radix + char::from(*digit).to_digit(radix)?;
    }
    let byte = u8::try_from(number).ok()?;
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r').then_some(byte)
}

/// A number of a few digits before a semicolon, and the length of the whole with so many bytes before it.
fn numbered(digits: &[u8], before: usize, radix: u32) -> Option<(usize, u8)> {
    let count = digits.iter().take(MOST_DIGITS).position(|byte| *byte == b';')?;
    (count > 0).then_some(())?;
    Some((before + count + 1, number(digits, count, radix)?))
}
