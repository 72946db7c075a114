//! The value taken out of a text, in every form that can be replaced without breaking what stands around it.
//!
//! In base64 the letters of a value depend on its neighbours, so the whole run of letters is decoded, edited and encoded
//! anew, if text comes out and the same letters would have gone in. What is left in another form is found by the redactor.

use crate::secret::{Redactor, Secret};
use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use std::ops::Range;
use zeroize::Zeroizing;

/// What stands where the value stood: plain letters, which no format reads as anything else.
pub(super) const PLACEHOLDER: &str = "REDACTED-BY-UNLEAK";
/// A shorter value may be a part of another word anywhere, and is no sign of anything there.
const WEAK: usize = 8;
/// A shorter value is replaced as a whole word only.
const LONG: usize = 20;
/// Fewer letters are no base64 that could hold a value.
const SHORTEST_RUN: usize = 12;

/// Knows the forms of one value.
pub(super) struct Editor {
    forms: AhoCorasick,
    weak: bool,
    /// Whether it counts only where nothing that belongs to a word touches it.
    whole: bool,
    lines: bool,
    gate: Redactor,
}

/// What became of a text.
pub(super) struct Edited {
    /// The text without the value; `None` where nothing could be replaced.
    pub(super) text: Option<Zeroizing<Vec<u8>>>,
    /// Whether a part or a form of the value still stands in it.
    pub(super) rest: bool,
    /// How many places were changed.
    pub(super) count: usize,
}

impl Editor {
    /// `None` for what is no text or too short to be told from other text.
    pub(super) fn new(value: &Secret) -> Option<Self> {
        let text = std::str::from_utf8(value.expose()).ok().filter(|text| text.len() >= 4)?;
        let forms = forms(text);
        let forms = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(forms.iter().map(|form| form.as_bytes()))
            .ok()?;
        let (weak, whole, lines) = (text.len() < WEAK, text.len() < LONG, text.contains('\n'));
        Some(Self { forms, weak, whole, lines, gate: Redactor::new([value]) })
    }

    /// Whether the value stands in the bytes, in any form or in part.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        !self.gate.is_clean(bytes) || self.hit(bytes).is_some() || !self.weak && self.forms.is_match(bytes)
    }

    /// Whether it stands there as it could be replaced, which is quick to see.
    pub(super) fn is_plainly_in(&self, bytes: &[u8]) -> bool {
        self.hit(bytes).is_some()
    }

    /// Whether line ends are a part of the value.
    pub(super) fn has_lines(&self) -> bool {
        self.lines
    }

    /// Whether the value is so long that nothing else can read the same.
    pub(super) fn is_telling(&self) -> bool {
        !self.whole
    }

    fn hit(&self, bytes: &[u8]) -> Option<Range<usize>> {
        self.forms.find_iter(bytes).map(|hit| hit.range()).find(|range| self.counts(bytes, range))
    }

    fn counts(&self, bytes: &[u8], range: &Range<usize>) -> bool {
        let part = |c: u8| c.is_ascii_alphanumeric() || !c.is_ascii() || matches!(c, b'_' | b'-' | b'.');
        let letter = |c: Option<&u8>| c.is_some_and(|c| part(*c));
        let before = range.start.checked_sub(1).and_then(|at| bytes.get(at));
        !self.whole || !letter(before) && !letter(bytes.get(range.end))
    }

    pub(super) fn edit(&self, bytes: &[u8]) -> Edited {
        if std::str::from_utf8(bytes).is_err() {
            return Edited { text: None, rest: true, count: 0 };
        }
        let (plain, first) = self.replaced(bytes);
        let (text, second) = self.within_base64(&plain);
        let rest = self.is_in(&text);
        let count = first + second;
        Edited { text: (count > 0).then_some(text), rest, count }
    }

    /// Without the value as it stands, and how often it was there.
    fn replaced(&self, bytes: &[u8]) -> (Zeroizing<Vec<u8>>, usize) {
        let hits = self.forms.find_iter(bytes).map(|hit| hit.range());
        let hits: Vec<_> = hits.filter(|range| self.counts(bytes, range)).collect();
        let with = |_: &Range<usize>| Some(PLACEHOLDER.as_bytes().to_vec());
        (spliced(bytes, &hits, with), hits.len())
    }

    fn within_base64(&self, bytes: &[u8]) -> (Zeroizing<Vec<u8>>, usize) {
        let runs = runs(bytes);
        let changed: Vec<_> =
            runs.into_iter().filter(|run| self.recoded(&bytes[run.clone()]).is_some()).collect();
        let with = |run: &Range<usize>| self.recoded(&bytes[run.clone()]);
        (spliced(bytes, &changed, with), changed.len())
    }

    /// A run of base64 letters whose text holds the value, encoded anew without it.
    fn recoded(&self, run: &[u8]) -> Option<Vec<u8>> {
        [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].iter().find_map(|engine| {
            let inner = Zeroizing::new(engine.decode(run).ok()?);
            self.hit(&inner)?;
            let same = Zeroizing::new(engine.encode(&*inner)).as_bytes() == run;
            let text = same && std::str::from_utf8(&inner).is_ok();
            text.then(|| engine.encode(&*self.replaced(&inner).0).into_bytes())
        })
    }
}

