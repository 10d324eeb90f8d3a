//! Multiple hosts, unreachable hosts, and `target_session_attrs`.

use std::time::Duration;

use gatewright_harness::{Postgres, PostgresSettings, Psql, free_port};
use tokio::net::TcpListener;

use crate::upstream::{Endpoint, SessionAttributes, Target, UpstreamError, connect};

fn server(settings: PostgresSettings) -> Postgres {
    let rules = "host all all 127.0.0.1/32 trust\nlocal all all trust\n".to_owned();
    Postgres::start_with(&PostgresSettings {
        host_based_access: Some(rules),
        ..settings
    })
    .unwrap()
}

fn target(ports: &[u16]) -> Target {
    let hosts = ports
        .iter()
        .map(|port| ("127.0.0.1".to_owned(), *port))
        .collect();
    let mut target = Target::new(hosts, "postgres", "postgres");
    target.connect_timeout = Duration::from_secs(1);
    target
}

fn port_of(endpoint: &Endpoint) -> u16 {
    match endpoint {
        Endpoint::Tcp { address, .. } => address.port(),
        Endpoint::Unix(path) => panic!("a socket: {}", path.display()),
    }
}

#[tokio::test]
async fn connects_to_the_first_reachable_host() {
    let server = server(PostgresSettings::default());
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ports = [
        free_port().unwrap(),
        silent.local_addr().unwrap().port(),
        server.port(),
    ];
    let connected = connect(&target(&ports), &[]).await.unwrap();
    assert_eq!(port_of(&connected.key.endpoint), server.port());
}

#[tokio::test]
async fn errors_for_clients_do_not_name_hosts() {
    let error = connect(&target(&[free_port().unwrap()]), &[])
        .await
        .unwrap_err();
    assert!(matches!(error, UpstreamError::Connect { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1"));
    let refusal = error.fatal_error();
    assert_eq!(
        (&refusal.sqlstate[..], &refusal.message[..]),
        ("08001", "the database could not be reached")
    );

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = connect(&target(&[silent.local_addr().unwrap().port()]), &[])
        .await
        .unwrap_err();
    assert!(matches!(error, UpstreamError::Timeout { .. }), "{error}");
    assert!(matches!(
        connect(&target(&[]), &[]).await,
        Err(UpstreamError::NoHost)
    ));
}

#[tokio::test]
async fn target_session_attrs_selects_the_server() {
    let writable = server(PostgresSettings::default());
    let read_only = server(PostgresSettings::default().set("default_transaction_read_only", "on"));
    let mut target = target(&[read_only.port(), writable.port()]);
    for (wanted, expected) in [
        (SessionAttributes::Any, read_only.port()),
        (SessionAttributes::ReadOnly, read_only.port()),
        (SessionAttributes::ReadWrite, writable.port()),
        (SessionAttributes::Primary, read_only.port()),
        (SessionAttributes::PreferStandby, read_only.port()),
    ] {
        target.session_attributes = wanted;
        let connected = connect(&target, &[]).await.unwrap();
        assert_eq!(port_of(&connected.key.endpoint), expected, "{wanted:?}");
        assert!(connected.leftover.is_empty());
    }
    target.session_attributes = SessionAttributes::Standby;
    assert!(matches!(
        connect(&target, &[]).await,
        Err(UpstreamError::WrongSession { .. })
    ));
    // The servers are running; only the attribute did not match.
    assert!(
        Psql::new(&writable.dsn())
            .unwrap()
            .query("SELECT 1")
            .is_ok()
    );
}
