//! `unleak rotate`: arguments in, progress and report out; the work is in `crate::rotate`.

mod arguments;
mod canary;
mod leak;
mod progress;

use super::{Context, Failure, interrupt};
use crate::exit::Exit;
use crate::rotate::{
    Ending, Error, Fault, IncidentId, Outcome, Plan, Protection, Request, Stop, abort, protect, remembered,
    run as rotate,
};
use crate::secret::{RedactingWriter, Redactor};
use arguments::Arguments;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

/// Replace a leaked session secret, end the sessions it protects, prove it, and write the incident report.
#[derive(clap::Args)]
#[command(after_help = "\
The order is: new value, reload, health, purge, purge again, verify, report. A failure before the first reload begins \
puts the old value back (exit code 4). From then on the new value stays, whatever fails (exit code 5): --resume goes on, \
and only --restore-leaked puts a leaked value back. Nothing that is printed or written holds a secret.

A target is rotated by one at a time on this machine, whatever account or state folder others use, and not at all while another \
rotation of it is unfinished. From two machines, Vault, Secrets Manager, Kubernetes and Swarm refuse to be written over; \
Parameter Store, GitHub, Vercel and exec: do not.

Targets:
  env:PATH#NAME           a variable of a dotenv file; `NAME,NAME` for several that hold the same secret
  env-docker:, env-systemd:, env-shell:PATH#NAME
                          the same, for a file that is read by `docker run --env-file`, EnvironmentFile= or `. file`
  yaml:PATH#a.b           a key of a YAML file; a list's items by number, a dot inside a key as `\\.`
  json:PATH#/a/b          a key of a JSON file
  toml:PATH#a.b           a key of a TOML file
  file:PATH               all of a file but its last line end
  k8s:PATH#KEY            a key of the Secret in a Kubernetes manifest; `NAME/KEY` where several have it
  kubernetes:NAMESPACE/SECRET#KEY
                          the same in the cluster, by KUBECONFIG, ~/.kube/config or the pod's own account
  systemd-creds:PATH[#NAME]
                          a credential of systemd: plain, or encrypted where it is a `.cred` or in credstore.encrypted
  swarm:SECRET            a secret of Docker Swarm, in every service that uses it; DOCKER_HOST names another socket
  vault:ADDRESS/MOUNT/PATH#KEY
                          HashiCorp Vault or OpenBao, KV version 2; VAULT_TOKEN, VAULT_CACERT, VAULT_NAMESPACE
  aws-sm:NAME[#KEY], aws-ssm:NAME
                          AWS Secrets Manager and Parameter Store; AWS_REGION, AWS_ACCESS_KEY_ID and its companions
  github:OWNER/REPO#NAME  a secret of GitHub Actions (`OWNER/REPO@ENVIRONMENT` of an environment); GH_TOKEN
  vercel:PROJECT#KEY      a variable of a Vercel project, in every environment; VERCEL_TOKEN, VERCEL_TEAM_ID
  serve-token:NAME        an administrator's token of `unleak serve`, which a running server takes at once
  exec:COMMAND            anything else: the command gets the value on its standard input; --read-back prints it

Reloads:
  COMMAND                 a command line for the shell; it ends when the application has the new value
  systemd:UNIT            restarts a unit, of your own as `systemd-user:UNIT`; a reload would not read its files again
  signal:NAME:PID         sends HUP, USR1 or USR2, or ends the process by TERM, INT or QUIT for its supervisor to start
  signal:NAME:@PIDFILE    the same, for the process that the file names at that moment
  docker:CONTAINER        restarts a container, which keeps its environment: for values in mounted files
  kubernetes:NAMESPACE/KIND/NAME
                          replaces every pod of a deployment, statefulset or daemonset, and waits for the new ones

Forged cookies (--forge):
  auto                    whichever of the following the old value opens in the live session's cookie
  express                 express-session: the id of a live session, signed
  authjs, nextauth        Auth.js 5 and NextAuth 4 with the strategy `jwt`
  django                  sessions in signed cookies; an id of a session in a database cannot be forged
  flask                   Flask's own sessions
  rails, rails-signed     encrypted and signed cookies
  laravel                 the id of a live session, encrypted

Examples:
  See what would be done:
    unleak rotate --target env:/srv/app/.env#SESSION_SECRET --dry-run

  Replace the secret, restart, delete every session, and prove it with a live cookie:
    export UNLEAK_STORE_PASSWORD   # or --store-password-file
    unleak rotate --target env:/srv/app/.env#SESSION_SECRET \\
      --reload systemd:app --health http://127.0.0.1:3000/healthz \\
      --store postgres://app@127.0.0.1/app \\
      --probe http://127.0.0.1:3000/account --probe-cookie-from file:cookie.txt

  The same without a cookie at hand: a test account logs in, and its cookie is also made with the old value:
    unleak rotate --target env:/srv/app/.env#AUTH_SECRET --reload systemd:app --health http://127.0.0.1:3000/healthz \\
      --probe http://127.0.0.1:3000/account --login http://127.0.0.1:3000/login --login-from file:login.json \\
      --forge auto --check http://127.0.0.1:9000/worker

  The same value for an application and its worker, all or nothing:
    unleak rotate --target env:/srv/app/.env#SESSION_SECRET --target yaml:/srv/worker/config.yml#session.secret

  A store that unleak does not know:
    unleak rotate --target 'exec:pass insert -m app/session' --read-back 'pass show app/session'")]
pub(super) struct Args {
    #[command(flatten)]
    given: Arguments,
    /// The incident's name, INC-YYYYMMDD-NNN or EMRG-SESSION-YYYYMMDD-HHMM [default: the next number of the day].
    #[arg(long, value_name = "ID")]
    incident_id: Option<String>,
    /// Go on with a rotation that stopped half-way; other arguments replace those that it was started with.
    #[arg(long, value_name = "ID", conflicts_with_all = ["abort", "incident_id"])]
    resume: Option<String>,
    /// Take a rotation back that stopped before its purge; where a reload had begun, or all was written that nothing reloads, only with --restore-leaked; other arguments replace those that it was started with.
    #[arg(long, value_name = "ID", conflicts_with = "incident_id")]
    abort: Option<String>,
    /// The leak that this answers: a finding's fingerprint, or how it begins. The repository is scanned; a target that does not hold the value is refused, and the report tells paths, commits and since when.
    #[arg(long, value_name = "ID", conflicts_with_all = ["resume", "abort"])]
    from_finding: Option<String>,
    /// The repository that the finding is in [default: the one here].
    #[arg(long, value_name = "PATH", requires = "from_finding")]
    repo: Option<PathBuf>,
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
    // Before a secret is read.
    let protection = protect();
    let request = request(args, protection, context)?;
    let plan = Plan::prepare(request).map_err(|error| failure(&error, Exit::Usage))?;
    // The second line of defence: the rotation itself gives out no secret.
    let redactor = plan.redactor();
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
    interrupt::answer_by(move || handler.request())
        .map_err(|error| Failure::usage(format!("cannot watch for Ctrl-C: {error}")))?;
    let outcome = {
        let mut show = progress::Progress::new(context);
        let act = if args.abort.is_some() { abort } else { rotate };
        act(&plan, &stop, &mut |event| show.event(event)).map_err(|error| failure(&error, Exit::Usage))?
    };
    let said = tell(args, &outcome, context);
    let ended = end(outcome, args.abort.is_some());
    drop(plan);
    #[cfg(debug_assertions)]
    if let Some(fault) = &args.fault {
        fault.at_end();
    }
    let Err(failure) = said else { return ended };
    failure.report(context);
    // What was done was done. A reader who left has what they wanted; a report that could not be written is not well.
    let is_lost = !failure.is_silent();
    ended.map(|exit| if is_lost && exit == Exit::Clean { Exit::Unverified } else { exit })
}

/// The report and the summary; one that cannot be written does not keep the other back.
fn tell(args: &Args, outcome: &Outcome, context: &mut Context) -> Result<(), Failure> {
    let json = match args.format {
        Output::Json => {
            writeln!(context.out, "{:#}", outcome.incident.to_json()).and_then(|()| context.out.flush())
        }
        Output::Human => Ok(()),
    };
    progress::summary(context, outcome)?;
    Ok(json?)
}

/// Resolves what was typed, now and when the rotation was started, into what is meant.
fn request(args: &Args, protection: Protection, context: &mut Context) -> Result<Request, Failure> {
    let bad = |error: Error| failure(&error, Exit::Usage);
    let id = |text: &Option<String>| text.as_deref().map(IncidentId::from_str).transpose().map_err(bad);
    let state = context.state()?;
    let unfinished = id(&args.resume)?.or(id(&args.abort)?);
    let mut meant = args.given.clone().in_full();
    if let Some(id) = &unfinished {
        meant = meant.or(Arguments::from_memo(remembered(&state, id).map_err(bad)?.as_ref()));
    }
    if args.abort.is_some() {
        meant = meant.without_purge();
    } else if unfinished.is_some() {
        meant = resumed(args, meant, context)?;
    }
    let (mut leaked, mut deduced) = (None, false);
    if let Some(finding) = &args.from_finding {
        let repository = args.repo.as_deref().unwrap_or(Path::new("."));
        let leak = leak::find(finding, repository, context)?;
        deduced = meant.target_from(&leak)?;
        (leaked, meant.exposure) = (Some(leak.value), Some(leak.exposure));
        meant.leaked_files = leak.at_head;
    }
    #[cfg(debug_assertions)]
    let fault = args.fault.clone();
    #[cfg(not(debug_assertions))]
    let fault: Option<Fault> = None;
    Ok(Request {
        targets: meant.targets(context)?,
        format: meant.format()?,
        exposed_since: meant.exposed_since()?,
        leaked,
        exposure: meant.exposure.clone(),
        contain: meant.contain(),
        deduced,
        protection,
        restore_leaked: meant.restore_leaked(),
        graceful: meant.graceful(args.resume.is_some() || args.abort.is_some())?,
        reload: meant.reload(context)?,
        health: meant.health()?,
        store: meant.store(context)?,
        probe: meant.probe(unfinished.is_some(), context)?,
        checks: meant.checks()?,
        severity: meant.severity(),
        incident: args.incident_id.as_deref().map(IncidentId::given).transpose().map_err(bad)?,
        unfinished,
        arguments: meant.to_memo(context),
        state,
        fault,
    })
}

/// What is left of what was typed when the rotation started: nobody can read standard input again.
fn resumed(args: &Args, meant: Arguments, context: &mut Context) -> Result<Arguments, Failure> {
    if meant.lacks_cookie(args.given.probe_cookie_from.is_some()) {
        progress::say(
            context,
            "The probe's cookie came from standard input and was not kept: it is not tried again, unless --probe-cookie-from gives it.\n\n",
        )?;
        return Ok(meant.without_probe());
    }
    if meant.lacks_login(&args.given) {
        progress::say(
            context,
            "What the login sends came from standard input and was not kept: it is not tried again, unless --login-from gives it.\n\n",
        )?;
    }
    Ok(meant.without_input(&args.given))
}

/// What destroys asks first.
fn confirm(args: &Args, context: &mut Context) -> Result<(), Failure> {
    // Who resumes a rotation as it was started goes on with what was agreed to then.
    if args.yes || args.resume.is_some() && args.given.is_empty() {
        return Ok(());
    }
    if !context.can_ask {
        return Err(Failure::usage("this replaces a live secret, and nobody is there to be asked")
            .hinted("look at it with --dry-run, then add --yes"));
    }
    writeln!(context.err, "Type `rotate` to go on:")?;
    context.err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if answer.trim() == "rotate" { Ok(()) } else { Err(Failure::usage("nothing was changed")) }
}

fn end(outcome: Outcome, undo_was_asked: bool) -> Result<Exit, Failure> {
    let exit = match outcome.ending {
        Ending::Done => Exit::Clean,
        Ending::Unverified => Exit::Unverified,
        Ending::Undone(_) if undo_was_asked => Exit::Clean,
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
