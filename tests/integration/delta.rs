//! The engine that reads deltas against a scan that knows of none: over packs that git itself wrote, in every way that
//! it writes them, both must find the same, byte for byte.

use crate::repo::Repo;
use crate::tokens::github;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Mutex;
use unleak::detect::{Detector, Trace};
use unleak::patch::Patch;
use unleak::source::git::Part;
use unleak::source::{Blob, GitSource, Key, Progress, Source, Visitor};

/// A match: the blob, the rule, and the bytes of the secret.
type Found = BTreeSet<(String, usize, usize, usize)>;

/// Remembers every match before anything is grouped or left out.
struct Collector<'d> {
    detector: &'d Detector,
    found: Mutex<Found>,
    /// How many blobs came with something known, and so were not looked at whole.
    patched: Mutex<usize>,
}

impl Visitor for Collector<'_> {
    type Memory = Trace;

    fn blob(&self, blob: &Blob<'_>, base: Option<(&Trace, Patch<'_>)>) -> Option<Trace> {
        *self.patched.lock().unwrap() += usize::from(base.is_some());
        let looked = self.detector.scan_patched(blob.content.bytes, base).unwrap();
        if let Key::Object(id) = &blob.key {
            let mut found = self.found.lock().unwrap();
            found.extend(
                looked
                    .matches
                    .into_iter()
                    .map(|one| (id.to_string(), one.rule, one.secret.start, one.secret.end)),
            );
        }
        looked.trace
    }
}

fn by_engine(repo: &Repo, detector: &Detector, jobs: usize) -> (Found, usize) {
    let source =
        Source::Git(Box::new(GitSource::open(repo.path(), Part::Everything { ignored: false }).unwrap()));
    let collector = Collector { detector, found: Mutex::default(), patched: Mutex::default() };
    let coverage = source.each_blob(jobs, &Progress::default(), &collector, false).unwrap();
    assert!(coverage.is_complete(), "{:?}", coverage.skipped);
    (collector.found.into_inner().unwrap(), collector.patched.into_inner().unwrap())
}

fn by_git(repo: &Repo, detector: &Detector) -> Found {
    let mut found = Found::new();
    for line in repo.git(&["cat-file", "--batch-all-objects", "--batch-check"]).lines() {
        if let Some((id, _)) = line.split_once(" blob ") {
            let blob = repo.git_bytes(&["cat-file", "blob", id]);
            let matches = detector.scan(&blob).unwrap();
            found.extend(
                matches.into_iter().map(|one| (id.to_owned(), one.rule, one.secret.start, one.secret.end)),
            );
        }
    }
    found
}

/// An edit of a file of many lines.
#[derive(Clone, Debug)]
enum Edit {
    Insert(usize, Line),
    Remove(usize, usize),
    /// Lines move elsewhere.
    Move(usize, usize, usize),
    /// A few bytes in the middle of a line change.
    Touch(usize, usize),
}

#[derive(Clone, Debug)]
enum Line {
    Token(u64),
    /// The secret is in another line than what names it.
    Split(u64),
    Assignment(u64),
    Text(u16),
}

fn lines(line: &Line) -> Vec<String> {
    match line {
        Line::Token(seed) => vec![format!("use {} here", github(*seed))],
        Line::Split(seed) => {
            let token = github(*seed);
            vec![token[..20].to_owned(), token[20..].to_owned()]
        }
        Line::Assignment(seed) => vec![format!("SESSION_SECRET={}", github(*seed).replace('_', "q"))],
        Line::Text(number) => {
            vec![format!("a line of text with the token number {number} and a password, in words")]
        }
    }
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        (0..9u64).prop_map(Line::Token),
        (0..9u64).prop_map(Line::Split),
        (0..9u64).prop_map(Line::Assignment),
        any::<u16>().prop_map(Line::Text),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = 0..60usize;
    prop_oneof![
        4 => (at.clone(), line()).prop_map(|(at, line)| Edit::Insert(at, line)),
        1 => (at.clone(), 1..5usize).prop_map(|(at, count)| Edit::Remove(at, count)),
        1 => (at.clone(), 1..9usize, at.clone()).prop_map(|(from, count, to)| Edit::Move(from, count, to)),
        2 => (at, 0..40usize).prop_map(|(at, column)| Edit::Touch(at, column)),
    ]
}

