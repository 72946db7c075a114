//! Lines that list things by their check sums: `40f6…  app.tar.gz`, and `40f6…  -` for what a command was given.

use super::cursor::line_around;
use std::ops::Range;

/// Whether a value is the check sum at the beginning of such a line.
pub(super) fn is_sum(text: &[u8], value: &Range<usize>) -> bool {
    let sum = &text[value.clone()];
    let is_hex = matches!(sum.len(), 32 | 40 | 56 | 64 | 96 | 128) && sum.iter().all(u8::is_ascii_hexdigit);
    let what = text[value.end..].strip_prefix(b"  ").or_else(|| text[value.end..].strip_prefix(b" *"));
    let is_what = what
        .and_then(|what| what.first())
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-./~_".contains(byte));
    is_hex && is_what && {
        let line = line_around(text, value.start);
        text[line.start..value.start].iter().all(|byte| b" \t>".contains(byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_stands_first_and_its_file_behind_it() {
        let sum = "0123456789abcdef".repeat(4);
        for (text, told) in [
            (format!("x\n{sum}  app.tar.gz"), true),
            (format!("{sum} *app.exe\n"), true),
            (format!("> {sum}  -"), true),
            (format!("key {sum}  prod"), false),
            (format!("{sum}  "), false),
            (format!("{sum} | x"), false),
        ] {
            let at = text.find('0').unwrap();
            assert_eq!(is_sum(text.as_bytes(), &(at..at + 64)), told, "{text}");
        }
    }
}
