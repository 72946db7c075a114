//! `unleak serve`: arguments in, a server until somebody stops it.

mod verify;

use super::sessions::Users;
use super::store::StoreArguments;
use super::{Context, Failure, interrupt};
use crate::config::Sessions;
use crate::exit::Exit;
use crate::serve::verify::EXAMPLES;
use crate::serve::{Error, Limits, Listener, router};
use crate::session::Options;
use std::net::SocketAddr;
use tokio::sync::watch;

/// Answer a proxy whether a session is alive, and show sessions, incidents and metrics to administrators.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The address to listen on; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8790")]
    listen: SocketAddr,
    /// Print a proxy's configuration for forward-auth, and do nothing else.
    #[arg(long, value_name = "PROXY", value_parser = ["nginx", "caddy", "traefik", "envoy", "haproxy"])]
    example: Option<String>,
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    users: Users,
    /// The column of the users table that tells who is disabled or deleted, when it should not be detected.
    #[arg(long, value_name = "COLUMN")]
    disabled_column: Option<String>,
    #[command(flatten)]
    verify: verify::VerifyArguments,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    if let Some(example) = EXAMPLES.iter().find(|example| args.example.as_deref() == Some(example.name)) {
        context.out.write_all(example.text.as_bytes())?;
        return Ok(Exit::Clean);
    }
    let access = args.store.access(Options::default(), None, context)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (stop, mut stopped) = watch::channel(false);
    let answer = move || {
        stop.send_replace(true);
    };
    interrupt::answer_by(answer)
        .map_err(|error| Failure::usage(format!("cannot be told to stop: {error}")))?;
    runtime.block_on(async {
        let verifier = args
            .verify
            .verifier(
                access.as_ref(),
                args.users.wanted(args.disabled_column.as_deref(), &Sessions::default()),
                context,
            )
            .await?;
        let listener =
            Listener::bind(args.listen, Limits::default()).await.map_err(|error| failure(&error))?;
        let address = listener.address()?;
        context.err.write_all(format!("unleak serves http://{address}; Ctrl-C stops it\n").as_bytes())?;
        let until = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
        listener.serve(router(verifier), until).await;
        Ok(Exit::Clean)
    })
}

fn failure(error: &Error) -> Failure {
    let failure = Failure::from_error(error, Exit::Usage);
    match error.hint() {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}