fn apply(text: &mut Vec<String>, edit: &Edit) {
    let within = |at: usize| at % (text.len() + 1);
    match edit {
        Edit::Insert(at, line) => drop(text.splice(within(*at)..within(*at), lines(line))),
        Edit::Remove(at, count) => drop(text.drain(within(*at)..(within(*at) + count).min(text.len()))),
        Edit::Move(from, count, to) => {
            let moved: Vec<String> =
                text.drain(within(*from)..(within(*from) + count).min(text.len())).collect();
            let to = to % (text.len() + 1);
            drop(text.splice(to..to, moved));
        }
        Edit::Touch(at, column) => {
            let at = within(*at);
            if let Some(line) = text.get_mut(at) {
                let column = column % line.len().max(1);
                line.replace_range(column..line.len().min(column + 2), "zz");
            }
        }
    }
}

/// Ways in which git writes packs.
const PACKINGS: [&[&[&str]]; 7] = [
    &[&["repack", "-q", "-a", "-d", "-f", "--depth=50", "--window=50"]],
    &[&["repack", "-q", "-a", "-d", "-f", "--depth=2", "--window=3"]],
    &[&["-c", "repack.useDeltaBaseOffset=false", "repack", "-q", "-a", "-d", "-f"]],
    &[&["-c", "pack.island=refs/heads/.*", "repack", "-q", "-a", "-d", "-f", "--delta-islands"]],
    &[&["gc", "-q", "--cruft", "--prune=never"], &["commit-graph", "write", "--reachable"]],
    &[&["repack", "-q", "-d"], &["repack", "-q", "-a", "-f"], &["multi-pack-index", "write"]],
    &[&[
        "-c",
        "pack.indexVersion=2",
        "-c",
        "core.compression=0",
        "repack",
        "-q",
        "-a",
        "-d",
        "-f",
        "--write-bitmap-index",
    ]],
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 14, ..ProptestConfig::default() })]

    #[test]
    fn deltas_lose_nothing_and_add_nothing(
        versions in proptest::collection::vec(proptest::collection::vec(edit(), 1..4), 4..12),
        start in proptest::collection::vec(line(), 10..40),
        packing in 0..PACKINGS.len(),
        jobs in 1..4usize,
    ) {
        let repo = Repo::new();
        let mut text: Vec<String> = start.iter().flat_map(lines).collect();
        for (number, edits) in versions.iter().enumerate() {
            edits.iter().for_each(|edit| apply(&mut text, edit));
            repo.write("notes.txt", text.join("\n"));
            if number % 3 == 0 {
                repo.write(&format!("copies/{number}.txt"), text[text.len() / 3..].join("\r\n"));
            }
            repo.commit(&format!("version {number}"));
            if number == 2 {
                // Content that only a dropped commit has.
                repo.git(&["reset", "-q", "--soft", "HEAD~1"]);
            }
        }
        for command in PACKINGS[packing] {
            repo.git(command);
        }
        let detector = Detector::new(unleak::rule::builtin()).unwrap();
        let (ours, _) = by_engine(&repo, &detector, jobs);
        prop_assert_eq!(ours, by_git(&repo, &detector));
    }
}

#[test]
fn most_of_a_history_is_not_looked_at_again() {
    let repo = Repo::new();
    let mut text: Vec<String> =
        (0..200).map(|number| format!("line {number} of a text that grows")).collect();
    for number in 0..20 {
        text.insert(number * 7, format!("and one more line, with {}", github(number as u64)));
        repo.write("notes.txt", text.join("\n"));
        repo.commit("grow");
    }
    repo.git(PACKINGS[0][0]);
    let detector = Detector::new(unleak::rule::builtin()).unwrap();
    let (found, patched) = by_engine(&repo, &detector, 1);
    assert_eq!(patched, 19, "one version is stored whole, and all others are made from it");
    assert_eq!(found.len(), (1..=20).sum::<usize>());
}
