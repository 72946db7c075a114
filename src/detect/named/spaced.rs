//! Values that people write so that nothing reads them, with a blank between any two signs or sign by sign in an array, and
//! values with signs in them that cannot be seen.

use std::ops::Range;

/// The fewest signs with blanks between them that are a value; fewer are a list.
const FEWEST: usize = 8;
/// The most.
const MOST: usize = 256;
/// The longest array of signs, in bytes.
const LONGEST: usize = 2048;
/// Signs without width, which mails and pages put into long words.
const UNSEEN: [&str; 6] = ["\u{200b}", "\u{200c}", "\u{200d}", "\u{2060}", "\u{feff}", "\u{ad}"];

/// Where signs with blanks between them end that begin here.
pub(super) fn extended(text: &[u8], start: usize) -> Option<Range<usize>> {
    let pairs = text[start..].chunks(2).take(MOST);
    let is_sign = |pair: &&[u8]| pair[0].is_ascii_graphic() && pair.get(1) == Some(&b' ');
    let count = pairs.take_while(is_sign).count();
    let last = start + 2 * count;
    let ends =
        |at: usize| text.get(at).is_none_or(|byte| byte.is_ascii_whitespace() || b"\"'`|<".contains(byte));
    // The last one has a blank behind it too, or ends the line.
    let is_last = text.get(last).is_some_and(u8::is_ascii_graphic) && ends(last + 1);
    let (count, end) = if is_last { (count + 1, last + 1) } else { (count, last.saturating_sub(1)) };
    (FEWEST..MOST).contains(&count).then_some(start..end)
}

/// What stands in the brackets of an array of signs that opens here: `{'a', 'b', …}`, `[0x61, 98, …]`.
pub(super) fn array(text: &[u8], start: usize) -> Option<Range<usize>> {
    let is_part = |byte: &u8| !b"()[]{};".contains(byte);
    let rest = text.get(start..text.len().min(start + LONGEST))?;
    let first = rest.trim_ascii_start();
    if !first.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'\'') {
        return None;
    }
    let len = rest.iter().position(|byte| !is_part(byte))?;
    spelled(&rest[..len]).map(|_| start..start + len)
}

/// The text that the signs or numbers of an array are together.
fn spelled(value: &[u8]) -> Option<Vec<u8>> {
    if memchr::memchr_iter(b',', value).take(FEWEST).count() + 1 < FEWEST {
        return None;
    }
    let signs = value.trim_ascii().strip_suffix(b",").unwrap_or(value).split(|byte| *byte == b',');
    let signs = signs.map(|sign| match sign.trim_ascii() {
        [b'\'', sign, b'\''] => Some(*sign),
        number => {
            let number = std::str::from_utf8(number).ok()?;
            let digits = number.strip_prefix("0x").or_else(|| number.strip_prefix("0X"));
            digits.map_or_else(|| number.parse().ok(), |digits| u8::from_str_radix(digits, 16).ok())
        }
    });
    // The zero at the end of a string of C.
    let mut text = signs.collect::<Option<Vec<u8>>>()?;
    text.pop_if(|last| *last == 0);
    (text.len() < MOST && text.iter().all(u8::is_ascii_graphic)).then_some(text)
}

/// The value that is meant, if it is not what stands there, and how it is written.
pub(in crate::detect) fn meant(value: &[u8]) -> Option<(Vec<u8>, &'static str)> {
    if value.len() >= 2 * FEWEST - 1 && extended(value, 0) == Some(0..value.len()) {
        return Some((value.iter().copied().step_by(2).collect(), "spaced"));
    }
    if value.is_ascii() {
        return spelled(value).map(|text| (text, "array"));
    }
    let text = std::str::from_utf8(value).ok()?;
    let seen = UNSEEN.iter().fold(text.to_owned(), |text, sign| text.replace(sign, ""));
    (seen.len() < text.len()).then(|| (seen.into_bytes(), "zero-width"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn signs_with_blanks_between_them_are_one_value() {
        let text = "token: s 3 c r e t 7 X\nnext";
        let range = extended(text.as_bytes(), 7).unwrap();
        assert_eq!(&text[range.clone()], "s 3 c r e t 7 X");
        assert_eq!(meant(&text.as_bytes()[range]), Some((b"s3cret7X".to_vec(), "spaced")));
        for text in ["a b c d", "a list of words in a line", "1 2 3 4 5 6 7"] {
            assert_eq!(extended(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn the_signs_of_an_array_are_one_value() {
        for text in [
            "{'s', '3', 'c', 'r', 'e', 't', '7', 'X'}",
            "{ 's','3','c','r','e','t','7','X','\\0' }".replace("'\\0'", "0").as_str(),
            "[115, 51, 99, 114, 101, 116, 55, 88]",
            "{0x73, 0x33, 0x63, 0x72,\n 0x65, 0x74, 0x37, 0x58,\n}",
        ] {
            let range = array(text.as_bytes(), 1).unwrap();
            assert_eq!(meant(&text.as_bytes()[range]), Some((b"s3cret7X".to_vec(), "array")), "{text}");
        }
        for text in ["[1, 2, 3, 4, 5, 6, 7, 8, 9]", "{'a', 'b'}", "[115, 51, 99, 114, 101, 116, 55, name]"] {
            assert_eq!(array(text.as_bytes(), 1), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_no_part_of_a_value() {
        assert_eq!(meant("s3c\u{200b}ret7X".as_bytes()), Some((b"s3cret7X".to_vec(), "zero-width")));
        assert_eq!(meant(b"s3cret7X"), None);
        assert_eq!(meant("clé".as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[a7 \u{200b}\n|é]{0,60}", start in 0_usize..10) {
            let bytes = text.as_bytes();
            if let Some(range) = extended(bytes, start.min(bytes.len())) {
                prop_assert!(range.end <= bytes.len());
                prop_assert!(meant(&bytes[range]).is_some());
            }
            drop(meant(bytes));
        }
    }
}
