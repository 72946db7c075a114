//! Files that run a server, printed to be adapted: `unleak serve --example NAME`.

/// What there is an example of.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Example {
    /// A hardened systemd unit.
    Systemd,
    /// A file that builds a small container image.
    Container,
    /// nginx, with forward-auth by `auth_request`.
    Nginx,
    /// Caddy, with `forward_auth`.
    Caddy,
    /// Traefik, with `ForwardAuth`.
    Traefik,
    /// Envoy, with `ext_authz`.
    Envoy,
    /// HAProxy, with a Lua script that asks.
    Haproxy,
    /// That script.
    HaproxyLua,
}

impl Example {
    /// The file.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Systemd => include_str!("examples/unleak.service"),
            Self::Container => include_str!("examples/Containerfile"),
            Self::Nginx => include_str!("examples/nginx.conf"),
            Self::Caddy => include_str!("examples/Caddyfile"),
            Self::Traefik => include_str!("examples/traefik.yaml"),
            Self::Envoy => include_str!("examples/envoy.yaml"),
            Self::Haproxy => include_str!("examples/haproxy.cfg"),
            Self::HaproxyLua => include_str!("examples/haproxy.lua"),
        }
    }
}
