//! unleak finds leaked credentials, rotates the leaked session secret, ends the sessions it could forge, and proves it.
//!
//! Four flows, each of which runs one way:
//!
//! ```text
//! source ──Blob──▶ detect ──Finding──▶ report                                        scan
//! plan ──▶ journal ──▶ step (generate, target, reload, purge, verify) ──▶ incident   rotate
//! store/dialect ──▶ selection ──▶ procedure (backup, apply, verify)                  session
//! objects ──▶ plan ──▶ journal ──▶ step ──▶ verify, or back by the journal          schema
//! ```
//!
//! `cli` and `serve` translate arguments and requests into calls of these and hold no logic; only `cli` prints, exits or
//! reads the environment. `tests/integration/layers.rs` holds the arrows.

#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod contain;
pub mod cookie;
pub mod coverage;
pub mod demo;
pub mod detect;
mod dotenv;
pub mod durable;
pub mod exit;
pub mod finding;
pub mod hook;
pub mod live;
pub mod patch;
pub mod report;
pub mod rotate;
pub mod rule;
pub mod scan;
pub mod schema;
pub mod secret;
pub mod serve;
pub mod session;
pub mod source;
pub mod suppress;
pub mod token;
