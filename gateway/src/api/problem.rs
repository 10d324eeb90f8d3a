//! Errors of the API as problem details (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::access::GrantError;
use crate::approvals::{DecisionError, TextError};
use crate::identity::TokenError;
use crate::library::LibraryError;
use crate::store::StoreError;

/// An error, as the client gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Problem {
    #[serde(skip)]
    pub status: StatusCode,
    /// The stable reason, for programs.
    pub code: &'static str,
    pub detail: String,
    /// With 409: where the request, or the access grant, stands.
    pub state: Option<&'static str>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Problem {
            status,
            code,
            detail: detail.into(),
            state: None,
        }
    }

    pub fn no_such_request() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "there is no such request",
        )
    }

    /// The query of a URL cannot be read.
    pub fn query(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "query", detail)
    }

    fn key_reused(detail: String) -> Self {
        let code = "idempotency-key-reused";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    pub fn store_unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "store-unavailable",
            "the gateway's store is not available; try again",
        )
    }

    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let mut body = json!({
            "type": "about:blank",
            "title": title,
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        if let (Some(state), Some(members)) = (self.state, body.as_object_mut()) {
            members.insert("state".to_owned(), json!(state));
        }
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"gatewright\""),
            );
        }
        response
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::ProviderUnavailable => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "provider-unavailable",
                error.client_text(),
            ),
            _ => Self::unauthorized(error.client_text()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a request of the API failed");
        Self::store_unavailable()
    }
}

impl From<LibraryError> for Problem {
    fn from(error: LibraryError) -> Self {
        tracing::error!(%error, "a request of the API about recorded sessions failed");
        match error {
            LibraryError::Store(_) => Self::store_unavailable(),
            LibraryError::Io(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "record-unreadable",
                "the record cannot be read",
            ),
            LibraryError::Unrecorded(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "viewing-unrecorded",
                "nothing is shown, because the viewing cannot be recorded",
            ),
        }
    }
}

impl From<DecisionError> for Problem {
    fn from(error: DecisionError) -> Self {
        let detail = error.to_string();
        let (status, code, state) = match error {
            DecisionError::Store(error) => return error.into(),
            DecisionError::NotFound => return Self::no_such_request(),
            DecisionError::NotAPerson => (StatusCode::FORBIDDEN, "not-a-person", None),
            DecisionError::Requester => (StatusCode::FORBIDDEN, "requester", None),
            DecisionError::Auditor => (StatusCode::FORBIDDEN, "auditor", None),
            DecisionError::NotAReviewer => (StatusCode::FORBIDDEN, "not-a-reviewer", None),
            DecisionError::Text(error) => return error.into(),
            DecisionError::KeyReused => return Self::key_reused(detail),
            DecisionError::AlreadyDecided { state } => {
                (StatusCode::CONFLICT, "already-decided", Some(state))
            }
            DecisionError::State { state } => (StatusCode::CONFLICT, "state", Some(state)),
            DecisionError::NothingToReview { state } => {
                (StatusCode::CONFLICT, "nothing-to-review", Some(state))
            }
            DecisionError::EffectDigest { state } => {
                (StatusCode::CONFLICT, "effect-digest", Some(state))
            }
        };
        Problem {
            state: state.map(|state| state.name()),
            ..Self::new(status, code, detail)
        }
    }
}

impl From<TextError> for Problem {
    fn from(error: TextError) -> Self {
        let code = match error {
            TextError::ReasonRequired => "reason-required",
            TextError::Reason => "reason",
            TextError::Key => "idempotency-key",
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, error.to_string())
    }
}

impl From<GrantError> for Problem {
    fn from(error: GrantError) -> Self {
        let detail = error.to_string();
        let (status, code, state) = match error {
            GrantError::Store(error) => return error.into(),
            GrantError::Text(error) => return error.into(),
            GrantError::KeyReused => return Self::key_reused(detail),
            GrantError::NotFound => (StatusCode::NOT_FOUND, "not-found", None),
            GrantError::UnknownStatement => (StatusCode::NOT_FOUND, "unknown-statement", None),
            GrantError::NotAPerson => (StatusCode::FORBIDDEN, "not-a-person", None),
            GrantError::Requester => (StatusCode::FORBIDDEN, "requester", None),
            GrantError::Auditor => (StatusCode::FORBIDDEN, "auditor", None),
            GrantError::NotAReviewer => (StatusCode::FORBIDDEN, "not-a-reviewer", None),
            GrantError::NotTheRequester => (StatusCode::FORBIDDEN, "not-the-requester", None),
            GrantError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "grant", None),
            GrantError::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too-many", None),
            GrantError::AlreadyDecided { state } => {
                (StatusCode::CONFLICT, "already-decided", Some(state))
            }
            GrantError::State { state } => (StatusCode::CONFLICT, "state", Some(state)),
        };
        Problem {
            state: state.map(|state| state.name()),
            ..Self::new(status, code, detail)
        }
    }
}
