//! The options of a server, and what they mean.

use super::example::Example;
use super::failure;
use super::log::Form;
use crate::cli::sessions::arguments::{Source, Users};
use crate::cli::{Context, Failure, fingerprint_key, input};
use crate::rotate::StoreAccess;
use crate::serve::verify::Metrics;
use crate::serve::{App, Error, Limits, Settings, Tls, TrustedProxy};
use crate::session::UsersWanted;
use crate::token::Scope;
use axum::http::HeaderName;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

/// A proxy's secret has at least so many bytes.
const SHORTEST: usize = 16;

/// What a server is started with.
#[derive(clap::Args)]
pub(super) struct Serving {
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    users: Users,
    /// The column of the users table that tells who is disabled or deleted, when it should not be detected.
    #[arg(long, value_name = "COLUMN")]
    disabled_column: Option<String>,
    /// The address to listen on; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8790")]
    pub(super) listen: SocketAddr,
    /// The certificate chain, as PEM: the server speaks TLS. SIGHUP has it read again, with its key.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy that does TLS is the only one that reaches this port, and may hold all connections; else another machine's address holds 256 at most.
    #[arg(long, conflicts_with = "tls_cert")]
    behind_proxy: bool,
    /// A name by which browsers reach this server; it answers to no others but numbers and `localhost`.
    #[arg(long = "host", value_name = "NAME", value_parser = host)]
    hosts: Vec<String>,
    /// The header in which a trusted proxy names who asks.
    #[arg(long, value_name = "HEADER", requires_all = ["trusted_proxy", "proxy_secret_from"])]
    trust_header: Option<HeaderName>,
    /// The addresses that this proxy connects from.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', requires = "trust_header")]
    trusted_proxy: Vec<IpAddr>,
    /// Where to read the secret that the proxy sends in the header `X-Unleak-Proxy`, since an address is no proof: `file:PATH` or `env:VARIABLE`.
    #[arg(long, value_name = "SOURCE", requires = "trust_header")]
    proxy_secret_from: Option<String>,
    /// What people may do whom the proxy names.
    #[arg(long, value_enum, value_name = "SCOPE", default_value_t = Scope::Read, requires = "trust_header")]
    trusted_scope: Scope,
    /// The JSON report of a scan, whose findings are shown; it is read again when it changes.
    #[arg(long, value_name = "FILE")]
    findings: Option<PathBuf>,
    /// Everybody who reaches this port may read /metrics.
    #[arg(long)]
    metrics_open: bool,
    /// The form of the log on standard error; no line of it holds a query, a cookie or a token.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::Text)]
    pub(super) log: Form,
    /// Print a file that runs this server somewhere, and end.
    #[arg(long, value_enum, value_name = "NAME")]
    pub(super) example: Option<Example>,
}

impl Serving {
    /// What each client may take.
    pub(super) fn limits(&self) -> Limits {
        let usual = Limits::default();
        if self.behind_proxy { Limits { per_address: usual.connections, ..usual } } else { usual }
    }

    /// Refuses to send tokens and cookies over a network in the clear.
    pub(super) fn check_open(&self) -> Result<(), Failure> {
        if self.listen.ip().to_canonical().is_loopback() || self.tls_cert.is_some() || self.behind_proxy {
            return Ok(());
        }
        Err(failure(&Error::Unencrypted(self.listen)))
    }

    /// Certificate and key, where they were named.
    pub(super) fn tls(&self) -> Result<Option<Arc<Tls>>, Failure> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        Tls::open(certificate, key).map(Some).map_err(|error| failure(&error))
    }

    /// Whether a session store was named.
    pub(super) fn names_a_store(&self) -> bool {
        self.source.names_a_store()
    }

    /// What was said about the users table.
    pub(super) fn wanted(&self) -> Result<UsersWanted, Failure> {
        Ok(self.users.wanted(self.disabled_column.as_deref(), &self.source.settings()?))
    }

    /// The administration of a store.
    pub(super) fn app(
        &self,
        store: StoreAccess,
        verifications: Option<Metrics>,
        context: &mut Context,
    ) -> Result<App, Failure> {
        let proxy = self.proxy(context)?;
        let settings = Settings {
            store,
            users: self.wanted()?,
            state: context.state()?,
            fingerprints: fingerprint_key::load(context)?,
            findings: self.findings.clone(),
            secure: self.tls_cert.is_some() || self.behind_proxy,
            tls: self.tls_cert.is_some(),
            hosts: self.hosts.clone(),
            proxy,
            metrics_open: self.metrics_open,
            verifications,
        };
        App::new(settings).map_err(|error| failure(&error))
    }

    /// The proxy that says who asks, where there is one.
    fn proxy(&self, context: &Context) -> Result<Option<TrustedProxy>, Failure> {
        let (Some(header), Some(source)) = (self.trust_header.clone(), &self.proxy_secret_from) else {
            return Ok(None);
        };
        let secret = input::secret(source, context)?;
        if secret.expose().len() < SHORTEST {
            return Err(Failure::usage("the proxy's secret is too short to be one")
                .hinted("make one with `openssl rand -hex 32`"));
        }
        let peers = self.trusted_proxy.iter().map(IpAddr::to_canonical).collect();
        Ok(Some(TrustedProxy { header, peers, secret, scope: self.trusted_scope }))
    }
}

/// A name without a port.
fn host(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !text.is_empty() && text.chars().all(fits) {
        Ok(text.trim_end_matches('.').to_owned())
    } else {
        Err("write it as admin.example.com, without a port".to_owned())
    }
}
