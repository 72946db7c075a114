//! The scan: a source's blobs through the detector, and what was found gathered into one finding a secret.

mod account;
mod by_path;
mod explain;
mod gather;
mod left_out;
mod nature;
mod note;
mod parts;
mod sole;

use crate::coverage::Configuration;
use crate::detect::{self, Detector, Lines, Looked, Span, Trace, Verdict};
use crate::finding::{Confidence, Scan};
use crate::patch::Patch;
use crate::secret::{FingerprintKey, Secret};
use crate::source::{self, Asked, Blob, Content, Key, Lesson, Origins, Progress, Source, Visitor};
use by_path::ByPath;
use explain::{Considered, Why};
use left_out::{Reason, Unheard};
use note::Notes;
use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError, RwLock};

// A reader's windows must show the detector everything that a match can span.
const _: () = assert!(source::CONTEXT >= detect::MAX_SPAN);

/// The most matches that one scan keeps. More is a generated repository, not a leak that anybody could read about.
const MAX_HITS: usize = 500_000;

/// How a scan is run.
pub struct Options {
    /// How many threads read and search.
    pub jobs: usize,
    /// Whether archives are opened.
    pub archives: bool,
    /// Findings of less confidence are left out.
    pub min_confidence: Confidence,
    /// Whether to keep what was considered and refused.
    pub explain: bool,
}

/// Why a scan did not take place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source cannot be read.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// A rule cannot be run.
    #[error(transparent)]
    Detect(#[from] detect::Error),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.hint(),
            Self::Detect(error) => error.hint(),
        }
    }
}

/// A match with what will still be known when its blob is gone.
struct Hit {
    key: Key,
    rule: usize,
    verdict: Verdict,
    secret: Secret,
    span: Span,
    encoding: Option<String>,
    /// Whether it only names the secret, as the id of a key does.
    is_part: bool,
}

/// Scans a source. The key of the fingerprints is asked for only if there is a finding.
///
/// # Errors
/// When the source cannot be read at all, or a rule cannot be run; what could not be seen is in the coverage.
pub fn run(
    source: &Source,
    detector: &Detector,
    key: impl FnOnce() -> FingerprintKey,
    options: &Options,
    progress: &Progress,
) -> Result<Scan, Error> {
    let sieve = Sieve {
        noted: Mutex::default(),
        detector,
        narrow: RwLock::default(),
        options,
        hits: Mutex::default(),
        by_path: Mutex::default(),
        left_out: Mutex::default(),
        cut: Mutex::default(),
        considered: Mutex::default(),
        failure: Mutex::default(),
    };
    let mut coverage = source.each_blob(options.jobs, progress, &sieve, options.archives)?;
    let noted = std::mem::take(&mut *sieve.noted.lock().unwrap_or_else(PoisonError::into_inner));
    let Sifted { mut hits, by_path, mut left_out, cut, mut considered } = sieve.finish()?;
    for key in cut {
        coverage.skip(key.label(), format!("something packed and encoded in it unpacks to too much, of which at most {} MiB were looked at", detect::MAX_UNPACKED >> 20));
    }
    let is_full = hits.len() >= MAX_HITS;
    if is_full {
        coverage.skip("the rest of the matches", format!("there are more than {MAX_HITS}"));
    }
    let keys: HashSet<Key> = hits.iter().map(|hit| &hit.key).cloned().chain(considered.keys()).collect();
    let mut origins = Origins::new();
    if !keys.is_empty() {
        origins = source.origins(&Asked { keys: &keys, may_be: None }, options.jobs, &mut coverage)?;
    }
    let how = (detector, options, progress);
    let settled = by_path.settle(source, &mut origins, how, &mut coverage)?;
    // Paths that were not read any more are not the end: nothing of them may be kept as seen, nor pass for clean.
    coverage.interrupted |= progress.stopped();
    let is_over = !coverage.interrupted && !is_full;
    hits.extend(settled.accounts);
    for hit in settled.soles.hits {
        if hit.verdict.confidence >= options.min_confidence {
            hits.push(hit);
        } else {
            left_out.add(Reason::Confidence, hit.secret.expose());
            considered.add(hit.rule, hit.secret.expose(), &hit.key, hit.span, Why::Unsure(hit.verdict));
        }
    }
    for (rule, key, value, span, why) in settled.soles.refused {
        considered.add(rule, value.expose(), &key, span, why);
    }
    let mut left_out = left_out.beside(&hits);
    if is_over {
        let secrets: BTreeSet<&[u8]> = hits.iter().map(|hit| hit.secret.expose()).collect();
        let notes: Vec<u32> = detector.matched().filter_map(|rule| u32::try_from(rule).ok()).collect();
        let is_plain = |text: &str| is_plain(text, detector, &secrets);
        let idle = noted.idle(&settled.meant);
        source.keep(&Lesson { noted: &noted.blobs, idle: &idle, notes: &notes, is_plain: &is_plain });
    }
    let mut hidden: Vec<Secret> = considered.hidden().collect();
    // What becomes a place of another secret is one all the same.
    let parts = hits.iter().filter(|hit| !detector.rules()[hit.rule].part_of.is_empty());
    hidden.extend(parts.map(|hit| hit.secret.clone()));
    let mut findings = Vec::new();
    let found = if hits.is_empty() { Vec::new() } else { gather::findings(hits, &origins, detector, &key()) };
    for (finding, confidence) in found {
        if finding.confidence >= options.min_confidence {
            findings.push(finding);
            continue;
        }
        let is_sure = confidence >= options.min_confidence;
        *(if is_sure { &mut left_out.nature } else { &mut left_out.confidence }) += 1;
        hidden.push(finding.secret);
    }
    let configuration = Configuration { left_out, ..Configuration::default() };
    let explained = options.explain.then(|| considered.explained(&origins, detector.rules()));
    Ok(Scan { findings, hidden, coverage, configuration, explained })
}

