//! `unleak schema verify`: the catalogue object by object, and the behaviour.

use super::arguments::{Source, wait_for};
use super::show;
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::schema::Verification;
use serde_json::json;

/// Check that everything is there and does what it must; what is tried is rolled back.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 all is verified, 3 something could not be checked, 6 something failed."
)]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// Compare the catalogue only, and try nothing.
    #[arg(long)]
    catalogue_only: bool,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let place = args.source.place(context)?;
    let verified = wait_for(async { place.open().await?.verify(!args.catalogue_only).await })?;
    if args.source.is_json() {
        let body = json!({"schema": "unleak.schema.verification/v1", "verification": verified});
        writeln!(context.out, "{body:#}")?;
    } else {
        context.out.write_all(show::verification(&verified).as_bytes())?;
    }
    Ok(exit(&verified))
}

pub(super) fn exit(verified: &Verification) -> Exit {
    match (verified.failed(), verified.not_checked()) {
        (0, 0) => Exit::Clean,
        (0, _) => Exit::Incomplete,
        _ => Exit::Unverified,
    }
}
