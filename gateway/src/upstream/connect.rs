//! Connects to a target and logs in; sends cancel requests.

use std::path::PathBuf;
use std::time::Duration;

use bytes::BytesMut;
use gatewright_wire::startup::{CancelRequest, ssl_request};
use secrecy::SecretString;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{
    BackendKey, Connected, Endpoint, SessionAttributes, Target, TlsMode, UpstreamError,
    UpstreamStream, session_attrs, startup,
};

/// Connects to the first of the target's hosts that is reachable, ready and acceptable by `target_session_attrs`, and
/// logs in with protocol 3.0.
///
/// `parameters` are the client's startup parameters. `user`, `database`, `replication` and `_pq_.` options are not
/// passed to the server. If the server rejects the password and the credential now yields another, the login is retried
/// once.
///
/// # Errors
/// If every host fails, the error of the last one.
pub async fn connect(
    target: &Target,
    parameters: &[(String, String)],
) -> Result<Connected, UpstreamError> {
    let unavailable = |source| UpstreamError::Credential {
        role: target.user.clone(),
        source,
    };
    let password = target.password.password().await.map_err(unavailable)?;
    let rejected = match connect_with(target, password.as_ref(), parameters).await {
        Err(error) if error.rejects_password() => error,
        outcome => return outcome,
    };
    let Some(password) = password else {
        return Err(rejected);
    };
    match target
        .password
        .replacement(&password)
        .await
        .map_err(unavailable)?
    {
        Some(password) => {
            tracing::info!(role = %target.user, database = %target.dbname, "the server rejected a password; retrying with the current one");
            connect_with(target, Some(&password), parameters).await
        }
        None => Err(rejected),
    }
}

async fn connect_with(
    target: &Target,
    password: Option<&SecretString>,
    parameters: &[(String, String)],
) -> Result<Connected, UpstreamError> {
    let mut last = UpstreamError::NoHost;
    for wanted in session_attrs::passes(target.session_attributes) {
        for (host, port) in &target.hosts {
            let endpoints = match resolve(host, *port, target.connect_timeout).await {
                Ok(endpoints) => endpoints,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            for endpoint in endpoints {
                match attempt(target, password, parameters, endpoint, *wanted).await {
                    Ok(connected) => return Ok(connected),
                    Err(error) if error.try_next_host() => last = error,
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Err(last)
}

/// Sends a cancel request for the connection with this key. Returns when the server has closed the connection that
/// carried the request; it has processed the request by then. Does nothing if the server gave no key.
pub async fn cancel(target: &Target, key: &BackendKey) -> Result<(), UpstreamError> {
    if key.secret.is_empty() {
        tracing::debug!("the server gave no key, so its statement cannot be cancelled");
        return Ok(());
    }
    let exchange = async {
        let mut stream = open(target, &key.endpoint).await?;
        let mut request = BytesMut::new();
        CancelRequest {
            pid: key.pid,
            key: key.secret.clone(),
        }
        .encode(&mut request);
        stream.write_all(&request).await?;
        stream.flush().await?;
        let mut discarded = [0; 64];
        // The protocol defines no reply, so anything that the server sends is an error message.
        while matches!(stream.read(&mut discarded).await, Ok(1..)) {}
        Ok(())
    };
    within(target.connect_timeout, &key.endpoint, exchange).await
}

async fn attempt(
    target: &Target,
    password: Option<&SecretString>,
    parameters: &[(String, String)],
    endpoint: Endpoint,
    wanted: SessionAttributes,
) -> Result<Connected, UpstreamError> {
    let limit = target.connect_timeout;
    let exchange = async {
        let stream = open(target, &endpoint).await?;
        let mut connected =
            startup::start(stream, endpoint.clone(), target, password, parameters).await?;
        if session_attrs::satisfied(target, &mut connected, wanted).await? {
            return Ok(connected);
        }
        startup::terminate(connected.stream).await;
        Err(UpstreamError::WrongSession {
            endpoint: endpoint.to_string(),
        })
    };
    within(limit, &endpoint, exchange).await
}

async fn within<T>(
    limit: Duration,
    endpoint: &Endpoint,
    work: impl Future<Output = Result<T, UpstreamError>>,
) -> Result<T, UpstreamError> {
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(UpstreamError::Timeout {
            endpoint: endpoint.to_string(),
            limit,
        }),
    }
}

async fn resolve(host: &str, port: u16, limit: Duration) -> Result<Vec<Endpoint>, UpstreamError> {
    if host.starts_with('/') {
        return Ok(vec![Endpoint::Unix(
            PathBuf::from(host).join(format!(".s.PGSQL.{port}")),
        )]);
    }
    let unresolved = |source| UpstreamError::Resolve {
        host: host.to_owned(),
        source,
    };
    let addresses = tokio::time::timeout(limit, lookup_host((host, port)))
        .await
        .map_err(|_| UpstreamError::Timeout {
            endpoint: host.to_owned(),
            limit,
        })?
        .map_err(unresolved)?;
    Ok(addresses
        .map(|address| Endpoint::Tcp {
            host: host.to_owned(),
            address,
        })
        .collect())
}

/// Opens a connection to the server, with TLS as the target requires.
async fn open(target: &Target, endpoint: &Endpoint) -> Result<UpstreamStream, UpstreamError> {
    let failed = |source| UpstreamError::Connect {
        endpoint: endpoint.to_string(),
        source,
    };
    match endpoint {
        // Like libpq, no TLS on Unix sockets, whatever the mode.
        Endpoint::Unix(path) => UnixStream::connect(path)
            .await
            .map(UpstreamStream::Unix)
            .map_err(failed),
        Endpoint::Tcp { host, address } => {
            let stream = TcpStream::connect(address).await.map_err(failed)?;
            stream.set_nodelay(true)?;
            let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(60));
            SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
            encrypt(target, host, stream).await
        }
    }
}

async fn encrypt(
    target: &Target,
    host: &str,
    mut stream: TcpStream,
) -> Result<UpstreamStream, UpstreamError> {
    let Some(config) = &target.tls.config else {
        return Ok(UpstreamStream::Tcp(stream));
    };
    let mut request = BytesMut::new();
    ssl_request(&mut request);
    stream.write_all(&request).await?;
    // Read exactly one byte: everything after it must be protected by TLS (CVE-2021-23222).
    match stream.read_u8().await? {
        b'S' => {}
        b'N' if target.tls.mode == TlsMode::Prefer => return Ok(UpstreamStream::Tcp(stream)),
        b'N' => return Err(UpstreamError::TlsNotOffered),
        // An ErrorResponse without TLS is not authenticated, so its contents are not used.
        tag => return Err(UpstreamError::Unexpected { tag }),
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|_| UpstreamError::TlsName {
        host: host.to_owned(),
    })?;
    let encrypted = TlsConnector::from(config.clone())
        .connect(name, stream)
        .await
        .map_err(UpstreamError::Tls)?;
    Ok(UpstreamStream::Tls(Box::new(encrypted)))
}
