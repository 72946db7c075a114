//! `unleak serve` as it is run: the binary, real stores, HTTP and a browser.

mod api; // what programs do: sessions, procedures, undo, and that no answer holds a token
mod browser; // what people do with the page, in Chromium
mod crowd; // many clients at once, and a tester who asks whatever the document allows
mod door; // who is let in, and what is refused at the start
#[cfg(target_os = "linux")]
mod share; // what one other machine's address may take
mod stop; // Ctrl-C while a change is under way, and nohup
mod tls; // TLS, and certificates that are renewed
#[cfg(target_os = "linux")]
mod unit; // the systemd unit, by systemd's own measure and by what the server does
mod unread; // what is no request, or one that nothing answers
mod world; // a store with sessions and a server beside it

/// What tests/run has started or installed.
#[expect(clippy::disallowed_methods, reason = "tests/run passes the services in")]
fn service(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this test by tests/run"))
}
