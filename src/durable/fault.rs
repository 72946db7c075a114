//! A crash on purpose, for the tests that prove what a crash leaves behind.

/// Ends the process as a killed one ends: nothing is flushed, nothing is cleaned up.
pub fn die() -> ! {
    #[cfg(unix)]
    let _: Result<_, _> =
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort();
}
