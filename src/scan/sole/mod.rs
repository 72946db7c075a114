//! Files that hold secrets and nothing that names them: one value alone (`secrets/db_password.txt`, `config/master.key`), or
//! a few lines that only the program knows that reads them (`ppp/chap-secrets`, `openvpn/auth.txt`).
//!
//! What they hold is told by their names. A blob has no name, so what can be such a value is kept until the paths of its
//! blob are known, and then read as what the path gives to its name.

mod lines;
mod names;

pub(super) use names::is_folder;

use super::explain::Why;
use super::{Hit, by_path};
use crate::detect::{Detector, Error, Reason, Span, Verdict, may_be_password, may_be_secret};
use crate::finding::Confidence;
use crate::secret::Secret;
use crate::source::{Blob, Key, Origins, Progress};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// The longest of these files.
const LONGEST: usize = 400;
/// The paths of so many are read; more are data.
pub(super) const MOST: usize = 20_000;
/// So many are kept until their paths are known.
const MOST_KEPT: usize = 100_000;

/// What is all that a blob holds.
pub(super) struct Sole {
    /// The value, if there is only one.
    one: Vec<(Secret, Span)>,
    /// The last value of each line, which counts in files that are known for such lines.
    list: Vec<(Secret, Span)>,
}

impl Sole {
    /// What a path calls the values that it says this is, and whether they are a list.
    fn named(&self, path: &str) -> (Vec<String>, &[(Secret, Span)], bool) {
        let of_list = if self.list.is_empty() { Vec::new() } else { names::of_list(path) };
        if !of_list.is_empty() {
            return (of_list, &self.list, true);
        }
        (if self.one.is_empty() { Vec::new() } else { names::of_one(path) }, &self.one, false)
    }
}

/// The blobs that can be such files. Of more than can be kept they are always the same, whichever thread comes first.
#[derive(Default)]
pub(super) struct Soles {
    blobs: BTreeMap<Key, Sole>,
    /// Whether there are more of them.
    pub(super) cut: bool,
}

/// Files whose paths say that they hold a secret, in the order of their paths.
pub(super) struct Named {
    files: Vec<(String, Key, Sole)>,
    /// Whether there are more of them.
    pub(super) cut: bool,
}

/// What the rules say of such files.
#[derive(Default)]
pub(super) struct Told {
    pub(super) hits: Vec<Hit>,
    /// What they refused, by the rule that did.
    pub(super) refused: Vec<(usize, Key, Secret, Span, Why)>,
}

/// The values of a blob that holds nothing else. If it is to be explained why one is not told of, it need not look like a
/// secret.
pub(super) fn value(blob: &Blob<'_>, explain: bool) -> Option<Sole> {
    let bytes = blob.content.bytes;
    if !blob.key.is_file() || !blob.content.whole || bytes.len() > LONGEST {
        return None;
    }
    let counts = |range: &Range<usize>| blob.content.counts(range);
    let kept = |range: Range<usize>| Some((Secret::from(&bytes[range.clone()]), lines::span(bytes, &range)?));
    let one: Vec<_> = lines::only(bytes)
        .filter(|only| counts(only) && (explain || may_be_secret(&bytes[only.clone()])))
        .and_then(kept)
        .into_iter()
        .collect();
    let last = lines::last_of_each(bytes).unwrap_or_default().into_iter();
    // There a weak password is one too.
    let of_accounts = lines::is_list_of_accounts(bytes);
    let may_be = |value: &[u8]| may_be_secret(value) || of_accounts && may_be_password(value);
    let list: Vec<_> =
        last.filter(|range| counts(range) && may_be(&bytes[range.clone()])).filter_map(kept).collect();
    (!one.is_empty() || !list.is_empty()).then_some(Sole { one, list })
}

impl Soles {
    pub(super) fn add(&mut self, key: Key, sole: Sole) {
        self.blobs.insert(key, sole);
        if self.blobs.len() > MOST_KEPT {
            drop(self.blobs.pop_last());
            self.cut = true;
        }
    }

