//! Requests to the interface of a Kubernetes cluster, with the credential that its configuration names.

use super::Surroundings;
use super::client::{Answer, Client, Trust};
use super::kubeconfig::Cluster;
use crate::rotate::Error;
use crate::secret::Secret;
use serde_json::Value;
use zeroize::Zeroizing;

/// The query of a change that the cluster checks in every way and does not keep.
pub(in crate::rotate) const DRY_RUN: &str = "?dryRun=All";

/// A cluster that can be asked.
#[derive(Clone, Debug)]
pub(in crate::rotate) struct Api {
    client: Client,
    token: Option<Secret>,
}

impl Api {
    /// The cluster that kubectl would use; `place` is what it is wanted for.
    pub(in crate::rotate) fn find(around: &Surroundings<'_>, place: &str) -> Result<Self, Error> {
        let Cluster { server, token, authorities, identity } = Cluster::find(around)?;
        let bad = |what: &str| Error::Remote { place: place.to_owned(), what: what.to_owned() };
        let client = Client::new(&server, &Trust { authorities, identity }).map_err(bad)?;
        Ok(Self { client, token })
    }

    /// Sends a request; `kind` is the form of the body.
    pub(in crate::rotate) fn ask(
        &self,
        method: &str,
        path: &str,
        kind: &[u8],
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let body = body.map(|body| Zeroizing::new(serde_json::to_vec(body).expect("plain data")));
        let bearer = self.token.as_ref().map(|token| Zeroizing::new([b"Bearer ", token.expose()].concat()));
        let mut headers: Vec<(&str, &[u8])> = vec![("accept", b"application/json"), ("content-type", kind)];
        headers.extend(bearer.as_ref().map(|bearer| ("authorization", &bearer[..])));
        self.client.call(method, path, &headers, body.as_ref().map(|body| &body[..]))
    }

    /// Where the cluster is.
    pub(in crate::rotate) fn address(&self) -> &str {
        self.client.base()
    }

    /// What the operator should know before.
    pub(in crate::rotate) fn warning(&self) -> Option<String> {
        self.client.warning()
    }

    /// The credential, which must never be shown.
    pub(in crate::rotate) fn secrets(&self) -> Vec<Secret> {
        self.token.iter().cloned().collect()
    }
}

/// Whether the text may stand in a path of the interface as the name of an object.
pub(in crate::rotate) fn is_name(text: &str) -> bool {
    let fine = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'.');
    !text.is_empty() && text.bytes().all(fine) && !text.starts_with('.')
}
