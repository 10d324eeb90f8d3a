//! TLS with a real server, whose certificate is issued by a test CA.

use std::path::{Path, PathBuf};
use std::process::Command;

use gatewright_harness::{Postgres, PostgresSettings, Psql};
use gatewright_wire::backend::Authentication;

use crate::upstream::auth::Login;
use crate::upstream::service::Service;
use crate::upstream::{ClientTls, Credential, Roots, Target, TlsMode, UpstreamError};

/// A CA, and a certificate that it issued for `localhost`.
pub(super) struct Authority {
    root: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

const EXTENSIONS: &str = "subjectAltName = DNS:localhost\nbasicConstraints = CA:FALSE\n";

impl Authority {
    pub(super) fn new(directory: &Path) -> Self {
        let path = |name: &str| directory.join(name);
        std::fs::write(path("extensions"), EXTENSIONS).unwrap();
        let new_key = ["-newkey", "rsa:2048", "-nodes"];
        openssl(
            directory,
            &["req", "-x509", "-days", "2", "-subj", "/CN=root"],
            &new_key,
            &["-keyout", "root.key", "-out", "root.crt"],
        );
        openssl(
            directory,
            &["req", "-new", "-subj", "/CN=localhost"],
            &new_key,
            &["-keyout", "server.key", "-out", "server.csr"],
        );
        openssl(
            directory,
            &[
                "x509",
                "-req",
                "-days",
                "2",
                "-sha384",
                "-extfile",
                "extensions",
                "-CA",
                "root.crt",
                "-CAkey",
                "root.key",
            ],
            &["-CAcreateserial"],
            &["-in", "server.csr", "-out", "server.crt"],
        );
        Self {
            root: path("root.crt"),
            certificate: path("server.crt"),
            key: path("server.key"),
        }
    }

    pub(super) fn tls(&self, mode: TlsMode) -> ClientTls {
        ClientTls::new(mode, &Roots::File(self.root.clone()), None).unwrap()
    }
}

fn openssl(directory: &Path, first: &[&str], second: &[&str], third: &[&str]) {
    let mut command = Command::new("openssl");
    let made = command
        .current_dir(directory)
        .args(first)
        .args(second)
        .args(third)
        .output();
    let made = made.expect("the openssl command is installed");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

const RULES: &str = "
local all all trust
hostnossl all all 127.0.0.1/32 scram-sha-256
hostssl all in_clear all password
hostssl all all all scram-sha-256
";

fn server(authority: &Authority) -> Postgres {
    let settings = PostgresSettings {
        tls: Some((authority.certificate.clone(), authority.key.clone())),
        host_based_access: Some(RULES.to_owned()),
        ..PostgresSettings::default()
    };
    let server = Postgres::start_with(&settings).unwrap();
    let roles =
        "CREATE ROLE in_clear LOGIN PASSWORD 'secret'; CREATE ROLE bound LOGIN PASSWORD 'secret'";
    Psql::new(&server.dsn()).unwrap().query(roles).unwrap();
    server
}

fn target(server: &Postgres, host: &str, user: &str, tls: ClientTls) -> Target {
    let mut target = Target::new(vec![(host.to_owned(), server.port())], "postgres", user);
    target.password = Credential::Inline("secret".into());
    target.tls = tls;
    target
}

async fn in_tls(target: &Target) -> Result<bool, UpstreamError> {
    let mut service = Service::connect(target).await?;
    let rows = service
        .query("SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        .await?;
    Ok(rows[0][0].as_deref() == Some("true"))
}

#[tokio::test]
async fn each_mode_verifies_what_it_promises() {
    let directory = tempfile::tempdir().unwrap();
    let other_directory = tempfile::tempdir().unwrap();
    let authority = Authority::new(directory.path());
    let other = Authority::new(other_directory.path());
    let server = server(&authority);
    let lenient = |mode| ClientTls::new(mode, &Roots::System, None).unwrap();
    let reached = |tls, host: &'static str| {
        let target = target(&server, host, "bound", tls);
        async move { in_tls(&target).await }
    };

    assert!(!reached(ClientTls::disabled(), "127.0.0.1").await.unwrap());
    assert!(
        reached(lenient(TlsMode::Prefer), "127.0.0.1")
            .await
            .unwrap()
    );
    assert!(
        reached(lenient(TlsMode::Require), "127.0.0.1")
            .await
            .unwrap()
    );
    assert!(
        reached(authority.tls(TlsMode::VerifyCa), "127.0.0.1")
            .await
            .unwrap()
    );
    assert!(
        reached(authority.tls(TlsMode::VerifyFull), "localhost")
            .await
            .unwrap()
    );

    for (tls, host) in [
        (authority.tls(TlsMode::VerifyFull), "127.0.0.1"),
        (other.tls(TlsMode::VerifyFull), "localhost"),
        (other.tls(TlsMode::VerifyCa), "localhost"),
        (other.tls(TlsMode::Require), "localhost"),
    ] {
        let error = reached(tls, host).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Tls(_)), "{error}");
        assert_eq!(
            error.fatal_error().message,
            "the database could not be reached"
        );
    }
}

#[tokio::test]
async fn tls_enables_cleartext_passwords_and_channel_binding() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new(directory.path());
    let server = server(&authority);
    let tls = authority.tls(TlsMode::VerifyFull);
    assert!(
        in_tls(&target(&server, "localhost", "in_clear", tls.clone()))
            .await
            .unwrap()
    );

    // The server verifies the channel binding: the login fails if the hash of its certificate, which is signed with
    // SHA-384, is wrong or if the client claims not to support channel binding.
    let target = target(&server, "localhost", "bound", tls);
    let connected = crate::upstream::connect(&target, &[]).await.unwrap();
    let offered = Authentication::Sasl {
        mechanisms: vec!["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"],
    };
    let answer = Login::new(&target, Some(&"secret".into()), &connected.stream)
        .step(offered)
        .unwrap()
        .unwrap();
    assert!(
        answer[5..].starts_with(b"SCRAM-SHA-256-PLUS\0"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn cancel_requests_use_tls() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new(directory.path());
    let server = server(&authority);
    let target = target(
        &server,
        "localhost",
        "bound",
        authority.tls(TlsMode::VerifyFull),
    );
    let mut service = Service::connect(&target).await.unwrap();
    let key = service.key().clone();
    let sleeping = tokio::spawn(async move { service.query("SELECT pg_sleep(60)").await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    crate::upstream::cancel(&target, &key).await.unwrap();
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(10), sleeping)
        .await
        .unwrap()
        .unwrap();
    assert!(outcome.unwrap_err().to_string().contains("57014"));
}
