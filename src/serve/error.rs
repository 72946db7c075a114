//! What keeps a server from starting, each with what to do about it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// Tokens and cookies would travel over a network in the clear.
    #[error("{0} can be reached by other machines, and nothing encrypts what they send")]
    Unencrypted(SocketAddr),
    /// A certificate or its key cannot be used.
    #[error("{path} cannot be used for TLS: {reason}", path = path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The administrators' tokens cannot be used.
    #[error(transparent)]
    Token(#[from] crate::token::Error),
    /// The operating system has no randomness to give.
    #[error("the operating system gives no random numbers")]
    Random,
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Listen { source, .. } => match source.kind() {
                io::ErrorKind::AddrInUse => "another process has this port: choose another one with --listen",
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 are for privileged users: choose a higher one with --listen"
                }
                _ => "choose an address of this machine with --listen",
            },
            Self::Unencrypted(_) => {
                "listen on 127.0.0.1, give --tls-cert and --tls-key, or say --behind-proxy when a proxy that does TLS is the only one that reaches this port"
            }
            Self::Tls { .. } => "give the certificate chain and its private key as PEM files",
            Self::Token(error) => return error.hint(),
            Self::Random => return None,
        };
        Some(text.to_owned())
    }
}
