//! `unleak rotate`: arguments in, progress and report out; the work is in `crate::rotate`.

mod input;
mod progress;

use super::{Context, Failure};
use crate::exit::Exit;
use crate::rotate::{
    Address, Ending, EnvTarget, Error, Fault, Format, Health, IncidentId, Outcome, Plan, Probe, Reload,
    Request, Severity, Stop, StoreAccess, run as rotate,
};
use crate::secret::{RedactingWriter, Redactor};
use crate::session::Options;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

/// Replace a leaked session secret, end the sessions it protects, prove it, and write the incident report.
#[derive(clap::Args)]
#[command(after_help = "\
The order is: new value, reload, health, purge, purge again, verify, report. A failure before the purge puts the
old value back (exit code 4). Nothing that is printed or written holds a secret.

Examples:
  See what would be done:
    unleak rotate --target env:/srv/app/.env#SESSION_SECRET --dry-run

  Replace the secret, restart, delete every session, and prove it with a live cookie:
    export UNLEAK_STORE_PASSWORD   # or --store-password-file
    unleak rotate --target env:/srv/app/.env#SESSION_SECRET \\
      --reload 'systemctl restart app' --health http://127.0.0.1:3000/healthz \\
      --store postgres://app@127.0.0.1/app \\
      --probe http://127.0.0.1:3000/account --probe-cookie-from file:cookie.txt")]
pub(super) struct Args {
    /// Where the secret lives: `env:PATH#NAME`, a variable of a dotenv file.
    #[arg(long, value_name = "TARGET")]
    target: String,
    /// The form of the new secret [default: hex; laravel where the old value has that form].
    #[arg(long, value_enum, value_name = "FORM")]
    secret_format: Option<Format>,
    /// The command that makes the application take the new value, for the shell.
    #[arg(long, value_name = "COMMAND")]
    reload: Option<String>,
    /// How long the reload command may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    reload_timeout: u64,
    /// An address that answers 2xx when the application is well.
    #[arg(long, value_name = "URL")]
    health: Option<String>,
    /// How long the application may take to become healthy.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    health_timeout: u64,
    /// The session store, without a password: `postgres://USER@HOST/DB` or `sqlite:PATH`.
    #[arg(long, value_name = "URL", conflicts_with = "store_from")]
    store: Option<String>,
    /// Where to read the session store's whole address, with password: `env:VARIABLE` or `file:PATH`.
    #[arg(long, value_name = "SOURCE")]
    store_from: Option<String>,
    /// A file that holds the store's password; else UNLEAK_STORE_PASSWORD or PGPASSWORD is used.
    #[arg(long, value_name = "FILE")]
    store_password_file: Option<PathBuf>,
    /// The form of the session table, when it should not be detected.
    #[arg(long)]
    dialect: Option<String>,
    /// The session table, when it should not be detected.
    #[arg(long)]
    table: Option<String>,
    /// An address that only a logged-in user can see.
    #[arg(long, value_name = "URL", requires = "probe_cookie_from")]
    probe: Option<String>,
    /// Where to read a live session's cookie, as `name=value`: `file:PATH`, `env:VARIABLE` or `stdin`.
    #[arg(long, value_name = "SOURCE", requires = "probe")]
    probe_cookie_from: Option<String>,
    /// How bad the incident is.
    #[arg(long, value_enum, default_value_t = Severity::P0)]
    severity: Severity,
    /// The incident's name [default: INC-YYYYMMDD-NNN].
    #[arg(long, value_name = "ID")]
    incident_id: Option<String>,
    /// Print the plan and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Output::Human, value_name = "FORMAT")]
    format: Output,
    /// Crash or wait at a step.
    #[cfg(debug_assertions)]
    #[arg(long, hide = true)]
    fault: Option<Fault>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// Nothing but the plan of a dry run.
    Human,
    /// The plan or the report as JSON.
    Json,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let request = request(args, context)?;
    let plan = Plan::prepare(request).map_err(|error| failure(&error, Exit::Usage))?;
    // The second line of defence: the rotation itself gives out no secret.
    let redactor = Redactor::new(&plan.secrets());
    guard(&mut context.err, &redactor);
    guard(&mut context.out, &redactor);
    if args.dry_run {
        match args.format {
            Output::Human => write!(context.out, "{plan}")?,
            Output::Json => writeln!(context.out, "{:#}", plan.to_json())?,
        }
        return Ok(Exit::Clean);
    }
    progress::say(context, &format!("{plan}\n"))?;
    confirm(args, context)?;
    let stop = Stop::default();
    let handler = stop.clone();
    ctrlc::set_handler(move || handler.request())
        .map_err(|error| Failure::usage(format!("cannot watch for Ctrl-C: {error}")))?;
    let outcome = {
        let mut show = progress::Progress::new(context);
        rotate(&plan, &stop, &mut |event| show.event(event)).map_err(|error| failure(&error, Exit::Usage))?
    };
    if args.format == Output::Json {
        writeln!(context.out, "{:#}", outcome.incident.to_json())?;
    }
    progress::summary(context, &outcome)?;
    end(outcome)
}

