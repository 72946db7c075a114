//! `unleak schema plan`: what an apply would do, for people, as JSON, or as SQL.

use super::advice::{self, Advising, Form};
use super::arguments::{Source, wait_for};
use super::show;
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use serde_json::json;

/// Show what an apply would do, or what any other session table lacks; nothing is changed.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 everything is there, 1 something is to be done, 2 something stands in the way."
)]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// Print it as SQL that psql runs, with the same result as an apply; a rollback knows nothing of it.
    #[arg(long, conflicts_with = "format")]
    sql: bool,
    #[command(flatten)]
    advising: Advising,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let place = args.source.place(context)?;
    if args.advising.is_asked() || wait_for(place.is_other())? {
        let form = match (args.sql, args.source.is_json()) {
            (true, _) => Form::Sql,
            (false, true) => Form::Json,
            (false, false) => Form::Human,
        };
        return advice::plan(&args.advising, &place, form, context);
    }
    let plan = wait_for(async { place.open().await?.plan().await })?;
    let blocked = !plan.problems.is_empty();
    if args.sql && !blocked {
        context.out.write_all(plan.sql().as_bytes())?;
    } else if args.source.is_json() {
        writeln!(context.out, "{:#}", json!({"schema": "unleak.schema.plan/v1", "plan": plan}))?;
    } else {
        let out = if args.sql { &mut context.err } else { &mut context.out };
        out.write_all(show::plan(&plan).as_bytes())?;
    }
    Ok(match (blocked, plan.is_done()) {
        (true, _) => Exit::Usage,
        (false, true) => Exit::Clean,
        (false, false) => Exit::Findings,
    })
}
