//! The provider at which people log in, and what its ID tokens say of them.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::sessions::Limits;
use crate::identity::{
    ClaimPath, ClaimPathError, Identity, IssuerSettings, TokenError, Verifier, VerifierError,
};
use crate::login::{LoginError, WebClient, WebLogin};

/// How long a discovery document is used.
const DISCOVERED: Duration = Duration::from_secs(300);

/// Claims that are compared, under names that no configuration gives to an attribute by accident.
const NONCE: &str = "gatewright console: nonce";
const PARTY: &str = "gatewright console: azp";

/// How people log in. A reload of the configuration replaces it.
#[derive(Debug, Clone)]
pub struct ConsoleLogin {
    /// Where browsers reach the console, without a slash at its end.
    pub url: String,
    pub issuer: IssuerSettings,
    /// The audience of the console's ID tokens.
    pub client_id: String,
    pub client_secret: Option<SecretString>,
    pub scopes: Vec<String>,
    /// The groups whose members see sessions and policies, and end sessions.
    pub admins: Vec<String>,
    /// How long somebody stays logged in who opens no page.
    pub idle: Duration,
    /// How long anybody stays logged in.
    pub lifetime: Duration,
}

/// Nobody could log in with these settings.
#[derive(Debug, Error)]
pub enum ConsoleLoginError {
    #[error("the console's logins: {0}")]
    Verifier(#[from] VerifierError),
    #[error("the console's logins: {0}")]
    Claim(#[from] ClaimPathError),
}

/// A login did not end with an identity.
#[derive(Debug, Error)]
pub(super) enum NoIdentity {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("the ID token is not the one of this login")]
    Nonce,
    #[error("the ID token was issued to another client")]
    Party,
}

/// The settings in force, with what belongs to them.
pub(super) struct Provider {
    pub settings: ConsoleLogin,
    verifier: Verifier,
    discovered: Mutex<Option<(Instant, Arc<WebLogin>)>>,
}

impl Provider {
    /// Its keys are fetched in the background.
    pub async fn new(settings: ConsoleLogin) -> Result<Self, ConsoleLoginError> {
        // An ID token for the console opens no database, and a token for a database opens no console.
        let mut issuer = settings.issuer.clone();
        issuer.audiences = vec![settings.client_id.clone()];
        let attributes = &mut issuer.claims.attributes;
        attributes.insert(NONCE.to_owned(), ClaimPath::parse("/nonce")?);
        attributes.insert(PARTY.to_owned(), ClaimPath::parse("/azp")?);
        Ok(Provider {
            verifier: Verifier::new(vec![issuer]).await?,
            settings,
            discovered: Mutex::default(),
        })
    }

    pub fn limits(&self) -> Limits {
        Limits {
            idle: self.settings.idle,
            lifetime: self.settings.lifetime,
        }
    }

    /// Whether sessions that began under `other` go on.
    pub fn continues(&self, other: &Provider) -> bool {
        let (ours, theirs) = (&self.settings, &other.settings);
        ours.issuer == theirs.issuer && ours.client_id == theirs.client_id && ours.url == theirs.url
    }

    /// The provider's endpoints. Asked for once in a while, however many logins begin.
    pub async fn login(&self) -> Result<Arc<WebLogin>, LoginError> {
        let mut discovered = self.discovered.lock().await;
        if let Some((at, login)) = &*discovered
            && at.elapsed() < DISCOVERED
        {
            return Ok(Arc::clone(login));
        }
        let settings = &self.settings;
        let client = WebClient {
            client_id: settings.client_id.clone(),
            client_secret: settings.client_secret.clone(),
            scopes: settings.scopes.clone(),
            redirect_uri: format!("{}/callback", settings.url),
        };
        let login = Arc::new(WebLogin::discover(&settings.issuer, client).await?);
        *discovered = Some((Instant::now(), Arc::clone(&login)));
        Ok(login)
    }

    /// Who an ID token is about (OpenID Connect Core 1.0, section 3.1.3.7).
    pub async fn identity(
        &self,
        token: &SecretString,
        nonce: &str,
    ) -> Result<Identity, NoIdentity> {
        let mut identity = self.verifier.verify(token.expose_secret()).await?;
        let claim = |name: &str| {
            let attributes = identity.attributes.iter();
            let mut values = attributes.filter(|(known, _)| known == name);
            values.next().map(|(_, value)| value.as_str())
        };
        let same =
            claim(NONCE).is_some_and(|given| given.as_bytes().ct_eq(nonce.as_bytes()).into());
        if !same {
            return Err(NoIdentity::Nonce);
        }
        if claim(PARTY).is_some_and(|party| party != self.settings.client_id) {
            return Err(NoIdentity::Party);
        }
        identity
            .attributes
            .retain(|(name, _)| name != NONCE && name != PARTY);
        Ok(identity)
    }
}
