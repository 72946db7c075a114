//! Forward-auth on real stores: `unleak serve --sign-in`, asked as proxies ask. Needs tests/run.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests/run passes the services in; a set-up may panic"
)]

mod contract; // every verdict and answer, by stores and forms of cookies
mod manager; // single sessions through the library
mod proxies; // a real application behind real nginx and Caddy
mod server; // the server as a process, and a client that follows nothing
