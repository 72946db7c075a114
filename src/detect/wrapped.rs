//! Tokens that a mail, a chat or an editor broke over several lines: what a rule finds, or finds whole, only when the breaks
//! are taken out.
//!
//! A token of one length says itself where it ends. One of any length may end at its line's end, as in every `.env` file, and
//! the next line may begin with what could be a part of it. So its line must be as full as a program breaks it, and the next
//! one go on with what is no word, no name and no other token.

use std::ops::Range;

/// The most breaks in one token.
const BREAKS: usize = 3;
/// The most signs that indent or quote a line that goes on.
const INDENT: usize = 6;
/// The fewest signs of a token on each of its lines.
const SHORTEST: usize = 4;
/// The fewest columns at which programs break lines, but for the narrowest.
pub(super) const FULL: usize = 60;

/// How many bytes more than the token itself can be looked at.
pub(super) const MORE: usize = BREAKS * (INDENT + 3);

/// How much is known of where a token ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// Its length tells.
    Itself,
    /// Nothing does: the lines must.
    Open,
}

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
    /// The words that can begin at `at` and have so many bytes at most, if it is broken; the likeliest first.
    pub(super) fn all(bytes: &[u8], at: usize, most: usize, ends: Ends) -> impl Iterator<Item = Self> {
        let mut found: Vec<Self> = Vec::new();
        for breaks in 1..=BREAKS {
            match Self::at(bytes, at, most, ends, breaks) {
                Some(word) if found.last().is_none_or(|last| last.lines.len() < word.lines.len()) => {
                    found.push(word);
                }
                _ => break,
            }
        }
        if ends == Ends::Open {
            found.reverse();
        }
        found.into_iter()
    }

    /// The word over so many breaks, or as many as there are.
    fn at(bytes: &[u8], at: usize, most: usize, ends: Ends, breaks: usize) -> Option<Self> {
        let continuation = |bytes: &[u8], end: &usize| {
            continuation(bytes, *end)
                .filter(|next| ends == Ends::Itself || is_full(bytes, *end) && goes_on(bytes, at, *next))
        };
        let mut end = word_end(bytes, at, most);
        let mut next = continuation(bytes, &end)?;
        let start = usize::from(at > 0);
        let mut text = bytes[at - start..end].to_vec();
        let mut lines = vec![(start, at)];
        loop {
            lines.push((text.len(), next));
            end = word_end(bytes, next, (most + 1).saturating_sub(text.len()));
            let from = next;
            text.extend_from_slice(&bytes[from..end]);
            let line = continuation(bytes, &end).filter(|_| lines.len() <= breaks);
            let Some(line) = line else { break };
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
fn continuation(bytes: &[u8], end: usize) -> Option<usize> {
    let rest = bytes.get(end..)?;
    // Quoted-printable marks a line that goes on.
    let rest = rest.strip_prefix(b"=").unwrap_or(rest);
    let rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))?;
    let indent = rest.iter().take(INDENT).take_while(|byte| b" \t>".contains(byte)).count();
    let next = bytes.len() - rest.len() + indent;
    (word_end(bytes, next, SHORTEST) == next + SHORTEST).then_some(next)
}

/// Whether the line that ends here is so long that the word had to be broken.
fn is_full(bytes: &[u8], end: usize) -> bool {
    end >= FULL && memchr::memchr(b'\n', &bytes[end - FULL..end]).is_none()
}

/// Whether what begins at `next` is the rest of the token at `at`: neither a word nor a name, nor another token.
fn goes_on(bytes: &[u8], at: usize, next: usize) -> bool {
    let end = word_end(bytes, next, FULL * 2);
    let word = &bytes[next..end];
    let is_name = bytes.get(end).is_some_and(|byte| b"=:([{/\\@$%".contains(byte));
    // `=` may be base64's, and quoted-printable's.
    let is_padded = bytes[end..].starts_with(b"=") && !bytes.get(end + 1).is_some_and(u8::is_ascii_graphic);
    if is_name && !is_padded || word.starts_with(&bytes[at..at + SHORTEST]) {
        return false;
    }
    let has = |is: fn(&u8) -> bool| word.iter().any(is);
    let rises = word.windows(2).filter(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) || rises.count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(String, Option<String>)> {
        let found = Unwrapped::all(text.as_bytes(), 2, 40, Ends::Itself).last()?;
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

    #[test]
    fn a_token_of_any_length_goes_on_behind_a_full_line_only() {
        let token = "sk_live_".to_owned() + &"aB3".repeat(18);
        let is_joined = |text: &str| {
            let at = text.find("sk_live_").unwrap();
            Unwrapped::all(text.as_bytes(), at, 200, Ends::Open).next().is_some()
        };
        for text in [
            format!("> {token}\n> x9Kd2\n"),
            format!("the key is {token}\r\n  Qz71mm, and it works"),
            format!("{token}=\nk3F9x=\n"),
        ] {
            assert!(is_joined(&text), "{text}");
        }
        for text in [
            format!("KEY={token}\nOTHER_KEY2=x"),
            format!("KEY={token}\nexport A=1"),
            format!("- {token}\n- {token}"),
            format!("{token}\n{token}"),
            format!("the key {token}\nopens everything"),
            format!("the key {token}\nv2: next"),
            "a short line sk_live_aB3aB3aB3\nx9Kd2".to_owned(),
        ] {
            assert!(!is_joined(&text), "{text}");
        }
    }
}
