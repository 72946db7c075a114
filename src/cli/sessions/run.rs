//! One procedure from plan to report: shown, asked for, applied, counted, recorded.

use super::arguments::{Form, Output, Source, wait_for};
use super::{failed, say};
use crate::cli::{Context, Failure, interrupt};
use crate::exit::Exit;
use crate::rotate::{IncidentId, StoreAccess};
use crate::session::{Advance, Carried, Carrier, Error, ProcedurePlan, ProcedureReport, Selection};
use serde_json::json;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What every procedure takes.
#[derive(clap::Args)]
pub(super) struct Deleting {
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    form: Form,
    /// Print the plan and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// The incident that this belongs to, for the backup and the audit log.
    #[arg(long, value_name = "ID")]
    incident: Option<IncidentId>,
    /// So many rows in one transaction, each with its own backup; 0 for all in one, as duplicates always go [default: 200000; a purge of SQLite and Redis takes all at once].
    #[arg(long, value_name = "ROWS")]
    batch: Option<u64>,
    /// How many days the backup is to be kept; it holds sessions that a restore makes valid again.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
    keep: u16,
}

impl Deleting {
    /// Whether nothing may be changed.
    pub(super) fn is_dry(&self) -> bool {
        self.dry_run
    }

    /// Whether nobody is to be asked.
    pub(super) fn is_agreed(&self) -> bool {
        self.yes
    }

    pub(super) fn incident(&self) -> &str {
        self.incident.as_ref().map_or("", IncidentId::as_str)
    }
}

/// A procedure with its selection.
pub(super) struct Procedure {
    /// The command, for the audit log.
    pub(super) action: &'static str,
    pub(super) selection: Selection,
    /// More percent of all sessions than this are refused.
    pub(super) max_share: Option<u8>,
    /// What is selected, in words.
    pub(super) what: String,
}

/// Shows the plan, asks, applies it and tells what it did.
pub(super) fn carry_out(
    args: &Deleting,
    access: &StoreAccess,
    procedure: Procedure,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let Procedure { action, selection, max_share, what } = procedure;
    let plan = wait_for(async {
        let mut store = access.connect().await?;
        if args.yes && !args.dry_run {
            ProcedurePlan::prepare_agreed(&mut store, selection, max_share).await
        } else {
            ProcedurePlan::prepare(&mut store, selection, max_share).await
        }
    })?;
    let state = context.state()?;
    let text = shown(&plan, action, &what, &state, args.keep);
    if args.dry_run {
        match args.form.format {
            Output::Human => context.out.write_all(text.as_bytes())?,
            Output::Json => writeln!(
                context.out,
                "{:#}",
                json!({"schema": "unleak.sessions.plan/v1", "action": action, "what": what, "plan": plan})
            )?,
        }
        return Ok(Exit::Clean);
    }
    say(context, &text)?;
    if plan.is_counted() && plan.selected == 0 {
        say(context, "Nothing to delete.\n")?;
        return report(args, action, None, context);
    }
    confirm(args.yes, "delete", "this ends sessions", context)?;
    let Carried { done, record } = apply(args, access, &plan, (&state, action), context)?;
    // What was done first: it names the backups, which must not be lost when the log cannot be written.
    let told = match done {
        Ok(done) => report(args, action, Some(done), context),
        Err(error) => Err(ended(&error, &plan, action)),
    };
    completed(record, told, context)
}

/// A procedure that ended with an error, and how it goes on.
fn ended(error: &Error, plan: &ProcedurePlan, action: &str) -> Failure {
    match error {
        Error::CommitUnknown { .. } => failed(error, Exit::Interrupted),
        Error::Uncounted { .. } => failed(error, Exit::Unverified),
        Error::Partial { .. } => failed(error, Exit::Interrupted).hinted(again(action)),
        // The store went away in the middle: what a connection had not committed is undone with it.
        error if error.is_outage() => {
            let of = if plan.is_counted() { format!(" of {}", plan.selected) } else { String::new() };
            failed(error, Exit::Interrupted)
                .hinted(format!("0{of} sessions were deleted, and there is no backup; {}", again(action)))
        }
        error => failed(error, Exit::Usage),
    }
}

/// The command that goes on.
fn again(action: &str) -> String {
    format!("`unleak {action}` with the same options goes on with what is left")
}

/// How a change ends whose last record may not have been written: what was done stays done and told.
pub(in crate::cli) fn completed(
    record: Result<String, Error>,
    told: Result<Exit, Failure>,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let Err(error) = record else { return told };
    writeln!(context.err, "warning: the audit log does not tell how this ended: {error}")?;
    told.map(|_| Exit::Unverified)
}

