//! The last gate before anything leaves the process: takes every known secret, in every encoding, out of a text.
//!
//! The first line of defence is the type [`Secret`]. This is the second: it sees what a child process printed, what
//! an error message quoted, and what somebody will add to a report next year.

use super::needles::Needles;
use super::{Secret, encodings};
use std::fmt;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What stands where a secret stood.
pub const PLACEHOLDER: &str = "[REDACTED]";
/// A value shorter than this is searched as a whole word only.
const WEAK: usize = 6;
/// A value shorter than this cannot be told from ordinary text.
const SHORTEST: usize = 4;
/// The same where separators are passed over.
const SHORTEST_JOINED: usize = 8;

/// Knows every secret of a run and finds them in bytes.
#[derive(Clone, Default)]
pub struct Redactor {
    /// What was learned at once.
    parts: Vec<Arc<Part>>,
    longest: usize,
}

/// Some secrets, ready to be found.
struct Part {
    plain: Option<Needles>,
    /// Needles without what line wrapping and quoting put in between.
    joined: Option<Needles>,
    words: Vec<Secret>,
}

impl Redactor {
    /// Learns the secrets. Values of less than four bytes are ordinary text and left out.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        Self::default().and(secrets)
    }

    /// The same, for more secrets too.
    #[must_use]
    pub fn and<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let (mut plain, mut joined) = <(Zeroizing<Vec<Vec<u8>>>, Zeroizing<Vec<Vec<u8>>>)>::default();
        let mut words = Vec::new();
        for secret in secrets {
            if secret.len() < SHORTEST {
                continue;
            }
            let number = secret.expose().iter().all(u8::is_ascii_digit);
            if secret.len() < WEAK || number && secret.len() < encodings::WINDOW {
                // A short number is a count, a year or a port before it is a secret.
                if !number || secret.len() >= WEAK {
                    words.push(secret.clone());
                }
            } else {
                plain.extend(encodings::needles(secret));
                let (text, _) = join(secret.expose());
                if text.len() < secret.len() && text.len() >= SHORTEST_JOINED {
                    joined.extend(encodings::parts(&text).map(<[u8]>::to_vec));
                }
            }
        }
        joined.extend(plain.iter().filter_map(|needle| without_separators(needle)));
        let longest = plain.iter().map(Vec::len).max().unwrap_or(0).max(self.longest);
        let mut parts = self.parts.clone();
        if !plain.is_empty() || !words.is_empty() {
            parts.push(Arc::new(Part { plain: Needles::new(&plain), joined: Needles::new(&joined), words }));
        }
        Self { parts, longest }
    }

    /// The text without its secrets.
    pub fn redact(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact_bytes(text.as_bytes())).into_owned()
    }

    /// The bytes without their secrets.
    pub fn redact_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        cut(bytes, &self.find(bytes))
    }

    /// Whether no secret stands in the bytes.
    pub fn is_clean(&self, bytes: &[u8]) -> bool {
        self.find(bytes).is_empty()
    }

    /// Where secrets stand, in order, without overlaps.
    fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let (text, origin) = join(bytes);
        for part in &self.parts {
            if let Some(plain) = &part.plain {
                found.extend(plain.find(bytes));
            }
            if let Some(joined) = &part.joined {
                let places = joined.find(&text).into_iter();
                found.extend(places.map(|place| origin[place.start]..origin[place.end - 1] + 1));
            }
            for word in &part.words {
                found.extend(whole_words(bytes, word.expose()));
            }
        }
        merge(found, bytes)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

fn whole_words<'a>(bytes: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
    let letter = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    bytes.windows(word.len()).enumerate().filter_map(move |(start, window)| {
        let end = start + word.len();
        let whole = !letter(start.checked_sub(1).and_then(|at| bytes.get(at))) && !letter(bytes.get(end));
        (whole && window.eq_ignore_ascii_case(word)).then_some(start..end)
    })
}

/// A needle as it stands in a text without separators. One that had some must still be long enough to be a leak: in the
/// middle of a form that was learned, the name of a field between two quotes is no secret.
fn without_separators(needle: &[u8]) -> Option<Vec<u8>> {
    let (text, _) = join(needle);
    let least = if text.len() == needle.len() { SHORTEST_JOINED } else { encodings::WINDOW };
    (text.len() >= least).then_some(text)
}

/// The text without white space, quotes, joining signs and terminal escapes, and where each byte came from.
fn join(bytes: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut text, mut origin) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len()));
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == 0x1b && bytes.get(at + 1) == Some(&b'[') {
            at += 2;
            while bytes.get(at).is_some_and(|byte| !byte.is_ascii_alphabetic()) {
                at += 1;
            }
        } else if !matches!(
            byte,
            b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'`' | b'|' | b':' | b'\\' | b','
        ) {
            text.push(byte);
            origin.push(at);
        }
        at += 1;
    }
    (text, origin)
}

/// Joins overlapping places, each widened to the word it lies in.
fn merge(mut found: Vec<Range<usize>>, bytes: &[u8]) -> Vec<Range<usize>> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+';
    found.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    for range in &mut merged {
        range.start -= bytes[..range.start].iter().rev().take_while(|&&byte| letter(byte)).count();
        range.end += bytes[range.end..].iter().take_while(|&&byte| letter(byte)).count();
    }
    merged.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
    merged
}

