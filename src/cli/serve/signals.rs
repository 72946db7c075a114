//! What a supervisor or a terminal tells a running server: stop, stop at once, or read the certificate again.

use crate::serve::Tls;
use std::io;
use std::sync::Arc;

/// Calls `stop` at the first signal that means so, and ends the process at the second: whoever insists need not wait for
/// what is still under way. SIGHUP has the certificate read again; where there is none, the terminal was closed, which
/// shells and systems tell twice, and which means nothing to who was started by `nohup`.
#[cfg(unix)]
#[expect(clippy::exit, reason = "a signal is answered at once, whatever else is going on")]
pub(super) fn answer_by(stop: impl Fn() + Send + 'static, tls: Option<Arc<Tls>>) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let mut wanted = vec![SIGINT, SIGTERM];
    if tls.is_some() || !is_hangup_ignored() {
        wanted.push(SIGHUP);
    }
    let mut signals = signal_hook::iterator::Signals::new(wanted)?;
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

/// Whether SIGHUP did nothing when the process began, as below `nohup`. Linux says so in a file; elsewhere it takes a
/// system call that Rust has no safe form of.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (signal_hook::consts::SIGHUP - 1) & 1 == 1)
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
