//! Requests to the OpenID Connect provider, and validation of its responses.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet,
    EndpointSet, ErrorResponse, ErrorResponseType, ExtraTokenFields, HttpRequest, HttpResponse,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, StandardErrorResponse,
    StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{LoginError, LoginSettings, StoredLogin, TokenKind};
use crate::identity::{
    Algorithm, ClaimPath, ClaimPaths, HttpError, Identity, IssuerSettings, ProviderHttp, TokenPeek,
    Verifier,
};

/// Time limit for a request to the provider, including its response.
const TIMEOUT: Duration = Duration::from_secs(15);

pub(super) type ProviderTokenResponse = StandardTokenResponse<IdTokenField, BasicTokenType>;

/// The `oauth2` crate's client, with the token endpoint set.
pub(super) type Client = oauth2::Client<
    BasicErrorResponse,
    ProviderTokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The field that OpenID Connect adds to a token response. The claims are not deserialized here: providers deviate from
/// the standard types, and only the subject is used.
#[derive(Serialize, Deserialize)]
pub(super) struct IdTokenField {
    #[serde(default)]
    id_token: Option<String>,
}

impl ExtraTokenFields for IdTokenField {}

// Omits the token.
impl fmt::Debug for IdTokenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdTokenField")
    }
}

/// The required parts of a discovery document (OpenID Connect Discovery 1.0, RFC 8414, RFC 8628, RFC 9207).
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    jwks_uri: String,
    token_endpoint: String,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) device_authorization_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// A provider whose discovery document has been loaded.
pub(super) struct Provider {
    pub(super) settings: LoginSettings,
    pub(super) metadata: Metadata,
    pub(super) http: ProviderHttp,
    ca_pem: Option<Vec<u8>>,
}

/// The HTTP client for the `oauth2` crate.
pub(super) struct Sender(ProviderHttp);

impl<'c> AsyncHttpClient<'c> for Sender {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.0.call(request))
    }
}

impl Provider {
    pub(super) async fn discover(settings: LoginSettings) -> Result<Self, LoginError> {
        let ca_pem = match &settings.ca {
            Some(path) => Some(
                std::fs::read(path).map_err(|source| LoginError::Certificates {
                    path: path.clone(),
                    source,
                })?,
            ),
            None => None,
        };
        Self::with_authorities(settings, ca_pem).await
    }

    /// `ca_pem` holds the CAs for the provider's certificate, in place of the system's.
    pub(super) async fn with_authorities(
        settings: LoginSettings,
        ca_pem: Option<Vec<u8>>,
    ) -> Result<Self, LoginError> {
        let http = ProviderHttp::new(&settings.issuer, ca_pem.as_deref(), TIMEOUT)?;
        let metadata = discover(&http, &settings.issuer).await?;
        let endpoints = [
            ("token", Some(&metadata.token_endpoint)),
            ("key set", Some(&metadata.jwks_uri)),
            ("authorization", metadata.authorization_endpoint.as_ref()),
            (
                "device authorization",
                metadata.device_authorization_endpoint.as_ref(),
            ),
            ("revocation", metadata.revocation_endpoint.as_ref()),
        ];
        for (endpoint, url) in endpoints {
            if let Some(url) = url.filter(|url| !http.may_reach(url)) {
                let url = url.clone();
                return Err(LoginError::Endpoint { endpoint, url });
            }
        }
        Ok(Self {
            settings,
            metadata,
            http,
            ca_pem,
        })
    }

    /// The scopes to request. They include `openid` if the ID token is used.
    pub(super) fn scopes(&self) -> Vec<String> {
        let mut scopes = self.settings.scopes.clone();
        if scopes.is_empty() {
            let supported = |scope: &&str| {
                self.metadata
                    .scopes_supported
                    .iter()
                    .any(|known| known == scope)
            };
            scopes.push("openid".to_owned());
            scopes.extend(Some("offline_access").filter(supported).map(str::to_owned));
        }
        if self.settings.token == TokenKind::Id && !scopes.iter().any(|scope| scope == "openid") {
            scopes.insert(0, "openid".to_owned());
        }
        scopes
    }

    /// The parameters that select the audience of the access token.
    pub(super) fn audience_parameters(&self) -> impl Iterator<Item = (&'static str, String)> {
        let audience = self.settings.audience.clone();
        let audience = audience.map(|value| ("audience", value));
        audience.into_iter().chain(self.resource())
    }

