//! Login with a browser.

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::url::Url;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;

type Parameters = HashMap<String, String>;

/// A login that is waiting for the redirect.
struct Attempt {
    provider: FakeProvider,
    directory: Directory,
    /// The parameters of the authorization request.
    parameters: Parameters,
    outcome: JoinHandle<Result<StoredLogin, LoginError>>,
}

impl Attempt {
    async fn new() -> Self {
        let provider = FakeProvider::start().await;
        let settings = provider.settings();
        Self::with(provider, settings).await
    }

    async fn with(provider: FakeProvider, settings: LoginSettings) -> Self {
        let directory = Directory::new();
        let store = directory.store.clone();
        let (shown, mut showing) = mpsc::unbounded_channel();
        let outcome = tokio::spawn(async move {
            let show = move |prompt| shown.send(prompt).expect("the prompt is received");
            let flow = LoginFlow::Browser(Browser::Manual);
            log_in(&store, &name("work"), settings, flow, show).await
        });
        let Some(Prompt::OpenUrl { url, opened: false }) = showing.recv().await else {
            panic!("no URL: {:?}", outcome.await);
        };
        let url = Url::parse(&url).expect("a URL");
        assert!(
            url.as_str()
                .starts_with(&format!("{}/authorize?", provider.url))
        );
        Self {
            provider,
            directory,
            parameters: url.query_pairs().into_owned().collect(),
            outcome,
        }
    }

    fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// Makes the token endpoint return an ID token with this login's nonce.
    fn grant(&self) {
        let claims = json!({"nonce": self.parameter("nonce")});
        let granted = self.provider.granted(3600, claims, Some("refresh-1"));
        self.provider.answer(200, granted);
    }

    /// Redirects the browser with these parameters, and returns the status and the page.
    async fn redirect(&self, parameters: &[(&str, &str)]) -> (u16, String) {
        let mut url = Url::parse(self.parameter("redirect_uri")).expect("a redirect");
        url.query_pairs_mut().extend_pairs(parameters);
        let client = reqwest::Client::builder().no_proxy().build();
        let answer = client.expect("a client").get(url).send().await;
        let answer = answer.expect("a page");
        let header = |name: &str| {
            let value = answer
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert!(header("content-security-policy").contains("default-src 'none'"));
        (
            answer.status().as_u16(),
            answer.text().await.expect("a page"),
        )
    }

    async fn redirect_with_code(&self) -> (u16, String) {
        let state = self.parameter("state").to_owned();
        self.redirect(&[("code", "the-code"), ("state", &state)])
            .await
    }

    /// The error of the login, which must not have stored anything.
    async fn error(self) -> LoginError {
        let Self {
            directory, outcome, ..
        } = self;
        let error = outcome.await.expect("an outcome").expect_err("an error");
        assert!(
            directory
                .store
                .load(&name("work"))
                .expect("a store")
                .is_none()
        );
        error
    }
}

#[tokio::test]
async fn the_code_is_bound_to_this_login_by_pkce_and_nonce() {
    let attempt = Attempt::new().await;
    assert_eq!(attempt.parameter("response_type"), "code");
    assert_eq!(attempt.parameter("client_id"), provider::CLIENT);
    assert_eq!(attempt.parameter("code_challenge_method"), "S256");
    assert_eq!(attempt.parameter("scope"), "openid offline_access");
    assert_eq!(attempt.parameter("prompt"), "consent");
    attempt.grant();
    let (status, page) = attempt.redirect_with_code().await;
    assert_eq!(status, 200);
    assert!(
        page.contains("You are logged in") && page.contains("ada"),
        "{page}"
    );

    let requests = attempt.provider.requests();
    let redeemed = requests.first().expect("a request");
    assert_eq!(redeemed["grant_type"], "authorization_code");
    assert_eq!(redeemed["code"], "the-code");
    assert_eq!(redeemed["redirect_uri"], attempt.parameter("redirect_uri"));
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&redeemed["code_verifier"]));
    assert_eq!(challenge, attempt.parameter("code_challenge"));

    let login = attempt.outcome.await.expect("an outcome").expect("a login");
    assert_eq!(login.subject.as_deref(), Some("ada"));
    let kept = attempt
        .directory
        .store
        .load(&name("work"))
        .expect("a store");
    let kept = kept.expect("a login");
    assert_eq!(kept.token.expose_secret(), login.token.expose_secret());
    assert!(login.token.expose_secret().starts_with("eyJ"));
}

#[tokio::test]
async fn requests_without_the_right_state_are_ignored() {
    let attempt = Attempt::new().await;
    attempt.grant();
    for parameters in [
        &[("code", "stolen"), ("state", "guessed")][..],
        &[("code", "stolen")],
        &[("error", "access_denied"), ("state", "")],
    ] {
        let (status, page) = attempt.redirect(parameters).await;
        assert_eq!(status, 400, "{page}");
    }
    assert!(
        attempt.provider.requests().is_empty(),
        "no code was exchanged"
    );
    let (status, _) = attempt.redirect_with_code().await;
    assert_eq!(status, 200);
    assert!(attempt.outcome.await.expect("an outcome").is_ok());
}

