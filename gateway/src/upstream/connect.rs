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

/// Connects to the first of the target's hosts that is there, ready and of the kind asked for, and logs in.
///
/// `parameters` are the client's startup parameters; `user`, `database`, `replication` and `_pq_.` options among them
/// are left out. The gateway speaks protocol 3.0 here. Where every host fails, the error is the last one's.
/// Where a server refuses the password and there is another by now, it is tried once more with that.
pub async fn connect(
    target: &Target,
    parameters: &[(String, String)],
) -> Result<Connected, UpstreamError> {
    let no_password = |source| UpstreamError::Credential {
        role: target.user.clone(),
        source,
    };
    let password = target.password.password().await.map_err(no_password)?;
    let refused = match connect_with(target, password.as_ref(), parameters).await {
        Err(error) if error.refuses_password() => error,
        outcome => return outcome,
    };
    let Some(password) = password else {
        return Err(refused);
    };
    match target
        .password
        .after(&password)
        .await
        .map_err(no_password)?
    {
        Some(password) => {
            tracing::info!(role = %target.user, database = %target.dbname, "the server refused a password; trying again with the one there is now");
            connect_with(target, Some(&password), parameters).await
        }
        None => Err(refused),
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
                    Err(error) if error.another_host_may_do() => last = error,
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Err(last)
}

/// Asks the server to cancel what the connection with this key is doing. Returns when the server has closed the
/// connection that carried the request, by which time it has acted on it.
pub async fn cancel(target: &Target, key: &BackendKey) -> Result<(), UpstreamError> {
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
        let mut nothing = [0; 64];
        // A server that answers at all only says why it did not like the request.
        while matches!(stream.read(&mut nothing).await, Ok(1..)) {}
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
        if session_attrs::suits(target, &mut connected, wanted).await? {
            return Ok(connected);
        }
        startup::leave(connected.stream).await;
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

/// A socket to the server, encrypted as the target says.
async fn open(target: &Target, endpoint: &Endpoint) -> Result<UpstreamStream, UpstreamError> {
    let refused = |source| UpstreamError::Connect {
        endpoint: endpoint.to_string(),
        source,
    };
    match endpoint {
        // libpq too leaves TLS out on unix sockets, whatever the mode.
        Endpoint::Unix(path) => UnixStream::connect(path)
            .await
            .map(UpstreamStream::Unix)
            .map_err(refused),
        Endpoint::Tcp { host, address } => {
            let stream = TcpStream::connect(address).await.map_err(refused)?;
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
    // One byte and no more: what comes after it must come through TLS (CVE-2021-23222).
    match stream.read_u8().await? {
        b'S' => {}
        b'N' if target.tls.mode == TlsMode::Prefer => return Ok(UpstreamStream::Tcp(stream)),
        b'N' => return Err(UpstreamError::TlsNotOffered),
        // An ErrorResponse outside TLS could be anybody's: it is not believed.
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
