//! Requests to the stores that are reached by HTTP: bounded, without redirects, and silent about what was sent.

use std::net::IpAddr;
use std::time::Duration;
use ureq::http::{HeaderValue, Request};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use zeroize::Zeroizing;

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// No answer that is of use is larger.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A server.
#[derive(Clone, Debug)]
pub(super) struct Client {
    agent: ureq::Agent,
    base: String,
}

/// What it answered.
pub(in crate::rotate) struct Answer {
    pub(in crate::rotate) status: u16,
    pub(in crate::rotate) body: Zeroizing<Vec<u8>>,
}

/// What is trusted and shown beside the usual.
#[derive(Default)]
pub(super) struct Trust {
    /// Certificates of authorities, in PEM, instead of the public ones.
    pub(super) authorities: Option<Vec<u8>>,
    /// The client's certificate and key, in PEM.
    pub(super) identity: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
}

impl Client {
    /// A client of the server at `base`, an address without a slash at its end.
    pub(super) fn new(base: &str, trust: &Trust) -> Result<Self, &'static str> {
        if !base.starts_with("https://") && !base.starts_with("http://") {
            return Err("its address is neither http nor https");
        }
        let host = base.split_once("://").map_or("", |(_, rest)| rest);
        if host.is_empty() || host.contains(['@', '?', '#', ' ']) {
            return Err("its address is not usable; it must hold no user or password");
        }
        let mut tls = TlsConfig::builder();
        if let Some(pem) = &trust.authorities {
            let certificates: Vec<_> = certificates(pem)?;
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
        }
        if let Some((chain, key)) = &trust.identity {
            let key = PrivateKey::from_pem(key).map_err(|_| "the client's key is no PEM")?;
            tls = tls.client_cert(Some(ClientCert::new_with_certs(&certificates(chain)?, key)));
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(ANSWER))
            .proxy(None)
            .tls_config(tls.build())
            .user_agent(concat!("unleak/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: agent.into(), base: base.trim_end_matches('/').to_owned() })
    }

    /// The address without a path.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// What the operator should know before, where what is sent can be read on the way.
    pub(super) fn warning(&self) -> Option<String> {
        let open = self.base.strip_prefix("http://").is_some_and(|rest| !is_local(rest));
        open.then(|| {
            format!(
                "{} is not https: whoever listens can read the value, and the token if one is sent with it.",
                self.base
            )
        })
    }

    /// Sends a request; a header whose value is secret is never logged.
    pub(super) fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &[u8])],
        body: Option<&[u8]>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            let mut value =
                HeaderValue::from_bytes(value).map_err(|_| format!("the header {name} is not usable"))?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        let request =
            request.body(body.unwrap_or_default()).map_err(|_| "the address is not usable".to_owned())?;
        let mut answer = self.agent.run(request).map_err(|error| match error {
            ureq::Error::Timeout(_) => "no answer in time".to_owned(),
            ureq::Error::Io(error) => error.kind().to_string(),
            ureq::Error::ConnectionFailed => "no connection".to_owned(),
            ureq::Error::HostNotFound => "unknown host".to_owned(),
            ureq::Error::Tls(why) => format!("no trusted connection ({why})"),
            ureq::Error::Rustls(_) => "no trusted connection: its certificate is not accepted".to_owned(),
            // The texts of other errors may quote what was sent.
            _ => "no HTTP answer".to_owned(),
        })?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(LARGEST).read_to_vec();
        Ok(Answer { status, body: Zeroizing::new(body.map_err(|_| "an answer that is cut off or endless")?) })
    }
}

/// Whether an address without its scheme is one of this machine. A name that only begins like one is not.
fn is_local(address: &str) -> bool {
    let authority = address.split('/').next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

impl Answer {
    /// The body as JSON of a known form.
    pub(in crate::rotate) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body).map_err(|_| format!("{} and a body of another form", self.status))
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, &'static str> {
    let items = parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
        Ok(_) => None,
        Err(_) => Some(Err("a certificate is no PEM")),
    });
    items.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_local() {
        for (base, open) in [
            ("http://127.0.0.1:8200", false),
            ("http://localhost/x", false),
            ("http://[::1]:8200", false),
            ("http://127.0.0.1.evil.example", true),
            ("http://localhost.evil.example:80", true),
            ("http://vault.internal:8200", true),
            ("https://vault.internal", false),
        ] {
            let warning = Client::new(base, &Trust::default()).unwrap().warning();
            assert_eq!(warning.is_some(), open, "{base}");
        }
    }
}
