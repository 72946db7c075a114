//! `unleak sessions list`: page by page, with fingerprints for tokens.

use super::arguments::{Form, Output, Source, wait_for};
use super::procedure::duration;
use super::say;
use crate::cli::{Context, Failure, fingerprint_key};
use crate::exit::Exit;
use crate::session::{ListQuery, Origin};
use jiff::Timestamp;
use serde_json::json;

/// List sessions, the next to expire first.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    form: Form,
    /// Only those of this user.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only those.
    #[arg(long, value_enum, value_name = "STATUS")]
    status: Option<Status>,
    /// Only active ones that expire within this time: `24h`.
    #[arg(long, value_name = "DURATION")]
    expiring: Option<String>,
    /// Which page, from 1.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,
    /// How many sessions a page.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Status {
    /// Not expired.
    Active,
    /// Expired.
    Expired,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let access = args.source.access(context)?;
    let key = fingerprint_key::load(context)?;
    let query = ListQuery {
        user: args.user.clone(),
        active: args.status.map(|status| status == Status::Active),
        expiring_within: args.expiring.as_deref().map(duration).transpose()?,
        offset: u64::from(args.page - 1) * u64::from(args.limit),
        limit: args.limit,
        ..ListQuery::default()
    };
    let (lifetime, page) = wait_for(async {
        let mut store = access.connect().await?;
        Ok((store.lifetime(), store.page(&query).await?))
    })?;
    let pages = page.total.div_ceil(u64::from(args.limit)).max(1);
    let time = |time: Option<Timestamp>| time.map(|time| time.strftime("%Y-%m-%d %H:%M").to_string());
    if args.form.format == Output::Json {
        let sessions: Vec<_> = page
            .sessions
            .iter()
            .map(|session| {
                json!({
                    "fingerprint": key.fingerprint(&session.token), "user": session.user,
                    "expires": session.expires, "created": session.created, "active": session.active, "origin": session.origin,
                })
            })
            .collect();
        let body = json!({
            "schema": "unleak.sessions.list/v1", "lifetime": lifetime, "total": page.total, "page": args.page, "pages": pages,
            "sessions": sessions,
        });
        writeln!(context.out, "{body:#}")?;
        return Ok(Exit::Clean);
    }
    // Only a hardened table tells where a session is used from.
    let tells = page.sessions.iter().any(|session| {
        let Origin { device, network, .. } = &session.origin;
        device.is_some() || network.is_some()
    });
    for session in &page.sessions {
        let short = |text: &Option<String>, length: usize| -> String {
            text.as_deref().unwrap_or("-").chars().filter(|c| !c.is_control()).take(length).collect()
        };
        let (device, network) = (short(&session.origin.device, 12), short(&session.origin.network, 20));
        let login = session.origin.login.map_or_else(|| "-".to_owned(), |login| age(login, Timestamp::now()));
        let origin = if tells { format!("{device:<12}  {network:<20}  {login:<5}  ") } else { String::new() };
        writeln!(
            context.out,
            "{}  {:<7}  {:<16}  {:<16}  {origin}{}",
            key.fingerprint(&session.token),
            if session.active { "active" } else { "expired" },
            time(session.expires).as_deref().unwrap_or("never"),
            time(session.created).as_deref().unwrap_or("-"),
            short(&session.user, 40),
        )?;
    }
    if let Some(lifetime) = lifetime {
        say(context, &format!("{lifetime}\n"))?;
    }
    let origin = if tells { " device, network, how long ago its login was," } else { "" };
    let note = format!(
        "{} sessions, page {} of {pages}: fingerprint, status, expires and made (UTC),{origin} user\n",
        page.total, args.page
    );
    say(context, &note)?;
    Ok(Exit::Clean)
}

/// How long ago something was, in the largest unit: what a step-up rule asks for.
fn age(then: Timestamp, now: Timestamp) -> String {
    let minutes = (now.as_second() - then.as_second()).max(0) / 60;
    match minutes {
        0..60 => format!("{minutes}m"),
        60..2880 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let now = Timestamp::now();
        for (ago, told) in [(0, "0m"), (59, "59m"), (60, "1h"), (2879, "47h"), (2880, "2d"), (-5, "0m")] {
            assert_eq!(age(now - SignedDuration::from_mins(ago), now), told);
        }
    }
}
