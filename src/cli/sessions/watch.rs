//! `unleak sessions watch`: the numbers again and again, redrawn in place on a terminal.

use super::arguments::{Form, Output, Source, Users, wait_for};
use super::limits::{Limits, comparable_users};
use crate::cli::{Context, Failure, interrupt};
use crate::exit::Exit;
use crate::session::{Change, Error, Glance, PointState, Watch};
use serde_json::json;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Watch the sessions: how many, what came and went, what is wrong.
#[derive(clap::Args)]
#[command(after_help = "\
Drawn in place on a terminal, and one line a look elsewhere (or one JSON document a line). Ctrl-C ends it.

Exit codes: 0 all was well at the last look, 1 something was critical.

Examples:
    unleak sessions watch --store postgres://app@127.0.0.1/app
    unleak sessions watch --store-from env:DATABASE_URL --interval 60 --format json >> sessions.jsonl")]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    users: Users,
    #[command(flatten)]
    limits: Limits,
    /// How many seconds from one look to the next.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    interval: u64,
    /// End after so many looks.
    #[arg(long, value_name = "LOOKS", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let access = args.source.access(context)?;
    let settings = args.source.settings()?;
    let (limits, soon) = (args.limits.resolved(&settings.thresholds), args.limits.soon()?);
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    interrupt::answer_by(move || asked.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::usage(format!("cannot watch for Ctrl-C: {error}")))?;
    let mut screen = Screen { in_place: io::stdout().is_terminal(), lines: 0 };
    let mut watch = Watch::default();
    let mut exit = Exit::Clean;
    let shown = wait_for(async {
        let mut store = access.connect().await?;
        let users = comparable_users(&args.users, &mut store, &settings).await?;
        let mut looks = 0;
        loop {
            let began = Instant::now();
            let looked = watch.look(&mut store, users.as_ref(), soon, &limits).await;
            looks += 1;
            let is_first = looks == 1;
            match looked {
                Ok(glance) => {
                    let critical = glance.anomalies.iter().any(|point| point.state == PointState::Critical);
                    exit = if critical { Exit::Findings } else { Exit::Clean };
                    if let Err(failure) = screen.show(&glance, &args.form, context) {
                        return Ok(Err(failure));
                    }
                }
                // What never worked is an error; what fails later is told, and tried again.
                Err(error) if is_first => return Err(error),
                Err(error) => screen.trouble(&error, context),
            }
            let is_last = args.count.is_some_and(|count| looks >= count);
            if is_last || !rest(began, Duration::from_secs(args.interval), &stop).await {
                return Ok(Ok(()));
            }
        }
    });
    interrupt::end_at_once();
    shown??;
    Ok(exit)
}

/// Waits for the next look; gives whether there is to be one.
async fn rest(began: Instant, interval: Duration, stop: &AtomicBool) -> bool {
    while !stop.load(Ordering::Relaxed) && began.elapsed() < interval {
        let left = interval.saturating_sub(began.elapsed());
        tokio::time::sleep(left.min(Duration::from_millis(100))).await;
    }
    !stop.load(Ordering::Relaxed)
}

/// Where the looks are drawn.
struct Screen {
    in_place: bool,
    /// How many lines the last look took.
    lines: usize,
}

impl Screen {
    fn show(&mut self, glance: &Glance, form: &Form, context: &mut Context) -> Result<(), Failure> {
        if form.format == Output::Json {
            writeln!(context.out, "{}", json!({"schema": "unleak.sessions.watch/v1", "glance": glance}))?;
        } else if self.in_place {
            let text = page(glance);
            if self.lines > 0 {
                // Up to where the last look began, and nothing of it stays.
                write!(context.out, "\x1b[{}A\x1b[J", self.lines)?;
            }
            self.lines = text.lines().count();
            context.out.write_all(text.as_bytes())?;
        } else {
            writeln!(context.out, "{}", line(glance))?;
        }
        context.out.flush()?;
        Ok(())
    }

    /// A look that failed stands where it is, and the next one below it.
    fn trouble(&mut self, error: &Error, context: &mut Context) {
        self.lines = 0;
        drop(writeln!(context.err, "warning: {}", Failure::from_error(error, Exit::Usage).message()));
    }
}

fn changed(glance: &Glance) -> String {
    match glance.change {
        None => "first look".to_owned(),
        Some(Change::Told { new, ended }) => format!("{new} new, {ended} ended"),
        Some(Change::Net(net)) => format!("{net:+} since the last look"),
    }
}

fn word(state: PointState) -> &'static str {
    if state == PointState::Critical { "critical" } else { "warning" }
}

fn line(glance: &Glance) -> String {
    let anomalies: Vec<String> =
        glance.anomalies.iter().map(|point| format!("{}: {}", word(point.state), point.text)).collect();
    let anomalies = if anomalies.is_empty() { "well".to_owned() } else { anomalies.join("; ") };
    let at = glance.at.strftime("%Y-%m-%dT%H:%M:%SZ");
    format!("{at}  {}, {}; {anomalies}", glance.counts, changed(glance))
}

fn page(glance: &Glance) -> String {
    let mut text = format!(
        "{}  (UTC; Ctrl-C ends)\n  {}\n  {}\n",
        glance.at.strftime("%Y-%m-%d %H:%M:%S"),
        glance.counts,
        changed(glance)
    );
    for point in &glance.anomalies {
        writeln!(text, "  {:<8}  {}", word(point.state), point.text).expect("a string takes any text");
    }
    if glance.anomalies.is_empty() {
        text.push_str("  well\n");
    }
    text
}
