//! `unleak sessions check`: the monitoring queries and the verification checklist as one command.

use super::arguments::{Source, Users, wait_for};
use super::limits::{Limits, Required, comparable_users, growth};
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::session::{Facts, Point, PointState, StoreSummary, insist, judge};
use serde_json::json;
use std::fmt::Write as _;

/// Check the sessions: duplicates, shared tokens, orphans, expired ones, sessions and networks a user, spikes, growth; replays where the table is hardened.
#[derive(clap::Args)]
#[command(after_help = "\
Exit codes: 0 all is well, 1 something is not, 3 something could not be checked. With `--format nagios` those of \
monitoring plugins: 0 ok, 1 warning, 2 critical, 3 unknown.

What no row of a store could ever tell (orphans where there is no users table) is said, and changes no exit code; \
`--require orphans`, or `sessions: {require: [orphans]}` in the configuration, makes it one that could not be checked.

Growth is measured from what earlier checks saw, which is kept in the state folder; the first one has nothing to measure from.

Examples:
  Close an incident:
    unleak sessions check --store postgres://app@127.0.0.1/app

  For the textfile collector of a Prometheus node:
    unleak sessions check --store-from env:DATABASE_URL --format prometheus > sessions.prom")]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    users: Users,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    required: Required,
    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Form::Human, value_name = "FORMAT")]
    format: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Text for people, with what is left to check by hand.
    Human,
    /// JSON.
    Json,
    /// One line and performance data, for Nagios and its kin.
    Nagios,
    /// Prometheus' text format.
    Prometheus,
}

/// What no database can tell, of the checklist that closes an incident.
const BY_HAND: [&str; 3] = [
    "the log holds no critical warning of the past hour",
    "login and logout work",
    "no user reports a problem",
];

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    match checked(args, context) {
        // Monitoring reads the first line of standard output, and knows no other exit codes.
        Err(failure) if args.format == Form::Nagios => {
            let plain = |c: char| if c.is_control() || c == '|' { ' ' } else { c };
            let text: String = failure.message().chars().map(plain).collect();
            writeln!(context.out, "SESSIONS UNKNOWN: {text}")?;
            Ok(Exit::Incomplete)
        }
        result => result,
    }
}

fn checked(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let access = args.source.access(context)?;
    let settings = args.source.settings()?;
    let (soon, required) = (args.limits.soon()?, args.required.resolved(&settings)?);
    let (store, facts) = wait_for(async {
        let mut store = access.connect().await?;
        let users = comparable_users(&args.users, &mut store, &settings).await?;
        let facts = store.facts(users.as_ref(), soon).await?;
        let growth = Some(growth(&store, &facts, context));
        Ok((store.describe().await?, Facts { growth, ..facts }))
    })?;
    let limits = args.limits.resolved(&settings.thresholds);
    let mut points = judge(&facts, &limits);
    insist(&mut points, &required);
    let text = match args.format {
        Form::Human => human(&store, &points),
        Form::Json => {
            let body = json!({
                "schema": "unleak.sessions.check/v1", "store": store, "points": points, "facts": facts,
                "not_checked": BY_HAND,
            });
            format!("{body:#}\n")
        }
        Form::Nagios => nagios(&points),
        Form::Prometheus => prometheus(&store, &facts, &points),
    };
    context.out.write_all(text.as_bytes())?;
    let has = |state| points.iter().any(|point| point.state == state);
    let (critical, warning, unknown) =
        (has(PointState::Critical), has(PointState::Warning), has(PointState::NotChecked));
    Ok(match args.format {
        // The codes of monitoring plugins: 2 is critical, 1 a warning, 3 unknown.
        Form::Nagios if critical => Exit::Usage,
        // A scrape that worked has worked.
        Form::Prometheus => Exit::Clean,
        _ if critical || warning => Exit::Findings,
        _ if unknown => Exit::Incomplete,
        _ => Exit::Clean,
    })
}

fn word(state: PointState) -> &'static str {
    match state {
        PointState::Ok => "ok",
        PointState::NotApplicable => "-",
        PointState::NotChecked => "unknown",
        PointState::Warning => "warning",
        PointState::Critical => "critical",
    }
}

fn human(store: &StoreSummary, points: &[Point]) -> String {
    let mut text = format!("{} ({}), table {}: {}\n", store.url, store.dialect, store.table, store.counts);
    if let Some(lifetime) = store.lifetime {
        writeln!(text, "  {:<9} {lifetime}", "-").expect("a string takes any text");
    }
    for point in points {
        writeln!(text, "  {:<9} {}", word(point.state), point.text).expect("a string takes any text");
    }
    for line in BY_HAND {
        writeln!(text, "  {:<9} {line}: look yourself", "-").expect("a string takes any text");
    }
    text
}

fn nagios(points: &[Point]) -> String {
    let states = [PointState::Critical, PointState::Warning, PointState::NotChecked];
    let worst = states.into_iter().find(|state| points.iter().any(|point| point.state == *state));
    let said: Vec<&str> =
        points.iter().filter(|point| Some(point.state) == worst).map(|point| point.text.as_str()).collect();
    let said = if said.is_empty() { "all points are well".to_owned() } else { said.join(", ") };
    let never: Vec<&str> = points
        .iter()
        .filter(|point| point.state == PointState::NotApplicable)
        .map(|point| point.name)
        .collect();
    let never = if never.is_empty() {
        String::new()
    } else {
        format!("; not told by this store: {}", never.join(", "))
    };
    // What follows a bar is performance data, and a user's id may hold one.
    let said = said.replace('|', " ");
    let data: Vec<String> =
        points.iter().filter_map(|point| Some(format!("{}={}", point.name, point.value?))).collect();
    let word = word(worst.unwrap_or(PointState::Ok)).to_uppercase();
    format!("SESSIONS {word} - {said}{never} | {}\n", data.join(" "))
}

fn prometheus(store: &StoreSummary, facts: &Facts, points: &[Point]) -> String {
    let mut text = String::new();
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels = format!("table=\"{}\"", escaped(&store.table.to_string()));
    let mut metric = |name: &str, help: &str, value: f64| {
        let name = format!("unleak_sessions_{name}");
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name}{{{labels}}} {value}")
            .expect("a string takes any text");
    };
    let number = |value: u64| u32::try_from(value).map_or(f64::MAX, f64::from);
    metric("total", "Rows of the session table.", number(facts.counts.total));
    metric("active", "Sessions that are not expired.", number(facts.counts.active));
    #[expect(clippy::cast_precision_loss, reason = "a size for a graph")]
    metric("bytes", "The size of the table with its indexes.", facts.bytes as f64);
    if let Some(made) = facts.made_last_hour {
        metric("made_last_hour", "Sessions made in the last hour.", number(made));
    }
    for point in points {
        if let (Some(value), false) = (point.value, point.name == "creation") {
            metric(point.name, "See unleak sessions check.", value);
        }
    }
    text.push_str("# HELP unleak_sessions_point Whether a point is well (0), unknown (1), a warning (2) or critical (3); none where the store could never tell.\n");
    text.push_str("# TYPE unleak_sessions_point gauge\n");
    for point in points {
        let state = match point.state {
            PointState::NotApplicable => continue,
            PointState::Ok => 0,
            PointState::NotChecked => 1,
            PointState::Warning => 2,
            PointState::Critical => 3,
        };
        writeln!(text, "unleak_sessions_point{{{labels},point=\"{}\"}} {state}", point.name)
            .expect("a string takes any text");
    }
    text
}
