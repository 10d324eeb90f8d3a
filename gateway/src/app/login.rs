//! From the startup message to the login on the server: token or certificate, grant, slot, upstream connection. All of
//! it within the authentication timeout.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::access::Access;
use super::connections::Connections;
use super::server::ServerConnection;
use super::slots::Slot;
use super::startup;
use crate::config::Limits;
use crate::identity::{Grant, Identity, TokenError};
use crate::listener::{self, Accepted, FatalError, Given, HandshakeError, HandshakeSettings};
use crate::pool::PoolMode;

/// A client that has logged in, and its server connection.
pub(super) struct Login {
    pub admitted: Admitted,
    pub server: ServerConnection,
}

/// A client that may log in.
pub(super) struct Admitted {
    pub identity: Identity,
    /// The certificate chain that it logs in with, its own first; empty if it logs in with a token.
    pub certificates: Vec<CertificateDer<'static>>,
    pub database: String,
    pub grant: Grant,
    pub slot: Slot,
    /// What was in force when it was admitted.
    pub access: Arc<Access>,
}

/// A client that could not log in.
pub(super) struct Rejection {
    /// The client's error; `None` if the client is gone.
    refusal: Option<FatalError>,
    /// The value of the metric's label.
    outcome: &'static str,
    /// The client's token or certificate did not pass a check.
    pub failed: bool,
    /// OAUTHBEARER requires a message of its own before the error.
    bearer: bool,
}

impl Rejection {
    pub(super) fn new(outcome: &'static str, refusal: FatalError) -> Self {
        Rejection {
            refusal: Some(refusal),
            outcome,
            failed: false,
            bearer: false,
        }
    }

    /// The client has left.
    pub(super) fn gone() -> Self {
        Rejection {
            refusal: None,
            outcome: "gone",
            failed: false,
            bearer: false,
        }
    }

    fn by_handshake(outcome: &'static str, error: &HandshakeError) -> Self {
        Rejection {
            refusal: error.fatal_error(),
            outcome,
            failed: false,
            bearer: false,
        }
    }

    /// Sends the error, and returns the outcome.
    pub async fn send(self, mut accepted: Accepted, handshake: &HandshakeSettings) -> &'static str {
        if self.bearer {
            let answered = accepted.reject_bearer(handshake);
            if !matches!(
                timeout(handshake.handshake_timeout, answered).await,
                Ok(Ok(()))
            ) {
                return self.outcome;
            }
        }
        if let Some(refusal) = &self.refusal {
            listener::refuse(accepted.stream, refusal).await;
        }
        self.outcome
    }
}

fn too_slow(limit: Duration, peer: &str) -> Rejection {
    let error = HandshakeError::AuthenticationTimeout(limit);
    tracing::info!(%error, %peer, "a client was refused");
    Rejection::by_handshake("authentication_timeout", &error)
}

impl Connections {
    /// Who the client is, and what it may connect to.
    pub(super) async fn admit(
        &self,
        accepted: &mut Accepted,
        handshake: &HandshakeSettings,
        limits: &Limits,
    ) -> Result<Admitted, Rejection> {
        let limit = handshake.authentication_timeout;
        let peer = accepted.peer.clone();
        match timeout(limit, self.admit_within_limit(accepted, handshake, limits)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(too_slow(limit, &peer)),
        }
    }

