//! One letter of a live value at one place of a text, in any form that a writer may have given it.

/// What a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// A byte of text, as it is or escaped.
    Text,
    /// A byte, as it is.
    Byte,
    /// A hexadecimal digit in either case.
    Hex,
    /// A base64 digit of either alphabet: its bits, and above them which of them count.
    Sextet,
}

/// How a letter was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    Plain,
    /// Behind a line's end.
    Broken,
    Escape,
    Entity,
    Quoted,
    Percent,
}

/// Which escapes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    None,
    Only(Form),
    All,
}

impl Escapes {
    /// In the order in which they are tried: a text is mostly written in one way.
    pub(super) const ANY: [Self; 4] =
        [Self::Only(Form::Escape), Self::Only(Form::Entity), Self::Only(Form::Percent), Self::All];

    fn allow(self, form: Form) -> bool {
        match self {
            Self::None => false,
            Self::Only(one) => form <= Form::Broken || form == one,
            Self::All => true,
        }
    }
}

/// How deep a wrapped line is indented at most, and how many marks of a comment, quotation or diff stand there.
const INDENT: usize = 64;
const MARKS: usize = 8;
/// The most bytes that the end of a line puts between two letters.
pub(super) const LONGEST_BREAK: usize = 4 + INDENT + MARKS;
/// The most bytes of an escape that has no end of its own.
const LONGEST_NUMBERED: usize = 6;

/// The length and form of the letter at the start of the text.
pub(super) fn at(script: Script, letter: u16, text: &[u8], escapes: Escapes) -> Option<(usize, Form)> {
    let first = *text.first()?;
    let [high, low] = letter.to_be_bytes();
    let is_plain = match script {
        Script::Text | Script::Byte => first == low,
        Script::Hex => first.eq_ignore_ascii_case(&low),
        Script::Sextet => sextet(first).is_some_and(|bits| bits & high == low),
    };
    if script == Script::Text && escapes != Escapes::None {
        // The longer form first: `\\` is one backslash.
        if let Some(found) = escape(text, low).filter(|found| escapes.allow(found.1)) {
            return Some(found);
        }
    }
    is_plain.then_some((1, Form::Plain))
}

