//! Inline permission: a marker on a line says that the value on that line, and on no other, may stand there.

use std::ops::Range;

/// The words that mark a line; gitleaks' is honoured, because so many files carry it.
const MARKERS: [&[u8]; 2] = [b"unleak:allow", b"gitleaks:allow"];

/// Whether a marker stands on a line that `secret` stands on.
pub fn is_allowed(bytes: &[u8], secret: &Range<usize>) -> bool {
    let lines = &bytes[lines_of(bytes, secret)];
    MARKERS.iter().any(|marker| lines.windows(marker.len()).any(|window| window == *marker))
}

/// From the start of the first to the end of the last line of `range`; a lone carriage return ends a line too.
fn lines_of(bytes: &[u8], range: &Range<usize>) -> Range<usize> {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let start = bytes[..range.start].iter().rposition(is_end).map_or(0, |at| at + 1);
    let end = bytes[range.end..].iter().position(is_end).map_or(bytes.len(), |at| range.end + at);
    start..end
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn a_marker_allows_its_own_line_only() {
        let text = b"a = one\nb = two # unleak:allow\nc = three\r\nd = four // gitleaks:allow\n";
        let at = |word: &[u8]| {
            let start = text.windows(word.len()).position(|window| window == word).unwrap();
            is_allowed(text, &(start..start + word.len()))
        };
        assert!(!at(b"one") && at(b"two") && !at(b"three") && at(b"four"));
    }
}