fn apply(
    args: &Deleting,
    access: &StoreAccess,
    plan: &ProcedurePlan,
    (state, action): (&Path, &str),
    context: &mut Context,
) -> Result<Carried<ProcedureReport>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    interrupt::answer_by(move || asked.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::usage(format!("cannot watch for Ctrl-C: {error}")))?;
    let stopped = || stop.load(Ordering::Relaxed);
    let batch = args.batch.map_or_else(|| plan.usual_batch(), |rows| Some(rows).filter(|&rows| rows > 0));
    let many = batch.is_some_and(|batch| plan.selected > batch);
    let (who, incident) = (who(context), args.incident());
    let carrier = Carrier { state, who: &who, action, incident, keep: args.keep, batch };
    let mut progress = |now: &Advance| {
        if many {
            let line = format!(
                "  {} of {} deleted, {:.0} a second, {:.0} s left\n",
                now.deleted, now.total, now.rate, now.left
            );
            drop(say(context, &line));
        }
    };
    let carried = wait_for(async {
        let mut store = access.connect().await?;
        Box::pin(carrier.apply(&mut store, plan, &stopped, &mut progress)).await
    })?;
    interrupt::end_at_once();
    Ok(carried)
}

fn shown(plan: &ProcedurePlan, action: &str, what: &str, state: &Path, keep: u16) -> String {
    let store = &plan.store;
    let mut text =
        format!("{action}: {what}\n  store   {} ({}), table {}\n", store.url, store.dialect, store.table);
    if plan.is_counted() {
        writeln!(text, "  now     {}\n  delete  {} of them", store.counts, plan.selected)
            .expect("a string takes any text");
    }
    if let Some(lifetime) = store.lifetime {
        writeln!(text, "  ends    {lifetime}").expect("a string takes any text");
    }
    if let Some(found) = &plan.orphaned {
        writeln!(text, "  users   {}", found.users).expect("a string takes any text");
    }
    writeln!(text, "  backup  encrypted, in {}, for {keep} days", state.join("backups").display())
        .expect("a string takes any text");
    if plan.selection == "all" && !store.class.purge_ends_sessions() {
        writeln!(text, "  note    {}", store.class.remedy()).expect("a string takes any text");
    }
    text
}

/// Tells what was done, and with which exit code.
fn report(
    args: &Deleting,
    action: &str,
    done: Option<ProcedureReport>,
    context: &mut Context,
) -> Result<Exit, Failure> {
    if args.form.format == Output::Json {
        let body = json!({"schema": "unleak.sessions.procedure/v1", "action": action, "report": done});
        writeln!(context.out, "{body:#}")?;
    }
    let Some(done) = done else { return Ok(Exit::Clean) };
    if done.before.total == 0 && done.deleted == 0 && done.selected_after == 0 {
        say(context, "Nothing to delete.\n")?;
        return Ok(Exit::Clean);
    }
    let mut text = format!("{done}\n");
    for backup in done.backups.iter().rev() {
        writeln!(text, "backup: {} ({} rows)", backup.path.display(), backup.rows)
            .expect("a string takes any text");
    }
    if done.backups.len() > 1 {
        text.push_str("To undo all of it, give all of them to one `unleak sessions restore`.\n");
    }
    if let Some(cause) = &done.cause {
        context.err.write_all(text.as_bytes())?;
        let next = cause.hint().map(|hint| format!("{hint}; then {}", again(action)));
        return Err(failed(cause, Exit::Interrupted).hinted(next.unwrap_or_else(|| again(action))));
    }
    if done.stopped {
        writeln!(text, "Stopped. What is done is whole; {}.", again(action))
            .expect("a string takes any text");
        context.err.write_all(text.as_bytes())?;
        return Ok(Exit::Interrupted);
    }
    if done.selected_after > 0 {
        text.push_str("Sessions that fit are there: they arrived meanwhile, or somebody else was at work too. Run the command again.\n");
        context.err.write_all(text.as_bytes())?;
        return Ok(Exit::Unverified);
    }
    if done.taken > 0 {
        writeln!(
            text,
            "{} sessions ended before this deleted them, though their time had not come: somebody else is at work too. \
             A restore would bring those back that a backup holds.",
            done.taken
        )
        .expect("a string takes any text");
        context.err.write_all(text.as_bytes())?;
        return Ok(Exit::Unverified);
    }
    say(context, &text)?;
    Ok(Exit::Clean)
}

/// What destroys asks first.
pub(in crate::cli) fn confirm(
    yes: bool,
    word: &str,
    what: &str,
    context: &mut Context,
) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !context.can_ask {
        return Err(Failure::usage(format!("{what}, and nobody is there to be asked"))
            .hinted("look at it with --dry-run, then add --yes"));
    }
    writeln!(context.err, "Type `{word}` to go on:")?;
    context.err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if answer.trim() == word { Ok(()) } else { Err(Failure::usage("nothing was changed")) }
}

/// The user of this machine, as far as the system tells.
pub(in crate::cli) fn who(context: &Context) -> String {
    let name = |variable: &str| context.env(variable).and_then(|name| name.into_string().ok());
    let user = name("USER").or_else(|| name("LOGNAME")).or_else(|| name("USERNAME"));
    let user = user.unwrap_or_else(|| "unknown".to_owned());
    #[cfg(unix)]
    let user = format!("{user} (uid {})", rustix::process::getuid().as_raw());
    match name("SUDO_USER") {
        Some(real) => format!("{real} as {user}"),
        None => user,
    }
}