    async fn admit_within_limit(
        &self,
        accepted: &mut Accepted,
        handshake: &HandshakeSettings,
        limits: &Limits,
    ) -> Result<Admitted, Rejection> {
        if self.shutdown.borrow().is_some() {
            let refusal = FatalError::new("57P03", "the gateway is shutting down");
            return Err(Rejection::new("shutdown", refusal));
        }
        if let Some(refusal) = startup::refusal(&accepted.startup, self.settings.lock_role) {
            return Err(Rejection::new("startup_refused", refusal));
        }
        let certificates = accepted.stream.certificates();
        let identity = match certificates.is_empty() {
            true => self.identify(accepted, handshake).await?,
            false => self.identify_by_certificate(accepted, &certificates)?,
        };
        let database = accepted
            .startup
            .parameter("database")
            .or_else(|| accepted.startup.parameter("user"))
            .unwrap_or_default()
            .to_owned();
        let access = self.access();
        let grant = access.grants.resolve(&identity, &database).map_err(|error| {
            tracing::info!(subject = %identity.subject, %database, %error, "a client was refused");
            let refusal = FatalError::new(error.sqlstate(), error.client_text());
            Rejection::new("no_grant", refusal.with_hint(error.hint()))
        })?;
        let slot = self.slots.acquire(limits, &identity, &grant.database).map_err(|full| {
            tracing::warn!(subject = %identity.subject, %database, reason = %full, "a client was refused");
            Rejection::new("too_many", full.fatal_error())
        })?;
        Ok(Admitted {
            identity,
            certificates,
            database,
            grant,
            slot,
            access,
        })
    }

    /// The server connection of a client that was admitted.
    pub(super) async fn log_in(
        &self,
        accepted: &Accepted,
        admitted: Admitted,
        handshake: &HandshakeSettings,
        limits: &Limits,
    ) -> Result<Login, Rejection> {
        let waits = &admitted.grant.database.pool;
        let limit = match waits.mode {
            PoolMode::None => handshake.authentication_timeout,
            _ => handshake.authentication_timeout.saturating_add(waits.wait),
        };
        let connecting = self.connect_server(accepted, &admitted, limits);
        let server = match timeout(limit, connecting).await {
            Ok(outcome) => outcome?,
            Err(_) => return Err(too_slow(limit, &accepted.peer)),
        };
        Ok(Login { admitted, server })
    }

    /// Who the client is, by its TLS certificate. Then it is not asked for a token, and a certificate without an entry is
    /// not made good by one.
    fn identify_by_certificate(
        &self,
        accepted: &Accepted,
        chain: &[CertificateDer<'static>],
    ) -> Result<Identity, Rejection> {
        let certificates = &self.access().certificates;
        match certificates.identify(chain, SystemTime::now()) {
            Ok(identity) => {
                self.failures.succeeded(accepted.address);
                Ok(identity)
            }
            Err(error) => {
                tracing::info!(check = error.label(), peer = %accepted.peer, "a client certificate was refused");
                let refusal = FatalError::new("28000", error.to_string())
                    .with_hint("Connect with a token and without a client certificate, or ask the operator of the gateway.");
                Err(Rejection {
                    failed: true,
                    ..Rejection::new("certificate_refused", refusal)
                })
            }
        }
    }

    /// Who the client is, by its token.
    async fn identify(
        &self,
        accepted: &mut Accepted,
        handshake: &HandshakeSettings,
    ) -> Result<Identity, Rejection> {
        let given = accepted.ask_token(handshake).await.map_err(|error| {
            tracing::info!(%error, peer = %accepted.peer, "a client sent no token");
            Rejection::by_handshake("no_password", &error)
        })?;
        let access = self.access();
        let error = match access.verifier.verify(given.token().expose_secret()).await {
            Ok(identity) => {
                self.failures.succeeded(accepted.address);
                return Ok(identity);
            }
            Err(error) => error,
        };
        tracing::info!(check = error.label(), peer = %accepted.peer, "a token was refused");
        let hint = match &given {
            Given::Password(_) => "Give a token of a trusted issuer as the password.",
            Given::Bearer(_) => "Get a token of a trusted issuer.",
        };
        let refusal = FatalError::new(error.sqlstate(), error.client_text()).with_hint(hint);
        Err(Rejection {
            // An unavailable provider is not the client's failure.
            failed: error != TokenError::ProviderUnavailable,
            bearer: matches!(given, Given::Bearer(_)),
            ..Rejection::new("token_refused", refusal)
        })
    }
}
