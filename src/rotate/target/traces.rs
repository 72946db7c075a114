//! Where an old value still stands in a text: inside other values too, and in the encodings that configuration uses.
//!
//! Made for a warning, so it looks for whole values only: a part that two values share is no trace.

use crate::dotenv;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// A shorter value is a trace as a whole word only.
const WEAK: usize = 8;

/// Every form of the old values that is looked for.
pub(super) struct Traces {
    forms: Vec<Zeroizing<String>>,
    words: Vec<Zeroizing<String>>,
}

impl Traces {
    pub(super) fn of(old: &[Secret]) -> Self {
        let (mut forms, mut words) = (Vec::new(), Vec::new());
        for value in old.iter().filter_map(|old| std::str::from_utf8(old.expose()).ok()) {
            if value.len() < WEAK {
                words.push(Zeroizing::new(value.to_owned()));
            } else {
                add_forms(value, &mut forms);
            }
        }
        Self { forms, words }
    }

    /// Whether a variable's value holds an old value.
    pub(super) fn are_in(&self, value: &str) -> bool {
        self.are_in_prose(value) || self.words.iter().any(|word| is_word_of(word, value))
    }

    /// The same for a comment, in which a short word may be just a word.
    pub(super) fn are_in_prose(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form.as_str()))
    }
}

fn add_forms(value: &str, forms: &mut Vec<Zeroizing<String>>) {
    let json = Zeroizing::new(serde_json::to_string(value).unwrap_or_default());
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(value);
    let percent = |keep: &[u8], case: fn(u8) -> String| -> String {
        let plain = |c: u8| c.is_ascii_alphanumeric() || keep.contains(&c);
        // Large enough from the start: a text that grows leaves its beginning behind.
        let mut text = String::with_capacity(value.len() * 3);
        value.bytes().for_each(|c| if plain(c) { text.push(char::from(c)) } else { text.push_str(&case(c)) });
        text
    };
    forms.push(Zeroizing::new(json.replace('/', "\\/")));
    forms.push(Zeroizing::new(json.to_owned()));
    for keep in [&b"-_.~"[..], b"-_.~!*'()", b""] {
        forms.push(Zeroizing::new(percent(keep, |c| format!("%{c:02X}"))));
        forms.push(Zeroizing::new(percent(keep, |c| format!("%{c:02x}"))));
    }
    forms.extend([hex::encode(value), hex::encode_upper(value)].map(Zeroizing::new));
    for shift in 0..3 {
        let shifted = Zeroizing::new([&vec![0; shift], value.as_bytes()].concat());
        for text in [STANDARD_NO_PAD.encode(&*shifted), URL_SAFE_NO_PAD.encode(&*shifted)] {
            // The first letters hold bits of what stood before, the last one bits of what follows.
            let inner = text.get((shift * 8).div_ceil(6)..shifted.len() * 8 / 6).unwrap_or_default();
            forms.push(Zeroizing::new(inner.to_owned()));
        }
    }
    forms.push(Zeroizing::new(value.to_owned()));
    forms.retain(|form| form.len() >= WEAK);
}

/// Each place of a dotenv file that holds an old value: the variable or what else it is, and the line.
pub(super) fn places(text: &str, traces: &Traces) -> Vec<(String, usize)> {
    let (mut found, mut bare, mut at) = (Vec::new(), Zeroizing::new(String::with_capacity(text.len())), 0);
    for assignment in dotenv::parse(text) {
        let raw = assignment.raw(text);
        if traces.are_in(raw) || traces.are_in(&Zeroizing::new(assignment.read(text))) {
            found.push((assignment.name(text).to_owned(), assignment.line));
        }
        // A name is no value, even where the old value was the name of its own variable.
        bare.push_str(&text[at..assignment.name.start]);
        bare.push_str(&text[assignment.name.end..assignment.value.start]);
        bare.extend(raw.chars().filter(|&c| c == '\n'));
        at = assignment.value.end;
    }
    bare.push_str(&text[at..]);
    for (index, line) in bare.lines().enumerate().filter(|(_, line)| traces.are_in_prose(line)) {
        let what = if line.contains('#') { "a comment" } else { "another value" };
        found.push((what.to_owned(), index + 1));
    }
    found.sort_by_key(|(_, line)| *line);
    found
}

/// Whether the word stands in the text with no letter or digit beside it.
fn is_word_of(word: &str, text: &str) -> bool {
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            let letter = |c: char| c.is_alphanumeric() || c == '_';
            !text[..at].ends_with(letter) && !text[at + word.len()..].starts_with(letter)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_in(old: &str, text: &str) -> bool {
        Traces::of(&[Secret::from(old.to_owned())]).are_in(text)
    }

    #[test]
    fn a_short_value_is_a_trace_as_a_word_only() {
        assert!(is_in("cats", "redis://:cats@h") && !is_in("cats", "catsup") && !is_in("7", "PORT 77"));
        assert!(!is_in("", "anything"));
    }

    #[test]
    fn the_name_of_a_variable_is_no_trace() {
        let traces = Traces::of(&[Secret::from("SESSION_SECRET".to_owned())]);
        let found = places("SESSION_SECRET=\nOTHER='x SESSION_SECRET'\n# SESSION_SECRET\n", &traces);
        assert_eq!(found, [("OTHER".to_owned(), 2), ("a comment".to_owned(), 3)]);
    }

    proptest! {
        #[test]
        fn every_encoding_of_a_value_is_a_trace(
            value in "[!-~]{8,60}", before in "[ -~]{0,5}", after in "[ -~]{0,5}",
        ) {
            use base64::engine::general_purpose::{STANDARD, URL_SAFE};
            let whole = format!("{before}{value}{after}");
            let percent = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC)
                .to_string();
            for text in [
                whole.clone(),
                hex::encode(&whole),
                STANDARD.encode(&whole),
                URL_SAFE.encode(&whole),
                serde_json::to_string(&whole).unwrap(),
                percent,
            ] {
                prop_assert!(is_in(&value, &text), "{}", text);
            }
        }

        #[test]
        fn another_value_is_no_trace(value in "[a-f0-9]{16,60}", other in "[g-z ]{0,80}") {
            prop_assert!(!is_in(&value, &other));
        }
    }
}
