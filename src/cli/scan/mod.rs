//! `unleak scan`: options to a source and rules, the scan, and a report.

mod cache;
mod configuration;
mod known;
mod output;
mod settled;
mod whole;

pub(super) use settled::today;
pub(super) use whole::Whole;

use super::progress::{self, Bar};
use super::{Context, Failure, fingerprint_key};
use crate::exit::Exit;
use crate::finding::{Confidence, Scan};
use crate::live::Live;
use crate::report::{self, Format};
use crate::scan;
use crate::source::folder::FolderSource;
use crate::source::git::Part;
use crate::source::stream::StreamSource;
use crate::source::{GitSource, Progress, Source};
use crate::suppress::Judged;
use clap::ValueEnum;
use configuration::Chosen;
use settled::Settled;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Find leaked credentials: in all that a repository holds, in what is staged, in a range of commits, in a folder, or
/// in standard input.
///
/// Without options it reads every object of the repository (also those that no branch reaches), the index and the
/// working tree, each content once. It also looks into what is encoded there, up to three layers deep: base64, hex,
/// percent signs, escapes, HTML entities, UTF-16, gzip and zlib inside base64 or hex, and literals in several pieces.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
#[command(after_help = "Examples:
  unleak scan                              everything the repository here has ever held
  unleak scan --staged                     what the next commit would add (for a hook)
  unleak scan --range origin/main..HEAD    what a pull request adds
  unleak scan --range \"$old..$new\"        what a push brings (in a pre-receive hook)
  unleak scan --no-git ./docs              a plain folder
  git log -p | unleak scan -               standard input
  unleak scan --known-from .env            where the values in use leaked to, by exact search
  unleak scan --known-from env:APP_SECRET --only-known --range origin/main..HEAD
  vault kv get -field=key secret/app | unleak scan --known-from -
  unleak scan --format sarif --output leaks.sarif
  unleak scan --explain --no-git app.env   why a value was not reported
  unleak scan --baseline known.txt         what is new since `unleak baseline write known.txt`

Exit codes: 0 nothing found and everything seen, 1 findings, 2 usage or configuration, \
3 nothing found but something could not be seen.")]
pub(super) struct Args {
    /// The repository, pack, bundle, folder or file; `-` for standard input.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Look only at what the next commit would add.
    #[arg(long, conflicts_with_all = ["range", "no_git"])]
    staged: bool,
    /// Look only at what the commits of A..B add (A...B: since the two parted; A of zeros, as git tells a hook: what a
    /// new branch adds).
    #[arg(long, value_name = "A..B", conflicts_with = "no_git")]
    range: Option<String>,
    /// Read the files of a folder as they are, without git.
    #[arg(long)]
    no_git: bool,
    /// Read also the files of the working tree that git is told to ignore.
    #[arg(long, conflicts_with_all = ["staged", "range"])]
    ignored: bool,
    /// Do not open archives (zip and all that is built on it, tar, gz, bz2, xz, zst).
    #[arg(long)]
    no_archives: bool,
    /// Keep what was learnt of a repository in this folder, which repositories and machines may share, instead of in
    /// `unleak/cache` in git's own folder. The next scan by the same rules reads only what is new. Nothing secret is kept;
    /// but who can write there can make a scan overlook what it should find.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["staged", "range", "no_git", "no_cache"])]
    cache: Option<PathBuf>,
    /// Read everything again, and keep nothing for the next scan.
    #[arg(long)]
    no_cache: bool,
    /// The form of the report.
    #[arg(long, short, value_enum, default_value = "human", value_name = "FORMAT")]
    format: Format,
    /// Write the report to a file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// An organisation's configuration, on which those of the repository and its folders build [default: the file that
    /// $UNLEAK_CONFIG names, if it names one].
    ///
    /// The repository's is .unleak.yaml at the root of what is scanned, and a folder's the file of that name in it, which
    /// counts for what stands below; for --range those of commit A, for --staged and in a bare repository those of HEAD.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Use no configuration of the repository and its folders.
    #[arg(long)]
    no_config: bool,
    /// Do not use the .unleakignore of what is scanned: tell also of what it leaves out.
    ///
    /// Without this option the file at the root of what is scanned counts; for --range the one of commit A, in a bare
    /// repository the one of HEAD, for --staged the one on disk. The report always says how many secrets it left out.
    #[arg(long)]
    no_ignore_file: bool,
    /// Leave out what this baseline knows: tell only of what is new. `unleak baseline write` makes one.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// A file or folder of rules to use besides the built-in ones; may be given again.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Run only this rule; may be given again.
    #[arg(long, value_name = "ID")]
    rule: Vec<String>,
    /// Search exactly for the values that are in use, in every encoding: of a .env file, of env:NAME (or env:PREFIX*), or
    /// of standard input (-; lines of NAME=value, or values alone). May be given again. Values are never stored, shown or
    /// written; a finding names the variable. What is too short or too common is refused and said. Such a scan uses
    /// and makes no cache. Neither a comment
    /// nor an allowed path hides a live value.
    #[arg(long, value_name = "SOURCE")]
    known_from: Vec<String>,
    /// Search only for the live values, by no rule.
    #[arg(long, requires = "known_from", conflicts_with_all = ["rule", "rules"])]
    only_known: bool,
    /// Look at plain text only, not into what is encoded.
    #[arg(long)]
    no_decode: bool,
    /// Leave out findings of less confidence.
    #[arg(long, value_enum, default_value = "medium", value_name = "LEVEL")]
    min_confidence: MinConfidence,
    /// Tell also which values were considered under a name that says secret and are not reported, and why: in the human
    /// and the JSON formats, without the values, 1000 at most.
    #[arg(long)]
    explain: bool,
    /// Show the values that were found. Whoever can read the report can then use them.
    #[arg(long)]
    show_secrets: bool,
    /// How many threads to use [default: one a core].
    #[arg(long, short, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
}

