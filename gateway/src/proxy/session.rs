//! One connection of a client, or a cancel request.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gatewright_wire::{FatalError, build};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Shared;
use crate::listener::{self, Accepted, CancelRequest, Handshake};
use crate::upstream::{self, BackendKey, Connected, Credential, Target, UpstreamError};

/// Everything needed to cancel a statement at the gateway: the gateway, and the cancel key that it issued.
pub(super) type Cancellable = Arc<(Target, BackendKey)>;

/// Serves one connection until it ends. `within_limit` is false if the connection exceeds `max_connections`.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, within_limit: bool) {
    let accepted = match listener::handshake(stream, &shared.handshake).await {
        Ok(Handshake::Session(accepted)) => *accepted,
        Ok(Handshake::Cancel(request)) => return cancel(&shared, &request).await,
        Ok(Handshake::Gone) => return,
        Err(error) => {
            tracing::info!(%error, "a client's handshake failed");
            return;
        }
    };
    if !within_limit {
        let refusal = FatalError::new("53300", "the proxy has reached its connection limit");
        return listener::refuse(accepted.stream, &refusal).await;
    }
    match log_in(&shared, &accepted).await {
        Ok((target, connected)) => {
            if let Err(error) = relay(&shared, accepted, target, connected).await {
                tracing::debug!(%error, "a connection failed");
            }
        }
        Err(last) => listener::close_with(accepted.stream, last).await,
    }
}

/// Opens a session at the gateway. The error is the ErrorResponse for the client.
async fn log_in(shared: &Shared, accepted: &Accepted) -> Result<(Target, Connected), Bytes> {
    let startup = &accepted.startup;
    // `upstream` drops this parameter, and the client would mistake the session for a replication connection.
    if startup
        .parameter("replication")
        .is_some_and(|value| !matches!(value, "false" | "off" | "no" | "0"))
    {
        let refusal = FatalError::new("0A000", "the gateway does not support replication");
        return Err(encoded(&refusal));
    }
    let token = shared.settings.tokens.token().await.map_err(|error| {
        tracing::error!(%error, "no token is available for a connection");
        encoded(&error.fatal_error())
    })?;
    let user = startup.parameter("user").unwrap_or_default();
    let database = startup.parameter("database").unwrap_or(user);
    let target = Target {
        password: Credential::Inline(token),
        bearer: true,
        tls: shared.settings.tls.clone(),
        connect_timeout: shared.settings.connect_timeout,
        ..Target::new(shared.settings.gateway.clone(), database, user)
    };
    match upstream::connect(&target, &startup.parameters).await {
        Ok(connected) => Ok((target, connected)),
        Err(error) => {
            tracing::warn!(%error, gateway = %target.address_and_database(), "login to the gateway failed");
            Err(error_response(error))
        }
    }
}

/// The ErrorResponse for the client. An error from the gateway is passed on unchanged, since it is meant for the
/// client.
fn error_response(error: UpstreamError) -> Bytes {
    match error {
        UpstreamError::Server { fields, .. } => {
            let mut out = BytesMut::new();
            fields.encode_error(&mut out);
            out.freeze()
        }
        UpstreamError::Tls(_) | UpstreamError::TlsNotOffered | UpstreamError::TlsName { .. } => {
            encoded(
                &FatalError::new("08001", "the gateway could not be verified with TLS")
                    .with_hint("The log of `gatewright proxy` contains the cause."),
            )
        }
        UpstreamError::UnsupportedAuthentication { .. } | UpstreamError::UnsupportedSasl => {
            encoded(
                &FatalError::new("08004", "the gateway does not request a token").with_hint(
                    "Check that the address in the log of `gatewright proxy` is that of a gateway.",
                ),
            )
        }
        _ => encoded(
            &FatalError::new("08001", "the gateway could not be reached")
                .with_hint("The log of `gatewright proxy` contains the cause."),
        ),
    }
}

fn encoded(refusal: &FatalError) -> Bytes {
    let mut out = BytesMut::new();
    refusal.encode(&mut out);
    out.freeze()
}

async fn cancel(shared: &Shared, request: &CancelRequest) {
    let Some(session) = shared.registry.lookup(request) else {
        return;
    };
    if let Err(error) = upstream::cancel(&session.0, &session.1).await {
        tracing::warn!(%error, "a cancel request could not be forwarded");
    }
}

/// Completes the client's start-up and forwards bytes until the connection ends.
async fn relay(
    shared: &Shared,
    accepted: Accepted,
    mut target: Target,
    connected: Connected,
) -> io::Result<()> {
    // A cancel request requires no token, so the token need not stay in memory.
    target.password = Credential::None;
    let pid = connected.key.pid;
    let session: Cancellable = Arc::new((target, connected.key));
    // The client receives a key issued by the proxy, which routes cancel requests to the right host.
    let (key, _registration) = shared
        .registry
        .register(pid, session, accepted.startup.protocol);
    let mut greeting = BytesMut::new();
    build::authentication_ok(&mut greeting);
    greeting.extend_from_slice(&connected.greeting);
    key.encode(&mut greeting);
    build::ready_for_query(&mut greeting, connected.status);
    greeting.extend_from_slice(&connected.leftover);
    let (mut client, mut server) = (accepted.stream, connected.stream);
    client.write_all(&greeting).await?;
    client.flush().await?;
    server.write_all(&accepted.leftover).await?;
    server.flush().await?;
    forward(client, server).await
}

/// Forwards bytes in both directions until the server closes. A client that has closed its sending side still receives
/// the outstanding replies.
async fn forward(
    client: impl AsyncRead + AsyncWrite,
    server: impl AsyncRead + AsyncWrite,
) -> io::Result<()> {
    let (mut client_read, mut client_write) = tokio::io::split(client);
    let (mut server_read, mut server_write) = tokio::io::split(server);
    let down = async {
        tokio::io::copy(&mut server_read, &mut client_write).await?;
        client_write.shutdown().await
    };
    let up = async {
        tokio::io::copy(&mut client_read, &mut server_write).await?;
        server_write.shutdown().await
    };
    tokio::pin!(down, up);
    tokio::select! {
        ended = &mut down => ended,
        ended = &mut up => match ended {
            Ok(()) => down.await,
            Err(error) => Err(error),
        },
    }
}