#[tokio::test]
async fn errors_from_the_provider_are_reported() {
    let attempt = Attempt::new().await;
    let state = attempt.parameter("state").to_owned();
    let refusal = [
        ("error", "access_denied"),
        ("error_description", "<b>not</b> you\u{1b}[31m"),
        ("state", &state),
    ];
    let (_, page) = attempt.redirect(&refusal).await;
    assert!(page.contains("You are not logged in"), "{page}");
    assert!(page.contains("&lt;b&gt;not"), "{page}");
    let error = attempt.error().await.to_string();
    assert_eq!(
        error,
        "the provider returned an error: access_denied (<b>not</b> you [31m)"
    );

    let attempt = Attempt::new().await;
    attempt.provider.answer(
        400,
        json!({"error": "invalid_grant", "error_description": "used up"}),
    );
    attempt.redirect_with_code().await;
    let error = attempt.error().await.to_string();
    assert_eq!(
        error,
        "the provider returned an error: invalid_grant (used up)"
    );
}

#[tokio::test]
async fn id_tokens_with_wrong_claims_are_rejected() {
    for (claims, nonce_is_wrong) in [
        (json!({"nonce": "another"}), true),
        (json!({"nonce": null}), true),
        (json!({"aud": "another"}), false),
        (json!({"exp": 1}), false),
        (json!({"iss": "https://another.example.com"}), false),
    ] {
        let attempt = Attempt::new().await;
        let mut all = json!({"nonce": attempt.parameter("nonce")});
        for (name, value) in claims.as_object().expect("claims") {
            all[name] = value.clone();
        }
        let granted = attempt.provider.granted(3600, all, None);
        attempt.provider.answer(200, granted);
        let (_, page) = attempt.redirect_with_code().await;
        assert!(page.contains("You are not logged in"), "{claims}");
        match attempt.error().await {
            LoginError::Nonce if nonce_is_wrong => {}
            LoginError::IdToken(_) if !nonce_is_wrong => {}
            other => panic!("{claims}: {other}"),
        }
    }
}

#[tokio::test]
async fn responses_from_other_issuers_are_rejected() {
    for (required, issuer) in [(false, Some("https://evil.example.com")), (true, None)] {
        let provider = FakeProvider::start().await;
        provider.publish(
            "authorization_response_iss_parameter_supported",
            json!(required),
        );
        let settings = provider.settings();
        let attempt = Attempt::with(provider, settings).await;
        let state = attempt.parameter("state").to_owned();
        let mut parameters = vec![("code", "the-code"), ("state", &state)];
        parameters.extend(issuer.map(|issuer| ("iss", issuer)));
        attempt.redirect(&parameters).await;
        assert!(
            attempt.provider.requests().is_empty(),
            "no code was exchanged"
        );
        let error = attempt.error().await;
        assert!(matches!(error, LoginError::WrongIssuer { .. }), "{error}");
    }
}

#[tokio::test]
async fn access_tokens_must_be_signed() {
    for opaque in [false, true] {
        let provider = FakeProvider::start().await;
        let settings = LoginSettings {
            resource: Some("urn:gateway".to_owned()),
            token: TokenKind::Access,
            ..provider.settings()
        };
        let attempt = Attempt::with(provider, settings).await;
        assert_eq!(attempt.parameter("resource"), "urn:gateway");
        let nonce = attempt.parameter("nonce").to_owned();
        let mut granted = attempt.provider.granted(60, json!({"nonce": nonce}), None);
        let token = attempt.provider.id_token(60, json!({"aud": "urn:gateway"}));
        if !opaque {
            granted["access_token"] = json!(token);
        }
        attempt.provider.answer(200, granted);
        attempt.redirect_with_code().await;
        assert_eq!(attempt.provider.requests()[0]["resource"], "urn:gateway");
        if opaque {
            let error = attempt.error().await;
            assert!(matches!(error, LoginError::OpaqueAccessToken(_)), "{error}");
        } else {
            let login = attempt.outcome.await.expect("an outcome").expect("a login");
            assert_eq!(login.token.expose_secret(), token);
            assert!(login.refresh_token.is_none());
        }
    }
}

#[tokio::test]
async fn insecure_endpoints_and_other_issuers_are_rejected() {
    for (key, value) in [
        ("issuer", "http://127.0.0.1:1"),
        ("token_endpoint", "http://id.example.com/token"),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("jwks_uri", "file:///etc/keys"),
    ] {
        let provider = FakeProvider::start().await;
        provider.publish(key, json!(value));
        let flow = LoginFlow::Browser(Browser::Manual);
        let (directory, work) = (Directory::new(), name("work"));
        let outcome = log_in(
            &directory.store,
            &work,
            provider.settings(),
            flow,
            |prompt| {
                panic!("{prompt:?}");
            },
        );
        let error = outcome.await.expect_err(key);
        assert!(
            matches!(
                error,
                LoginError::Endpoint { .. } | LoginError::OtherIssuer { .. }
            ),
            "{key}: {error}"
        );
    }
}

#[tokio::test]
async fn a_login_fails_at_once_if_the_token_could_not_be_stored() {
    let (directory, work, provider) = (Directory::new(), name("work"), FakeProvider::start().await);
    std::fs::create_dir_all(directory.path("")).expect("a directory");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory.path(""), open).expect("a mode");
    let flow = LoginFlow::Browser(Browser::Manual);
    let outcome = log_in(
        &directory.store,
        &work,
        provider.settings(),
        flow,
        |prompt| {
            panic!("{prompt:?}");
        },
    );
    let error = outcome.await.expect_err("exposed");
    assert!(matches!(error, LoginError::Exposed { .. }), "{error}");
}
