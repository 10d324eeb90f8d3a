//! The proxy's limits and errors.

use std::path::{Path, PathBuf};

use gatewright_wire::startup::StartupMessage;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::upstream::Roots;

fn settings(directory: &Path) -> ProxySettings {
    let roots = Roots::File(authority());
    let tls = ClientTls::new(TlsMode::VerifyFull, &roots, None).expect("TLS");
    let tokens = TokenSource::File(directory.join("token"));
    let nowhere = vec![("localhost".to_owned(), 1)];
    ProxySettings::new(
        "127.0.0.1:0".parse().expect("an address"),
        nowhere,
        tls,
        tokens,
    )
}

fn authority() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/config/tests/certificate.pem")
}

/// The response that a client receives from a proxy with these settings.
async fn response(settings: ProxySettings) -> String {
    let proxy = Proxy::bind(settings).await.expect("a port");
    let address = proxy.address();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(proxy.run(move || {
        let mut stopped = stopped.clone();
        async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        }
    }));
    let mut client = TcpStream::connect(address).await.expect("a connection");
    let mut packet = bytes::BytesMut::new();
    let startup = StartupMessage {
        protocol: (3, 0),
        parameters: vec![("user".to_owned(), "app".to_owned())],
        protocol_options: Vec::new(),
    };
    startup.encode(&mut packet).expect("a packet");
    client.write_all(&packet).await.expect("sent");
    let mut response = Vec::new();
    client.read_to_end(&mut response).await.expect("a response");
    stop.send(true).expect("the proxy is running");
    running.await.expect("the proxy stops");
    String::from_utf8_lossy(&response).into_owned()
}

#[tokio::test]
async fn other_addresses_and_unverified_tls_are_rejected() {
    let directory = tempfile::tempdir().expect("a directory");
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let elsewhere = ProxySettings {
            listen: address.parse().expect("an address"),
            ..settings(directory.path())
        };
        let refused = Proxy::bind(elsewhere).await;
        assert!(
            matches!(refused, Err(ProxyError::NotLoopback(_))),
            "{address}"
        );
    }
    let roots = Roots::System;
    for mode in [TlsMode::Disable, TlsMode::Prefer, TlsMode::Require] {
        let lenient = ProxySettings {
            tls: ClientTls::new(mode, &roots, None).expect("TLS"),
            ..settings(directory.path())
        };
        let refused = Proxy::bind(lenient).await;
        assert!(
            matches!(refused, Err(ProxyError::UnverifiedTls)),
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn connections_over_the_limit_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let full = ProxySettings {
        max_connections: 0,
        ..settings(directory.path())
    };
    let response = response(full).await;
    assert!(response.contains("C53300"), "{response:?}");
}

#[tokio::test]
async fn errors_distinguish_a_missing_token_from_an_unreachable_gateway() {
    let directory = tempfile::tempdir().expect("a directory");
    let none = response(settings(directory.path())).await;
    assert!(
        none.contains("the proxy's token file does not exist"),
        "{none:?}"
    );
    // As in a projected volume, the path is a symbolic link through another one. Header and payload are {}.
    std::fs::create_dir(directory.path().join("first")).expect("a directory");
    std::fs::write(directory.path().join("first/token"), "e30K.e30.AA\n").expect("a file");
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, directory.path().join(name));
    link("first", "data").expect("a link");
    link("data/token", "token").expect("a link");
    let bad_header = response(settings(directory.path())).await;
    assert!(
        bad_header.contains("contains no signed token"),
        "{bad_header:?}"
    );
    // {"alg":"ES256"}
    std::fs::write(
        directory.path().join("first/token"),
        "eyJhbGciOiJFUzI1NiJ9.e30.AA\n",
    )
    .expect("a file");
    let unreachable = response(settings(directory.path())).await;
    assert!(
        unreachable.contains("the gateway could not be reached"),
        "{unreachable:?}"
    );
}

#[test]
fn durations_are_rounded_to_their_largest_unit() {
    for (seconds, expected) in [
        (0, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (3599, "59 minutes"),
        (7200, "2 hours"),
        (86_400 * 3, "3 days"),
    ] {
        assert_eq!(error::rounded(Duration::from_secs(seconds)), expected);
    }
}