    /// The `resource` parameter (RFC 8707), which is also sent to the token endpoint.
    fn resource(&self) -> Option<(&'static str, String)> {
        let resource = self.settings.resource.clone();
        resource.map(|value| ("resource", value))
    }

    pub(super) fn client(&self) -> Result<Client, LoginError> {
        let token_url =
            TokenUrl::new(self.metadata.token_endpoint.clone()).map_err(invalid_response)?;
        let mut client = oauth2::Client::new(ClientId::new(self.settings.client_id.clone()))
            .set_token_uri(token_url);
        if let Some(secret) = &self.settings.client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        Ok(client.set_auth_type(match self.wants_basic() {
            true => AuthType::BasicAuth,
            false => AuthType::RequestBody,
        }))
    }

    /// Whether the client authenticates with HTTP Basic, which is the default (OpenID Connect Discovery 1.0, section
    /// 3).
    pub(super) fn wants_basic(&self) -> bool {
        match &self.metadata.token_endpoint_auth_methods_supported {
            Some(methods) => methods.iter().any(|method| method == "client_secret_basic"),
            None => true,
        }
    }

    pub(super) fn sender(&self) -> Sender {
        Sender(self.http.clone())
    }

    /// Exchanges an authorization code for tokens.
    pub(super) async fn exchange_code(
        &self,
        code: String,
        verifier: PkceCodeVerifier,
        redirect: RedirectUrl,
        nonce: &str,
    ) -> Result<StoredLogin, LoginError> {
        let response = self.redeem(code, verifier, redirect).await?;
        self.check_response(&response, Some(nonce)).await
    }

    /// Exchanges an authorization code for an ID token, which is not verified.
    pub(super) async fn id_token(
        &self,
        code: String,
        verifier: PkceCodeVerifier,
        redirect: RedirectUrl,
    ) -> Result<SecretString, LoginError> {
        let response = self.redeem(code, verifier, redirect).await?;
        let token = response.extra_fields().id_token.as_deref();
        token.map(SecretString::from).ok_or(LoginError::NoIdToken)
    }

    async fn redeem(
        &self,
        code: String,
        verifier: PkceCodeVerifier,
        redirect: RedirectUrl,
    ) -> Result<ProviderTokenResponse, LoginError> {
        let client = self.client()?.set_redirect_uri(redirect);
        let mut request = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(verifier);
        if let Some((name, value)) = self.resource() {
            request = request.add_extra_param(name, value);
        }
        let response = request.request_async(&self.sender()).await;
        response.map_err(token_error)
    }

    /// Renews a login with its refresh token. Values that the provider omits are unchanged.
    pub(super) async fn renew(
        &self,
        login: &StoredLogin,
        refresh_token: &SecretString,
    ) -> Result<StoredLogin, LoginError> {
        let client = self.client()?;
        let refresh = RefreshToken::new(refresh_token.expose_secret().to_owned());
        let mut request = client.exchange_refresh_token(&refresh);
        if let Some((name, value)) = self.resource() {
            request = request.add_extra_param(name, value);
        }
        let response = request
            .request_async(&self.sender())
            .await
            .map_err(token_error)?;
        let renewed = self.check_response(&response, None).await?;
        // The subject must not change (OpenID Connect Core 1.0, section 12.2).
        if login.subject.is_some() && renewed.subject.is_some() && login.subject != renewed.subject
        {
            return Err(LoginError::OtherSubject);
        }
        Ok(StoredLogin {
            subject: renewed.subject.clone().or_else(|| login.subject.clone()),
            refresh_token: renewed
                .refresh_token
                .clone()
                .or_else(|| login.refresh_token.clone()),
            ..renewed
        })
    }

    /// Validates a token response and selects the configured token.
    pub(super) async fn check_response(
        &self,
        response: &ProviderTokenResponse,
        nonce: Option<&str>,
    ) -> Result<StoredLogin, LoginError> {
        let now = SystemTime::now();
        let id_token = response.extra_fields().id_token.as_deref();
        let identity = match id_token {
            Some(token) => Some(self.verify_id_token(token, nonce).await?),
            None => None,
        };
        let (token, expires_at) = match self.settings.token {
            TokenKind::Id => {
                let identity = identity.as_ref().ok_or(LoginError::NoIdToken)?;
                (id_token.unwrap_or_default(), identity.expires_at)
            }
            TokenKind::Access => {
                let token = response.access_token().secret().as_str();
                let peek = TokenPeek::of(token).map_err(LoginError::OpaqueAccessToken)?;
                (token, peek.expires_at.ok_or(LoginError::NoExpiry)?)
            }
        };
        Ok(StoredLogin {
            settings: self.settings.clone(),
            token: token.into(),
            subject: identity.map(|identity| identity.subject),
            obtained_at: now,
            expires_at,
            refresh_token: response
                .refresh_token()
                .map(|token| token.secret().as_str().into()),
        })
    }

