//! Why an access grant cannot be asked for, or a decision about one was not accepted.

use thiserror::Error;

use super::State;
use crate::approvals::TextError;
use crate::store::StoreError;

/// `Display` is safe to show to whoever asks or decides.
#[derive(Debug, Error)]
pub enum GrantError {
    /// Or it may not be seen by whoever asks.
    #[error("there is no such access grant")]
    NotFound,
    #[error(
        "only people decide; this token belongs to an agent or a program, or its issuer is none of people"
    )]
    NotAPerson,
    #[error("nobody decides about access for themselves, or for their agents")]
    Requester,
    #[error("auditors decide nothing")]
    Auditor,
    #[error("you are not among the reviewers of access grants")]
    NotAReviewer,
    #[error("only whoever an access grant is for can withdraw it; a reviewer revokes it")]
    NotTheRequester,
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("the idempotency key was used for something else")]
    KeyReused,
    #[error("you have decided this already")]
    AlreadyDecided { state: State },
    #[error("the access grant is {state}")]
    State { state: State },
    /// What is wrong with what is asked for.
    #[error("{0}")]
    Invalid(String),
    /// It was refused by another gateway, for somebody else, too long ago, or never.
    #[error(
        "this gateway knows of no statement of yours with this id that it refused lately; name the tables instead"
    )]
    UnknownStatement,
    #[error("too many access grants of yours wait for a decision already")]
    TooMany,
    #[error("the store of access grants is not available; try again")]
    Store(#[from] StoreError),
}
