//! What the API shows and takes of access grants, as JSON.

use std::time::Duration;

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use crate::access::{AccessGrant, Ask, Entry, Event, GrantTable, State};
use crate::api::time::rfc3339;
use crate::api::view::{GivenView, StepView};
use crate::identity::Identity;

/// An event of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantEventView {
    pub grant: String,
    pub state: State,
    /// Absent where it was asked for.
    #[serde(default)]
    pub before: Option<State>,
    pub at: String,
    #[serde(default)]
    pub by: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
}

impl From<Event> for GrantEventView {
    fn from(event: Event) -> Self {
        GrantEventView {
            grant: event.about.to_string(),
            state: event.state,
            before: event.before,
            at: rfc3339(event.at),
            by: event.actor.map(|actor| actor.subject),
            reason: event.reason,
        }
    }
}

/// An access grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantView {
    pub id: String,
    pub state: State,
    pub holder: HolderView,
    pub databases: Vec<String>,
    pub tables: Vec<GrantTable>,
    /// How many rows may be returned and changed under it; absent: any number.
    #[serde(default)]
    pub row_budget: Option<i64>,
    pub rows_used: i64,
    pub duration_seconds: i64,
    /// It does not begin before.
    #[serde(default)]
    pub starts_at: Option<String>,
    pub reason: String,
    /// The refused statement that it was asked for from.
    #[serde(default)]
    pub statement_id: Option<String>,
    pub approvals: AgreementsView,
    pub created_at: String,
    /// Until when it waits for a decision.
    pub expires_at: String,
    #[serde(default)]
    pub active_from: Option<String>,
    #[serde(default)]
    pub active_until: Option<String>,
    #[serde(default)]
    pub decided_by: Option<String>,
    #[serde(default)]
    pub decided_reason: Option<String>,
    /// How it ended, where the state does not say it.
    #[serde(default)]
    pub ended: Option<String>,
    /// Whether whoever asks may decide it.
    pub may_decide: bool,
    /// Only where one grant is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<StepView<State>>,
}

/// Whom a grant is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderView {
    pub subject: String,
    pub issuer: String,
    /// It is for this agent of theirs, and not for themselves.
    #[serde(default)]
    pub agent: Option<String>,
    /// The agent that asked; absent: they did so themselves.
    #[serde(default)]
    pub asked_by_agent: Option<String>,
    /// The groups of whoever asked.
    pub groups: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementsView {
    pub needed: i64,
    pub given: Vec<GivenView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantPageView {
    pub grants: Vec<GrantView>,
    /// The next page's `cursor`; absent on the last page.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskBody {
    /// The agent of whoever asks that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    #[serde(default)]
    pub databases: Vec<String>,
    #[serde(default)]
    pub tables: Vec<GrantTable>,
    /// In place of `tables`: the id of a statement that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_statement: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_budget: Option<u64>,
    pub duration_seconds: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<String>,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// What a decision is sent with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantDecisionBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The state that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_state: Option<State>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl AskBody {
    /// The error names the member that cannot be read.
    pub(super) fn asked_by(self, asker: Identity) -> Result<Ask, &'static str> {
        let from_statement = self.from_statement.map(|id| id.parse()).transpose();
        let starts_at = self
            .starts_at
            .map(|time| DateTime::parse_from_rfc3339(&time))
            .transpose();
        Ok(Ask {
            asker,
            agent: self.agent,
            databases: self.databases,
            tables: self.tables,
            from_statement: from_statement
                .map_err(|_| "`from_statement` is not the id of a statement")?,
            row_budget: self.row_budget,
            duration: Duration::from_secs(self.duration_seconds),
            not_before: starts_at
                .map_err(|_| "`starts_at` is no time as in RFC 3339")?
                .map(|time| time.timestamp_millis()),
            reason: self.reason,
            idempotency_key: self.idempotency_key,
        })
    }
}

impl GrantView {
    pub(super) fn new(entry: Entry, may_decide: bool) -> Self {
        let Entry {
            grant,
            approvals,
            history,
        } = entry;
        let given = approvals.into_iter().map(|agreement| GivenView {
            by: agreement.by.subject,
            issuer: agreement.by.issuer,
            reason: agreement.reason,
            at: rfc3339(agreement.at),
        });
        let AccessGrant {
            id,
            state,
            subject,
            issuer,
            agent,
            asked_by_agent,
            groups,
            databases,
            tables,
            row_budget,
            rows_used,
            duration_ms,
            not_before,
            reason,
            statement_id,
            needed,
            created_at,
            changed_at: _,
            expires_at,
            active_from,
            active_until,
            decided_by,
            decided_reason,
            ended,
        } = grant;
        GrantView {
            id: id.to_string(),
            state,
            holder: HolderView {
                subject,
                issuer,
                agent,
                asked_by_agent,
                groups,
            },
            databases,
            tables,
            row_budget,
            rows_used,
            duration_seconds: duration_ms / 1000,
            starts_at: not_before.map(rfc3339),
            reason,
            statement_id,
            approvals: AgreementsView {
                needed,
                given: given.collect(),
            },
            created_at: rfc3339(created_at),
            expires_at: rfc3339(expires_at),
            active_from: active_from.map(rfc3339),
            active_until: active_until.map(rfc3339),
            decided_by,
            decided_reason,
            ended,
            may_decide: may_decide && !state.is_end(),
            history: history.into_iter().map(StepView::from).collect(),
        }
    }
}
