//! Where the secret lives. Today a dotenv file; each further kind is one file beside `env_file.rs`.

mod env_file;
mod traces;

pub use env_file::EnvTarget;

pub(super) use env_file::Snapshot;
