//! TLS on client connections.

use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;

/// Starts TLS as a client that trusts the certificate of [`with_tls`].
pub(super) async fn encrypt(
    client: TcpStream,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(&server_certificate().certificate).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, client)
        .await
}

#[tokio::test]
async fn an_ssl_request_starts_tls() {
    let settings = with_tls();
    let mut met = meet(settings.clone()).await;
    met.send(GSSENC_REQUEST).await;
    assert_eq!(read_some(&mut met.client, 1).await, b"N");
    met.send(SSL_REQUEST).await;
    assert_eq!(read_some(&mut met.client, 1).await, b"S");
    let Met { client, handshake } = met;
    let mut client = encrypt(client, &[]).await.unwrap();
    client
        .write_all(&startup(2, &[("user", "me")]))
        .await
        .unwrap();
    let Ok(Handshake::Session(mut accepted)) = handshake.await.unwrap() else {
        panic!("no session")
    };
    assert!(accepted.secure);
    client.write_all(b"p\0\0\0\x0asecre\0").await.unwrap();
    let password = accepted.ask_token(&settings).await.unwrap();
    assert_eq!(
        secrecy::ExposeSecret::expose_secret(password.token()),
        "secre"
    );
    assert_eq!(read_some(&mut client, 9).await, b"R\0\0\0\x08\0\0\0\x03");
}

#[tokio::test]
async fn direct_tls_requires_alpn() {
    let Met { client, handshake } = meet(with_tls()).await;
    let mut client = encrypt(client, &[b"postgresql"]).await.unwrap();
    client
        .write_all(&startup(0, &[("user", "me")]))
        .await
        .unwrap();
    let Ok(Handshake::Session(accepted)) = handshake.await.unwrap() else {
        panic!("no session")
    };
    assert!(accepted.secure);

    let Met { client, handshake } = meet(with_tls()).await;
    let mut client = encrypt(client, &[]).await.unwrap();
    let mut sent = Vec::new();
    let _ = client.read_to_end(&mut sent).await;
    assert!(matches!(
        handshake.await.unwrap(),
        Err(HandshakeError::NoAlpn)
    ));
    assert_eq!(error(&sent).sqlstate(), "08P01");

    let Met { client, handshake } = meet(with_tls()).await;
    assert!(encrypt(client, &[b"http/1.1"]).await.is_err());
    assert!(matches!(
        handshake.await.unwrap(),
        Err(HandshakeError::Tls(_))
    ));
}

#[tokio::test]
async fn direct_tls_without_a_tls_configuration_is_closed() {
    let Met { client, handshake } = meet(HandshakeSettings::default()).await;
    assert!(encrypt(client, &[b"postgresql"]).await.is_err());
    assert!(matches!(
        handshake.await.unwrap(),
        Err(HandshakeError::TlsNotOffered)
    ));
}

#[tokio::test]
async fn encryption_requests_inside_tls_are_refused() {
    for request in [SSL_REQUEST, GSSENC_REQUEST] {
        let Met { client, handshake } = meet(with_tls()).await;
        let mut client = encrypt(client, &[b"postgresql"]).await.unwrap();
        client.write_all(request).await.unwrap();
        let mut sent = Vec::new();
        let _ = client.read_to_end(&mut sent).await;
        assert!(matches!(
            handshake.await.unwrap(),
            Err(HandshakeError::RequestInsideTls)
        ));
        assert_eq!(error(&sent).sqlstate(), "08P01");
    }
}

#[tokio::test]
async fn a_stalled_tls_handshake_times_out() {
    let mut met = meet(quick(with_tls())).await;
    met.send(SSL_REQUEST).await;
    assert_eq!(read_some(&mut met.client, 1).await, b"S");
    met.send(b"\x16\x03\x01\x02\0").await;
    let (refusal, sent) = met.refused().await;
    assert!(matches!(refusal, HandshakeError::StartupTimeout(_)));
    assert!(sent.is_empty(), "cleartext after the answer S: {sent:?}");
}

#[test]
fn errors_name_the_unusable_certificate_file() {
    let (one, other) = (certificate(), certificate());
    assert!(server_config(&one.certificate, &one.key, None).is_ok());
    assert!(matches!(
        server_config(&one.certificate, &other.key, None),
        Err(TlsFileError::Unusable { .. })
    ));
    assert!(matches!(
        server_config(&one.key, &one.key, None),
        Err(TlsFileError::NoCertificate { .. })
    ));
    let missing =
        server_config(&one.certificate, std::path::Path::new("/nowhere.key"), None).unwrap_err();
    assert!(missing.to_string().contains("/nowhere.key"), "{missing}");
}