/// The bits of a base64 digit of either alphabet.
pub(super) fn sextet(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

fn escape(text: &[u8], byte: u8) -> Option<(usize, Form)> {
    match text {
        [b'\n' | b'\r', ..] if byte == b'\n' => {
            let len = line_end(text)?;
            let len = len + blanks(&text[len..]);
            Some((len, if len == 1 { Form::Plain } else { Form::Broken }))
        }
        [b'%', digits @ ..] => (number(digits, 2, 16)? == u32::from(byte)).then_some((3, Form::Percent)),
        [b'=', digits @ ..] => (number(digits, 2, 16)? == u32::from(byte)).then_some((3, Form::Quoted)),
        [b'+', ..] if byte == b' ' => Some((1, Form::Percent)),
        [b'\\', rest @ ..] => Some((1 + behind_backslash(rest, byte)?, Form::Escape)),
        [b'&', rest @ ..] => Some((1 + behind_ampersand(rest, byte)?, Form::Entity)),
        _ => None,
    }
}

fn behind_backslash(rest: &[u8], byte: u8) -> Option<usize> {
    let is = |value: Option<u32>, len: usize| (value? == u32::from(byte)).then_some(len);
    match rest {
        [b'n', ..] if byte == b'\n' => Some(1),
        [b'r', b'\\', b'n', ..] if byte == b'\n' => Some(3),
        [b't', ..] if byte == b'\t' => Some(1),
        [b'u', b'{', digits @ ..] => {
            let count = digits.iter().take(6).position(|digit| *digit == b'}')?;
            is(number(digits, count, 16), count + 3).filter(|_| byte.is_ascii())
        }
        [b'u', digits @ ..] => is(number(digits, 4, 16), 5).filter(|_| byte.is_ascii()),
        [b'x', digits @ ..] => is(number(digits, 2, 16), 3),
        [first, ..] if *first == byte && byte.is_ascii_punctuation() => Some(1),
        digits => is(number(digits, 3, 8), 3),
    }
}

fn behind_ampersand(rest: &[u8], byte: u8) -> Option<usize> {
    let name: &[u8] = match byte {
        b'&' => b"amp;",
        b'<' => b"lt;",
        b'>' => b"gt;",
        b'"' => b"quot;",
        b'\'' => b"apos;",
        _ => b"#",
    };
    if rest.starts_with(name) && byte.is_ascii_punctuation() && name != b"#" {
        return Some(name.len());
    }
    let (digits, radix, before) = match rest {
        [b'#', b'x' | b'X', digits @ ..] => (digits, 16, 2),
        [b'#', digits @ ..] => (digits, 10, 1),
        _ => return None,
    };
    let count = digits.iter().take(7).position(|digit| *digit == b';')?;
    (byte.is_ascii() && number(digits, count, radix)? == u32::from(byte)).then_some(before + count + 1)
}

fn number(digits: &[u8], count: usize, radix: u32) -> Option<u32> {
    let digits = digits.get(..count).filter(|digits| !digits.is_empty())?;
    digits.iter().try_fold(0, |number, digit| Some(number * radix + char::from(*digit).to_digit(radix)?))
}

/// Whether the byte at `at` is one of the digits of an escape, and so no letter of its own.
pub(super) fn is_within_escape(text: &[u8], at: usize) -> bool {
    let within = |before: &usize| {
        at.checked_sub(*before).and_then(|start| numbered(&text[start..])).is_some_and(|len| len > *before)
    };
    (1..LONGEST_NUMBERED).any(|before| within(&before))
}

/// The length of the escape of any byte by its number that begins here.
fn numbered(text: &[u8]) -> Option<usize> {
    let (digits, count, radix, before) = match text {
        [b'%' | b'=', digits @ ..] => (digits, 2, 16, 1),
        [b'\\', b'u', digits @ ..] => (digits, 4, 16, 2),
        [b'\\', b'x', digits @ ..] => (digits, 2, 16, 2),
        [b'\\', digits @ ..] => (digits, 3, 8, 1),
        _ => return None,
    };
    number(digits, count, radix).map(|_| before + count)
}

/// The length of a line's end, also one that is written as an escape or behind a mark that the line goes on.
pub(super) fn line_end(text: &[u8]) -> Option<usize> {
    let goes_on = matches!(text, [b'\\' | b'=', b'\r' | b'\n', ..]);
    let start = usize::from(goes_on);
    let len = match &text[start..] {
        [b'\r', b'\n', ..] | [b'\\', b'n', ..] => 2,
        [b'\n' | b'\r', ..] => 1,
        [b'\\', b'r', b'\\', b'n', ..] => 4,
        _ => return None,
    };
    Some(start + len)
}

/// Whether nothing but an indentation and marks stands between a line's end and the end of the text.
pub(super) fn is_behind_line_end(text: &[u8]) -> bool {
    let marks = text.iter().rev().take(INDENT + MARKS).take_while(|byte| is_mark(**byte)).count();
    // Among the marks there may be more of the line before.
    let ends_line = |text: &[u8]| matches!(text, [.., b'\n' | b'\r'] | [.., b'\\', b'n']);
    ends_line(&text[..text.len() - marks])
}

/// How deep a line is indented.
pub(super) fn blanks(line: &[u8]) -> usize {
    line.iter().take(INDENT).take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// How many bytes at the start of a line mark a comment, a quotation, a string or a line of a diff.
pub(super) fn marks(line: &[u8]) -> usize {
    line.iter().take(MARKS).take_while(|byte| is_mark(**byte)).count()
}

/// Whether a byte can be such a mark.
pub(super) fn is_mark(byte: u8) -> bool {
    b"#>*|/;+-\"' \t".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_an_escape_are_no_letters() {
        for (text, at) in [("%78a", 2), ("=78", 1), ("\\x78", 3), ("\\u0078", 5), ("\\170", 3)] {
            assert!(is_within_escape(text.as_bytes(), at), "{text}");
        }
        for (text, at) in [("%78a", 3), ("%7ga", 2), ("78", 1), ("\\u0078a", 6), ("&#8;8", 4), ("\\n8", 2)] {
            assert!(!is_within_escape(text.as_bytes(), at), "{text}");
        }
    }

    #[test]
    fn every_form_of_a_letter_is_read() {
        let read = |byte: u8, text: &str| at(Script::Text, u16::from(byte), text.as_bytes(), Escapes::All);
        for text in ["a", "%61", "\\u0061", "\\x61", "\\141", "&#97;", "&#x61;", "&#097;", "\\u{61}", "=61"] {
            assert_eq!(read(b'a', text).map(|(len, _)| len), Some(text.len()), "{text}");
            assert_eq!(read(b'b', text), None, "{text}");
        }
        for (byte, text) in
            [(b'&', "&amp;"), (b'\\', "\\\\"), (b'"', "&quot;"), (b'/', "\\/"), (b'\n', "\\n")]
        {
            assert_eq!(read(byte, text).map(|(len, _)| len), Some(text.len()), "{text}");
        }
    }
}
