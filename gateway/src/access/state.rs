//! The states of an access grant, and which may follow which.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::approvals::Stage;

/// Where an access grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Reviewers are asked.
    Pending,
    /// Enough reviewers agreed: it is active from its beginning to its end.
    Approved,
    /// A reviewer said no.
    Rejected,
    /// Whoever asked took it back, before or after it was approved.
    Withdrawn,
    /// A reviewer took it back after it was approved.
    Revoked,
    /// Nobody decided in time, its time is over, or its rows are used up.
    Expired,
}

impl State {
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Approved,
        Self::Rejected,
        Self::Withdrawn,
        Self::Revoked,
        Self::Expired,
    ];

    /// As it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The states that may follow.
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Pending => &[
                Self::Approved,
                Self::Rejected,
                Self::Withdrawn,
                Self::Expired,
            ],
            Self::Approved => &[Self::Withdrawn, Self::Revoked, Self::Expired],
            Self::Rejected | Self::Withdrawn | Self::Revoked | Self::Expired => &[],
        }
    }

    /// Nothing more is decided.
    pub fn is_end(self) -> bool {
        self.next().is_empty()
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
