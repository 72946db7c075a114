//! Text from a repository on its way to a terminal: made harmless, wrapped, counted.
//!
//! A path, an author or a reference name may hold anything, also escape sequences that rewrite what is on the
//! screen and characters that turn its order around.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;
use unicode_width::UnicodeWidthStr as _;

/// Shows every control, format and direction character as a visible escape, so that no text can act on a terminal.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Whether a character does something to a terminal instead of standing on it.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Columns that a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Breaks a text at its spaces into lines of at most `limit` columns; a longer word gets a line of its own.
pub(super) fn wrap(text: &str, limit: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && width(&line) + 1 + width(word) > limit {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.extend((!line.is_empty()).then_some(line));
    lines
}

/// A count with its noun: `1 commit`, `1,204 commits`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// A number with a comma between each three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in the largest unit that leaves a number of at least one.
#[expect(clippy::cast_precision_loss, reason = "a size for reading has one decimal")]
pub(super) fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if number < 1024 {
        return count(number, "byte");
    }
    let mut size = number as f64 / 1024.0;
    let mut unit = 0;
    // 1023.95 would be shown as 1024.0.
    while size >= 1023.95 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// A duration as a person says it: milliseconds, seconds, then minutes.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let mut text = String::new();
    let written = if time < Duration::from_secs(1) {
        write!(text, "{} ms", time.as_millis())
    } else if seconds < 60 {
        write!(text, "{:.1} s", time.as_secs_f64())
    } else {
        write!(text, "{} min {} s", seconds / 60, seconds % 60)
    };
    written.expect("a string takes any text");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_that_acts_gets_through(text in "\\PC*|[\\x00-\\x1f\\x7f-\\u{9f}\\u{200b}-\\u{202e}a]*") {
            prop_assert!(!visible(&text).contains(acts));
        }

        #[test]
        fn wrapping_loses_no_word_and_keeps_the_limit(text in "([a-z]{1,12} ){0,30}", limit in 12..60_usize) {
            let lines = wrap(&text, limit);
            prop_assert!(lines.iter().all(|line| width(line) <= limit));
            prop_assert_eq!(lines.join(" "), text.trim());
        }
    }

    #[test]
    fn escapes_are_visible_and_plain_text_is_untouched() {
        assert_eq!(visible("docs/naïve 日本.md"), "docs/naïve 日本.md");
        assert_eq!(visible("a\x1b[2Jb\r\0"), "a\\u{1b}[2Jb\\r\\u{0}");
        assert_eq!(visible("gpj.\u{202e}cod"), "gpj.\\u{202e}cod");
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!([count(1, "commit"), count(1_204_567, "commit")], ["1 commit", "1,204,567 commits"]);
        assert_eq!([bytes(1), bytes(2048), bytes(1_048_575)], ["1 byte", "2.0 KiB", "1.0 MiB"]);
        assert_eq!(duration(Duration::from_millis(412)), "412 ms");
        assert_eq!(duration(Duration::from_millis(61_400)), "1 min 1 s");
    }
}
