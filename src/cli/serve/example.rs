//! Files that run a server, printed to be adapted: `unleak serve --example NAME`.

/// What there is an example of.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Example {
    /// A hardened systemd unit.
    Systemd,
    /// A file that builds a small container image.
    Container,
}

impl Example {
    /// The file.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Systemd => include_str!("examples/unleak.service"),
            Self::Container => include_str!("examples/Containerfile"),
        }
    }
}
