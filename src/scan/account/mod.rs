//! Weak passwords in files that keep accounts. A word is no secret in a document and in most code; as the password of an
//! account in the settings of a program it opens that account all the same.
//!
//! What the detector is too unsure of to tell is kept until the paths of its blob are known, and told if one of them is such
//! a file.

mod names;

use super::{Hit, by_path};
use crate::detect::{self, Match, Reason, Verdict};
use crate::finding::Confidence;
use crate::rule::Rule;
use crate::source::{Blob, Key, Origins};
use names::Keeps;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

/// A file of accounts is written by hand or by a program for one person; what is longer is data.
const LONGEST: usize = 256 * 1024;
/// The weak passwords of so many blobs are kept.
pub(super) const MOST_KEPT: usize = 50_000;
/// How far before it on its line is looked. Lines of data are longer, and hold very many.
const LINE: usize = 4096;
/// How far around a word is looked whether it is the name of something there.
const BESIDE: usize = 400;

/// Weak passwords by the blob that they stand in. Of more than can be kept they are always the same.
#[derive(Default)]
pub(super) struct Accounts {
    blobs: BTreeMap<Key, Vec<Hit>>,
    /// Whether there are more of them.
    pub(super) cut: bool,
}

/// Whether a match that is told of nowhere else can be a password of an account.
pub(super) fn may_be_password(blob: &Blob<'_>, found: &Match, rule: &Rule) -> bool {
    let bytes = blob.content.bytes;
    found.verdict.confidence < Confidence::Medium
        && (rule.promise.is_some()
            || found.verdict.reason == Reason::Word
            || detect::is_password_hash(found.value(bytes))
            || is_login(bytes, found))
        && found.decoded.is_none()
        && bytes.len() <= LONGEST
        && blob.key.is_file()
        && blob.content.counts(&found.secret)
        && !found.is_allowed(bytes)
        && !is_shown(bytes, found)
        && !(found.verdict.reason == Reason::Word && is_name_there(bytes, found))
}

/// `://user:value@host`, where its rule is unsure of a word or of a host.
fn is_login(bytes: &[u8], found: &Match) -> bool {
    let before = &bytes[found.secret.start.saturating_sub(LONGEST_USER)..found.secret.start];
    bytes.get(found.secret.end) == Some(&b'@')
        && before.ends_with(b":")
        && memchr::memmem::rfind(before, b"://").is_some_and(|at| at + 3 < before.len())
}

/// Whether it stands in a comment, as what a program starts with does, is one of several that may stand there (`a|b`), or is
/// whose password a command is to change: `passwd ada`.
fn is_shown(bytes: &[u8], found: &Match) -> bool {
    const COMMENTS: [&[u8]; 6] = [b"#", b";", b"-- ", b"<!--", b"/*", b"* "];
    let floor = found.secret.start.saturating_sub(LINE);
    let line = memchr::memrchr(b'\n', &bytes[floor..found.secret.start]);
    let before = bytes[line.map_or(floor, |end| floor + end + 1)..found.secret.start].trim_ascii();
    // What begins somewhere in a line says nothing by that.
    let beginning = if line.is_some() || floor == 0 { before } else { b"" };
    let is_command =
        before.strip_suffix(b"passwd").is_some_and(|rest| rest.is_empty() || rest.ends_with(b" "));
    // `//nas/share /mnt cifs …` is none.
    let is_remark = beginning.strip_prefix(b"//").is_some_and(|rest| {
        let first = rest.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        !first.contains(&b'/')
    });
    let is_choice = before.ends_with(b"|") || bytes.get(found.secret.end) == Some(&b'|');
    is_command
        || is_remark
        || is_choice
        || [&b"example:"[..], b"\"example\":"].iter().any(|key| beginning.starts_with(key))
        || is_item(bytes, &found.secret)
        || is_host(before)
        || is_in_template(before)
        || !beginning.starts_with(b"#define") && COMMENTS.iter().any(|mark| beginning.starts_with(mark))
}

/// `SET PASSWORD FOR 'root'@'localhost'`: the host of an account, not its password.
fn is_host(before: &[u8]) -> bool {
    let bare = before.strip_suffix(b"'").or(before.strip_suffix(b"\"")).or(before.strip_suffix(b"`"));
    bare.unwrap_or(before).ends_with(b"@")
}

