//! What a scan notes of a blob in which it found something, so that the next one need not search it again: where, by which
//! rule, how surely and why. The value is not in it; it is read from the blob.

use crate::detect::{Match, Reason, Verdict};
use crate::finding::Confidence;
use crate::source::Key;
use std::collections::{HashMap, HashSet};

/// A match as it is noted.
type Noted = (u32, u32, u32, Confidence, Reason);

/// What one scan noted.
#[derive(Default)]
pub(super) struct Notes {
    /// The blobs that the next scan must look at again, each with its note, which may be empty.
    pub(super) blobs: HashMap<Key, String>,
    /// Those in which something counts wherever they stand.
    busy: HashSet<Key>,
}

impl Notes {
    /// Adds what was seen of a blob, or of a part of it, and whether something in it counts wherever it stands.
    pub(super) fn add(&mut self, key: Key, note: Option<String>, counts: bool) {
        if counts {
            self.busy.insert(key.clone());
        }
        match note {
            Some(note) => drop(self.blobs.insert(key, note)),
            None => drop(self.blobs.entry(key).or_default()),
        }
    }

    /// The blobs in which nothing counts, if only the paths of those that are `meant` say something.
    pub(super) fn idle(&self, meant: &HashSet<Key>) -> HashSet<Key> {
        let meant: HashSet<&Key> = meant.iter().map(|key| key.archive().unwrap_or(key)).collect();
        let of_none = |key: &&Key| !self.busy.contains(*key) && !meant.contains(key);
        self.blobs.keys().filter(of_none).cloned().collect()
    }
}

/// The note about all matches of a whole blob. What does not stand in plain text must be looked for again; so a blob with
/// such a match has no note.
pub(super) fn write(matches: &[Match]) -> Option<String> {
    let noted = |found: &Match| -> Option<Noted> {
        let number = |number: usize| u32::try_from(number).ok().filter(|_| found.decoded.is_none());
        let Verdict { confidence, reason } = found.verdict;
        Some((
            number(found.rule)?,
            number(found.secret.start)?,
            number(found.secret.end)?,
            confidence,
            reason,
        ))
    };
    serde_json::to_string(&matches.iter().map(noted).collect::<Option<Vec<_>>>()?).ok()
}

/// The matches of a blob by its note; `None` if it has none, or not one of such a blob and so many rules.
pub(super) fn read(note: &str, bytes: &[u8], rules: usize) -> Option<Vec<Match>> {
    let noted: Vec<Noted> = serde_json::from_str(note).ok()?;
    let found = |(rule, start, end, confidence, reason): Noted| {
        let (rule, secret) = (rule as usize, start as usize..end as usize);
        let is_sound = rule < rules && secret.start < secret.end && secret.end <= bytes.len();
        is_sound.then_some(Match { rule, secret, verdict: Verdict { confidence, reason }, decoded: None })
    };
    noted.into_iter().map(found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Detector;

    fn matches(text: &str) -> Vec<Match> {
        Detector::new(crate::rule::builtin()).unwrap().scan(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_note_says_where_and_not_what() {
        let token = ["ghp", "_", &"wZ4kT9".repeat(6)].concat();
        let text = format!("password = 'kX9#{}mPq2vL'\n", "4");
        let found = matches(&text);
        let note = write(&found).unwrap();
        assert!(!note.contains("mPq2vL") && !note.contains(&token), "{note}");
        assert_eq!(read(&note, text.as_bytes(), usize::MAX), Some(found));
    }

    #[test]
    fn a_note_of_another_blob_counts_for_nothing() {
        let text = format!("password = 'kX9#{}mPq2vL'\n", "4");
        let note = write(&matches(&text)).unwrap();
        assert_eq!(read(&note, b"short", usize::MAX), None);
        assert_eq!(read(&note, text.as_bytes(), 0), None);
        assert_eq!(read("", text.as_bytes(), usize::MAX), None);
    }

    #[test]
    fn what_is_encoded_has_no_note() {
        use base64::Engine as _;
        let inner = format!("db_password = 'kX9#{}mPq2vL'\n", "4").repeat(2);
        let found = matches(&base64::engine::general_purpose::STANDARD.encode(inner));
        assert!(!found.is_empty());
        assert_eq!(write(&found), None);
    }
}
