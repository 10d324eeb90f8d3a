//! A gateway as a whole, without clients.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::LazyLock;

use super::connections::Connections;
use super::session::ClientSession;
use super::*;
use crate::admin::Metrics;
use crate::identity::{ClientCertificates, Grants, Verifier};

/// There is one recorder in a process.
static METRICS: LazyLock<Metrics> = LazyLock::new(|| metrics().unwrap());

fn parts(verifier: Verifier) -> Parts {
    let target = "postgres://app@db/shop?sslmode=disable".parse().unwrap();
    Parts {
        connections: ConnectionSettings::default(),
        handshake: HandshakeSettings::default(),
        access: Access {
            verifier: Arc::new(verifier),
            certificates: ClientCertificates::default(),
            grants: Grants::everyone(&target),
            token_grace: Duration::ZERO,
        },
        policies: Arc::new(Policies::none()),
        approvals: None,
        recorder: None,
        library: None,
        streams: None,
        traces: None,
        access_grants: None,
        metrics: METRICS.clone(),
    }
}

fn fetch(address: SocketAddr, path: &str) -> String {
    fetch_as(address, "gateway", path)
}

/// Blocks the calling thread.
fn fetch_as(address: SocketAddr, host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .unwrap_or_else(|error| panic!("{path}: {error}"));
    answer
}

#[test]
fn the_admin_port_answers_while_the_event_loop_is_blocked_and_closes_in_the_end() {
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let address = runtime().unwrap().block_on(async {
        let verifier = Verifier::new(Vec::new()).await.unwrap();
        let gateway = Gateway::build(parts(verifier));
        let admin = gateway
            .serve_admin(any_port, &["gateway".to_owned()])
            .unwrap();
        // Nothing else runs on this event loop until the answers are in.
        for (path, expected) in [
            ("/healthz", "ok\n"),
            ("/readyz", "ready\n"),
            ("/metrics", "\n"),
        ] {
            let answer = fetch(admin.address(), path);
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(answer.ends_with(expected), "{answer}");
        }
        for name in ["evil.example", "gateway.evil.example"] {
            let answer = fetch_as(admin.address(), name, "/metrics");
            assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
        }
        let taken = gateway.serve_admin(admin.address(), &[]).err().unwrap();
        assert!(taken.to_string().contains("cannot be bound"), "{taken}");
        admin.address()
    });
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn half_requests_do_not_keep_others_from_the_admin_port() {
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    runtime().unwrap().block_on(async {
        let verifier = Verifier::new(Vec::new()).await.unwrap();
        let gateway = Gateway::build(parts(verifier));
        let admin = gateway.serve_admin(any_port, &[]).unwrap();
        // More than are served at one time.
        let mut half: Vec<TcpStream> = (0..100)
            .map(|_| TcpStream::connect(admin.address()).unwrap())
            .collect();
        for stream in &mut half {
            stream
                .write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.")
                .unwrap();
        }
        let answer = fetch_as(admin.address(), "localhost", "/healthz");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        let mut rest = String::new();
        let first = &mut half[0];
        first
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        // Closed, with or without a last word.
        assert!(first.read_to_string(&mut rest).is_ok(), "{rest}");
    });
}

/// Most sessions are idle most of the time, so what one takes decides how many there can be.
#[test]
fn a_connection_takes_little_memory_by_itself() {
    fn task<F: Future>(_: impl Fn(Arc<Connections>, TcpStream) -> F) -> usize {
        size_of::<F>()
    }
    let sizes = [
        ("task", task(Connections::serve), 1024),
        ("session", ClientSession::bytes(), 4096),
    ];
    for (what, bytes, most) in sizes {
        assert!(bytes <= most, "{what}: {bytes} bytes");
    }
}
