//! The keys of `[tokens]`, `[[issuer]]` and `[[client_certificate]]`.

use super::{Key, Kind, Table};

pub(in crate::config) static TOKENS: Table = Table::new(
    "[tokens]",
    &[
        Key::new(
            "cache",
            Kind::Duration,
            "how long a verified token is not verified again. The entry ends earlier if the token expires or its \
             issuer's keys change. `\"0s\"` verifies every time",
        )
        .default("\"15s\""),
        Key::new(
            "cache_entries",
            Kind::Integer(1, 1_000_000),
            "number of verified tokens that are cached (by SHA-256)",
        )
        .default("4096"),
        Key::new(
            "grace",
            Kind::Duration,
            "how long a session may outlive its token's expiry",
        )
        .default("\"0s\""),
    ],
);

pub(in crate::config) static ISSUER: Table = Table::new(
    "[[issuer]]",
    &[
        Key::new(
            "url",
            Kind::String,
            "must equal the tokens' `iss` and the discovery document's `issuer` exactly. `https://`, or `http://` on a \
             loopback address",
        )
        .required(),
        Key::new(
            "audience",
            Kind::Strings,
            "one or more values; a token's `aud` must contain one of them",
        )
        .required(),
        Key::new(
            "algorithms",
            Kind::Strings,
            "accepted signature algorithms, from `RS256` `RS384` `RS512` `PS256` `PS384` `PS512` `ES256` `ES384` `EdDSA`",
        )
        .default("[\"RS256\", \"PS256\", \"ES256\", \"EdDSA\"]"),
        Key::new(
            "clock_skew",
            Kind::Duration,
            "tolerated clock difference for `exp`, `nbf` and `iat`. A session opened with a token that is past its `exp` \
             but within the tolerance ends when the tolerance ends",
        )
        .default("\"30s\""),
        Key::new(
            "ca",
            Kind::Path,
            "PEM file with the CAs for the provider's HTTPS certificate, in place of the system's",
        )
        .absent("the system's"),
        Key::new(
            "jwks_url",
            Kind::String,
            "URL of the key set, for issuers without discovery",
        )
        .absent("found through `url` + `/.well-known/openid-configuration`"),
        Key::new(
            "refresh",
            Kind::Period,
            "how often the keys are fetched again. An unknown key ID triggers a fetch at once, but at most every 10 s",
        )
        .default("\"5m\""),
        Key::new(
            "stale_keys",
            Kind::Period,
            "how long keys are used after the last successful fetch",
        )
        .default("\"1h\""),
        Key::new(
            "timeout",
            Kind::Period,
            "time limit for one fetch, and for waiting for it",
        )
        .default("\"5s\""),
        Key::table("claims", &CLAIMS),
        Key::new("subject_groups", Kind::Open, ""),
    ],
);

pub(in crate::config) static CLAIMS: Table = Table::new(
    "[issuer.claims]",
    &[
        Key::new(
            "subject",
            Kind::String,
            "the subject; a string, required in every token",
        )
        .default("\"/sub\""),
        Key::new(
            "groups",
            Kind::String,
            "a list of strings, or one string with names separated by spaces; optional",
        )
        .default("\"/groups\""),
        Key::new(
            "agent",
            Kind::String,
            "the agent acting for the subject; a string, optional",
        )
        .default("\"/agent\""),
        Key::new(
            "task",
            Kind::String,
            "the task the agent is working on; a string, optional",
        )
        .default("\"/task\""),
        Key::new("attributes", Kind::Open, ""),
    ],
);

pub(in crate::config) static CLIENT_CERTIFICATE: Table = Table::new(
    "[[client_certificate]]",
    &[
        Key::new(
            "uri",
            Kind::String,
            "the URI in the certificate's subject alternative names, such as a SPIFFE ID; it must be the only URI there",
        )
        .absent("one of the three"),
        Key::new(
            "common_name",
            Kind::String,
            "the common name in the certificate's subject; it must be the only one there",
        )
        .absent("one of the three"),
        Key::new(
            "distinguished_name",
            Kind::String,
            "the complete subject, as printed by `openssl x509 -noout -subject -nameopt RFC2253,utf8,-esc_msb`: \
             `CN=reports,OU=data,O=Shop` (RFC 4514)",
        )
        .absent("one of the three"),
        Key::new("subject", Kind::String, "the subject of the identity").absent("that name"),
        Key::new(
            "groups",
            Kind::Strings,
            "the identity's groups; grants use them like groups from a token",
        )
        .required(),
        Key::new("agent", Kind::String, "the agent acting for the subject"),
    ],
);
