//! TLS configuration for server connections.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use thiserror::Error;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{
    WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

/// libpq's `sslmode`, without `allow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMode {
    Disable,
    /// TLS if the server supports it. The certificate is not verified.
    #[default]
    Prefer,
    /// TLS is required. The certificate is verified only if a file of CAs is given.
    Require,
    /// TLS is required, and the certificate must be issued by a trusted CA.
    VerifyCa,
    /// Like `VerifyCa`, and the certificate must match the host name.
    VerifyFull,
}

/// The CAs trusted for server certificates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Roots {
    /// The CAs that the operating system trusts.
    #[default]
    System,
    /// The CAs in a PEM file.
    File(PathBuf),
}

/// TLS for server connections cannot be configured.
#[derive(Debug, Error)]
pub enum TlsSetupError {
    #[error("{} cannot be read as PEM: {source}", path.display())]
    Pem { path: PathBuf, source: pem::Error },
    #[error("{} contains no usable CA certificate", path.display())]
    NoRoot { path: PathBuf },
    #[error("the operating system has no trusted CA certificates; specify a CA file")]
    NoSystemRoots,
    #[error("TLS for server connections cannot be configured: {0}")]
    Rustls(#[from] rustls::Error),
    #[error("the CA certificates cannot be used: {0}")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

/// TLS configuration for server connections. Created once and shared, because loading CAs is slow.
#[derive(Debug, Clone)]
pub struct ClientTls {
    pub(super) mode: TlsMode,
    /// `None` exactly if the mode is `Disable`.
    pub(super) config: Option<Arc<ClientConfig>>,
}

impl Default for ClientTls {
    /// [`TlsMode::Prefer`], which reads no files. Falls back to no TLS if the crypto provider cannot be used.
    fn default() -> Self {
        Self::new(TlsMode::Prefer, &Roots::System, None).unwrap_or_else(|_| Self::disabled())
    }
}

impl ClientTls {
    /// True when both are the same configuration, not only an equal one.
    pub fn is_same(&self, other: &ClientTls) -> bool {
        let same = match (&self.config, &other.config) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        same && self.mode == other.mode
    }

    pub fn disabled() -> Self {
        Self {
            mode: TlsMode::Disable,
            config: None,
        }
    }

    /// Loads the CAs and the client certificate. `certificate` holds the PEM files of the certificate chain and key
    /// that the gateway presents to the server.
    ///
    /// As in libpq, `require` with a file of CAs behaves like `verify-ca`.
    pub fn new(
        mode: TlsMode,
        roots: &Roots,
        certificate: Option<(&Path, &Path)>,
    ) -> Result<Self, TlsSetupError> {
        let mode = match (mode, roots) {
            (TlsMode::Disable, _) => return Ok(Self::disabled()),
            (TlsMode::Require, Roots::File(_)) => TlsMode::VerifyCa,
            (mode, _) => mode,
        };
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match mode {
            TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Lenient {
                    provider,
                    roots: None,
                })),
            TlsMode::VerifyCa => {
                let roots = Some(root_store(roots)?);
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(Lenient { provider, roots }))
            }
            TlsMode::VerifyFull => {
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(root_store(roots)?, provider)
                        .build()?;
                builder.with_webpki_verifier(verifier)
            }
        };
        let mut config = match certificate {
            Some((chain, key)) => {
                builder.with_client_auth_cert(certificates(chain)?, private_key(key)?)?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self {
            mode,
            config: Some(Arc::new(config)),
        })
    }

    pub fn mode(&self) -> TlsMode {
        self.mode
    }

    /// The rustls configuration; `None` without TLS.
    pub fn rustls_config(&self) -> Option<&Arc<ClientConfig>> {
        self.config.as_ref()
    }
}

fn root_store(roots: &Roots) -> Result<Arc<RootCertStore>, TlsSetupError> {
    match roots {
        Roots::System => system_roots(),
        Roots::File(path) => {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(certificates(path)?);
            match store.is_empty() {
                true => Err(TlsSetupError::NoRoot { path: path.clone() }),
                false => Ok(Arc::new(store)),
            }
        }
    }
}

fn system_roots() -> Result<Arc<RootCertStore>, TlsSetupError> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let store = SYSTEM.get_or_init(|| {
        let mut store = RootCertStore::empty();
        // Individual unreadable files are common and ignored, as long as any certificate can be loaded.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(store)
    });
    match store.is_empty() {
        true => Err(TlsSetupError::NoSystemRoots),
        false => Ok(Arc::clone(store)),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsSetupError> {
    CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect())
        .map_err(|source| TlsSetupError::Pem {
            path: path.to_owned(),
            source,
        })
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsSetupError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| TlsSetupError::Pem {
        path: path.to_owned(),
        source,
    })
}

/// A certificate verifier for the modes below `verify-full`. It does not check the host name, and without `roots` it
/// accepts any certificate. It always checks that the server holds the certificate's private key.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    roots: Option<Arc<RootCertStore>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                roots,
                intermediates,
                now,
                algorithms,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
