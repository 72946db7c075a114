//! `unleak ignore`: decisions about findings, kept in `.unleakignore` beside the code they are about.

mod add;
mod list;
mod prune;
mod target;

use super::{Context, Failure};
use crate::exit::Exit;
use clap::Subcommand;

/// Keep decisions about findings in .unleakignore: leave out what is no secret, or one that is known and accepted.
///
/// The file stands at the root of what is scanned and is committed with it. Its first line holds a random salt, and each
/// further line an entry: a fingerprint, the rule, and the decision (the form is shown below).
///
/// The fingerprint is a hash of the value under that salt. Where the value stands does not matter: an entry survives
/// moves, rebases and squashes, works on every clone, and never hides another value. It counts only for its rule. Lines
/// are sorted by fingerprint and stand for themselves: a merge keeps the lines of both sides. A reason is needed; owner and
/// expires (the last day, in UTC, on which the entry counts) are not. Lines that start with # are comments.
///
/// Whoever has the file can guess a weak value: try words until one has the fingerprint. The salt makes tables of hashes
/// made beforehand useless, and a value of less than 24 bytes is hashed 4096 times (PBKDF2), so that each try costs.
/// That is better than a plain hash and no protection for `password1`: replace a weak password that is real.
///
/// The report of a scan says how many secrets the file left out, which entries match nothing any more (stale) and which
/// have expired; what these name counts again. For `scan --range A..B` the file of commit A counts, so that a pull request
/// cannot allow its own secrets; in a bare repository that of HEAD; for --staged the one on disk, so that an entry and what
/// it is for can be one commit. `scan --no-ignore-file` tells of everything.
#[derive(clap::Args)]
#[command(after_help = "The form of the file:
  unleak-ignore/v1 salt=<32 hexadecimal digits>
  <fingerprint> <rule> reason=\"why\" owner=\"who\" expires=2027-01-31

Examples:
  unleak scan                                      shows the fingerprint of each finding
  unleak ignore add 3f9c61d20b7a4e85 --reason 'documented example'
  unleak ignore add 3f9c61d2 --reason revoked --owner ann --expires 2027-01-31
  unleak ignore add --from report.json --reason 'test data'   (scan --format json -o report.json)
  unleak ignore list
  unleak ignore prune --dry-run")]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Add(add::Args),
    List(list::Args),
    Prune(prune::Args),
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    match &args.action {
        Action::Add(args) => add::run(args, context),
        Action::List(args) => list::run(args, context),
        Action::Prune(args) => prune::run(args, context),
    }
}

fn failure(error: &crate::suppress::Error) -> Failure {
    let failure = Failure::from_error(error, Exit::Usage);
    error.hint().into_iter().fold(failure, Failure::hinted)
}