/// Resolves what was typed into what is meant.
fn request(args: &Args, context: &Context) -> Result<Request, Failure> {
    let bad = |error: Error| failure(&error, Exit::Usage);
    let address = |url: &Option<String>| url.as_deref().map(Address::new).transpose().map_err(bad);
    let target: EnvTarget = args.target.parse().map_err(bad)?;
    let probe = match (address(&args.probe)?, &args.probe_cookie_from) {
        (Some(url), Some(source)) => Some(Probe::new(url, &input::secret(source, context)?).map_err(bad)?),
        _ => None,
    };
    let reload = args
        .reload
        .clone()
        .map(|command| Reload { command, limit: Duration::from_secs(args.reload_timeout) });
    let health =
        address(&args.health)?.map(|url| Health { url, limit: Duration::from_secs(args.health_timeout) });
    let incident: Option<IncidentId> =
        args.incident_id.as_deref().map(str::parse).transpose().map_err(bad)?;
    let state = context.state_dir().ok_or_else(|| {
        Failure::usage("there is no folder for the state").hinted("name one with --state DIR")
    })?;
    #[cfg(debug_assertions)]
    let fault = args.fault.clone();
    #[cfg(not(debug_assertions))]
    let fault: Option<Fault> = None;
    Ok(Request {
        target,
        format: args.secret_format,
        reload,
        health,
        store: store(args, context)?,
        probe,
        severity: args.severity,
        incident,
        state,
        fault,
    })
}

fn store(args: &Args, context: &Context) -> Result<Option<StoreAccess>, Failure> {
    let bad = |error: Error| failure(&error, Exit::Usage);
    let password = input::password(args.store_password_file.as_deref(), context)?;
    let options =
        Options { password, table: args.table.clone(), dialect: args.dialect.clone(), ..Options::default() };
    if let Some(url) = &args.store {
        let access = StoreAccess::new(url, options).map_err(bad)?;
        if access.url_has_password() {
            return Err(Failure::usage("the store's address holds a password, which every user of this machine can read in the process list")
                .hinted("leave it out of --store and set UNLEAK_STORE_PASSWORD, or use --store-password-file or --store-from env:VARIABLE"));
        }
        return Ok(Some(access));
    }
    let Some(source) = &args.store_from else { return Ok(None) };
    let url = input::secret(source, context)?;
    let text = std::str::from_utf8(url.expose()).map_err(|_| {
        Failure::usage("the store's address is not text").hinted("check the source of --store-from")
    })?;
    StoreAccess::new(text.trim(), options).map(Some).map_err(bad)
}

/// What destroys asks first.
fn confirm(args: &Args, context: &mut Context) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    if !context.can_ask {
        return Err(Failure::usage("this replaces a live secret, and nobody is there to be asked")
            .hinted("look at it with --dry-run, then add --yes"));
    }
    write!(context.err, "Type `rotate` to go on: \n")?;
    context.err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if answer.trim() == "rotate" { Ok(()) } else { Err(Failure::usage("nothing was changed")) }
}

fn end(outcome: Outcome) -> Result<Exit, Failure> {
    let exit = match outcome.ending {
        Ending::Done => Exit::Clean,
        Ending::Unverified => Exit::Unverified,
        Ending::Undone(_) => Exit::Undone,
        Ending::HalfWay { .. } => Exit::Interrupted,
    };
    match outcome.report {
        Ok(_) => Ok(exit),
        Err(error) => Err(failure(&error, exit.max(Exit::Unverified))),
    }
}

fn failure(error: &Error, exit: Exit) -> Failure {
    let failure = Failure::from_error(error, exit);
    match error.hint() {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}

fn guard(stream: &mut Box<dyn io::Write>, redactor: &Redactor) {
    let inner = std::mem::replace(stream, Box::new(io::sink()));
    *stream = Box::new(RedactingWriter::new(inner, redactor.clone()));
}
