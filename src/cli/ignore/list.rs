//! `unleak ignore list`: what is left out here, why, and until when.

use super::target;
use crate::cli::{Context, Failure, scan};
use crate::exit::Exit;
use crate::report::visible;
use crate::source::GitSource;
use crate::source::git::Part;
use crate::suppress::{Entry, FILE_NAME, IgnoreFile};
use clap::ValueEnum;
use std::io;
use std::path::PathBuf;

/// List the entries of .unleakignore: what they name, why, and until when.
///
/// It does not scan; `unleak scan` tells which entries match nothing any more.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  unleak ignore list\n  unleak ignore list --format json")]
pub(super) struct Args {
    /// The repository or folder.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// A line an entry for people, or JSON.
    #[arg(long, short, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    // A path inside a repository means the file at its root, as for a scan.
    let everything = Part::Everything { ignored: false };
    let root = GitSource::open(&args.path, everything)
        .map_or_else(|_| args.path.clone(), |source| source.root().to_owned());
    let file = target::load(&root.join(FILE_NAME))?;
    let entries = file.as_ref().map(IgnoreFile::entries).unwrap_or_default();
    match args.format {
        Format::Json => {
            let told: Vec<_> = entries.iter().map(Entry::told).collect();
            serde_json::to_writer_pretty(&mut context.out, &told).map_err(io::Error::from)?;
            writeln!(context.out)?;
        }
        Format::Human => {
            for entry in entries {
                writeln!(context.out, "{}", line(entry))?;
            }
            if entries.is_empty() && !context.quiet {
                writeln!(context.err, "Nothing is left out here: there is no entry in {FILE_NAME}.")?;
            }
        }
    }
    Ok(Exit::Clean)
}

fn line(entry: &Entry) -> String {
    let told = entry.told();
    let mut parts = vec![told.reason];
    parts.extend(told.owner);
    parts.extend(told.expires.map(|date| {
        let verb = if entry.is_expired(scan::today()) { "expired" } else { "expires" };
        format!("{verb} {date}")
    }));
    format!("{} {}  {}", told.fingerprint, visible(&told.rule), visible(&parts.join(" · ")))
}
