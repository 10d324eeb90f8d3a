//! A minimal identity provider: discovery and keys over HTTP on loopback, tokens signed with ES256.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// Serves until the test process ends.
pub struct Issuer {
    pub url: String,
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Issuer {
    pub fn start() -> Result<Self> {
        Self::with(true)
    }

    /// An issuer of service-account tokens, like Kubernetes: nobody can log in there, and its tokens carry no groups.
    pub fn cluster() -> Result<Self> {
        Self::with(false)
    }

    fn with(people: bool) -> Result<Self> {
        let random = SystemRandom::new();
        let pair = key(&random).context("generating a key")?;
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut discovery = json!({
            "issuer": url,
            "jwks_uri": format!("{url}/keys"),
            "response_types_supported": [if people { "code" } else { "id_token" }],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        if people {
            discovery["authorization_endpoint"] = format!("{url}/authorize").into();
        }
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let keys = json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "test", "x": encode(x), "y": encode(y),
        }]});
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that disconnects early is not an error.
                let _ = answer(stream, &discovery, &keys);
            }
        });
        Ok(Self { url, pair, random })
    }

    /// A token for this subject and these groups, valid for ten minutes.
    pub fn token(&self, subject: &str, groups: &[&str]) -> Result<String> {
        self.token_for(subject, groups, "gatewright", 600)
    }

    /// A token with another audience or lifetime. `lifetime` is in seconds and may be negative.
    pub fn token_for(
        &self,
        subject: &str,
        groups: &[&str],
        audience: &str,
        lifetime: i64,
    ) -> Result<String> {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        self.sign(&json!({
            "iss": self.url, "aud": audience, "sub": subject, "groups": groups,
            "iat": now - 1000, "exp": now + lifetime,
        }))
    }

    /// A token of an agent that acts for this subject.
    pub fn agents_token(&self, subject: &str, groups: &[&str], agent: &str) -> Result<String> {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        self.sign(&json!({
            "iss": self.url, "aud": "gatewright", "sub": subject, "groups": groups, "agent": agent,
            "iat": now - 1000, "exp": now + 600,
        }))
    }

    /// A projected service-account token with the claims of Kubernetes 1.30.
    pub fn pod_token(&self, namespace: &str, account: &str, audience: &str) -> Result<String> {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        let uid = "6a3d34d6-6f2f-4a0c-8f57-3a9f1c3f3a11";
        self.sign(&json!({
            "iss": self.url, "aud": [audience], "exp": now + 3607, "iat": now, "nbf": now, "jti": uid,
            "sub": format!("system:serviceaccount:{namespace}:{account}"),
            "kubernetes.io": {
                "namespace": namespace,
                "node": { "name": "node-1", "uid": uid },
                "pod": { "name": format!("{account}-0"), "uid": uid },
                "serviceaccount": { "name": account, "uid": uid },
            },
        }))
    }

    fn sign(&self, claims: &Value) -> Result<String> {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": "test" });
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&header), encode(claims));
        let signature = self
            .pair
            .sign(&self.random, input.as_bytes())
            .ok()
            .context("signing")?;
        Ok(format!(
            "{input}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature)
        ))
    }
}

fn key(random: &SystemRandom) -> Option<EcdsaKeyPair> {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, random).ok()?;
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), random).ok()
}

fn answer(mut stream: TcpStream, discovery: &Value, keys: &Value) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&chunk[..read]);
    }
    let path = String::from_utf8_lossy(&request)
        .split(' ')
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let json = "application/json";
    let (status, kind, body) = match path.as_str() {
        "/.well-known/openid-configuration" => ("200 OK", json, discovery.to_string()),
        // The media type that Kubernetes uses (RFC 7517, section 8.5.2).
        "/keys" => ("200 OK", "application/jwk-set+json", keys.to_string()),
        _ => ("404 Not Found", json, String::new()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    Ok(())
}
