//! The engine against itself on a real history: every blob must be the one that its name says (its SHA-1 is computed), and
//! what was found in it with the help of its base must be what is found without.
//! `cargo bench --bench differential -- REPOSITORY...` takes minutes for large ones.

#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a program of its own")]

use sha1::{Digest as _, Sha1};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use unleak::detect::{Detector, Trace};
use unleak::patch::Patch;
use unleak::source::git::Part;
use unleak::source::{Blob, GitSource, Key, Progress, Source, Visitor};

/// Checks every blob in both ways.
struct Checker {
    detector: Detector,
    /// Looks at every blob as a whole, and remembers nothing of any.
    plain: Detector,
    blobs: AtomicU64,
    patched: AtomicU64,
    matches: AtomicU64,
    wrong: AtomicU64,
}

impl Visitor for Checker {
    type Memory = Trace;

    fn blob(&self, blob: &Blob<'_>, base: Option<(&Trace, Patch<'_>)>) -> Option<Trace> {
        let Key::Object(id) = &blob.key else { return None };
        let bytes = blob.content.bytes;
        self.blobs.fetch_add(1, Ordering::Relaxed);
        self.patched.fetch_add(u64::from(base.is_some()), Ordering::Relaxed);
        let is_whole = blob.content.fresh.is_none();
        let sum = Sha1::new().chain_update(format!("blob {}\0", bytes.len())).chain_update(bytes).finalize();
        let looked = self.detector.scan_patched(bytes, base).unwrap();
        self.matches.fetch_add(looked.matches.len() as u64, Ordering::Relaxed);
        if is_whole
            && (sum[..] != *id.as_bytes()
                || looked.matches != self.plain.scan_patched(bytes, None).unwrap().matches)
        {
            println!("{id} differs");
            self.wrong.fetch_add(1, Ordering::Relaxed);
        }
        looked.trace
    }
}

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    // cargo adds `--bench`.
    for path in std::env::args().skip(1).filter(|arg| arg != "--bench") {
        let source = GitSource::open(Path::new(&path), Part::Everything { ignored: false }).unwrap();
        let [blobs, patched, matches, wrong] = [const { AtomicU64::new(0) }; 4];
        let [detector, plain] = [(); 2].map(|()| Detector::new(unleak::rule::builtin()).unwrap());
        let checker = Checker { detector, plain, blobs, patched, matches, wrong };
        let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let read = Source::Git(Box::new(source)).each_blob(jobs, &Progress::default(), &checker, false);
        if let Err(error) = read {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
        let wrong = checker.wrong.into_inner();
        println!(
            "{path}: {} blobs, {} by their base, {} matches, {wrong} differ",
            checker.blobs.into_inner(),
            checker.patched.into_inner(),
            checker.matches.into_inner()
        );
        if wrong > 0 {
            code = ExitCode::FAILURE;
        }
    }
    code
}
