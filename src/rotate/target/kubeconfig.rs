//! How a cluster is reached: the current context of a kubeconfig, or the account of the pod that this runs in.

use super::Surroundings;
use crate::rotate::Error;
use crate::rotate::bounded::{self, CONFIGURATION};
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Where a pod finds its own account.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A cluster with what it takes to ask it.
pub(super) struct Cluster {
    pub(super) server: String,
    pub(super) token: Option<Secret>,
    pub(super) authorities: Option<Vec<u8>>,
    pub(super) identity: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "current-context", default)]
    current: String,
    contexts: Vec<Named<ContextOf>>,
    clusters: Vec<Named<ClusterOf>>,
    users: Vec<Named<UserOf>>,
}

#[derive(Deserialize)]
struct Named<T> {
    name: String,
    #[serde(alias = "context", alias = "cluster", alias = "user")]
    body: T,
}

#[derive(Deserialize)]
struct ContextOf {
    cluster: String,
    user: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ClusterOf {
    server: String,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
struct UserOf {
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<String>,
}

impl Cluster {
    /// The cluster that kubectl would use: KUBECONFIG, the file in the home folder, or the pod's own.
    pub(super) fn find(around: &Surroundings<'_>) -> Result<Self, Error> {
        let named = around.text("KUBECONFIG").map(PathBuf::from);
        let home =
            || Some(PathBuf::from(around.text("HOME")?).join(".kube/config")).filter(|path| path.exists());
        match named.or_else(home) {
            Some(path) => Self::of_file(&path),
            None => Self::of_pod(around),
        }
    }

    fn of_pod(around: &Surroundings<'_>) -> Result<Self, Error> {
        let missing = Error::NoCredential {
            place: "the cluster".to_owned(),
            wanted: "KUBECONFIG to the path of one file, or run in a pod with an account",
        };
        let host = around.text("KUBERNETES_SERVICE_HOST").ok_or(missing)?;
        let port = around.text("KUBERNETES_SERVICE_PORT").unwrap_or_else(|| "443".to_owned());
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let account = Path::new(ACCOUNT);
        Ok(Self {
            server: format!("https://{host}:{port}"),
            token: Some(token(&account.join("token"))?),
            authorities: Some(read(&account.join("ca.crt"))?.to_vec()),
            identity: None,
        })
    }

    fn of_file(path: &Path) -> Result<Self, Error> {
        let bad = |what: &str| Error::Remote { place: path.display().to_string(), what: what.to_owned() };
        let text = read(path)?;
        let text = std::str::from_utf8(&text).map_err(|_| bad("it is not UTF-8 text"))?;
        // The parser's own message may quote a token.
        let config: Config = serde_yaml::from_str(text).map_err(|_| bad("it is no kubeconfig"))?;
        let context =
            of(config.contexts, &config.current).ok_or_else(|| bad("its current context is not in it"))?;
        let cluster = of(config.clusters, &context.cluster).ok_or_else(|| bad("its cluster is not in it"))?;
        let user = of(config.users, &context.user).ok_or_else(|| bad("its user is not in it"))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let load = |data: Option<String>, file: Option<PathBuf>| match (data, file) {
            (Some(data), _) => STANDARD
                .decode(data.trim())
                .map(|bytes| Some(Zeroizing::new(bytes)))
                .map_err(|_| bad("its data is not in base64")),
            (None, Some(file)) => read(&folder.join(file)).map(Some),
            (None, None) => Ok(None),
        };
        let chain = load(user.client_certificate_data, user.client_certificate)?;
        let key = load(user.client_key_data, user.client_key)?;
        let token = match (user.token, user.token_file) {
            (Some(token), _) => Some(Secret::from(token)),
            (None, Some(file)) => Some(token(&folder.join(file))?),
            (None, None) => None,
        };
        let identity = chain.zip(key).map(|(chain, key)| (chain.to_vec(), key));
        if token.is_none() && identity.is_none() {
            return Err(bad(
                "its user has neither a token nor a certificate; one that a program makes is not supported: `kubectl create token` makes one",
            ));
        }
        let authorities = load(cluster.certificate_authority_data, cluster.certificate_authority)?;
        Ok(Self { server: cluster.server, token, authorities: authorities.map(|pem| pem.to_vec()), identity })
    }
}

fn of<T>(all: Vec<Named<T>>, name: &str) -> Option<T> {
    all.into_iter().find(|named| named.name == name).map(|named| named.body)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    bounded::read(path, path, CONFIGURATION)
}

fn token(path: &Path) -> Result<Secret, Error> {
    read(path).map(|text| Secret::from(text.trim_ascii()))
}