/// Whether a path or a name holds nothing that a rule finds, and none of the secrets that were found elsewhere.
fn is_plain(text: &str, detector: &Detector, secrets: &BTreeSet<&[u8]>) -> bool {
    let holds = |secret: &&[u8]| memchr::memmem::find(text.as_bytes(), secret).is_some();
    !secrets.iter().any(holds) && detector.scan(text.as_bytes()).is_ok_and(|found| found.is_empty())
}

/// What the reading threads share.
struct Sieve<'s> {
    /// Blobs with a match, told of or not, and those that were not looked at to their end.
    noted: Mutex<Notes>,
    detector: &'s Detector,
    /// For what is looked at again.
    narrow: RwLock<Option<Detector>>,
    options: &'s Options,
    hits: Mutex<Vec<Hit>>,
    /// What is a secret if its path says so.
    by_path: Mutex<ByPath>,
    left_out: Mutex<Unheard>,
    /// Where something packed was not looked at to its end.
    cut: Mutex<BTreeSet<Key>>,
    considered: Mutex<Considered>,
    failure: Mutex<Option<detect::Error>>,
}

/// What is left when all was read.
struct Sifted {
    hits: Vec<Hit>,
    by_path: ByPath,
    left_out: Unheard,
    cut: BTreeSet<Key>,
    considered: Considered,
}

impl Visitor for Sieve<'_> {
    type Memory = Trace;

    fn blob(&self, blob: &Blob<'_>, base: Option<(&Trace, Patch<'_>)>) -> Option<Trace> {
        self.take(blob, self.detector.scan_patched(blob.content.bytes, base))
    }

    fn again(&self, blob: &Blob<'_>, note: &str) {
        let bytes = blob.content.bytes;
        let noted = note::read(note, bytes, self.detector.rules().len());
        let looked = match noted.filter(|_| blob.content.whole) {
            Some(matches) => Ok(Looked { matches, trace: None, cut: false }),
            None => {
                let narrow = self.narrow.read().unwrap_or_else(PoisonError::into_inner);
                narrow.as_ref().unwrap_or(self.detector).scan_patched(bytes, None)
            }
        };
        drop(self.take(blob, looked));
    }

    /// The notes are the numbers of all rules that had matched.
    fn noted(&self, notes: &[u32]) {
        let rules: BTreeSet<usize> = notes.iter().map(|&rule| rule as usize).collect();
        let mut narrow = self.narrow.write().unwrap_or_else(PoisonError::into_inner);
        *narrow = self.detector.narrowed(&rules).ok();
    }
}

