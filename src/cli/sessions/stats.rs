//! `unleak sessions stats`: the numbers, without a judgement.

use super::arguments::{Form, Output, Source, wait_for};
use super::limits::growth;
use super::procedure::duration;
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::session::{Facts, Growth};
use serde_json::json;

/// Count sessions: active, expired, by user, expiring soon, and the size of the table and how it grows.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    form: Form,
    /// What soon is.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    soon: String,
}

#[expect(clippy::cast_precision_loss, reason = "numbers for people")]
pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let access = args.source.access(context)?;
    let soon = duration(&args.soon)?;
    let (store, facts) = wait_for(async {
        let mut store = access.connect().await?;
        let facts = store.facts(None, soon).await?;
        let growth = Some(growth(&store, &facts, context));
        Ok((store.describe().await?, Facts { growth, ..facts }))
    })?;
    if args.form.format == Output::Json {
        let body = json!({"schema": "unleak.sessions.stats/v1", "store": store, "facts": facts});
        writeln!(context.out, "{body:#}")?;
        return Ok(Exit::Clean);
    }
    let out = &mut context.out;
    writeln!(out, "{} ({}), table {}", store.url, store.dialect, store.table)?;
    writeln!(out, "  {}", facts.counts)?;
    if let Some(lifetime) = store.lifetime {
        writeln!(out, "  {lifetime}")?;
    }
    if let Some(users) = &facts.users {
        let ratio = users.sessions as f64 / (users.users.max(1)) as f64;
        writeln!(
            out,
            "  {} users with active sessions, {ratio:.1} each, {} at most",
            users.users, users.most
        )?;
    }
    writeln!(out, "  {} expire within {}", facts.expiring_soon, args.soon)?;
    if let (Some(hour), Some(day)) = (facts.made_last_hour, facts.made_last_day) {
        writeln!(out, "  {hour} made in the last hour, {day} in the last day")?;
    }
    writeln!(out, "  {} tokens with several rows ({} rows)", facts.duplicate_tokens, facts.duplicate_rows)?;
    if let Some(networks) = &facts.networks {
        writeln!(out, "  {} networks at most of one user's active sessions", networks.most.max(1))?;
    }
    writeln!(out, "  {:.1} MiB", facts.bytes as f64 / 1_048_576.0)?;
    match &facts.growth {
        Some(Growth::Told(grown)) => writeln!(out, "  {grown}")?,
        Some(Growth::Untold(why)) => writeln!(out, "  growth is not known: {why}")?,
        Some(Growth::First) | None => {}
    }
    Ok(Exit::Clean)
}
