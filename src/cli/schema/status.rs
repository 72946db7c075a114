//! `unleak schema status`: what the hardened table tells about now.

use super::arguments::{Source, wait_for};
use crate::cli::sessions::procedure::duration;
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::schema::Status;
use crate::session::{Recent, Replays};
use serde_json::json;
use std::fmt::Write as _;

/// Show replays of the last hour, sessions that logged in long ago, and families on several devices or networks.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 no token was used twice lately, 1 one was or may have been, 3 the log does not tell."
)]
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
    Ok(match &status.log {
        Replays::Untold(_) => Exit::Incomplete,
        Replays::Told(Recent { replays: 0, undecided: 0, .. }) => Exit::Clean,
        Replays::Told(_) => Exit::Findings,
    })
}

fn shown(status: &Status, args: &Args) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        writeln!(text, "  {name:<36} {value}").expect("a string takes any text");
    };
    let since = |what: &str| format!("{what}, last {}", args.since);
    match &status.log {
        Replays::Untold(why) => line(&since("tokens used twice"), &format!("unknown: {why}")),
        Replays::Told(recent) => {
            line(&since("tokens used twice"), &recent.replays.to_string());
            line(&since("uses nobody can judge"), &recent.undecided.to_string());
            line(&since("families ended"), &recent.revoked.to_string());
            for one in &recent.families {
                let what = if one.certain { "  used twice" } else { "  not judged" };
                let then = if one.live { "live: end it with `unleak schema revoke`" } else { "ended" };
                line(what, &format!("{}  {then}", one.family));
            }
        }
    }
    let Some(numbers) = &status.numbers else {
        line("live sessions", "not counted: that took longer than 10 seconds");
        return text;
    };
    for (name, value) in [
        ("live sessions", numbers.active),
        ("families", numbers.families),
        ("without a token on record", numbers.without_token),
        (&*format!("logged in more than {} ago", args.fresh), numbers.stale_login),
        ("families on several devices", numbers.on_several_devices),
        ("families in several networks", numbers.on_several_networks),
    ] {
        line(name, &value.to_string());
    }
    text
}