    /// The blobs whose paths must be known.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.blobs.keys()
    }

    /// Whether a file of this name can say what it holds, if such a blob stands in it; and that if no folder says so.
    pub(super) fn may_be(&self, key: &Key, name: &str, alone: bool) -> bool {
        let of_one = || if alone { !names::of_one(name).is_empty() } else { names::may_name_one(name) };
        self.blobs.contains_key(key) && (!names::of_list(name).is_empty() || of_one())
    }

    /// Those whose paths say what they hold.
    pub(super) fn named(self, origins: &Origins, progress: &Progress) -> Named {
        let mut files = Vec::new();
        for (key, sole) in self.blobs {
            if progress.stopped() {
                break;
            }
            let says = |path: &Cow<'_, str>| !progress.stopped() && !sole.named(path).0.is_empty();
            let path = by_path::paths(&key, origins).filter(says).min().map(Cow::into_owned);
            if let Some(path) = path {
                files.push((path, key, sole));
            }
        }
        files.sort_unstable_by(|(a, a_key, _), (b, b_key, _)| (a, a_key).cmp(&(b, b_key)));
        let cut = self.cut || files.len() > MOST;
        files.truncate(MOST);
        Named { files, cut }
    }
}

impl Named {
    /// The blobs.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.files.iter().map(|(_, key, _)| key)
    }
}

/// What the rules say of the values that their paths name.
pub(super) fn told(
    named: Named,
    origins: &Origins,
    detector: &Detector,
    progress: &Progress,
) -> Result<Told, Error> {
    let mut told = Told::default();
    for (first, key, sole) in named.files {
        let others = by_path::paths(&key, origins);
        let mut tried: Vec<String> = Vec::new();
        // A blob may stand under very many paths, which mostly say the same.
        for path in std::iter::once(Cow::Borrowed(&*first)).chain(others) {
            if progress.stopped() {
                return Ok(told);
            }
            let (names, values, is_list) = sole.named(&path);
            let new: Vec<String> = names.into_iter().filter(|name| !tried.contains(name)).collect();
            tried.extend(new.iter().cloned());
            if !new.is_empty() && read(&new, &key, values, is_list, detector, &mut told)?
                || tried.len() > MOST_NAMES
            {
                break;
            }
        }
    }
    Ok(told)
}

/// A list of accounts holds passwords, weak as they may be.
fn sure(verdict: Verdict) -> Verdict {
    if verdict.confidence < Confidence::Medium {
        Verdict { confidence: Confidence::Medium, reason: Reason::Account }
    } else {
        verdict
    }
}

/// So many names of one blob are tried.
const MOST_NAMES: usize = 64;

/// Reads the values as what the first of these names has that makes a secret of one; whether there is such a name.
fn read(
    names: &[String],
    key: &Key,
    values: &[(Secret, Span)],
    is_list: bool,
    detector: &Detector,
    told: &mut Told,
) -> Result<bool, Error> {
    let before = told.hits.len();
    for name in names {
        for (value, span) in values {
            let start = name.len() + 2;
            let text = [name.as_bytes(), b": ", value.expose(), b"\n"].concat();
            // A sign that ends a sentence is left out.
            let is_it = |range: &Range<usize>| range.start == start && range.end + 2 >= text.len();
            // A word is one of a list of accounts only; elsewhere the next name may know more.
            let found =
                if is_list { detector.scan_patched(&text, None)?.matches } else { detector.scan(&text)? };
            if let Some(found) = found.iter().find(|found| found.decoded.is_none() && is_it(&found.secret)) {
                let (rule, span) = (found.rule, *span);
                let verdict = if is_list { sure(found.verdict) } else { found.verdict };
                let (key, secret) = (key.clone(), value.clone());
                told.hits.push(Hit { key, rule, verdict, secret, span, encoding: None, is_part: false });
                continue;
            }
            let refused = detector.refused(&text, &found)?.into_iter().find(|refused| is_it(&refused.value));
            let refused =
                refused.map(|it| (it.rule, key.clone(), value.clone(), *span, Why::Refused(it.refusal)));
            told.refused.extend(refused);
        }
        if told.hits.len() > before {
            return Ok(true);
        }
    }
    Ok(false)
}