    /// Verifies an ID token as a gateway would, with this client as the audience, and checks its nonce.
    async fn verify_id_token(
        &self,
        token: &str,
        nonce: Option<&str>,
    ) -> Result<Identity, LoginError> {
        let audience = vec![self.settings.client_id.clone()];
        let mut issuer = IssuerSettings::new(self.settings.issuer.clone(), audience);
        issuer.algorithms = Algorithm::ALL.to_vec();
        issuer.clock_skew = Duration::from_secs(300);
        issuer.claims = claims().map_err(invalid_response)?;
        issuer.ca_pem = self.ca_pem.clone();
        issuer.jwks_url = Some(self.metadata.jwks_uri.clone());
        issuer.keys.timeout = TIMEOUT;
        let verifier = Verifier::new(vec![issuer]).await?;
        let identity = verifier.verify(token).await.map_err(LoginError::IdToken)?;
        let found = identity
            .attributes
            .iter()
            .find(|(name, _)| name == "nonce")
            .map(|(_, value)| value.as_str());
        match nonce.is_none() || found == nonce {
            true => Ok(identity),
            false => Err(LoginError::Nonce),
        }
    }
}

/// Only the subject and the nonce. Which other claims matter depends on the gateway's configuration.
fn claims() -> Result<ClaimPaths, crate::identity::ClaimPathError> {
    let none = ClaimPath::parse("/urn:gatewright:no-such-claim")?;
    Ok(ClaimPaths {
        groups: none.clone(),
        agent: none.clone(),
        task: none,
        attributes: BTreeMap::from([("nonce".to_owned(), ClaimPath::parse("/nonce")?)]),
        ..ClaimPaths::default()
    })
}

async fn discover(http: &ProviderHttp, issuer: &str) -> Result<Metadata, LoginError> {
    let url = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let request = openidconnect::http::Request::get(&url)
        .header("accept", "application/json")
        .body(Vec::new())
        .map_err(HttpError::from)?;
    let response = http.call(request).await?;
    if response.status() != openidconnect::http::StatusCode::OK {
        return Err(LoginError::Discovery {
            status: response.status().as_u16(),
            issuer: issuer.to_owned(),
            url,
        });
    }
    let metadata: Metadata = serde_json::from_slice(response.body())
        .map_err(|source| LoginError::Document { url, source })?;
    // The issuer must be identical (OpenID Connect Discovery 1.0, section 4.3).
    match metadata.issuer == issuer {
        true => Ok(metadata),
        false => Err(LoginError::OtherIssuer {
            issuer: issuer.to_owned(),
            found: printable(&metadata.issuer),
        }),
    }
}

/// Converts an error of the token or device authorization endpoint.
pub(super) fn token_error<T: ErrorResponseType + fmt::Display + 'static>(
    error: RequestTokenError<HttpError, StandardErrorResponse<T>>,
) -> LoginError
where
    StandardErrorResponse<T>: ErrorResponse,
{
    match error {
        RequestTokenError::ServerResponse(response) => LoginError::Refused {
            code: printable(&response.error().to_string()),
            description: response.error_description().map(|text| printable(text)),
        },
        RequestTokenError::Request(error) => LoginError::Http(error),
        // Omits the body, which may contain a token.
        RequestTokenError::Parse(error, _) => LoginError::InvalidResponse {
            reason: printable(&error.to_string()),
        },
        RequestTokenError::Other(reason) => LoginError::InvalidResponse {
            reason: printable(&reason),
        },
    }
}

pub(super) fn invalid_response(error: impl fmt::Display) -> LoginError {
    LoginError::InvalidResponse {
        reason: printable(&error.to_string()),
    }
}

/// Makes text from a provider safe for a terminal: without control characters, and limited in length.
pub(super) fn printable(text: &str) -> String {
    let mut text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    text.truncate(text.floor_char_boundary(2000));
    text
}
