//! What a supervisor or a terminal tells a running server: stop, stop at once, or read the certificate again.

use crate::serve::Tls;
use std::io;
use std::sync::Arc;

/// Calls `stop` at the first signal that means so, and ends the process at the second: whoever insists need not wait for
/// what is still under way. SIGHUP has the certificate read again; where there is none, the terminal was closed, which
/// shells and systems tell twice.
#[cfg(unix)]
#[expect(clippy::exit, reason = "a signal is answered at once, whatever else is going on")]
pub(super) fn answer_by(stop: impl Fn() + Send + 'static, tls: Option<Arc<Tls>>) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut told = false;
        for signal in signals.forever() {
            match &tls {
                Some(tls) if signal == SIGHUP => tls.reload(),
                _ if told && signal != SIGHUP => std::process::exit(130),
                _ => {
                    stop();
                    told = true;
                }
            }
        }
    })?;
    Ok(())
}

/// Calls `stop` at the first Ctrl-C, and ends the process at the second.
#[cfg(not(unix))]
#[expect(clippy::exit, reason = "a signal is answered at once, whatever else is going on")]
pub(super) fn answer_by(stop: impl Fn() + Send + 'static, _tls: Option<Arc<Tls>>) -> io::Result<()> {
    let told = std::sync::atomic::AtomicBool::new(false);
    let answer = move || {
        if told.swap(true, std::sync::atomic::Ordering::Relaxed) {
            std::process::exit(130);
        }
        stop();
    };
    crate::cli::interrupt::answer_by(answer).map_err(io::Error::other)
}
