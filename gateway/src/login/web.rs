//! Authorization code with PKCE, for a web application whose pages this process serves (OpenID Connect Core 1.0, section 3.1).

use std::collections::HashMap;

use oauth2::{PkceCodeVerifier, RedirectUrl};
use secrecy::{ExposeSecret, SecretString};

use super::browser::{authorization_request, code};
use super::provider::{Provider, invalid_response};
use super::{LoginError, LoginSettings};
use crate::identity::IssuerSettings;

/// The application, as the provider knows it.
#[derive(Clone, Debug)]
pub struct WebClient {
    pub client_id: String,
    /// `None`: a public client.
    pub client_secret: Option<SecretString>,
    pub scopes: Vec<String>,
    /// Where the provider sends browsers back to.
    pub redirect_uri: String,
}

/// A provider whose discovery document has been loaded.
pub struct WebLogin {
    provider: Provider,
    redirect: RedirectUrl,
}

/// What a browser is sent to the provider with, and what its answer is checked against.
pub struct WebRequest {
    pub url: String,
    /// Comes back as the parameter `state` (RFC 6749, section 10.12).
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Redeems the code (RFC 7636). Only whoever began the login may have it.
    pub verifier: SecretString,
}

impl WebLogin {
    /// Loads the discovery document of the issuer.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn discover(issuer: &IssuerSettings, client: WebClient) -> Result<Self, LoginError> {
        let redirect = RedirectUrl::new(client.redirect_uri).map_err(invalid_response)?;
        let mut settings = LoginSettings::new(issuer.url.clone(), client.client_id);
        settings.client_secret = client.client_secret;
        settings.scopes = client.scopes;
        let provider = Provider::with_authorities(settings, issuer.ca_pem.clone()).await?;
        Ok(WebLogin { provider, redirect })
    }

    /// A new login.
    ///
    /// # Errors
    /// The provider has no authorization endpoint.
    pub fn begin(&self) -> Result<WebRequest, LoginError> {
        let request = authorization_request(&self.provider, &self.redirect)?;
        Ok(WebRequest {
            url: request.url,
            state: request.state.into_secret(),
            nonce: request.nonce,
            verifier: request.verifier.into_secret().into(),
        })
    }

    /// Redeems the code in the parameters of the redirect. The caller has compared their `state`, and verifies the ID token and
    /// its nonce.
    ///
    /// # Errors
    /// The provider refused the login, or the parameters come from another one (RFC 9207).
    pub async fn redeem(
        &self,
        parameters: &HashMap<String, String>,
        verifier: &SecretString,
    ) -> Result<SecretString, LoginError> {
        let code = code(&self.provider, parameters)?;
        let verifier = PkceCodeVerifier::new(verifier.expose_secret().to_owned());
        let redirect = self.redirect.clone();
        self.provider.id_token(code, verifier, redirect).await
    }
}