#[derive(Clone, Copy, ValueEnum)]
enum MinConfidence {
    Low,
    Medium,
    High,
}

impl From<MinConfidence> for Confidence {
    fn from(level: MinConfidence) -> Self {
        match level {
            MinConfidence::Low => Self::Low,
            MinConfidence::Medium => Self::Medium,
            MinConfidence::High => Self::High,
        }
    }
}

/// A scan, and what was made for it.
pub(super) struct Done {
    /// All that was found, also what a team has settled.
    pub(super) scan: Scan,
    /// The folder at the root of what was scanned; standard input and a bare repository have none.
    pub(super) root: Option<PathBuf>,
    /// How much it saw.
    pub(super) judged: Judged,
    live: Live,
    chosen: Chosen,
    settled: Settled,
    elapsed: Duration,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let Done { mut scan, judged, live, chosen, settled, elapsed, .. } = perform(args, context)?;
    settled.apply(&mut scan, judged);
    let options = report::Options {
        show_secrets: args.show_secrets,
        quiet: context.quiet,
        target: &args.path.to_string_lossy(),
        elapsed,
        rules: chosen.detector.rules(),
        origin: None,
    };
    let hidden = if args.show_secrets { None } else { known::redactor(&live, &scan) };
    output::write(args, &scan, &options, hidden.as_ref(), context)?;
    Ok(scan.exit())
}

/// Scans as the options say.
fn perform(args: &Args, context: &mut Context) -> Result<Done, Failure> {
    let start = Instant::now();
    let source = source(args, context)?;
    let live = known::read(args, context)?;
    let mut chosen = configuration::choose(args, &source, known::known(&live), context)?;
    let settled = Settled::read(args, &source)?;
    let detector = &chosen.detector;
    let source = cache::choose(args, source, detector, context)?;
    let progress = Arc::new(Progress::default());
    progress::stop_on_interrupt(&progress);
    let bar = Bar::start(&progress, context);
    let default_jobs = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let options = scan::Options {
        jobs: args.jobs.map_or_else(default_jobs, std::num::NonZero::get),
        archives: !args.no_archives,
        min_confidence: args.min_confidence.into(),
        explain: args.explain,
    };
    let mut key = Ok(());
    let scanned = scan::run(
        &source,
        detector,
        || match fingerprint_key::load(context) {
            Ok(found) => found,
            Err(error) => {
                key = Err(error);
                crate::secret::FingerprintKey::new([0; 32])
            }
        },
        &options,
        &progress,
    );
    drop(bar);
    key?;
    let mut scan = scanned.map_err(|error| failure(&error, error.hint()))?;
    let values = settled::values(&scan);
    scan.hidden.extend(values);
    chosen.apply(args, &source, &mut scan)?;
    let (root, judged) = (settled::root(&source), settled::judged(args, &source, &scan));
    Ok(Done { scan, root, judged, live, chosen, settled, elapsed: start.elapsed() })
}

fn failure(error: &dyn std::error::Error, hint: Option<String>) -> Failure {
    let failure = Failure::from_error(error, Exit::Usage);
    match hint {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}

fn source(args: &Args, context: &Context) -> Result<Source, Failure> {
    let failed = |error: crate::source::Error| failure(&error, error.hint());
    if args.path == Path::new("-") {
        return Ok(Source::Stream(StreamSource::new(Box::new(std::io::stdin()))));
    }
    if args.no_git {
        return Ok(Source::Folder(FolderSource::open(&args.path).map_err(failed)?));
    }
    let part = match (&args.range, args.staged) {
        (Some(range), _) => Part::Range(range.clone()),
        // git commits from an index of its own when only some paths or all changed files are committed.
        (None, true) => Part::Staged(context.env("GIT_INDEX_FILE").map(PathBuf::from)),
        (None, false) => Part::Everything { ignored: args.ignored },
    };
    let source = GitSource::open(&args.path, part).and_then(|source| source.with_objects(objects(context)));
    Ok(Source::Git(Box::new(source.map_err(failed)?)))
}

/// The folders of objects that git names to a hook: before a push is accepted, what it brings is kept apart.
fn objects(context: &Context) -> Vec<PathBuf> {
    let names = ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"];
    let lists = names.iter().filter_map(|name| context.env(name));
    lists.flat_map(|list| std::env::split_paths(&list).collect::<Vec<_>>()).collect()
}
