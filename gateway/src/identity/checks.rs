//! Checks of a token's header and claims, other than its issuer and signature.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::error::TokenError;
use super::jws::Header;
use super::settings::IssuerSettings;

/// Checks that the token is of a type that authenticates its bearer.
///
/// Accepted types are plain JWTs (RFC 7519, section 5.1) and JWT access tokens (RFC 9068, section 2.1). Issuers sign
/// logout tokens, security events and proofs with the same keys; those must not open a session.
pub(super) fn token_type(header: &Header, claims: &Map<String, Value>) -> Result<(), TokenError> {
    if header.crit.is_some() {
        return Err(TokenError::CriticalExtension);
    }
    if let Some(typ) = &header.typ {
        let lower = typ.to_ascii_lowercase();
        let bare = lower.strip_prefix("application/").unwrap_or(&lower);
        if !matches!(bare, "jwt" | "at+jwt") {
            return Err(TokenError::Type);
        }
    }
    // `events` marks a security event token (RFC 8417, section 2.2), which includes logout tokens without `typ`.
    if claims.contains_key("events") {
        return Err(TokenError::Type);
    }
    // With `cnf`, the presenter must prove possession of a key (RFC 7800, section 3.1), which a password cannot do.
    if claims.contains_key("cnf") {
        return Err(TokenError::SenderConstrained);
    }
    Ok(())
}

/// Checks the audience and the times of a verified token, and returns its expiry.
pub(super) fn audience_and_times(
    claims: &Map<String, Value>,
    issuer: &IssuerSettings,
    now: SystemTime,
) -> Result<SystemTime, TokenError> {
    let meant_for_us = match claims.get("aud") {
        Some(Value::String(one)) => issuer.audiences.iter().any(|a| a == one),
        Some(Value::Array(many)) => many
            .iter()
            .filter_map(Value::as_str)
            .any(|one| issuer.audiences.iter().any(|a| a == one)),
        _ => false,
    };
    if !meant_for_us {
        return Err(TokenError::Audience);
    }
    let expires_at = time(claims, "exp")?.ok_or(TokenError::Claim { claim: "exp" })?;
    if still_acceptable_until(expires_at, issuer) <= now {
        return Err(TokenError::Expired);
    }
    let latest = now.checked_add(issuer.clock_skew).unwrap_or(now);
    if time(claims, "nbf")?.is_some_and(|nbf| nbf > latest) {
        return Err(TokenError::NotYetValid);
    }
    if time(claims, "iat")?.is_some_and(|iat| iat > latest) {
        return Err(TokenError::IssuedInFuture);
    }
    Ok(expires_at)
}

fn still_acceptable_until(expires_at: SystemTime, issuer: &IssuerSettings) -> SystemTime {
    expires_at
        .checked_add(issuer.clock_skew)
        .unwrap_or(expires_at)
}

/// The value of a NumericDate claim (RFC 7519, section 2): seconds since the epoch, possibly fractional.
pub(super) fn time(
    claims: &Map<String, Value>,
    claim: &'static str,
) -> Result<Option<SystemTime>, TokenError> {
    let Some(value) = claims.get(claim) else {
        return Ok(None);
    };
    value
        .as_f64()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .and_then(|since| UNIX_EPOCH.checked_add(since))
        .map(Some)
        .ok_or(TokenError::Claim { claim })
}
