//! `unleak serve`: arguments in, a server until somebody stops it.

use super::{Context, Failure, interrupt};
use crate::exit::Exit;
use crate::serve::{Error, Limits, Listener, router};
use std::net::SocketAddr;
use tokio::sync::watch;

/// Answer a proxy whether a session is alive, and show sessions, incidents and metrics to administrators.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The address to listen on; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8790")]
    listen: SocketAddr,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (stop, mut stopped) = watch::channel(false);
    let answer = move || {
        stop.send_replace(true);
    };
    interrupt::answer_by(answer)
        .map_err(|error| Failure::usage(format!("cannot be told to stop: {error}")))?;
    runtime.block_on(async {
        let listener =
            Listener::bind(args.listen, Limits::default()).await.map_err(|error| failure(&error))?;
        let address = listener.address()?;
        context.err.write_all(format!("unleak serves http://{address}; Ctrl-C stops it\n").as_bytes())?;
        let until = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
        listener.serve(router(), until).await;
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
