//! A damaged repository: whichever byte of a pack or an index is another one, the scan says so, names the object where the
//! damage is in one, and finds what can still be read. It never panics, and it is never silently clean.

use crate::repo::Repo;
use crate::tokens::github;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use unleak::coverage::Coverage;
use unleak::detect::{Detector, Trace};
use unleak::patch::Patch;
use unleak::source::git::Part;
use unleak::source::{Blob, GitSource, Progress, Source, Visitor};

struct Counter<'d> {
    detector: &'d Detector,
    found: Mutex<usize>,
}

impl Visitor for Counter<'_> {
    type Memory = Trace;

    fn blob(&self, blob: &Blob<'_>, base: Option<(&Trace, Patch<'_>)>) -> Option<Trace> {
        let looked = self.detector.scan_patched(blob.content.bytes, base).unwrap();
        *self.found.lock().unwrap() += looked.matches.len();
        looked.trace
    }
}

fn scan(path: &Path, detector: &Detector) -> (usize, Coverage) {
    let source = Source::Git(Box::new(GitSource::open(path, Part::Everything { ignored: false }).unwrap()));
    let counter = Counter { detector, found: Mutex::default() };
    let coverage = source.each_blob(1, &Progress::default(), &counter, false).unwrap();
    (counter.found.into_inner().unwrap(), coverage)
}

/// A bare repository of one pack with deltas, and that pack without its ending.
fn packed() -> (Repo, PathBuf, PathBuf) {
    let repo = Repo::new();
    let mut text: Vec<String> = (0..40).map(|number| format!("a line of text, number {number}")).collect();
    for version in 0..4_u64 {
        text.insert(20, format!("token {}", github(version)));
        repo.write("notes.txt", text.join("\n"));
        repo.commit(&format!("version {version}"));
    }
    repo.git(&["tag", "-a", "v1", "-m", "the first"]);
    let bare = repo.beside("bare.git");
    repo.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let git = bare.to_str().unwrap();
    repo.git(&["-C", git, "repack", "-q", "-a", "-d", "-f", "--depth=10"]);
    let packs: Vec<PathBuf> = std::fs::read_dir(bare.join("objects/pack"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pack"))
        .collect();
    assert_eq!(packs.len(), 1);
    (repo, bare, packs[0].with_extension(""))
}

/// Where each object starts in the pack, as git tells.
fn extents(repo: &Repo, pack: &Path) -> BTreeMap<usize, String> {
    let index = pack.with_extension("idx");
    let list = repo.git(&["verify-pack", "-v", index.to_str().unwrap()]);
    let words = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words
        .filter(|words| words.len() >= 5 && words[0].len() == 40)
        .map(|words| (words[4].parse().unwrap(), words[0].to_owned()))
        .collect()
}

fn overwrite(path: &Path, bytes: &[u8]) {
    #[expect(clippy::disallowed_methods, reason = "damage is the point")]
    std::fs::write(path, bytes).unwrap();
}

fn make_writable(path: &Path) {
    let mut permissions = std::fs::metadata(path).unwrap().permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "a file of this test alone")]
    permissions.set_readonly(false);
    std::fs::set_permissions(path, permissions).unwrap();
}

#[test]
fn every_flipped_byte_of_a_pack_is_told() {
    let (repo, bare, name) = packed();
    let pack = name.with_extension("pack");
    let objects = extents(&repo, &name);
    let detector = Detector::new(unleak::rule::builtin()).unwrap();
    let (whole, coverage) = scan(&bare, &detector);
    assert!(whole == 10 && coverage.is_complete(), "{whole} {:?}", coverage.skipped);
    make_writable(&pack);
    let intact = std::fs::read(&pack).unwrap();
    for at in 0..intact.len() {
        let mut damaged = intact.clone();
        damaged[at] ^= 1 << (at % 8);
        overwrite(&pack, &damaged);
        let (found, coverage) = scan(&bare, &detector);
        assert!(found <= whole, "byte {at}");
        assert!(!coverage.is_complete(), "byte {at} is damaged and nothing is said");
        if at >= 12 && at < intact.len() - 20 {
            let (_, id) = objects.range(..=at).next_back().unwrap();
            let named = coverage.skipped.iter().any(|skip| skip.what.contains(id));
            assert!(named, "byte {at} is of {id}: {:?}", coverage.skipped);
        }
    }
}

#[test]
fn every_flipped_byte_of_an_index_is_told() {
    let (_repo, bare, name) = packed();
    let index = name.with_extension("idx");
    let detector = Detector::new(unleak::rule::builtin()).unwrap();
    make_writable(&index);
    let intact = std::fs::read(&index).unwrap();
    for at in 0..intact.len() {
        let mut damaged = intact.clone();
        damaged[at] ^= 1 << (at % 8);
        overwrite(&index, &damaged);
        let (_, coverage) = scan(&bare, &detector);
        assert!(!coverage.is_complete(), "byte {at} is damaged and nothing is said");
    }
}

#[test]
fn a_pack_that_ends_early_is_told() {
    let (_repo, bare, name) = packed();
    let detector = Detector::new(unleak::rule::builtin()).unwrap();
    for extension in ["pack", "idx"] {
        let file = name.with_extension(extension);
        make_writable(&file);
        let intact = std::fs::read(&file).unwrap();
        for len in 0..intact.len() {
            overwrite(&file, &intact[..len]);
            let (_, coverage) = scan(&bare, &detector);
            assert!(!coverage.is_complete(), "{len} bytes of the {extension} are left, and nothing is said");
        }
        overwrite(&file, &intact);
    }
}
