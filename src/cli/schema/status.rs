//! `unleak schema status`: what the hardened table tells about now.

use super::arguments::{Source, wait_for};
use crate::cli::sessions::procedure::duration;
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::schema::Status;
use serde_json::json;
use std::fmt::Write as _;

/// Show replays of the last hour, sessions that logged in long ago, and families on several devices or networks.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 no token was used twice lately, 1 one was, 3 the log does not tell.")]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// What is lately.
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    since: String,
    /// How long a login counts as fresh.
    #[arg(long, value_name = "DURATION", default_value = "12h")]
    fresh: String,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let (lately, fresh) = (duration(&args.since)?, duration(&args.fresh)?);
    let place = args.source.place(context)?;
    let status = wait_for(async { place.open().await?.status(lately, fresh).await })?;
    if args.source.is_json() {
        let body = json!({"schema": "unleak.schema.status/v1", "since": args.since, "fresh": args.fresh, "status": status});
        writeln!(context.out, "{body:#}")?;
    } else {
        context.out.write_all(shown(&status, args).as_bytes())?;
    }
    Ok(match status.replays {
        None => Exit::Incomplete,
        Some(0) => Exit::Clean,
        Some(_) => Exit::Findings,
    })
}

fn shown(status: &Status, args: &Args) -> String {
    let told = |count: Option<u64>| {
        count.map_or("unknown: the log tells no times".to_owned(), |count| count.to_string())
    };
    let lines = [
        ("live sessions".to_owned(), status.active.to_string()),
        ("families".to_owned(), status.families.to_string()),
        ("without a token on record".to_owned(), status.without_token.to_string()),
        (format!("logged in more than {} ago", args.fresh), status.stale_login.to_string()),
        ("families on several devices".to_owned(), status.on_several_devices.to_string()),
        ("families in several networks".to_owned(), status.on_several_networks.to_string()),
        (format!("tokens used twice, last {}", args.since), told(status.replays)),
        (format!("families ended, last {}", args.since), told(status.revoked)),
    ];
    let mut text = String::new();
    for (name, value) in lines {
        writeln!(text, "  {name:<32} {value}").expect("a string takes any text");
    }
    for family in &status.replayed_families {
        writeln!(text, "  {:<32} {family}", "a token used twice, family").expect("a string takes any text");
    }
    text
}
