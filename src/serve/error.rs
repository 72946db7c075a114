//! What keeps a server from starting, each with what to do about it.

use std::io;
use std::net::SocketAddr;

/// What keeps a server from starting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { source, .. } => Some(match source.kind() {
                io::ErrorKind::AddrInUse => {
                    "another process has this port: choose another one with --listen".to_owned()
                }
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 are for privileged users: choose a higher one with --listen".to_owned()
                }
                _ => "choose an address of this machine with --listen".to_owned(),
            }),
        }
    }
}
