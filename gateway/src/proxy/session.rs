//! One client's connection, or its request to cancel what another one does.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gatewright_wire::{FatalError, build};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Shared;
use crate::listener::{self, Accepted, CancelRequest, Handshake};
use crate::upstream::{self, BackendKey, Connected, Credential, Target, UpstreamError};

/// What it takes to cancel at the gateway: the very host that the connection was made to, and the key it gave out.
pub(super) type Cancellable = Arc<(Target, BackendKey)>;

/// Serves one connection to its end. `room`: there may be one more.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, room: bool) {
    let accepted = match listener::handshake(stream, &shared.handshake).await {
        Ok(Handshake::Session(accepted)) => *accepted,
        Ok(Handshake::Cancel(request)) => return cancel(&shared, &request).await,
        Ok(Handshake::Gone) => return,
        Err(error) => {
            tracing::info!(%error, "a client's handshake failed");
            return;
        }
    };
    if !room {
        let refusal = FatalError::new("53300", "the proxy serves no more connections now");
        return listener::refuse(accepted.stream, &refusal).await;
    }
    match log_in(&shared, &accepted).await {
        Ok((target, connected)) => {
            if let Err(error) = relay(&shared, accepted, target, connected).await {
                tracing::debug!(%error, "a connection broke");
            }
        }
        Err(last) => listener::close_with(accepted.stream, last).await,
    }
}

/// Opens the client's session at the gateway. `Err`: what to tell the client.
async fn log_in(shared: &Shared, accepted: &Accepted) -> Result<(Target, Connected), Bytes> {
    let startup = &accepted.startup;
    // `upstream` leaves this parameter out, and a client must not take a session of another kind for what it asked for.
    if startup
        .parameter("replication")
        .is_some_and(|value| !matches!(value, "false" | "off" | "no" | "0"))
    {
        let refusal = FatalError::new("0A000", "replication is not served by the gateway");
        return Err(encoded(&refusal));
    }
    let token = shared.settings.tokens.token().await.map_err(|fault| {
        tracing::error!(error = %fault, "no token for a connection");
        encoded(&fault.fatal_error())
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
            tracing::warn!(%error, gateway = %target.address_and_database(), "the gateway did not let a connection in");
            Err(last_words(error))
        }
    }
}

/// The gateway's own words as they are: they are for this client. Else what the proxy met with.
fn last_words(error: UpstreamError) -> Bytes {
    match error {
        UpstreamError::Server { fields, .. } => {
            let mut out = BytesMut::new();
            fields.encode_error(&mut out);
            out.freeze()
        }
        UpstreamError::Tls(_) | UpstreamError::TlsNotOffered | UpstreamError::TlsName { .. } => {
            encoded(
                &FatalError::new("08001", "the gateway could not prove who it is over TLS")
                    .with_hint("The log of `gatewright proxy` says why."),
            )
        }
        UpstreamError::UnsupportedAuthentication { .. } | UpstreamError::UnsupportedSasl => {
            encoded(
                &FatalError::new("08004", "the gateway asks for something other than a token")
                    .with_hint("Is it a gateway? The log of `gatewright proxy` names it."),
            )
        }
        _ => encoded(
            &FatalError::new("08001", "the gateway could not be reached")
                .with_hint("The log of `gatewright proxy` says why."),
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
        tracing::warn!(%error, "a cancel request could not be passed on");
    }
}

/// Lets the client in and moves bytes until one side has left.
async fn relay(
    shared: &Shared,
    accepted: Accepted,
    mut target: Target,
    connected: Connected,
) -> io::Result<()> {
    // Cancelling needs no token, so none is kept.
    target.password = Credential::None;
    let pid = connected.key.pid;
    let session: Cancellable = Arc::new((target, connected.key));
    // The key that the client gets is the proxy's own: a request with it goes to the host that this connection is on.
    let (key, _registered) = shared
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
    both_ways(client, server).await
}

/// Ends when the server has: a client that has said its last may still be owed answers, a server owes a client that is
/// gone nothing.
async fn both_ways(
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
