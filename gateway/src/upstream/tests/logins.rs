//! Logins to a real server.

use std::time::Duration;

use gatewright_harness::{Postgres, PostgresSettings, Psql};
use gatewright_wire::backend::TransactionStatus;

use crate::upstream::service::Service;
use crate::upstream::{Target, UpstreamError, cancel, connect};

const RULES: &str = "
local all postgres trust
local all local_trust trust
host all postgres 127.0.0.1/32 scram-sha-256
host all in_scram 127.0.0.1/32 scram-sha-256
host all in_md5 127.0.0.1/32 md5
host all in_clear 127.0.0.1/32 password
host all in_trust 127.0.0.1/32 trust
";

const ROLES: &str = "
CREATE ROLE in_scram LOGIN PASSWORD 'sécret';
SET password_encryption = 'md5';
CREATE ROLE in_md5 LOGIN PASSWORD 'secret';
RESET password_encryption;
CREATE ROLE in_clear LOGIN PASSWORD 'secret';
CREATE ROLE in_trust LOGIN;
CREATE ROLE local_trust LOGIN;
CREATE ROLE locked LOGIN PASSWORD 'secret' CONNECTION LIMIT 0;
";

fn server() -> Postgres {
    let settings = PostgresSettings {
        host_based_access: Some(RULES.to_owned()),
        ..PostgresSettings::default()
    };
    let server = Postgres::start_with(&settings).unwrap();
    Psql::new(&server.dsn()).unwrap().query(ROLES).unwrap();
    server
}

fn target(server: &Postgres, user: &str, password: Option<&str>) -> Target {
    let mut target = Target::new(
        vec![("127.0.0.1".to_owned(), server.port())],
        "postgres",
        user,
    );
    target.password = password.map(Into::into).into();
    target
}

async fn who(target: &Target) -> Result<String, UpstreamError> {
    let mut service = Service::connect(target).await?;
    let rows = service.query("SELECT current_user::text").await?;
    service.close().await;
    Ok(rows[0][0].clone().unwrap())
}

fn sqlstate(error: &UpstreamError) -> &str {
    match error {
        UpstreamError::Server { fields, .. } => fields.sqlstate(),
        other => panic!("not the server's error: {other}"),
    }
}

#[tokio::test]
async fn supports_every_authentication_method() {
    let server = server();
    for (user, password) in [
        ("in_scram", Some("sécret")),
        ("in_md5", Some("secret")),
        ("in_trust", None),
    ] {
        assert_eq!(who(&target(&server, user, password)).await.unwrap(), user);
    }
    let mut local = target(&server, "local_trust", None);
    local.hosts = vec![(server.socket_folder().display().to_string(), server.port())];
    assert_eq!(who(&local).await.unwrap(), "local_trust");

    let in_clear = who(&target(&server, "in_clear", Some("secret")))
        .await
        .unwrap_err();
    assert!(
        matches!(in_clear, UpstreamError::CleartextOutsideTls),
        "{in_clear}"
    );
}

#[tokio::test]
async fn errors_for_clients_do_not_reveal_the_gateways_login() {
    let server = server();
    for (user, password) in [
        ("in_scram", Some("wrong")),
        ("in_md5", Some("wrong")),
        ("in_scram", None),
        ("nobody", Some("x")),
    ] {
        let error = who(&target(&server, user, password)).await.unwrap_err();
        let refusal = error.fatal_error();
        assert_eq!(refusal.sqlstate, "08004", "{error}");
        assert!(!format!("{refusal:?}").contains(user), "{refusal:?}");
    }
}