impl Sieve<'_> {
    /// Takes what a look at a blob gave.
    fn take(&self, blob: &Blob<'_>, looked: Result<Looked, detect::Error>) -> Option<Trace> {
        match looked {
            Ok(looked) => {
                let sole = sole::value(blob, self.options.explain);
                if looked.cut || !looked.matches.is_empty() || sole.is_some() {
                    self.note(blob, &looked);
                }
                if let Some(sole) = sole {
                    let mut by_path = self.by_path.lock().unwrap_or_else(PoisonError::into_inner);
                    by_path.soles.add(blob.key.clone(), sole);
                }
                if self.options.explain {
                    self.explain(blob, &looked.matches);
                }
                if !looked.matches.is_empty() {
                    self.keep(blob, looked.matches);
                }
                if looked.cut {
                    let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
                    cut.insert(blob.key.clone());
                }
                looked.trace
            }
            Err(error) => {
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                None
            }
        }
    }

    /// Notes what the next scan need not search for. Only the content of an object comes in one piece.
    fn note(&self, blob: &Blob<'_>, looked: &Looked) {
        let key = blob.key.archive().unwrap_or(&blob.key).clone();
        let is_one_piece = blob.content.whole && blob.content.fresh.is_none() && blob.key.is_content();
        let note = note::write(&looked.matches).filter(|_| is_one_piece && !looked.cut);
        let is_word = |found: &detect::Match| found.verdict.reason == detect::Reason::Word;
        let counts = looked.cut || !looked.matches.iter().all(is_word);
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).add(key, note, counts);
    }

    /// Keeps what was considered in a blob and is not told of.
    fn explain(&self, blob: &Blob<'_>, found: &[detect::Match]) {
        let bytes = blob.content.bytes;
        let refused = match self.detector.refused(bytes, found) {
            Ok(refused) => refused,
            Err(error) => {
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                return;
            }
        };
        let left_out = found.iter().filter_map(|found| {
            let why = match self.reason(&blob.content, found)? {
                Reason::Confidence => Why::Unsure(found.verdict),
                Reason::Inline => Why::Allowed,
            };
            Some((found.rule, found.secret.clone(), found.value(bytes), why))
        });
        let refused = refused.into_iter().map(|refused| {
            (refused.rule, refused.value.clone(), &bytes[refused.value], Why::Refused(refused.refusal))
        });
        let mut all: Vec<_> = left_out.chain(refused).collect();
        all.retain(|(_, place, ..)| blob.content.counts(place));
        all.sort_by_key(|(_, place, ..)| place.start);
        let mut lines = Lines::starting_at(bytes, blob.content.start);
        let mut considered = self.considered.lock().unwrap_or_else(PoisonError::into_inner);
        for (rule, place, value, why) in all {
            considered.add(rule, value, &blob.key, lines.span(&place), why);
        }
    }

    fn keep(&self, blob: &Blob<'_>, matches: Vec<detect::Match>) {
        let bytes = blob.content.bytes;
        let mut lines = Lines::starting_at(bytes, blob.content.start);
        let mut hit = |found: detect::Match| Hit {
            key: blob.key.clone(),
            rule: found.rule,
            verdict: found.verdict,
            secret: Secret::from(found.value(bytes)),
            span: lines.span(&found.secret),
            encoding: found.decoded.map(|decoded| decoded.encoding),
            is_part: false,
        };
        let (mut hits, mut weak) = (Vec::new(), Vec::new());
        for found in matches {
            let is_weak = account::may_be_password(blob, &found, &self.detector.rules()[found.rule]);
            if self.wants(&blob.content, &found) {
                hits.push(hit(found));
            } else if is_weak {
                weak.push(hit(found));
            }
        }
        if !weak.is_empty() {
            let mut by_path = self.by_path.lock().unwrap_or_else(PoisonError::into_inner);
            by_path.accounts.add(blob.key.clone(), weak);
        }
        let mut all = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_HITS.saturating_sub(all.len());
        all.extend(hits.into_iter().take(room));
    }

    /// Whether a match is told of; what is new and not told of is counted.
    fn wants(&self, content: &Content<'_>, found: &detect::Match) -> bool {
        if !content.counts(&found.secret) {
            return false;
        }
        // What is in use now is told of, whatever a comment says.
        if self.detector.is_live(found) {
            return true;
        }
        let Some(reason) = self.reason(content, found) else { return true };
        if found.verdict.reason == detect::Reason::Word {
            // To ask for less confidence would not show it.
            return false;
        }
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        left_out.add(reason, found.value(content.bytes));
        false
    }

    /// Why a match is not told of.
    fn reason(&self, content: &Content<'_>, found: &detect::Match) -> Option<Reason> {
        if found.verdict.confidence < self.options.min_confidence
            || found.verdict.reason == detect::Reason::Word
        {
            return Some(Reason::Confidence);
        }
        found.is_allowed(content.bytes).then_some(Reason::Inline)
    }

    fn finish(self) -> Result<Sifted, detect::Error> {
        match self.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(Sifted {
                hits: self.hits.into_inner().unwrap_or_else(PoisonError::into_inner),
                by_path: self.by_path.into_inner().unwrap_or_else(PoisonError::into_inner),
                left_out: self.left_out.into_inner().unwrap_or_else(PoisonError::into_inner),
                cut: self.cut.into_inner().unwrap_or_else(PoisonError::into_inner),
                considered: self.considered.into_inner().unwrap_or_else(PoisonError::into_inner),
            }),
        }
    }
}
