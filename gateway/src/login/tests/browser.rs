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

/// A login that waits for its browser.
struct Begun {
    provider: FakeProvider,
    folder: Folder,
    /// What the browser was sent to the provider with.
    asked: Parameters,
    outcome: JoinHandle<Result<Held, LoginError>>,
}

impl Begun {
    async fn new() -> Self {
        let provider = FakeProvider::start().await;
        let settings = provider.settings();
        Self::with(provider, settings).await
    }

    async fn with(provider: FakeProvider, settings: LoginSettings) -> Self {
        let folder = Folder::new();
        let store = folder.store.clone();
        let (shown, mut showing) = mpsc::unbounded_channel();
        let outcome = tokio::spawn(async move {
            let show = move |prompt| shown.send(prompt).expect("somebody looks");
            let way = Way::Browser(Browser::Leave);
            log_in(&store, &name("work"), settings, way, show).await
        });
        let Some(Prompt::Visit { url, opened: false }) = showing.recv().await else {
            panic!("no address: {:?}", outcome.await);
        };
        let url = Url::parse(&url).expect("an address");
        assert!(
            url.as_str()
                .starts_with(&format!("{}/authorize?", provider.url))
        );
        Self {
            provider,
            folder,
            asked: url.query_pairs().into_owned().collect(),
            outcome,
        }
    }

    fn asked(&self, name: &str) -> &str {
        self.asked.get(name).map_or("", String::as_str)
    }

    /// The token endpoint gives an ID token with this login's nonce.
    fn grants(&self) {
        let claims = json!({"nonce": self.asked("nonce")});
        let granted = self.provider.granted(3600, claims, Some("refresh-1"));
        self.provider.answer(200, granted);
    }

    /// The browser comes back with these: status and page.
    async fn returns(&self, parameters: &[(&str, &str)]) -> (u16, String) {
        let mut url = Url::parse(self.asked("redirect_uri")).expect("a redirect");
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

    async fn returns_with_code(&self) -> (u16, String) {
        let state = self.asked("state").to_owned();
        self.returns(&[("code", "the-code"), ("state", &state)])
            .await
    }

    async fn fails(self) -> LoginError {
        let Self {
            folder, outcome, ..
        } = self;
        let error = outcome.await.expect("an outcome").expect_err("an error");
        assert!(folder.store.load(&name("work")).expect("a store").is_none());
        error
    }
}

#[tokio::test]
async fn the_browser_brings_a_code_that_only_this_login_can_use() {
    let begun = Begun::new().await;
    assert_eq!(begun.asked("response_type"), "code");
    assert_eq!(begun.asked("client_id"), provider::CLIENT);
    assert_eq!(begun.asked("code_challenge_method"), "S256");
    assert_eq!(begun.asked("scope"), "openid offline_access");
    assert_eq!(begun.asked("prompt"), "consent");
    begun.grants();
    let (status, page) = begun.returns_with_code().await;
    assert_eq!(status, 200);
    assert!(
        page.contains("You are logged in") && page.contains("ada"),
        "{page}"
    );

    let asked = begun.provider.asked();
    let redeemed = asked.first().expect("a request");
    assert_eq!(redeemed["grant_type"], "authorization_code");
    assert_eq!(redeemed["code"], "the-code");
    assert_eq!(redeemed["redirect_uri"], begun.asked("redirect_uri"));
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&redeemed["code_verifier"]));
    assert_eq!(challenge, begun.asked("code_challenge"));

    let held = begun.outcome.await.expect("an outcome").expect("a login");
    assert_eq!(held.subject.as_deref(), Some("ada"));
    let kept = begun.folder.store.load(&name("work")).expect("a store");
    let kept = kept.expect("a login");
    assert_eq!(kept.token.expose_secret(), held.token.expose_secret());
    assert!(held.token.expose_secret().starts_with("eyJ"));
}

#[tokio::test]
async fn who_does_not_know_the_state_ends_no_login() {
    let begun = Begun::new().await;
    begun.grants();
    for parameters in [
        &[("code", "stolen"), ("state", "guessed")][..],
        &[("code", "stolen")],
        &[("error", "access_denied"), ("state", "")],
    ] {
        let (status, page) = begun.returns(parameters).await;
        assert_eq!(status, 400, "{page}");
    }
    assert!(begun.provider.asked().is_empty(), "no code was redeemed");
    let (status, _) = begun.returns_with_code().await;
    assert_eq!(status, 200);
    assert!(begun.outcome.await.expect("an outcome").is_ok());
}

