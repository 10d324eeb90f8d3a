//! Pages that say what went wrong, and what to do.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::pages::{Frame, Link, TroublePage, html};
use super::visible::Visible;
use crate::library::LibraryError;
use crate::store::StoreError;

/// Why there is no page of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nobody is logged in; afterwards the browser goes on to `next`.
    LogIn {
        next: String,
    },
    /// A page that refreshes itself has lost its session.
    Reload,
    /// A form was sent without a session.
    LoggedOut,
    /// A form is none of this session's pages.
    Forged,
    /// No login that this browser has begun, or not lately.
    NoLogin,
    /// The provider said no, in its words.
    Refused(String),
    /// The login failed for a reason that the log has.
    LoginFailed,
    /// An agent, a program, or an issuer that is not of people.
    NotAPerson,
    /// The link of the trial has been used, or is another one.
    UsedLink,
    NoSuchPage,
    NoSuchRequest,
    NoSuchSession,
    NoSuchGrant,
    NoSuchRecord,
    /// A viewing could not be recorded, so nothing is shown.
    Unrecorded,
    Unreadable,
    TooManyReaders,
    Store,
    Timeout,
    Internal,
}

impl Trouble {
    fn status(&self) -> StatusCode {
        match self {
            Self::LogIn { .. } => StatusCode::SEE_OTHER,
            Self::Reload | Self::LoggedOut => StatusCode::UNAUTHORIZED,
            Self::Forged | Self::Refused(_) | Self::NotAPerson | Self::UsedLink => {
                StatusCode::FORBIDDEN
            }
            Self::NoLogin => StatusCode::BAD_REQUEST,
            Self::LoginFailed => StatusCode::BAD_GATEWAY,
            Self::NoSuchPage
            | Self::NoSuchRequest
            | Self::NoSuchGrant
            | Self::NoSuchSession
            | Self::NoSuchRecord => StatusCode::NOT_FOUND,
            Self::TooManyReaders
            | Self::Store
            | Self::Timeout
            | Self::Unrecorded
            | Self::Unreadable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The headline, what happened and what to do, and where to go on.
    fn words(&self) -> (&'static str, Visible, Link) {
        let again = Link {
            label: "Log in",
            address: "/login",
        };
        let back = Link {
            label: "Open the requests",
            address: "/",
        };
        let record = Link {
            label: "Open the recorded sessions",
            address: "/record",
        };
        let (title, text, link) = match self {
            Self::LogIn { .. } | Self::Reload => ("Log in", "You are not logged in.", again),
            Self::LoggedOut => (
                "You are logged out",
                "Your login has ended, and nothing was recorded. Log in and decide again.",
                again,
            ),
            Self::Forged => (
                "Nothing was recorded",
                "The form did not come from a page of your present login. Open the request again and decide there.",
                back,
            ),
            Self::NoLogin => (
                "This login cannot go on",
                "It was begun in another browser, too long ago, or before the gateway was started. Begin again.",
                again,
            ),
            Self::Refused(why) => {
                return ("The provider refused the login", Visible::line(why), again);
            }
            Self::LoginFailed => (
                "The login failed",
                "The provider could not be reached, or its answer is not valid. Try again; the gateway's log has the reason.",
                again,
            ),
            Self::NotAPerson => (
                "Only people can log in",
                "This account is an agent's or a program's, or its issuer is not one of people. Log in as yourself.",
                again,
            ),
            Self::UsedLink => (
                "This link opens nothing",
                "It works once. Start gatewright dev again for another one.",
                back,
            ),
            Self::NoSuchPage => ("There is no such page", "Check the address.", back),
            Self::NoSuchRequest => (
                "There is no such request",
                "It was removed after its time, or you may not see it. Ask a reviewer if you expected to.",
                back,
            ),
            Self::NoSuchSession => (
                "The session is not open",
                "It has ended already.",
                Link {
                    label: "Open the sessions",
                    address: "/sessions",
                },
            ),
            Self::NoSuchGrant => (
                "There is no such access grant",
                "It was removed after its time, or you may not see it. Ask a reviewer if you expected to.",
                Link {
                    label: "Open the access grants",
                    address: "/grants",
                },
            ),
            Self::NoSuchRecord => (
                "There is no such recorded session",
                "It was deleted after its time, or it is not in the index yet.",
                record,
            ),
            Self::Unrecorded => (
                "Nothing is shown",
                "Every viewing of the record is recorded, and this one cannot be. The gateway's log has the reason.",
                record,
            ),
            Self::Unreadable => (
                "The record cannot be read",
                "The gateway's log has the reason.",
                record,
            ),
            Self::TooManyReaders => (
                "Too many open pages",
                "Pages show changes when you reload them.",
                back,
            ),
            Self::Store => (
                "The store of requests is not available",
                "Nothing was recorded. Statements stay held meanwhile. Try again in a moment.",
                back,
            ),
            Self::Timeout => (
                "The gateway did not answer in time",
                "Open the request again to see whether a decision was recorded.",
                back,
            ),
            Self::Internal => (
                "Something went wrong",
                "The gateway's log has the reason.",
                back,
            ),
        };
        (title, Visible::text(text), link)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        if let Self::LogIn { next } = &self {
            let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
            return Redirect::to(&format!("/login?next={next}")).into_response();
        }
        let (title, text, link) = self.words();
        let page = TroublePage {
            frame: Frame::bare(title),
            text,
            link,
        };
        let mut response = html(self.status(), &page);
        if self == Self::Reload {
            // The page in the browser then asks for a login (htmx).
            response
                .headers_mut()
                .insert("hx-refresh", HeaderValue::from_static("true"));
        }
        if self == Self::TooManyReaders {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        response
    }
}

impl From<LibraryError> for Trouble {
    fn from(error: LibraryError) -> Self {
        tracing::error!(%error, "a page of the record could not be made");
        match error {
            LibraryError::Store(_) => Self::Store,
            LibraryError::Io(_) => Self::Unreadable,
            LibraryError::Unrecorded(_) => Self::Unrecorded,
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a page of the console could not be made");
        Self::Store
    }
}
