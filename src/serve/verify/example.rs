//! Configurations of the proxies that people run, as far as forward-auth goes. The tests run nginx and Caddy by exactly
//! these texts.

/// A proxy's configuration.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The proxy.
    pub name: &'static str,
    /// The configuration, with comments.
    pub text: &'static str,
}

/// Every one.
pub const EXAMPLES: [Example; 5] = [
    Example { name: "nginx", text: include_str!("examples/nginx.conf") },
    Example { name: "caddy", text: include_str!("examples/Caddyfile") },
    Example { name: "traefik", text: include_str!("examples/traefik.yaml") },
    Example { name: "envoy", text: include_str!("examples/envoy.yaml") },
    Example { name: "haproxy", text: include_str!("examples/haproxy.cfg") },
];
