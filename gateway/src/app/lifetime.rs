//! How long a session may last: until its token expires, until a reload removes what it was opened with, or until the
//! gateway stops.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::access::Access;
use crate::identity::{Grant, Identity, Place};
use crate::recording::Failure;
use crate::relay::Ending;

/// Clocks are set and machines sleep, so the time of day is read again this often.
const CLOCK_INTERVAL: Duration = Duration::from_secs(4);

/// What a session was opened with.
pub(super) struct SessionLifetime {
    identity: Identity,
    /// The name that the client used.
    database: String,
    place: Place,
    by: By,
    /// How long it lasts after its token's expiry, besides the grace: the issuer's clock skew, if the token was accepted
    /// only because of it.
    skew: Duration,
}

/// How the client logged in.
enum By {
    /// With the groups that the identity had from the configuration rather than its token.
    Token {
        given: Vec<String>,
    },
    Certificate(Vec<CertificateDer<'static>>),
}

impl SessionLifetime {
    /// `access` is where `grant` was found; `certificates` are the client's, empty if it logged in with a token.
    pub fn new(
        identity: Identity,
        certificates: Vec<CertificateDer<'static>>,
        database: String,
        grant: &Grant,
        access: &Access,
    ) -> Self {
        let given = || {
            let verifier = &access.verifier;
            verifier.given_groups(&identity.issuer, &identity.subject)
        };
        let by = match certificates.is_empty() {
            true => By::Token {
                given: given().to_vec(),
            },
            false => By::Certificate(certificates),
        };
        let skew = match identity.expires_at > SystemTime::now() {
            true => Duration::ZERO,
            false => access.verifier.clock_skew(&identity.issuer),
        };
        SessionLifetime {
            by,
            skew,
            place: grant.place(),
            identity,
            database,
        }
    }

    /// Completes when the session must end. `ended`: completes when somebody has ended it; `unrecorded`: when it cannot be recorded.
    pub async fn end(
        self,
        mut shutdown: watch::Receiver<Option<Ending>>,
        mut access: watch::Receiver<Arc<Access>>,
        ended: impl Future<Output = ()>,
        unrecorded: impl Future<Output = Failure>,
    ) -> Ending {
        let stopped = async move {
            match shutdown.wait_for(Option::is_some).await {
                Ok(ending) => ending.unwrap_or(Ending::Shutdown),
                // The sender is gone: the process is ending.
                Err(_) => Ending::Shutdown,
            }
        };
        let withdrawn = async move {
            loop {
                let now = Arc::clone(&access.borrow_and_update());
                if let Some(ending) = self.judged_by(&now) {
                    return ending;
                }
                tokio::select! {
                    changed = access.changed() => if changed.is_err() {
                        return Ending::Shutdown;
                    },
                    () = self.expired(now.token_grace) => return match self.by {
                        By::Token { .. } => Ending::TokenExpired,
                        By::Certificate(_) => Ending::CertificateExpired,
                    },
                }
            }
        };
        tokio::select! {
            ending = stopped => ending,
            ending = withdrawn => ending,
            () = ended => Ending::Administrator,
            failure = unrecorded => Ending::Unrecorded(failure),
        }
    }

    /// Completes once the token has been expired for `grace`.
    async fn expired(&self, grace: Duration) {
        // An end beyond what the clock can represent never comes.
        let grace = grace.saturating_add(self.skew);
        let end = self.identity.expires_at.checked_add(grace);
        loop {
            let left = end.map(|end| end.duration_since(SystemTime::now()));
            match left {
                Some(Err(_)) | Some(Ok(Duration::ZERO)) => return,
                Some(Ok(left)) => tokio::time::sleep(left.min(CLOCK_INTERVAL)).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Why the session must end under this access, if it must.
    fn judged_by(&self, access: &Access) -> Option<Ending> {
        let identity = match &self.by {
            By::Token { .. } if !access.verifier.trusts(&self.identity.issuer) => {
                return Some(Ending::IssuerRemoved);
            }
            By::Token { given } => self.with_groups_by(access, given),
            By::Certificate(chain) => {
                // `expired` handles the end of its validity.
                let now = SystemTime::now().min(self.identity.expires_at);
                match access.certificates.identify(chain, now) {
                    Ok(identity) => identity,
                    Err(_) => return Some(Ending::CertificateWithdrawn),
                }
            }
        };
        match access.grants.place(&identity, &self.database) {
            None => Some(Ending::GrantWithdrawn),
            Some(place) if place != self.place => Some(Ending::GrantChanged),
            Some(_) => None,
        }
    }

    /// The identity with the groups that it has from the configuration now. A group from both token and configuration
    /// counts as the configuration's.
    fn with_groups_by(&self, access: &Access, given: &[String]) -> Identity {
        let mut identity = self.identity.clone();
        let now = access
            .verifier
            .given_groups(&identity.issuer, &identity.subject);
        identity.groups.retain(|group| !given.contains(group));
        identity.groups.extend(now.iter().cloned());
        identity
    }
}
