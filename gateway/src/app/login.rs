//! From the startup message to a server that has let the gateway in for this client: password, token, grant, place, login
//! upstream. All of it within the authentication timeout.

use std::sync::Arc;
use std::time::SystemTime;

use secrecy::ExposeSecret;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::access::Access;
use super::connection::Connections;
use super::limits::{ConnectionLimits, Slot};
use super::startup;
use crate::identity::{Grant, Identity, TokenError};
use crate::listener::{self, Accepted, FatalError, Given, HandshakeError, HandshakeSettings};
use crate::upstream::{self, Connected};

/// Startup parameters that the gateway answers itself.
const OWN_PARAMETERS: [&str; 3] = ["user", "database", "replication"];

/// A client that was let in, and the way to its server.
pub(super) struct Login {
    pub identity: Identity,
    /// What it logged in with, its own first; empty where it did with a token.
    pub certificates: Vec<CertificateDer<'static>>,
    pub database: String,
    pub grant: Grant,
    pub connected: Connected,
    pub slot: Slot,
    /// By which the client was let in.
    pub access: Arc<Access>,
}

/// A client that was not let in.
pub(super) struct TurnedAway {
    /// What it is told; `None` where nobody listens.
    refusal: Option<FatalError>,
    /// A fixed word for metrics.
    outcome: &'static str,
    /// Who it says it is did not stand up to a check.
    pub failed: bool,
    /// It is owed the answer of OAUTHBEARER before the error.
    bearer: bool,
}

impl TurnedAway {
    fn new(outcome: &'static str, refusal: FatalError) -> Self {
        TurnedAway {
            refusal: Some(refusal),
            outcome,
            failed: false,
            bearer: false,
        }
    }

    fn by_handshake(outcome: &'static str, error: &HandshakeError) -> Self {
        TurnedAway {
            refusal: error.fatal_error(),
            outcome,
            failed: false,
            bearer: false,
        }
    }

    /// Tells the client, and returns the outcome.
    pub async fn tell(self, mut accepted: Accepted, handshake: &HandshakeSettings) -> &'static str {
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

impl Connections {
    pub(super) async fn log_in(
        &self,
        accepted: &mut Accepted,
        handshake: &HandshakeSettings,
        limits: &ConnectionLimits,
    ) -> Result<Login, TurnedAway> {
        let patience = handshake.authentication_timeout;
        let peer = accepted.peer.clone();
        match timeout(patience, self.log_in_patiently(accepted, handshake, limits)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let error = HandshakeError::AuthenticationTimeout(patience);
                tracing::info!(%error, %peer, "a client was turned away");
                Err(TurnedAway::by_handshake("authentication_timeout", &error))
            }
        }
    }

    async fn log_in_patiently(
        &self,
        accepted: &mut Accepted,
        handshake: &HandshakeSettings,
        limits: &ConnectionLimits,
    ) -> Result<Login, TurnedAway> {
        if self.shutdown.borrow().is_some() {
            let refusal = FatalError::new("57P03", "the gateway is shutting down");
            return Err(TurnedAway::new("shutdown", refusal));
        }
        if let Some(refusal) = startup::refusal(&accepted.startup, self.settings.lock_role) {
            return Err(TurnedAway::new("startup_refused", refusal));
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
            tracing::info!(subject = %identity.subject, %database, %error, "a client was turned away");
            let refusal = FatalError::new(error.sqlstate(), error.client_text());
            TurnedAway::new("no_grant", refusal.with_hint(error.hint()))
        })?;
        let slot = self.slots.acquire(limits, &identity, &grant.database).map_err(|full| {
            tracing::warn!(subject = %identity.subject, %database, reason = %full, "a client was turned away");
            TurnedAway::new("too_many", full.fatal_error())
        })?;
        let connected = upstream::connect(&grant.target, &passed_on(accepted))
            .await
            .map_err(|error| {
                tracing::warn!(%error, database = %grant.target.dbname, "no connection to the server");
                TurnedAway::new("upstream_refused", error.fatal_error())
            })?;
        Ok(Login {
            identity,
            certificates,
            database,
            grant,
            connected,
            slot,
            access,
        })
    }

    /// Who the client is, by the certificate that it gave in TLS. It is not asked for a token then, and one that stands for nobody
    /// cannot be made up for by one.
    fn identify_by_certificate(
        &self,
        accepted: &Accepted,
        chain: &[CertificateDer<'static>],
    ) -> Result<Identity, TurnedAway> {
        let certificates = &self.access().certificates;
        match certificates.identify(chain, SystemTime::now()) {
            Ok(identity) => {
                self.failures.succeeded(accepted.address);
                Ok(identity)
            }
            Err(error) => {
                tracing::info!(check = error.label(), peer = %accepted.peer, "a client certificate was refused");
                let refusal = FatalError::new("28000", error.to_string())
                    .with_hint("Ask the gateway's operator, or connect without a client certificate and with a token.");
                Err(TurnedAway {
                    failed: true,
                    ..TurnedAway::new("certificate_refused", refusal)
                })
            }
        }
    }

    /// Who the client is, by the token it gives as its password.
    async fn identify(
        &self,
        accepted: &mut Accepted,
        handshake: &HandshakeSettings,
    ) -> Result<Identity, TurnedAway> {
        let given = accepted.ask_token(handshake).await.map_err(|error| {
            tracing::info!(%error, peer = %accepted.peer, "a client gave no token");
            TurnedAway::by_handshake("no_password", &error)
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
        Err(TurnedAway {
            // A provider that is down is not the client's failure.
            failed: error != TokenError::ProviderUnavailable,
            bearer: matches!(given, Given::Bearer(_)),
            ..TurnedAway::new("token_refused", refusal)
        })
    }
}

/// The startup parameters that are the server's to read.
fn passed_on(accepted: &Accepted) -> Vec<(String, String)> {
    let parameters = accepted.startup.parameters.iter();
    parameters
        .filter(|(name, _)| !OWN_PARAMETERS.contains(&name.as_str()) && !name.starts_with("_pq_."))
        .cloned()
        .collect()
}
