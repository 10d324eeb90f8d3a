//! Extracts an identity from a token's claims.

use std::fmt;
use std::time::SystemTime;

use serde_json::{Map, Value};
use thiserror::Error;

use super::Identity;
use super::error::TokenError;
use super::settings::IssuerSettings;

/// The path of a claim: a JSON pointer (`/realm_access/roles`, RFC 6901), or names joined by dots
/// (`realm_access.roles`). Without a leading slash, a top-level claim with exactly that name takes precedence, because
/// providers use names such as `https://example.com/groups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath {
    text: String,
    steps: Vec<String>,
}

/// A claim path is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ClaimPathError {
    #[error("a claim path must not be empty")]
    Empty,
    #[error("a claim path must not contain an empty name")]
    EmptyStep,
    #[error("in a JSON pointer, `~` must be followed by 0 or 1")]
    Escape,
}

impl ClaimPath {
    /// Parses a claim path.
    ///
    /// # Errors
    /// The path is empty, contains an empty name, or contains an invalid `~` escape.
    pub fn parse(text: &str) -> Result<Self, ClaimPathError> {
        if text.is_empty() || text == "/" {
            return Err(ClaimPathError::Empty);
        }
        let steps: Vec<String> = match text.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(unescape).collect::<Result<_, _>>()?,
            None => text.split('.').map(str::to_owned).collect(),
        };
        if steps.iter().any(String::is_empty) {
            return Err(ClaimPathError::EmptyStep);
        }
        Ok(Self {
            text: text.to_owned(),
            steps,
        })
    }

    /// The top-level claim with this name.
    pub(super) fn top_level(name: &str) -> Self {
        Self {
            text: format!("/{name}"),
            steps: vec![name.to_owned()],
        }
    }

    pub(super) fn find<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        if !self.text.starts_with('/')
            && let Some(value) = claims.get(&self.text)
        {
            return present(value);
        }
        let (first, rest) = self.steps.split_first()?;
        let mut value = claims.get(first)?;
        for step in rest {
            value = match value {
                Value::Object(members) => members.get(step)?,
                Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        present(value)
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn present(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}

fn unescape(step: &str) -> Result<String, ClaimPathError> {
    let mut parts = step.split('~');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_at_checked(1) {
            Some(("0", rest)) => {
                out.push('~');
                out.push_str(rest);
            }
            Some(("1", rest)) => {
                out.push('/');
                out.push_str(rest);
            }
            _ => return Err(ClaimPathError::Escape),
        }
    }
    Ok(out)
}

/// The identity in the claims of a verified token.
pub(super) fn identity(
    claims: &Map<String, Value>,
    issuer: &IssuerSettings,
    expires_at: SystemTime,
) -> Result<Identity, TokenError> {
    let paths = &issuer.claims;
    let subject = text(claims, &paths.subject, "subject")?
        .filter(|subject| !subject.is_empty())
        .ok_or(TokenError::Claim { claim: "subject" })?;
    let mut groups = groups(claims, &paths.groups)?;
    if let Some(given) = issuer.subject_groups.get(&subject) {
        groups.extend(given.iter().cloned());
    }
    Ok(Identity {
        issuer: issuer.url.clone(),
        groups: without_duplicates(groups),
        agent: text(claims, &paths.agent, "agent")?,
        task: text(claims, &paths.task, "task")?,
        program: is_programs(claims),
        attributes: attributes(claims, issuer)?,
        expires_at,
        subject,
    })
}

/// Whether a token says that nobody logged in for it: a program got it with its own credentials (client credentials), or acts for
/// the subject (RFC 8693, section 4.1, `act`).
fn is_programs(claims: &Map<String, Value>) -> bool {
    let says = |claim: &str, value: &str| claims.get(claim).and_then(Value::as_str) == Some(value);
    let subject = claims.get("sub").and_then(Value::as_str);
    let same_as_subject = |claim: &str| {
        let client = claims.get(claim).and_then(Value::as_str);
        client.is_some() && client == subject
    };
    let starts = |claim: &str, prefix: &str| {
        let text = claims.get(claim).and_then(Value::as_str);
        text.is_some_and(|text| text.starts_with(prefix))
    };
    claims.contains_key("act")
        // RFC 9068, section 2.2: the subject of a client that acts for itself is the client.
        || same_as_subject("client_id")
        || same_as_subject("azp")
        // Okta.
        || same_as_subject("cid")
        // Auth0, Microsoft Entra, Keycloak, Kubernetes.
        || says("gty", "client-credentials")
        || says("idtyp", "app")
        || starts("preferred_username", "service-account-")
        || claims.contains_key("kubernetes.io")
        || starts("sub", "system:serviceaccount:")
}

fn text(
    claims: &Map<String, Value>,
    path: &ClaimPath,
    claim: &'static str,
) -> Result<Option<String>, TokenError> {
    match path.find(claims) {
        None => Ok(None),
        Some(Value::String(text)) if is_clean(text) => Ok(Some(text.clone())),
        Some(_) => Err(TokenError::Claim { claim }),
    }
}

fn groups(claims: &Map<String, Value>, path: &ClaimPath) -> Result<Vec<String>, TokenError> {
    let wrong = TokenError::Claim { claim: "groups" };
    let groups: Vec<String> = match path.find(claims) {
        None => Vec::new(),
        Some(Value::String(text)) => text.split(' ').map(str::to_owned).collect(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or(wrong))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(wrong),
    };
    if !groups.iter().all(|group| is_clean(group)) {
        return Err(wrong);
    }
    Ok(groups.into_iter().filter(|g| !g.is_empty()).collect())
}

fn attributes(
    claims: &Map<String, Value>,
    issuer: &IssuerSettings,
) -> Result<Vec<(String, String)>, TokenError> {
    let mut found = Vec::with_capacity(issuer.claims.attributes.len());
    for (name, path) in &issuer.claims.attributes {
        let value = match path.find(claims) {
            None => continue,
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        if !is_clean(&value) {
            return Err(TokenError::Claim {
                claim: "attributes",
            });
        }
        found.push((name.clone(), value));
    }
    Ok(found)
}

fn without_duplicates(groups: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    groups
        .into_iter()
        .filter(|group| seen.insert(group.clone()))
        .collect()
}

/// Identities are logged and used in startup parameters. A line break would allow a user of the provider to forge log
/// lines, and a zero byte would truncate a parameter.
fn is_clean(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_that_programs_got_for_themselves_are_told_apart() {
        for (claims, expected) in [
            (
                json!({"sub": "ada", "azp": "gatewright", "client_id": "gatewright"}),
                false,
            ),
            (
                json!({"sub": "ada", "idtyp": "user", "gty": "password"}),
                false,
            ),
            (json!({"sub": "ada", "preferred_username": "ada"}), false),
            (json!({"azp": "gatewright"}), false),
            (json!({"sub": "ada", "act": {"sub": "helper"}}), true),
            (json!({"sub": "nightly", "client_id": "nightly"}), true),
            (json!({"sub": "nightly", "azp": "nightly"}), true),
            (json!({"sub": "0oa1", "cid": "0oa1"}), true),
            (json!({"sub": "ada", "cid": "0oa1"}), false),
            (
                json!({"sub": "nightly@clients", "gty": "client-credentials"}),
                true,
            ),
            (json!({"sub": "1f7", "idtyp": "app"}), true),
            (
                json!({"sub": "1f7", "preferred_username": "service-account-nightly"}),
                true,
            ),
            (json!({"sub": "system:serviceaccount:shop:reports"}), true),
        ] {
            let map = claims.as_object().cloned().unwrap_or_default();
            assert_eq!(is_programs(&map), expected, "{claims}");
        }
    }
}
