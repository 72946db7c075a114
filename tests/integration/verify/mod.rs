//! Forward-auth on real stores: `unleak serve --sign-in`, asked as proxies ask. Needs tests/run.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests/run passes the services in; a set-up may panic"
)]

mod contract; // every verdict and answer, by stores and forms of cookies
mod damaged; // cookies and tokens that somebody changed
mod layer; // the same in an application in Rust
mod manager; // single sessions through the library
mod proxies; // a real application behind real nginx, Caddy, HAProxy, Envoy and Traefik
mod refusal; // stores that are there and do not answer
mod seed; // after a re-seed
mod server; // the server as a process, and a client that follows nothing
mod spelling; // headers of a client that look like ours
mod tokens; // signed tokens: RS256, issuer, audience
