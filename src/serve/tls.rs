//! TLS by rustls: a certificate chain and its key from PEM files, read when the server starts and whenever it is told
//! that they were renewed.

use super::Error;
use super::observe::LOG;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate and its key, as their files were when they were last read.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    read: RwLock<TlsAcceptor>,
}

impl Tls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// When a file cannot be read, or holds no such thing.
    pub fn open(certificate: &Path, key: &Path) -> Result<Arc<Self>, Error> {
        let read = RwLock::new(acceptor(certificate, key)?);
        Ok(Arc::new(Self { certificate: certificate.to_owned(), key: key.to_owned(), read }))
    }

    /// Reads them again, for the connections that come from now on. Where that fails the old ones hold.
    pub fn reload(&self) {
        match acceptor(&self.certificate, &self.key) {
            Ok(acceptor) => {
                *self.read.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
                tracing::info!(target: LOG, "certificate and key were read again");
            }
            Err(error) => {
                tracing::warn!(target: LOG, %error, "the certificate stays the one from before");
            }
        }
    }

    /// What accepts the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.read.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Error> {
    let unusable = |path: &Path, reason: String| Error::Tls { path: path.to_owned(), reason };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(unusable(certificate, "it holds no certificate".to_owned()));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| unusable(certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