/// `{{ include "password" (dict "key" "name") }}`: a word that a template is made with, unless it is what counts by default.
fn is_in_template(before: &[u8]) -> bool {
    let Some(start) = memchr::memmem::rfind(before, b"{{") else { return false };
    let inside = before[start..].trim_ascii_end();
    let signs = inside.iter().rev().take_while(|byte| b"\"'( ".contains(byte)).count();
    memchr::memmem::find(inside, b"}}").is_none() && !inside[..inside.len() - signs].ends_with(b"default")
}

/// `'signIn', 'resetPwd', 'verifyEmail', 'enrol'`: one of the names in a list, and the one before it is no name of this.
fn is_item(bytes: &[u8], place: &Range<usize>) -> bool {
    let before = &bytes[place.start.saturating_sub(BESIDE)..place.start];
    let behind = &bytes[place.end..bytes.len().min(place.end + BESIDE)];
    let Some((quote @ (b'"' | b'\''), before)) = before.split_last() else { return false };
    let quote = &[*quote];
    let next = behind.strip_prefix(quote).and_then(|rest| rest.trim_ascii_start().strip_prefix(b","));
    let goes_on = next.is_some_and(|rest| rest.trim_ascii_start().starts_with(quote));
    let last = before.trim_ascii_end().strip_suffix(b",").map(<[u8]>::trim_ascii_end);
    let is_name = |item: &[u8]| {
        let start = memchr::memrchr(quote[0], item).map_or(0, |quote| quote + 1);
        let item = item[start..].to_ascii_lowercase();
        [&b"pass"[..], b"pwd", b"secret", b"token"]
            .iter()
            .any(|name| memchr::memmem::find(&item, name).is_some())
    };
    goes_on && last.and_then(|last| last.strip_suffix(quote)).is_some_and(is_name)
}

/// Whether a word stands near by again where no password stands: then it is what something is called, and the password of a
/// trial at best.
fn is_name_there(bytes: &[u8], found: &Match) -> bool {
    let (word, place) = (&bytes[found.secret.clone()], &found.secret);
    let start = place.start.saturating_sub(BESIDE);
    let near = &bytes[start..bytes.len().min(place.end + BESIDE)];
    let is_whole = |at: usize| {
        let beside = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        beside(at.checked_sub(1).and_then(|before| near.get(before))) && beside(near.get(at + word.len()))
    };
    let is_password = |at: usize| {
        let line = memchr::memrchr(b'\n', &near[..at]).map_or(0, |end| end + 1);
        let before = near[line..at].to_ascii_lowercase();
        [&b"pass"[..], b"pwd", b"secret", b"identified"]
            .iter()
            .any(|name| memchr::memmem::find(&before, name).is_some())
    };
    memchr::memmem::find_iter(near, word)
        .any(|at| at + start != place.start && is_whole(at) && !is_password(at))
}

/// How long a scheme and a user name before a password are.
const LONGEST_USER: usize = 100;

impl Accounts {
    pub(super) fn add(&mut self, key: Key, weak: Vec<Hit>) {
        // A large blob comes in parts.
        self.blobs.entry(key).or_default().extend(weak);
        if self.blobs.len() > MOST_KEPT {
            drop(self.blobs.pop_last());
            self.cut = true;
        }
    }

    /// The blobs whose paths must be known.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.blobs.keys()
    }

    /// Whether a file of this name can keep accounts, if such a blob stands in it.
    pub(super) fn may_be(&self, key: &Key, name: &str) -> bool {
        self.blobs.contains_key(key) && Keeps::may_be(name)
    }

    /// Those that stand in a file of accounts. Of each blob that stands in one it is said that it is `meant`.
    pub(super) fn told(self, origins: &Origins, min: Confidence, meant: &mut HashSet<Key>) -> Vec<Hit> {
        let mut told = Vec::new();
        for (key, hits) in self.blobs {
            let keeps = by_path::paths(&key, origins).filter_map(|path| Keeps::of(&path)).max();
            let Some(keeps) = keeps else { continue };
            meant.insert(key);
            let counts = |hit: &Hit| keeps == Keeps::Accounts || !detect::is_common(hit.secret.expose());
            let sure = |hit: Hit| {
                let verdict = Verdict { confidence: Confidence::Medium, reason: Reason::Account };
                Hit { verdict, ..hit }
            };
            told.extend(hits.into_iter().filter(counts).map(sure));
        }
        if min > Confidence::Medium { Vec::new() } else { told }
    }
}
