//! An access grant as it is stored.

use gatewright_contract::AccessGrantId;
use serde::de::DeserializeOwned;

use super::{GrantTable, State};
use crate::approvals::{Matter, Parties};
use crate::store::{Row, StoreError};

/// The columns of an access grant, in the order in which [`Matter::read`] takes them.
const COLUMNS: &str = "id, state, subject, issuer, agent, asked_by_agent, asker_groups, databases, tables, row_budget, rows_used, \
     duration_ms, not_before, reason, statement_id, needed, created_at, changed_at, expires_at, active_from, active_until, \
     decided_by, decided_reason, ended";

/// A stored access grant. Times are milliseconds since 1970 by the store's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessGrant {
    pub id: AccessGrantId,
    pub state: State,
    /// Whom it is for.
    pub subject: String,
    pub issuer: String,
    /// It is for this agent of theirs, and not for themselves.
    pub agent: Option<String>,
    /// The agent that asked; `None`: they did so themselves.
    pub asked_by_agent: Option<String>,
    /// The groups of whoever asked.
    pub groups: Vec<String>,
    pub databases: Vec<String>,
    pub tables: Vec<GrantTable>,
    /// How many rows may be returned and changed under it; `None`: any number.
    pub row_budget: Option<i64>,
    pub rows_used: i64,
    pub duration_ms: i64,
    /// It does not begin before this time.
    pub not_before: Option<i64>,
    pub reason: String,
    /// The refused statement that it was asked for from.
    pub statement_id: Option<String>,
    /// How many reviewers have to agree.
    pub needed: i64,
    pub created_at: i64,
    pub changed_at: i64,
    /// Until when it waits for a decision.
    pub expires_at: i64,
    /// From its approval on: when it begins and ends.
    pub active_from: Option<i64>,
    pub active_until: Option<i64>,
    /// Who decided, separated by commas.
    pub decided_by: Option<String>,
    pub decided_reason: Option<String>,
    /// How it ended, where the state does not say it.
    pub ended: Option<String>,
}

impl AccessGrant {
    /// Whom it concerns, for the rules. Policies name no reviewers of access grants.
    pub(super) fn parties(&self) -> Parties {
        Parties {
            subject: self.subject.clone(),
            issuer: self.issuer.clone(),
            agent: self.agent.clone(),
            reviewers: Vec::new(),
        }
    }

    /// Whether its time is over, although nobody has noted it yet.
    pub(super) fn is_overdue(&self, now: i64) -> bool {
        match self.state {
            State::Pending => self.expires_at <= now,
            State::Approved => self.active_until.is_none_or(|until| until <= now),
            _ => false,
        }
    }

    /// How many rows are left of its budget; `None`: it has none.
    pub fn rows_left(&self) -> Option<i64> {
        let budget = self.row_budget?;
        Some(budget.saturating_sub(self.rows_used).max(0))
    }
}

impl Matter for AccessGrant {
    type Id = AccessGrantId;
    type State = State;

    const TABLE: &'static str = "access_grant";
    const COLUMNS: &'static str = COLUMNS;
    const PARTIES: &'static str = "access_grant.subject, access_grant.issuer, access_grant.agent";

    fn read(row: &mut Row) -> Result<Self, StoreError> {
        Ok(AccessGrant {
            id: id(row)?,
            state: state(row)?,
            subject: row.text()?,
            issuer: row.text()?,
            agent: row.optional_text()?,
            asked_by_agent: row.optional_text()?,
            groups: json(row)?,
            databases: json(row)?,
            tables: json(row)?,
            row_budget: row.optional_integer()?,
            rows_used: row.integer()?,
            duration_ms: row.integer()?,
            not_before: row.optional_integer()?,
            reason: row.text()?,
            statement_id: row.optional_text()?,
            needed: row.integer()?,
            created_at: row.integer()?,
            changed_at: row.integer()?,
            expires_at: row.integer()?,
            active_from: row.optional_integer()?,
            active_until: row.optional_integer()?,
            decided_by: row.optional_text()?,
            decided_reason: row.optional_text()?,
            ended: row.optional_text()?,
        })
    }

    fn read_id(row: &mut Row) -> Result<AccessGrantId, StoreError> {
        id(row)
    }

    /// Policies name no reviewers of access grants.
    fn read_parties(row: &mut Row) -> Result<Parties, StoreError> {
        Ok(Parties {
            subject: row.text()?,
            issuer: row.text()?,
            agent: row.optional_text()?,
            reviewers: Vec::new(),
        })
    }

    fn id(&self) -> AccessGrantId {
        self.id
    }

    fn state(&self) -> State {
        self.state
    }
}

pub(super) fn id(row: &mut Row) -> Result<AccessGrantId, StoreError> {
    row.text()?
        .parse()
        .map_err(|_| StoreError::Value("no id of an access grant"))
}

pub(super) fn state(row: &mut Row) -> Result<State, StoreError> {
    State::from_name(&row.text()?).ok_or(StoreError::Value("an unknown state"))
}

fn json<T: DeserializeOwned>(row: &mut Row) -> Result<T, StoreError> {
    serde_json::from_str(&row.text()?).map_err(|_| StoreError::Value("no JSON of this shape"))
}
