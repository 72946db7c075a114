//! A path as text. git and Unix allow any bytes in it, and two paths must never look like one.

use std::fmt::Write as _;

/// The path as it is, if it is text; else each byte that is none as `\xff`, and every backslash doubled. A text that
/// holds such an escape itself is treated like that too, so that no two paths become the same text.
pub(super) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !holds_escape(bytes) => text.to_owned(),
        _ => escaped(bytes),
    }
}

fn holds_escape(bytes: &[u8]) -> bool {
    bytes
        .windows(4)
        .any(|four| four.starts_with(b"\\x") && four[2].is_ascii_hexdigit() && four[3].is_ascii_hexdigit())
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', "\\\\"));
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").expect("a string takes any text");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_stays_and_other_bytes_are_escaped() {
        assert_eq!(text("docs/naïve\\file".as_bytes()), "docs/naïve\\file");
        assert_eq!(text(b"a\\b\xff"), "a\\\\b\\xff");
        assert_eq!(text(b"a\\xff"), "a\\\\xff");
    }

    proptest! {
        /// Bytes are drawn from those that could make two paths meet.
        #[test]
        fn two_paths_never_become_one(
            a in prop::collection::vec(prop::sample::select(b"\\xf\xff\xc3\xbc".to_vec()), 0..8),
            b in prop::collection::vec(prop::sample::select(b"\\xf\xff\xc3\xbc".to_vec()), 0..8),
        ) {
            prop_assert_eq!(a == b, text(&a) == text(&b));
        }

        /// What the escapes of some bytes look like, written out as a path, stays another one.
        #[test]
        fn a_path_that_looks_like_another_stays_another(bytes: Vec<u8>) {
            let shown = text(&bytes);
            prop_assert_eq!(shown.as_bytes() == bytes.as_slice(), text(shown.as_bytes()) == shown);
        }
    }
}
