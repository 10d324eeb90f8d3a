//! Servers that violate the protocol or attempt to obtain credentials.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::upstream::{
    ClientTls, Credential, Roots, Target, TlsMode, UpstreamError, cancel, connect,
};

/// The error when a server responds with these parts, one for each message received.
async fn against(parts: &[&'static [u8]]) -> UpstreamError {
    attempt(parts, ClientTls::disabled()).await
}

async fn attempt(parts: &[&'static [u8]], tls: ClientTls) -> UpstreamError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let parts = parts.to_vec();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut received = [0; 4096];
        for part in parts {
            assert_ne!(stream.read(&mut received).await.unwrap(), 0);
            stream.write_all(part).await.unwrap();
        }
    });
    let mut target = Target::new(vec![("127.0.0.1".to_owned(), port)], "db", "app");
    target.password = Credential::Inline("secret".into());
    target.tls = tls;
    let error = connect(&target, &[]).await.unwrap_err();
    server.await.unwrap();
    error
}

const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
const SCRAM: &[u8] = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";

#[tokio::test]
async fn malformed_messages_end_the_attempt() {
    assert!(matches!(
        against(&[b"!oops"]).await,
        UpstreamError::Frame(_)
    ));
    assert!(matches!(
        against(&[b"R\0\0\0\x05\0"]).await,
        UpstreamError::Decode(_)
    ));
    assert!(matches!(
        against(&[b"R\x7f\xff\xff\xff"]).await,
        UpstreamError::Frame(_)
    ));
    assert!(matches!(
        against(&[b"HTTP/1.1 400 Bad Request\r\n"]).await,
        UpstreamError::Frame(_)
    ));
    assert!(matches!(
        against(&[b"R\0\0"]).await,
        UpstreamError::Closed | UpstreamError::Io(_)
    ));
}

#[tokio::test]
async fn messages_before_authentication_ok_are_rejected() {
    assert!(matches!(
        against(&[b"Z\0\0\0\x05I"]).await,
        UpstreamError::Unexpected { tag: b'Z' }
    ));
    assert!(matches!(
        against(&[b"S\0\0\0\x08a\0b\0"]).await,
        UpstreamError::Unexpected { tag: b'S' }
    ));
    assert!(matches!(
        against(&[b"v\0\0\0\x0c\0\x03\0\0\0\0\0\0"]).await,
        UpstreamError::Unexpected { tag: b'v' }
    ));
}

#[tokio::test]
async fn scram_requires_the_servers_proof() {
    assert!(matches!(
        against(&[SCRAM, OK]).await,
        UpstreamError::ScramUnfinished
    ));
    let wrong_nonce = b"R\0\0\0\x1a\0\0\0\x0br=x,s=c2FsdA==,i=1";
    assert!(matches!(
        against(&[SCRAM, wrong_nonce]).await,
        UpstreamError::Scram(_)
    ));
    assert!(matches!(
        against(&[SCRAM, b"R\0\0\0\x08\0\0\0\x03"]).await,
        UpstreamError::Unexpected { tag: b'R' }
    ));
}

#[tokio::test]
async fn a_password_is_not_sent_in_cleartext_or_with_unsupported_methods() {
    assert!(matches!(
        against(&[b"R\0\0\0\x08\0\0\0\x03"]).await,
        UpstreamError::CleartextOutsideTls
    ));
    assert!(matches!(
        against(&[b"R\0\0\0\x08\0\0\0\x07"]).await,
        UpstreamError::UnsupportedAuthentication { code: 7 }
    ));
    let other = b"R\0\0\0\x0d\0\0\0\x0aNEW\0\0";
    assert!(matches!(
        against(&[other]).await,
        UpstreamError::UnsupportedSasl
    ));
}

#[tokio::test]
async fn required_tls_cannot_be_downgraded() {
    for mode in [TlsMode::Require, TlsMode::VerifyFull] {
        let directory = tempfile::tempdir().unwrap();
        let tls = match ClientTls::new(mode, &Roots::System, None) {
            Ok(tls) => tls,
            // The machine has no system CAs.
            Err(_) => super::server_tls::Authority::new(directory.path()).tls(mode),
        };
        assert!(matches!(
            attempt(&[b"N"], tls.clone()).await,
            UpstreamError::TlsNotOffered
        ));
        let injected = b"E\0\0\0\x10SFATAL\0Mno\0\0";
        assert!(matches!(
            attempt(&[injected], tls).await,
            UpstreamError::Unexpected { tag: b'E' }
        ));
    }
}

#[tokio::test]
async fn a_server_without_a_key_is_served_and_cannot_be_asked_to_cancel() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut received = [0; 4096];
        assert_ne!(stream.read(&mut received).await.unwrap(), 0);
        stream.write_all(OK).await.unwrap();
        stream.write_all(b"Z\0\0\0\x05I").await.unwrap();
        // Nobody else connects.
        drop(listener);
        let _ = stream.read(&mut received).await;
    });
    let mut target = Target::new(vec![("127.0.0.1".to_owned(), port)], "db", "app");
    target.tls = ClientTls::disabled();
    let connected = connect(&target, &[]).await.unwrap();
    assert!(connected.key.secret.is_empty());
    cancel(&target, &connected.key).await.unwrap();
    drop(connected);
    server.await.unwrap();
}
