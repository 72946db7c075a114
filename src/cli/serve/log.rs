//! The log on standard error: our own lines only, since those of libraries may quote what they work on.

use crate::serve::LOG;
use std::io;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The forms of the log.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Form {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
    /// Nothing.
    Off,
}

/// Logs from now on.
pub(super) fn begin(form: Form) {
    let ours = Targets::new().with_target(LOG, Level::INFO);
    let layer = match form {
        Form::Text => fmt::layer().with_ansi(false).with_writer(io::stderr).with_filter(ours).boxed(),
        Form::Json => {
            fmt::layer().json().flatten_event(true).with_writer(io::stderr).with_filter(ours).boxed()
        }
        Form::Off => return,
    };
    // A second server in one process logs where the first one does.
    drop(registry().with(layer).try_init());
}
