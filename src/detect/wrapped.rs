//! Tokens that a mail, a chat or an editor broke over several lines: what a rule of one length finds only when the
//! breaks are taken out.

use std::ops::Range;

/// The most breaks in one token.
const BREAKS: usize = 3;
/// The most signs that indent or quote a line that goes on.
const INDENT: usize = 6;
/// The fewest signs of a token on each of its lines.
const SHORTEST: usize = 4;

/// How many bytes more than the token itself can be looked at.
pub(super) const MORE: usize = BREAKS * (INDENT + 3);

/// A text without the line breaks inside of its first word.
pub(super) struct Unwrapped {
    /// The byte before the word, if there is one, and the word.
    pub(super) text: Vec<u8>,
    /// Where the word begins in it.
    pub(super) start: usize,
    /// Where each line begins, in it and in the bytes it comes from.
    lines: Vec<(usize, usize)>,
}

impl Unwrapped {
    /// The word that begins at `at` and has so many bytes at most, if it is broken.
    pub(super) fn at(bytes: &[u8], at: usize, most: usize) -> Option<Self> {
        let mut end = word_end(bytes, at, most);
        let mut next = continuation(bytes, &mut end)?;
        let start = usize::from(at > 0);
        let mut text = bytes[at - start..end].to_vec();
        let mut lines = vec![(start, at)];
        for _ in 0..BREAKS {
            lines.push((text.len(), next));
            end = word_end(bytes, next, (most + 1).saturating_sub(text.len()));
            let from = next;
            let goes_on = continuation(bytes, &mut end);
            text.extend_from_slice(&bytes[from..end]);
            let Some(line) = goes_on else { break };
            next = line;
        }
        // What ends the word: a pattern may ask.
        text.extend(bytes.get(end));
        Some(Self { text, start, lines })
    }

    /// Where a part of it stands in the bytes, if it has a break.
    pub(super) fn source(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let line = |at: usize| self.lines.iter().rev().find(|(start, _)| *start <= at);
        let (first, last) = (line(range.start)?, line(range.end.checked_sub(1)?)?);
        (first != last).then(|| range.start - first.0 + first.1..range.end - last.0 + last.1)
    }
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

fn word_end(bytes: &[u8], at: usize, most: usize) -> usize {
    at + bytes[at..].iter().take(most).take_while(|byte| is_part(**byte)).count()
}

/// Where the word that ends here goes on in the next line.
fn continuation(bytes: &[u8], end: &mut usize) -> Option<usize> {
    let rest = bytes.get(*end..)?;
    // Quoted-printable marks a line that goes on.
    let rest = rest.strip_prefix(b"=").unwrap_or(rest);
    let rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))?;
    let indent = rest.iter().take(INDENT).take_while(|byte| b" \t>".contains(byte)).count();
    let next = bytes.len() - rest.len() + indent;
    (word_end(bytes, next, SHORTEST) == next + SHORTEST).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(String, Option<String>)> {
        let found = Unwrapped::at(text.as_bytes(), 2, 40)?;
        let word = found.start..found.text.len() - usize::from(text.ends_with(' '));
        let source = found.source(&word).map(|range| text[range].to_owned());
        Some((String::from_utf8(found.text[word].to_vec()).unwrap(), source))
    }

    #[test]
    fn breaks_are_taken_out_and_mapped_back() {
        let whole = |word: &str, source: &str| Some((word.to_owned(), Some(source.to_owned())));
        assert_eq!(parts("x abcd\n> efgh "), whole("abcdefgh", "abcd\n> efgh"));
        assert_eq!(parts("x abcd=\r\nefgh\n    ijkl "), whole("abcdefghijkl", "abcd=\r\nefgh\n    ijkl"));
        for text in ["x abcd efgh ", "x abcd\n\nefgh ", "x abcd\n- efgh ", "x abcd\nef "] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
