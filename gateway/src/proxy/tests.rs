use std::path::{Path, PathBuf};

use gatewright_wire::startup::StartupMessage;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::upstream::Roots;

fn settings(folder: &Path) -> ProxySettings {
    let roots = Roots::File(authority());
    let tls = ClientTls::new(TlsMode::VerifyFull, &roots, None).expect("TLS");
    let tokens = TokenSource::File(folder.join("token"));
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

/// What a client is answered by a proxy that is told to stop afterwards.
async fn answer(settings: ProxySettings) -> String {
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
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.expect("an answer");
    stop.send(true).expect("the proxy listens");
    running.await.expect("the end");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn it_serves_this_machine_and_verified_gateways_only() {
    let folder = tempfile::tempdir().expect("a folder");
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let elsewhere = ProxySettings {
            listen: address.parse().expect("an address"),
            ..settings(folder.path())
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
            ..settings(folder.path())
        };
        let refused = Proxy::bind(lenient).await;
        assert!(
            matches!(refused, Err(ProxyError::UnverifiedTls)),
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn one_connection_too_many_is_turned_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let full = ProxySettings {
        max_connections: 0,
        ..settings(folder.path())
    };
    let answer = answer(full).await;
    assert!(answer.contains("C53300"), "{answer:?}");
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_told_from_a_token_that_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = answer(settings(folder.path())).await;
    assert!(
        none.contains("the proxy's token file does not exist"),
        "{none:?}"
    );
    // A token as a projected volume has it: a link to a link to a file. Its payload is {}.
    std::fs::create_dir(folder.path().join("first")).expect("a folder");
    std::fs::write(folder.path().join("first/token"), "e30K.e30.AA\n").expect("a file");
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name));
    link("first", "data").expect("a link");
    link("data/token", "token").expect("a link");
    let bad_header = answer(settings(folder.path())).await;
    assert!(
        bad_header.contains("holds no signed token"),
        "{bad_header:?}"
    );
    // {"alg":"ES256"}
    std::fs::write(
        folder.path().join("first/token"),
        "eyJhbGciOiJFUzI1NiJ9.e30.AA\n",
    )
    .expect("a file");
    let unreachable = answer(settings(folder.path())).await;
    assert!(
        unreachable.contains("the gateway could not be reached"),
        "{unreachable:?}"
    );
}

#[test]
fn times_are_said_as_people_say_them() {
    for (seconds, said) in [
        (0, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (3599, "59 minutes"),
        (7200, "2 hours"),
        (86_400 * 3, "3 days"),
    ] {
        assert_eq!(error::human(Duration::from_secs(seconds)), said);
    }
}