#[tokio::test]
async fn what_the_provider_refuses_is_told_in_its_words() {
    let begun = Begun::new().await;
    let state = begun.asked("state").to_owned();
    let refusal = [
        ("error", "access_denied"),
        ("error_description", "<b>not</b> you\u{1b}[31m"),
        ("state", &state),
    ];
    let (_, page) = begun.returns(&refusal).await;
    assert!(page.contains("You are not logged in"), "{page}");
    assert!(page.contains("&lt;b&gt;not"), "{page}");
    let error = begun.fails().await.to_string();
    assert_eq!(
        error,
        "the provider refused: access_denied (<b>not</b> you [31m)"
    );

    let begun = Begun::new().await;
    begun.provider.answer(
        400,
        json!({"error": "invalid_grant", "error_description": "used up"}),
    );
    begun.returns_with_code().await;
    let error = begun.fails().await.to_string();
    assert_eq!(error, "the provider refused: invalid_grant (used up)");
}

#[tokio::test]
async fn an_id_token_for_another_login_client_or_time_is_refused() {
    for (claims, nonce_is_wrong) in [
        (json!({"nonce": "another"}), true),
        (json!({"nonce": null}), true),
        (json!({"aud": "another"}), false),
        (json!({"exp": 1}), false),
        (json!({"iss": "https://another.example.com"}), false),
    ] {
        let begun = Begun::new().await;
        let mut all = json!({"nonce": begun.asked("nonce")});
        for (name, value) in claims.as_object().expect("claims") {
            all[name] = value.clone();
        }
        let granted = begun.provider.granted(3600, all, None);
        begun.provider.answer(200, granted);
        let (_, page) = begun.returns_with_code().await;
        assert!(page.contains("You are not logged in"), "{claims}");
        match begun.fails().await {
            LoginError::Nonce if nonce_is_wrong => {}
            LoginError::IdToken(_) if !nonce_is_wrong => {}
            other => panic!("{claims}: {other}"),
        }
    }
}

#[tokio::test]
async fn an_answer_of_another_provider_is_not_taken_for_this_ones() {
    for (promised, issuer) in [(false, Some("https://evil.example.com")), (true, None)] {
        let provider = FakeProvider::start().await;
        provider.publish(
            "authorization_response_iss_parameter_supported",
            json!(promised),
        );
        let settings = provider.settings();
        let begun = Begun::with(provider, settings).await;
        let state = begun.asked("state").to_owned();
        let mut parameters = vec![("code", "the-code"), ("state", &state)];
        parameters.extend(issuer.map(|issuer| ("iss", issuer)));
        begun.returns(&parameters).await;
        assert!(begun.provider.asked().is_empty(), "no code was redeemed");
        let error = begun.fails().await;
        assert!(matches!(error, LoginError::MixedUp { .. }), "{error}");
    }
}

#[tokio::test]
async fn the_access_token_is_taken_where_it_is_wanted_and_can_be_verified() {
    for opaque in [false, true] {
        let provider = FakeProvider::start().await;
        let settings = LoginSettings {
            resource: Some("urn:gateway".to_owned()),
            token: TokenKind::Access,
            ..provider.settings()
        };
        let begun = Begun::with(provider, settings).await;
        assert_eq!(begun.asked("resource"), "urn:gateway");
        let nonce = begun.asked("nonce").to_owned();
        let mut granted = begun.provider.granted(60, json!({"nonce": nonce}), None);
        let token = begun.provider.id_token(60, json!({"aud": "urn:gateway"}));
        if !opaque {
            granted["access_token"] = json!(token);
        }
        begun.provider.answer(200, granted);
        begun.returns_with_code().await;
        assert_eq!(begun.provider.asked()[0]["resource"], "urn:gateway");
        if opaque {
            let error = begun.fails().await;
            assert!(matches!(error, LoginError::OpaqueAccessToken(_)), "{error}");
        } else {
            let held = begun.outcome.await.expect("an outcome").expect("a login");
            assert_eq!(held.token.expose_secret(), token);
            assert!(held.refresh_token.is_none());
        }
    }
}

#[tokio::test]
async fn a_provider_that_leads_astray_is_not_followed() {
    for (key, value) in [
        ("issuer", "http://127.0.0.1:1"),
        ("token_endpoint", "http://id.example.com/token"),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("jwks_uri", "file:///etc/keys"),
    ] {
        let provider = FakeProvider::start().await;
        provider.publish(key, json!(value));
        let way = Way::Browser(Browser::Leave);
        let (folder, work) = (Folder::new(), name("work"));
        let outcome = log_in(&folder.store, &work, provider.settings(), way, |prompt| {
            panic!("{prompt:?}");
        });
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
async fn nobody_is_sent_anywhere_for_a_token_that_could_not_be_kept() {
    let (folder, work, provider) = (Folder::new(), name("work"), FakeProvider::start().await);
    std::fs::create_dir_all(folder.path("")).expect("a folder");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(""), open).expect("a mode");
    let way = Way::Browser(Browser::Leave);
    let outcome = log_in(&folder.store, &work, provider.settings(), way, |prompt| {
        panic!("{prompt:?}");
    });
    let error = outcome.await.expect_err("exposed");
    assert!(matches!(error, LoginError::Exposed { .. }), "{error}");
}
