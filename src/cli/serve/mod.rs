//! `unleak serve`: arguments in, a server until somebody stops it.

mod arguments;
mod example;
mod log;
mod signals;
mod token;
mod verify;

use super::{Context, Failure};
use crate::exit::Exit;
use crate::serve::{App, Error, Listener, Observer, router};
use arguments::Serving;
use tokio::sync::watch;

const UNDER_WAY: &str =
    "a change to sessions is under way and comes to its end first; Ctrl-C again ends at once\n";

/// Show sessions, incidents and metrics to administrators, and answer a proxy whether a session is alive.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
The page is at the address that is printed; log in with a token. Programs send it as `Authorization: Bearer TOKEN` to \
the API below /admin, which /openapi.json describes. /metrics wants a token too; /healthz and /readyz want none.

Examples:
  A token, printed this once, then the server:
    unleak serve token add ada --scope write
    unleak serve --store postgres://app@127.0.0.1/app

  With TLS, reachable by others:
    unleak serve --store-from env:DATABASE_URL --listen 0.0.0.0:8790 \\
      --tls-cert chain.pem --tls-key key.pem

  Behind a proxy that does TLS and logs people in:
    unleak serve --store-from env:DATABASE_URL --listen 10.0.0.5:8790 --behind-proxy \\
      --host admin.example.com --trust-header X-User --trusted-proxy 10.0.0.2 --proxy-secret-from env:PROXY_SECRET"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    serving: Serving,
    #[command(flatten)]
    verify: verify::VerifyArguments,
}

#[derive(clap::Subcommand)]
enum Action {
    Token(token::Args),
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    match &args.action {
        Some(Action::Token(args)) => token::run(args, context),
        None => match args.serving.example {
            Some(example) => {
                context.out.write_all(example.text().as_bytes())?;
                Ok(Exit::Clean)
            }
            None => serve(args, context),
        },
    }
}

fn serve(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let Args { serving, verify, .. } = args;
    serving.check_open()?;
    let tls = serving.tls()?;
    // Sessions that are whole in their cookies have no store, and nothing to administer.
    let access = (serving.names_a_store() || !verify.is_wanted()).then(|| serving.source.access(context));
    let access = access.transpose()?;
    log::begin(serving.log);
    let (stop, mut stopped) = watch::channel(false);
    let stop = move || {
        stop.send_replace(true);
    };
    signals::answer_by(stop, tls.clone())
        .map_err(|error| Failure::usage(format!("cannot be told to stop: {error}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let result: Result<_, Failure> = runtime.block_on(async {
        let verifier = verify.verifier(access.as_ref(), serving.wanted()?, context).await?;
        let counted = verifier.as_ref().map(|verifier| verifier.metrics().clone());
        let app = access.map(|access| serving.app(access, counted, context)).transpose()?;
        let bound = Listener::bind(serving.listen, serving.limits(), tls).await;
        let listener = bound.map_err(|error| failure(&error))?.observed_by(Observer::of(app.as_ref()));
        let address = listener.address()?;
        let ready = format!("unleak serves {scheme}://{address}; Ctrl-C stops it\n");
        context.err.write_all(ready.as_bytes())?;
        context.err.flush()?;
        let sampling = app.clone().map(|app| tokio::spawn(app.keep_sampling()));
        let until = async {
            drop(stopped.wait_for(|stopped| *stopped).await);
            if app.as_ref().is_some_and(App::is_changing) {
                // Where nobody reads that, the change still comes to its end.
                drop(context.err.write_all(UNDER_WAY.as_bytes()).and_then(|()| context.err.flush()));
            }
        };
        listener.serve(router(app.as_ref(), verifier), until).await;
        sampling.inspect(tokio::task::JoinHandle::abort);
        Ok(match &app {
            Some(app) => Some(app.rest().await),
            None => None,
        })
    });
    // Nothing begins a change while the runtime goes: without its timers and sockets it would break off half-way.
    drop(runtime);
    result.map(|_rest| Exit::Clean)
}

fn failure(error: &Error) -> Failure {
    let failure = Failure::from_error(error, Exit::Usage);
    match error.hint() {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}
