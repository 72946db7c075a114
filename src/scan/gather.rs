//! From matches to findings: one a secret, and of its places the ones where it came in.

use super::{Hit, nature, parts};
use crate::detect::{self, Detector, Known, Span};
use crate::finding::{Confidence, Finding, Occurrence, Place, Severity};
use crate::rule::{self, Rule};
use crate::secret::{Fingerprint, FingerprintKey};
use crate::source::{Key, Origin, Origins};
use std::collections::{BTreeMap, HashSet};

/// One version of a path that holds a secret.
struct Version<'o> {
    origin: &'o Origin,
    key: &'o Key,
    spans: Vec<Form>,
}

/// Where in a blob a secret stands, or what is part of it, and in which encoding.
#[derive(Clone, PartialEq, Eq)]
struct Form {
    span: Span,
    encoding: Option<String>,
    is_part: bool,
}

/// Groups the hits by the value they found. With each finding comes how sure it would be if the nature of its files did not
/// count.
pub(super) fn findings(
    mut hits: Vec<Hit>,
    origins: &Origins,
    detector: &Detector,
    key: &FingerprintKey,
) -> Vec<(Finding, Confidence)> {
    let rules = detector.rules();
    parts::join(&mut hits, rules);
    let mut groups: BTreeMap<(Fingerprint, usize), Vec<Hit>> = BTreeMap::new();
    for hit in hits {
        groups.entry((key.fingerprint(&hit.secret), hit.secret.len())).or_default().push(hit);
    }
    groups
        .into_iter()
        .filter_map(|((fingerprint, _), hits)| {
            let best = hits.iter().max_by_key(|hit| rank(hit, rules))?;
            let found = finding(best, &rules[best.rule], fingerprint, occurrences(&hits, origins));
            let names = detector.known().names(found.secret.expose());
            if names.is_empty() {
                return Some((found, best.verdict.confidence));
            }
            let best = hits
                .iter()
                .filter(|hit| rules[hit.rule].id != Known::RULE)
                .max_by_key(|hit| rank(hit, rules));
            Some((live(found, names, best.map(|hit| &rules[hit.rule])), Confidence::High))
        })
        .collect()
}

/// The surer and the graver rule names the finding; of two equals the first.
fn rank(hit: &Hit, rules: &[Rule]) -> impl Ord + use<> {
    let rule = &rules[hit.rule];
    (hit.verdict.confidence, rule.promise.is_none(), rule.severity, std::cmp::Reverse(hit.rule))
}

fn finding(best: &Hit, rule: &Rule, fingerprint: Fingerprint, occurrences: Vec<Occurrence>) -> Finding {
    let nature = nature::of_all(occurrences.iter().map(|place| place.path.as_deref()));
    // What only its name tells is less sure where names and random values stand beside each other for other reasons.
    let nature = nature.filter(|_| rule.promise.is_some());
    let reason = best.verdict.reason;
    let is_shown = detect::is_password_hash(best.secret.expose())
        && occurrences.iter().all(|place| place.path.as_deref().is_some_and(nature::is_document));
    let (most, words) = match nature {
        _ if is_shown => {
            (Confidence::Low, Some("a hash of a password, and only in documents, where it is shown"))
        }
        Some(nature) => (nature.most(reason), Some(nature.words())),
        None => (Confidence::High, None),
    };
    Finding {
        rule: rule.id.to_string(),
        title: rule.title.to_string(),
        severity: rule.severity,
        confidence: best.verdict.confidence.min(most),
        reason: words.map_or_else(|| reason.to_string(), |words| format!("{reason}; {words}")),
        advice: rule.advice.to_string(),
        rotation: rule::rotation(rule),
        secret: best.secret.clone(),
        fingerprint,
        live_in: Vec::new(),
        occurrences,
    }
}

/// The oldest place of a blob.
pub(super) fn first_place(key: &Key, span: Span, origins: &Origins) -> Option<Occurrence> {
    let origin = origins.get(key)?.iter().min_by_key(|origin| (origin.is_echo, age(origin)))?;
    let last = origin.last.as_ref().map(|(_, id)| id.clone());
    Some(occurrence(
        origin,
        key,
        &Form { span, encoding: None, is_part: false },
        &Path { versions: 1, at_head: origin.at_head, last },
    ))
}

/// A finding that is a live value. A rule that knows such values knows best what to do about it.
fn live(found: Finding, names: &[String], rule: Option<&Rule>) -> Finding {
    let knowing = rule.filter(|rule| rule.promise.is_none());
    let rotation = knowing.map_or(found.rotation, rule::rotation);
    let advice = knowing.map_or(found.advice, |rule| rule.advice.to_string());
    Finding {
        rule: Known::RULE.to_owned(),
        title: format!("Live value of {}", names.join(", ")),
        severity: Severity::Critical,
        confidence: Confidence::High,
        reason: detect::Reason::Live.to_string(),
        advice,
        rotation,
        live_in: names.to_vec(),
        ..found
    }
}