fn cut(bytes: &[u8], places: &[Range<usize>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for place in places {
        out.extend_from_slice(&bytes[at..place.start]);
        out.extend_from_slice(PLACEHOLDER.as_bytes());
        at = place.end;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}

/// A stream without secrets, even when one is written in pieces.
///
/// The end of what was written is held back until it cannot be the start of a secret any more; `flush` gives out
/// finished lines, [`finish`](Self::finish) everything.
pub struct RedactingWriter<W: Write> {
    inner: W,
    redactor: Redactor,
    held: Vec<u8>,
}

impl<W: Write> RedactingWriter<W> {
    /// Wraps a stream.
    pub fn new(inner: W, redactor: Redactor) -> Self {
        Self { inner, redactor, held: Vec::new() }
    }

    /// Learns more secrets; what is held back is searched for them too.
    pub fn set_redactor(&mut self, redactor: Redactor) {
        self.redactor = redactor;
    }

    /// Gives out what was held back.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub fn finish(&mut self) -> io::Result<()> {
        let rest = self.redactor.redact_bytes(&self.held);
        self.held.clear();
        self.inner.write_all(&rest)?;
        self.inner.flush()
    }

    fn give_out(&mut self, mut upto: usize) -> io::Result<()> {
        let places = self.redactor.find(&self.held);
        if let Some(place) = places.iter().find(|place| place.start < upto && upto < place.end) {
            upto = place.start;
        }
        let whole: Vec<_> = places.into_iter().take_while(|place| place.end <= upto).collect();
        let clean = cut(&self.held[..upto], &whole);
        self.held.drain(..upto);
        self.inner.write_all(&clean)
    }
}

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        // Twice the longest needle: line wraps and quotes may stand in between.
        let keep = (self.redactor.longest * 2).max(64);
        if self.held.len() > keep * 4 {
            self.give_out(self.held.len() - keep)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.held.last() == Some(&b'\n') { self.finish() } else { self.inner.flush() }
    }
}

impl<W: Write> Drop for RedactingWriter<W> {
    fn drop(&mut self) {
        // Nobody is left to tell when the stream is gone.
        drop(self.finish());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VALUE: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdeffedcba9876543210";

    fn redactor(value: &str) -> Redactor {
        Redactor::new([&Secret::from(value.to_owned())])
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        let text = "The reload command ended after 120 ms; 14 sessions were deleted.";
        assert_eq!(redactor(VALUE).redact(text), text);
    }

    #[test]
    fn a_part_of_a_long_secret_is_a_leak() {
        assert!(!redactor(VALUE).is_clean(format!("starts with {}", &VALUE[..14]).as_bytes()));
        assert!(redactor(VALUE).is_clean(format!("starts with {}", &VALUE[..8]).as_bytes()));
    }

    #[test]
    fn a_secret_broken_over_lines_and_colours_is_found() {
        let broken = format!("{}\u{1b}[31m{}\n  \"{}\"", &VALUE[..9], &VALUE[9..18], &VALUE[18..]);
        let redacted = redactor(VALUE).redact(&broken);
        assert_eq!(redacted, format!("{PLACEHOLDER}\""));
    }

    #[test]
    fn a_weak_value_goes_as_a_whole_word_only() {
        assert_eq!(redactor("cats").redact("cats and catsup"), "[REDACTED] and catsup");
        assert_eq!(redactor("7").redact("7 rows"), "7 rows");
    }

    proptest! {
        #[test]
        fn no_encoding_of_a_value_survives(
            value in "[ -~]{12,80}",
            before in "[a-z ]{0,9}",
            after in "[a-z ]{0,9}",
        ) {
            use base64::Engine as _;
            use base64::engine::general_purpose::{STANDARD, URL_SAFE};
            let redactor = redactor(&value);
            let whole = format!("{before}{value}{after}");
            for text in [
                whole.clone(),
                hex::encode(&whole),
                hex::encode_upper(&whole),
                STANDARD.encode(&whole),
                URL_SAFE.encode(&whole),
                serde_json::to_string(&whole).unwrap(),
                format!("{whole:?}"),
                value.chars().rev().collect(),
            ] {
                prop_assert!(!redactor.is_clean(text.as_bytes()), "{text}");
                prop_assert!(redactor.is_clean(redactor.redact(&text).as_bytes()));
            }
        }

        #[test]
        fn a_value_written_in_pieces_does_not_pass(cuts in prop::collection::vec(0_usize..400, 1..8)) {
            let text = format!("{}{VALUE}{}", "x ".repeat(90), " y".repeat(90));
            let mut out = Vec::new();
            let mut writer = RedactingWriter::new(&mut out, redactor(VALUE));
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            for pair in cuts.windows(2) {
                writer.write_all(&text.as_bytes()[pair[0]..pair[1]]).unwrap();
                writer.flush().unwrap();
            }
            drop(writer);
            let expected = text.replace(VALUE, PLACEHOLDER);
            prop_assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
