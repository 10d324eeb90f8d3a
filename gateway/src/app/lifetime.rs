//! How long a session may last: until its token expires, until a reload takes away what opened it, or until the gateway
//! stops.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::access::Access;
use crate::identity::{Grant, Identity, Place};
use crate::relay::Ending;

/// Clocks are set and machines sleep; so the time of day is looked at again this often.
const LOOK_AGAIN: Duration = Duration::from_secs(4);

/// What opened a session.
pub(super) struct SessionLifetime {
    identity: Identity,
    /// What the client asked for.
    database: String,
    place: Place,
    by: By,
    /// How long after its token's expiry it lasts, besides the grace: the skew of the issuer's clock, where that is what let the token in.
    skew: Duration,
}

/// What it was opened with.
enum By {
    /// With the groups that the configuration gave the identity, as opposed to its token.
    Token {
        given: Vec<String>,
    },
    Certificate(Vec<CertificateDer<'static>>),
}

impl SessionLifetime {
    /// `access` is what `grant` was found in.
    /// `certificates` are the client's, empty where it has a token.
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

    /// Completes when the session must end.
    pub async fn end(
        self,
        mut shutdown: watch::Receiver<Option<Ending>>,
        mut access: watch::Receiver<Arc<Access>>,
    ) -> Ending {
        let told = async move {
            match shutdown.wait_for(Option::is_some).await {
                Ok(ending) => ending.unwrap_or(Ending::Shutdown),
                // Nobody is left who could tell: the process is ending.
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
            ending = told => ending,
            ending = withdrawn => ending,
        }
    }

    /// Completes once the token has been expired for `grace`.
    async fn expired(&self, grace: Duration) {
        // An end that no clock can show never comes.
        let grace = grace.saturating_add(self.skew);
        let end = self.identity.expires_at.checked_add(grace);
        loop {
            let left = end.map(|end| end.duration_since(SystemTime::now()));
            match left {
                Some(Err(_)) | Some(Ok(Duration::ZERO)) => return,
                Some(Ok(left)) => tokio::time::sleep(left.min(LOOK_AGAIN)).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Why the session must end by what holds now.
    fn judged_by(&self, access: &Access) -> Option<Ending> {
        let identity = match &self.by {
            By::Token { .. } if !access.verifier.trusts(&self.identity.issuer) => {
                return Some(Ending::IssuerRemoved);
            }
            By::Token { given } => self.with_groups_by(access, given),
            By::Certificate(chain) => {
                // Its end is the business of `expired`.
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

    /// The identity with the groups that the configuration gives it now. A group that token and configuration both named is
    /// taken for the configuration's.
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
