//! TLS configuration for client connections.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::NoClientAuth;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;

/// PostgreSQL's ALPN protocol ID, registered with IANA.
pub(super) const ALPN: &[u8] = b"postgresql";

/// The gateway's certificate or private key cannot be used.
#[derive(Debug, Error)]
pub enum TlsFileError {
    #[error("{} cannot be read as PEM: {source}", path.display())]
    Pem { path: PathBuf, source: pem::Error },
    #[error("{} contains no certificate", path.display())]
    NoCertificate { path: PathBuf },
    #[error("the certificate {} and its key cannot be used: {source}", path.display())]
    Unusable {
        path: PathBuf,
        source: tokio_rustls::rustls::Error,
    },
}

/// A TLS configuration with the certificate chain and the private key from two PEM files.
///
/// If `clients` is set, the gateway requests client certificates and verifies them with it.
pub fn server_config(
    certificate: &Path,
    key: &Path,
    clients: Option<Arc<dyn ClientCertVerifier>>,
) -> Result<Arc<ServerConfig>, TlsFileError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsFileError::Pem { path, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(unreadable(certificate))?;
    if chain.is_empty() {
        return Err(TlsFileError::NoCertificate {
            path: certificate.to_owned(),
        });
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    let unusable = |source| TlsFileError::Unusable {
        path: certificate.to_owned(),
        source,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_client_cert_verifier(clients.unwrap_or_else(|| Arc::new(NoClientAuth)))
        .with_single_cert(chain, private)
        .map_err(unusable)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}