/// The bytes with something else in these places, which are in order.
fn spliced(
    bytes: &[u8],
    places: &[Range<usize>],
    with: impl Fn(&Range<usize>) -> Option<Vec<u8>>,
) -> Zeroizing<Vec<u8>> {
    let more: usize = places.iter().map(|place| place.len() * 2 + PLACEHOLDER.len()).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len() + more));
    let mut at = 0;
    for place in places {
        out.extend_from_slice(&bytes[at..place.start]);
        out.extend(with(place).unwrap_or_default());
        at = place.end;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}

/// The longest runs of base64 letters, with their padding.
fn runs(bytes: &[u8]) -> Vec<Range<usize>> {
    let letter = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'-' | b'_');
    let (mut runs, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let letters = bytes[at..].iter().take_while(|c| letter(**c)).count();
        if letters == 0 {
            at += 1;
            continue;
        }
        let padding = bytes[at + letters..].iter().take(2).take_while(|c| **c == b'=').count();
        if letters >= SHORTEST_RUN {
            runs.push(at..at + letters + padding);
        }
        at += letters + padding;
    }
    runs
}

/// The value as it stands, and as formats write it whose encoding treats each letter alone.
fn forms(value: &str) -> Vec<Zeroizing<String>> {
    let percent = |keep: &[u8], upper: bool| -> String {
        let plain = |c: u8| c.is_ascii_alphanumeric() || keep.contains(&c);
        let escaped = |c: u8| if upper { format!("%{c:02X}") } else { format!("%{c:02x}") };
        // Large enough from the start: a text that grows leaves its beginning behind.
        let mut text = String::with_capacity(value.len() * 3);
        value
            .bytes()
            .for_each(|c| if plain(c) { text.push(char::from(c)) } else { text.push_str(&escaped(c)) });
        text
    };
    let quoted = Zeroizing::new(serde_json::to_string(value).unwrap_or_default());
    let json = quoted.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(value).to_owned();
    let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let mut forms = vec![json.replace('/', "\\/"), json, html.replace('\'', "&#39;"), html];
    for keep in [&b"-_.~"[..], b"-_.~!*'()", b""] {
        forms.extend([percent(keep, true), percent(keep, false)]);
    }
    forms.extend([hex::encode(value), hex::encode_upper(value), value.to_owned()]);
    forms.sort_unstable();
    forms.dedup();
    forms.into_iter().map(Zeroizing::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edited(value: &str, text: &str) -> (Option<String>, bool) {
        let edited = Editor::new(&Secret::from(value.to_owned())).unwrap().edit(text.as_bytes());
        (edited.text.map(|text| String::from_utf8(text.to_vec()).unwrap()), edited.rest)
    }

    #[test]
    fn a_short_value_goes_as_a_word_only() {
        assert_eq!(edited("cats", "K=cats # catsup\n"), (Some(format!("K={PLACEHOLDER} # catsup\n")), false));
        assert_eq!(edited("cats", "catsup").0, None);
    }

    #[test]
    fn a_part_of_another_word_stays_and_is_told() {
        let value = "appdata2024";
        for other in ["appdata2024-volume", "my.appdata2024", "appdata2024_x", "xappdata2024"] {
            assert_eq!(edited(value, &format!("name: {other}\n")), (None, true), "{other}");
            let (text, rest) = edited(value, &format!("{other}: \"{value}\"\n"));
            assert_eq!((text, rest), (Some(format!("{other}: \"{PLACEHOLDER}\"\n")), true));
        }
    }

    #[test]
    fn what_cannot_be_replaced_is_told() {
        let value = "a value of nineteen";
        let half = &value[..14];
        assert_eq!(edited(value, &format!("x {half}\n")), (None, true));
        let twice = STANDARD.encode(STANDARD.encode(value));
        assert!(edited(value, &format!("{value} and {twice}")).1);
        assert_eq!(edited(value, "nothing here"), (None, false));
        let editor = Editor::new(&Secret::from(value.to_owned())).unwrap();
        assert!(editor.edit(b"\xff a value of nineteen").rest);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever stands around it stays, and can be decoded as before.
        #[test]
        fn each_form_goes_and_the_rest_stays(
            value in "[A-Za-z0-9!&/+=@#]{20,40}", user in "[a-z]{1,9}", form in 0_usize..7,
        ) {
            let inside = format!("{user}:{value}");
            let (text, expected) = match form {
                0 => (value.clone(), PLACEHOLDER.to_owned()),
                1 => (inside.clone(), format!("{user}:{PLACEHOLDER}")),
                2 => (STANDARD.encode(&inside), STANDARD.encode(format!("{user}:{PLACEHOLDER}"))),
                3 => (URL_SAFE_NO_PAD.encode(&value), URL_SAFE_NO_PAD.encode(PLACEHOLDER)),
                4 => (hex::encode(&value), PLACEHOLDER.to_owned()),
                5 => (serde_json::to_string(&value).unwrap(), format!("\"{PLACEHOLDER}\"")),
                _ => (percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC).to_string(), PLACEHOLDER.to_owned()),
            };
            let whole = format!("# before\nkey: \"{text}\"\r\nafter");
            prop_assert_eq!(edited(&value, &whole), (Some(format!("# before\nkey: \"{expected}\"\r\nafter")), false));
        }
    }
}