/// The places of one secret, oldest first. Of a path's many versions those are told that hold it for the first time, or
/// more often than any before.
fn occurrences(hits: &[Hit], origins: &Origins) -> Vec<Occurrence> {
    let mut blobs: BTreeMap<&Key, Vec<Form>> = BTreeMap::new();
    // What shows through the bytes of an archive is told of its member.
    let archives: HashSet<&Key> = hits.iter().filter_map(|hit| hit.key.archive()).collect();
    // And what shows in the files that a document is made of, of its text.
    let texts: HashSet<_> = hits.iter().filter_map(|hit| hit.key.document()).collect();
    let is_told = |key: &Key| archives.contains(key) || key.holders().any(|holder| texts.contains(&holder));
    for hit in hits.iter().filter(|hit| !is_told(&hit.key)) {
        let form = Form { span: hit.span, encoding: hit.encoding.clone(), is_part: hit.is_part };
        blobs.entry(&hit.key).or_default().push(form);
    }
    let mut paths: BTreeMap<(Option<&str>, Option<&Place>), Vec<Version<'_>>> = BTreeMap::new();
    for (key, mut spans) in blobs {
        spans.sort_unstable_by(|a, b| {
            (a.span.line, a.span.column, &a.encoding).cmp(&(b.span.line, b.span.column, &b.encoding))
        });
        spans.dedup();
        if key.document().is_some() {
            // The line of a row says each cell twice.
            spans.dedup_by_key(|form| form.span.line);
        }
        for origin in origins.get(key).into_iter().flatten() {
            // What has no path is a place of its own kind, and so is a member of an archive.
            let apart = origin.path.is_none() || matches!(origin.place, Place::Archive(_));
            let place = apart.then_some(&origin.place);
            let version = Version { origin, key, spans: spans.clone() };
            paths.entry((origin.path.as_deref(), place)).or_default().push(version);
        }
    }
    if paths.values().flatten().any(|version| !version.origin.is_echo) {
        paths.values_mut().for_each(|versions| versions.retain(|version| !version.origin.is_echo));
    }
    let mut occurrences: Vec<(u32, Occurrence)> = paths.into_values().flat_map(of_path).collect();
    occurrences.sort_by(|(order, a), (other_order, b)| {
        let date = |of: &Occurrence| (of.date.is_none(), of.date);
        (date(a), order, &a.path, a.line, a.column).cmp(&(date(b), other_order, &b.path, b.line, b.column))
    });
    occurrences.into_iter().map(|(_, occurrence)| occurrence).collect()
}

/// What all versions of a path are told with.
struct Path {
    versions: u32,
    at_head: bool,
    last: Option<String>,
}

/// The versions of one path, told once.
fn of_path(mut versions: Vec<Version<'_>>) -> Vec<(u32, Occurrence)> {
    versions.sort_by_key(|version| age(version.origin));
    let count = u32::try_from(versions.len()).unwrap_or(u32::MAX);
    let at_head = versions.iter().any(|version| version.origin.at_head);
    let last = versions.iter().filter_map(|version| version.origin.last.as_ref()).max();
    let path = Path { versions: count, at_head, last: last.map(|(_, id)| id.clone()) };
    let mut told = Vec::new();
    // A part that is added later is no new place of the secret.
    for is_part in [false, true] {
        let mut most = 0;
        for version in &versions {
            let forms: Vec<&Form> = version.spans.iter().filter(|form| form.is_part == is_part).collect();
            for form in &forms[most.min(forms.len())..] {
                told.push((age(version.origin).2, occurrence(version.origin, version.key, form, &path)));
            }
            most = most.max(forms.len());
        }
    }
    told
}

/// History comes before the index and the files on disk, and what references reach before what nothing reaches.
fn age(origin: &Origin) -> (u8, bool, u32) {
    let class = match origin.place {
        Place::History | Place::Merge => 0,
        Place::Index => 1,
        Place::Worktree => 2,
        _ => 3,
    };
    let order = origin.commit.as_ref().map_or(0, |commit| commit.order);
    (class, origin.commit.is_none(), order)
}

fn occurrence(origin: &Origin, key: &Key, Form { span, encoding, .. }: &Form, path: &Path) -> Occurrence {
    let commit = origin.commit.as_ref();
    Occurrence {
        path: origin.path.clone(),
        line: span.line,
        column: span.column,
        end_line: span.end_line,
        end_column: span.end_column,
        commit: commit.map(|commit| commit.id.clone()),
        author: commit.map(|commit| commit.author.clone()),
        date: commit.and_then(|commit| commit.date),
        blob: key.blob().map(ToString::to_string),
        place: origin.place.clone(),
        encoding: encoding.clone(),
        versions: path.versions,
        at_head: path.at_head,
        last_commit: path.last.clone(),
        references: origin.references.clone(),
    }
}
