//! Property tests of parsing and claim extraction.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;
use crate::identity::claims::identity;
use crate::identity::jws::Unverified;
use crate::identity::{checks, http};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z/.~]{0,4}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn parsing_arbitrary_text_does_not_panic(text in "\\PC{0,60}|[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{0,30}") {
        let _ = Unverified::parse(&text);
    }

    /// Whatever an issuer signs, the identity is safe to log.
    #[test]
    fn identities_from_arbitrary_claims_contain_no_control_characters(values in prop::collection::vec(any_json(), 8)) {
        let names = ["sub", "groups", "agent", "task", "aud", "exp", "nbf", "iat"];
        let claims = json!(names.into_iter().zip(values).collect::<std::collections::BTreeMap<_, _>>());
        let settings = IssuerSettings::new("https://id.example.com", vec!["gatewright".into()]);
        let encoded = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
        let token = format!("{}.{encoded}.", BASE64_URL_SAFE_NO_PAD.encode("{\"alg\":\"ES256\"}"));
        let token = Unverified::parse(&token).unwrap();
        let _ = checks::audience_and_times(&token.claims, &settings, SystemTime::now());
        if let Ok(identity) = identity(&token.claims, &settings, SystemTime::now()) {
            prop_assert!(!identity.subject.is_empty());
            for text in identity.groups.iter().chain([&identity.subject]).chain(&identity.agent).chain(&identity.task) {
                prop_assert!(!text.contains(char::is_control), "{text:?}");
            }
        }
    }

    #[test]
    fn arbitrary_claim_paths_do_not_panic(text in "[a-z/.~01]{0,10}", claims in any_json()) {
        if let (Ok(path), Value::Object(claims)) = (ClaimPath::parse(&text), claims) {
            let _ = path.find(&claims);
            prop_assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn http_without_tls_is_restricted_to_loopback(host in "[a-z0-9.@:-]{1,20}") {
        let url = format!("http://{host}");
        if http::is_secure_url(&url) {
            let url = openidconnect::url::Url::parse(&url).unwrap();
            let host = url.host_str().unwrap();
            prop_assert!(host == "localhost" || host.starts_with("127."), "{url}");
        }
    }
}
