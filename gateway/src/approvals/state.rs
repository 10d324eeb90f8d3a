//! The states of a request, and which may follow which.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::matter::Stage;

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Reviewers are asked.
    Pending,
    /// Enough reviewers agreed; the approval waits to be used.
    Approved,
    /// The approval is used up, and the statement may be running.
    Claimed,
    /// The statement completed.
    Executed,
    /// The statement ended with an error, was skipped, or its end is not known.
    Failed,
    /// A reviewer said no.
    Rejected,
    /// Nobody decided in time, or the approval was not used in time.
    Expired,
    /// Taken back for whoever sent it: the client left or cancelled, or its gateway stopped.
    Withdrawn,
    /// A reviewer took the approval back before it was used.
    Revoked,
    /// The statement's effect was not the approved one; it was rolled back.
    EffectMismatch,
}

impl State {
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Approved,
        Self::Claimed,
        Self::Executed,
        Self::Failed,
        Self::Rejected,
        Self::Expired,
        Self::Withdrawn,
        Self::Revoked,
        Self::EffectMismatch,
    ];

    /// As it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Claimed => "claimed",
            Self::Executed => "executed",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
            Self::EffectMismatch => "effect_mismatch",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The states that may follow. A failure whose cause is not known may be corrected by the gateway that ran the
    /// statement, once it reaches the store again.
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Pending => &[
                Self::Approved,
                Self::Rejected,
                Self::Expired,
                Self::Withdrawn,
            ],
            Self::Approved => &[Self::Claimed, Self::Expired, Self::Withdrawn, Self::Revoked],
            Self::Claimed => &[
                Self::Executed,
                Self::Failed,
                Self::Withdrawn,
                Self::EffectMismatch,
            ],
            Self::Failed => &[Self::Executed, Self::Failed, Self::EffectMismatch],
            Self::Executed
            | Self::Rejected
            | Self::Expired
            | Self::Withdrawn
            | Self::Revoked
            | Self::EffectMismatch => &[],
        }
    }

    /// Nothing more is decided or run.
    pub fn is_end(self) -> bool {
        !matches!(self, Self::Pending | Self::Approved | Self::Claimed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Stage for State {
    fn name(self) -> &'static str {
        self.name()
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::from_name(name)
    }

    fn next(self) -> &'static [Self] {
        self.next()
    }
}
