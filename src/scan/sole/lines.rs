//! The values of a file that has no names: the only one, or the last one of each line.

use crate::detect::Span;
use std::ops::Range;

/// The most lines of a list.
const MOST_LINES: usize = 12;
/// The most words of one of its lines; a sentence has more.
const MOST_WORDS: usize = 5;

/// The only value of a file, without blanks and the quotes around it.
pub(super) fn only(bytes: &[u8]) -> Option<Range<usize>> {
    let range = unquoted(bytes, trimmed(bytes, 0..bytes.len()));
    let is_one = !bytes[range.clone()].iter().any(u8::is_ascii_whitespace);
    (is_one && !range.is_empty()).then_some(range)
}

/// The last value of each line, if every line is a few words: `client server "value" *`, `user:value`, `value`.
pub(super) fn last_of_each(bytes: &[u8]) -> Option<Vec<Range<usize>>> {
    let (mut found, mut start) = (Vec::new(), 0);
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let range = trimmed(bytes, start..start + line.len());
        start += line.len() + 1;
        if range.is_empty() || b"#;".contains(&bytes[range.start]) {
            continue;
        }
        if number >= MOST_LINES {
            return None;
        }
        let mut words = words(bytes, range);
        if words.len() > MOST_WORDS {
            return None;
        }
        // Where the account may come from: `client server secret 10.0.0.4`.
        let is_from = |word: &[u8]| {
            word == b"*"
                || std::str::from_utf8(word).is_ok_and(|word| word.parse::<std::net::IpAddr>().is_ok())
        };
        words.retain(|word| !is_from(&bytes[word.clone()]));
        found.extend(words.pop().map(|word| behind_colon(bytes, unquoted(bytes, word))));
    }
    Some(found)
}

/// Whether a text is a list of accounts by its form alone: two words and more on each line or `user:value`, and no sign of
/// code or of data between them.
pub(super) fn is_list_of_accounts(bytes: &[u8]) -> bool {
    let lines = || bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines =
        lines().filter(|line| line.first().is_some_and(|first| !b"#;".contains(first))).peekable();
    let is_account = |line: &[u8]| {
        let first = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        let is_pair = first.len() == line.len()
            && memchr::memchr(b':', line).is_some_and(|at| at > 0 && at + 1 < line.len());
        let is_row = first.len() < line.len() && !first.ends_with(b":");
        (is_pair || is_row) && !line.iter().any(|byte| b"=(){}<>;,|".contains(byte))
    };
    lines.peek().is_some() && lines.all(is_account)
}

/// Where a value stands in its file.
pub(super) fn span(bytes: &[u8], range: &Range<usize>) -> Option<Span> {
    let before = &bytes[..range.start];
    let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let line = u32::try_from(memchr::memchr_iter(b'\n', before).count()).ok()? + 1;
    // A mark before the text is no character of it.
    let mark = if start == 0 && bytes.starts_with(MARK) { MARK.len() } else { 0 };
    let column = u32::try_from(range.start - start - mark).ok()? + 1;
    let end_column = column + u32::try_from(range.len()).ok()?;
    Some(Span { line, column, end_line: line, end_column })
}

/// What Windows writes before the text of a file.
const MARK: &[u8] = b"\xef\xbb\xbf";

fn trimmed(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let text = &bytes[range.clone()];
    let text = if range.start == 0 { text.strip_prefix(MARK).unwrap_or(text) } else { text };
    let start = range.end - text.trim_ascii_start().len();
    start..start + text.trim_ascii().len()
}

fn unquoted(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    match bytes[range.clone()] {
        [first @ (b'"' | b'\'' | b'`'), .., last] if first == last => range.start + 1..range.end - 1,
        _ => range,
    }
}

fn words(bytes: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
    let mut start = range.start;
    let parts = bytes[range].split(u8::is_ascii_whitespace);
    let ranges = parts.map(|part| {
        let word = start..start + part.len();
        start = word.end + 1;
        word
    });
    ranges.filter(|word| !word.is_empty()).collect()
}

/// What stands behind the last colon, if it is no address.
fn behind_colon(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let word = &bytes[range.clone()];
    let is_name = |name: &[u8]| {
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-@*:".contains(byte))
    };
    match memchr::memrchr(b':', word) {
        Some(colon) if is_name(&word[..colon]) && colon + 1 < word.len() => {
            range.start + colon + 1..range.end
        }
        _ => range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_only_value_stands_between_blanks_and_quotes() {
        for (text, value) in [
            ("value-1\n", Some("value-1")),
            ("\n\n  \"value-1\"\r\n", Some("value-1")),
            ("\u{feff}value-1", Some("value-1")),
            ("one two", None),
            ("\n", None),
        ] {
            assert_eq!(only(text.as_bytes()).map(|range| &text[range]), value, "{text:?}");
        }
        assert_eq!(span(b"\n 'ab'\n", &(3..5)).map(|span| (span.line, span.column)), Some((2, 3)));
    }

    #[test]
    fn a_list_has_a_value_at_the_end_of_each_line() {
        let text =
            "# client server secret\n\"ada\" * \"one\" *\nbob:two\nhttps://a.dev/x ada three\n\nfour\n";
        let found = last_of_each(text.as_bytes()).unwrap();
        assert_eq!(
            found.into_iter().map(|range| &text[range]).collect::<Vec<_>>(),
            ["one", "two", "three", "four"]
        );
        assert_eq!(last_of_each(b"This is a sentence of more words.\n"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(text in "[a:\"'* #\n\r\t\u{feff}é]{0,60}") {
            let bytes = text.as_bytes();
            for range in only(bytes).into_iter().chain(last_of_each(bytes).into_iter().flatten()) {
                prop_assert!(range.start <= range.end && range.end <= bytes.len());
                prop_assert!(span(bytes, &range).is_some());
            }
        }
    }
}