#[tokio::test]
async fn the_servers_errors_about_databases_are_passed_on() {
    let server = server();
    let mut missing = target(&server, "in_trust", None);
    missing.dbname = "nowhere".to_owned();
    let error = who(&missing).await.unwrap_err();
    assert_eq!(sqlstate(&error), "3D000");
    assert_eq!(
        error.fatal_error().message,
        "database \"nowhere\" does not exist"
    );

    Psql::new(&server.dsn())
        .unwrap()
        .query("ALTER ROLE in_trust CONNECTION LIMIT 0")
        .unwrap();
    let error = who(&target(&server, "in_trust", None)).await.unwrap_err();
    assert_eq!(sqlstate(&error), "53300");
    assert_eq!(error.fatal_error().sqlstate, "53300");
    assert!(
        !error.fatal_error().message.contains("in_trust"),
        "the message names the gateway's role: {error}"
    );
}

#[tokio::test]
async fn start_up_applies_the_clients_parameters_and_keeps_parameter_status() {
    let server = server();
    let parameters = [
        ("application_name", "tést"),
        ("user", "intruder"),
        ("database", "other"),
        ("replication", "true"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let connected = connect(&target(&server, "in_trust", None), &parameters)
        .await
        .unwrap();
    assert_eq!(connected.status, TransactionStatus::Idle);
    assert_eq!(connected.parameters["server_encoding"], "UTF8");
    assert_eq!(connected.parameters["session_authorization"], "in_trust");
    assert!(connected.leftover.is_empty());

    let mut rest = &connected.greeting[..];
    let mut seen = 0;
    while !rest.is_empty() {
        use gatewright_wire::frame::{Side, next_frame};
        let frame = next_frame(rest, Side::Backend, 1 << 20).unwrap().unwrap();
        assert_eq!(frame.tag, b'S');
        rest = &rest[frame.bytes.len()..];
        seen += 1;
    }
    assert_eq!(seen, connected.parameters.len());
}

#[tokio::test]
async fn an_error_about_the_clients_parameters_is_passed_on() {
    let server = server();
    let parameters = [("TimeZone".to_owned(), "Nowhere/Land".to_owned())];
    let error = connect(&target(&server, "in_trust", None), &parameters)
        .await
        .unwrap_err();
    assert_eq!(sqlstate(&error), "22023");
    assert!(error.fatal_error().message.contains("Nowhere/Land"));
}

#[tokio::test]
async fn only_the_right_key_cancels_a_statement() {
    let server = server();
    let target = target(&server, "in_trust", None);
    let mut service = Service::connect(&target).await.unwrap();
    let pid = service
        .query("SELECT pg_backend_pid()::text")
        .await
        .unwrap()[0][0]
        .clone()
        .unwrap();
    assert_eq!(service.key().pid.to_string(), pid);
    let key = service.key().clone();
    let mut wrong = key.clone();
    wrong.secret[0] ^= 1;
    let sleeping = tokio::spawn(async move {
        let outcome = service.query("SELECT pg_sleep(60)").await;
        (outcome, service)
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    cancel(&target, &wrong).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!sleeping.is_finished());
    cancel(&target, &key).await.unwrap();
    let (outcome, mut service) = tokio::time::timeout(Duration::from_secs(10), sleeping)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(sqlstate(&outcome.unwrap_err()), "57014");
    assert_eq!(
        service.query("SELECT 1, NULL").await.unwrap(),
        [[Some("1".to_owned()), None]]
    );
}

#[tokio::test]
async fn a_service_connection_survives_errors_but_not_termination() {
    let server = server();
    let mut service = Service::connect(&target(&server, "in_trust", None))
        .await
        .unwrap();
    assert_eq!(
        sqlstate(&service.query("SELECT 1/0").await.unwrap_err()),
        "22012"
    );
    assert_eq!(service.query("").await.unwrap().len(), 0);
    let rows = service
        .query("SELECT g::text FROM generate_series(1, 5000) g")
        .await
        .unwrap();
    assert_eq!((rows.len(), rows[4999][0].as_deref()), (5000, Some("5000")));
    let end = service
        .query("SELECT pg_terminate_backend(pg_backend_pid())")
        .await
        .unwrap_err();
    assert_eq!(sqlstate(&end), "57P01");
}
