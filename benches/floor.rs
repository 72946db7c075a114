//! The floor under a scan: the time to inflate and rebuild all blobs of a repository, by the code that the scan uses,
//! without looking at them. `cargo bench --bench floor -- REPOSITORY [JOBS]`; `benches/peers` runs it in its rounds if it was built.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program of its own")]

use std::path::Path;
use std::time::Instant;
use unleak::source::GitSource;
use unleak::source::git::Part;

fn main() {
    // cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let Some(path) = args.first() else {
        eprintln!("usage: cargo bench --bench floor -- REPOSITORY [JOBS]");
        std::process::exit(2);
    };
    let jobs = args.get(1).and_then(|jobs| jobs.parse().ok());
    let jobs = jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let start = Instant::now();
    let source =
        GitSource::open(Path::new(path), Part::Everything { ignored: false }).unwrap_or_else(|error| {
            eprintln!("error: {error}");
            std::process::exit(2);
        });
    let (blobs, bytes) = source.rebuild_blobs(jobs);
    let seconds = start.elapsed().as_secs_f64();
    println!("{blobs} blobs, {} MB rebuilt in {seconds:.2} s on {jobs} threads", bytes / 1_000_000);
}
