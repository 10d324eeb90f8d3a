//! A request as it is stored.

use gatewright_contract::{ApprovalWait, RequestId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::matter::Matter;
use super::{Change, Effect, Parameter, State};
use crate::store::{Row, StoreError};

/// The columns of a request, in the order in which [`Matter::read`] takes them.
const COLUMNS: &str = "id, state, wait, holder, digest, subject, issuer, agent, database_name, role_name, \
     statement_text, parameters, search_path, settings, policies, policy, policy_version, code, reason, needed, reviewers, shown, \
     effect_digest, created_at, changed_at, expires_at, valid_ms, approved_until, decided_by, decided_reason, ended, \
     sqlstate, row_count, break_glass, reviewed_at, reviewed_by";

/// A stored request. Times are milliseconds since 1970 by the store's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub id: RequestId,
    pub state: State,
    pub wait: ApprovalWait,
    /// The gateway that holds the statement, or used the approval up.
    pub holder: Option<String>,
    /// The digest of what an approval binds.
    pub digest: String,
    pub subject: String,
    pub issuer: String,
    pub agent: Option<String>,
    pub database: String,
    pub role: String,
    pub text: String,
    pub parameters: Vec<Parameter>,
    pub search_path: Vec<String>,
    pub settings: Vec<(String, String)>,
    pub policies: String,
    pub policy: String,
    pub policy_version: String,
    pub code: String,
    pub reason: String,
    /// How many reviewers have to agree.
    pub needed: i64,
    /// The users and groups that the policy names; empty: those of the configuration.
    pub reviewers: Vec<String>,
    pub shown: Stored,
    pub effect_digest: Option<String>,
    pub created_at: i64,
    pub changed_at: i64,
    pub expires_at: i64,
    pub valid_ms: i64,
    pub approved_until: Option<i64>,
    /// Who decided, separated by commas.
    pub decided_by: Option<String>,
    pub decided_reason: Option<String>,
    /// How it ended, where the state does not say it.
    pub ended: Option<String>,
    pub sqlstate: Option<String>,
    pub rows: Option<i64>,
    /// Why it ran without waiting for reviewers, if it did.
    pub break_glass: Option<String>,
    /// When a reviewer has looked at it afterwards.
    pub reviewed_at: Option<i64>,
    pub reviewed_by: Option<String>,
}

/// What reviewers are shown besides the binding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    pub statement_id: String,
    pub session_id: String,
    pub groups: Vec<String>,
    pub task: Option<String>,
    pub application: String,
    pub client_address: String,
    pub verb: String,
    pub effects: Vec<String>,
    pub tables: Vec<String>,
    #[serde(default)]
    pub effect: Option<Effect>,
    #[serde(default)]
    pub transaction: Vec<Change>,
}

/// Whom a request concerns: all that the rules go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parties {
    pub subject: String,
    pub issuer: String,
    pub agent: Option<String>,
    pub reviewers: Vec<String>,
}

impl Request {
    pub(super) fn parties(&self) -> Parties {
        Parties {
            subject: self.subject.clone(),
            issuer: self.issuer.clone(),
            agent: self.agent.clone(),
            reviewers: self.reviewers.clone(),
        }
    }

    /// Whether it ran without waiting for reviewers, and none of them has looked at it since.
    pub fn is_to_review(&self) -> bool {
        self.break_glass.is_some() && self.reviewed_at.is_none() && self.state.is_end()
    }

    /// Whether its time is over, although nobody has noted it yet.
    pub(super) fn is_overdue(&self, now: i64) -> bool {
        match self.state {
            State::Pending => self.expires_at <= now,
            State::Approved => self.approved_until.is_none_or(|until| until <= now),
            _ => false,
        }
    }
}

impl Matter for Request {
    type Id = RequestId;
    type State = State;

    const TABLE: &'static str = "request";
    const COLUMNS: &'static str = COLUMNS;
    const PARTIES: &'static str =
        "request.subject, request.issuer, request.agent, request.reviewers";

    fn read(row: &mut Row) -> Result<Self, StoreError> {
        Ok(Request {
            id: id(row)?,
            state: state(row)?,
            wait: match row.text()?.as_str() {
                "hold" => ApprovalWait::Hold,
                "return" => ApprovalWait::ReturnId,
                _ => return Err(StoreError::Value("an unknown way to wait")),
            },
            holder: row.optional_text()?,
            digest: row.text()?,
            subject: row.text()?,
            issuer: row.text()?,
            agent: row.optional_text()?,
            database: row.text()?,
            role: row.text()?,
            text: row.text()?,
            parameters: json(row)?,
            search_path: json(row)?,
            settings: json(row)?,
            policies: row.text()?,
            policy: row.text()?,
            policy_version: row.text()?,
            code: row.text()?,
            reason: row.text()?,
            needed: row.integer()?,
            reviewers: json(row)?,
            shown: json(row)?,
            effect_digest: row.optional_text()?,
            created_at: row.integer()?,
            changed_at: row.integer()?,
            expires_at: row.integer()?,
            valid_ms: row.integer()?,
            approved_until: row.optional_integer()?,
            decided_by: row.optional_text()?,
            decided_reason: row.optional_text()?,
            ended: row.optional_text()?,
            sqlstate: row.optional_text()?,
            rows: row.optional_integer()?,
            break_glass: row.optional_text()?,
            reviewed_at: row.optional_integer()?,
            reviewed_by: row.optional_text()?,
        })
    }

    fn read_id(row: &mut Row) -> Result<RequestId, StoreError> {
        id(row)
    }

    fn read_parties(row: &mut Row) -> Result<Parties, StoreError> {
        Ok(Parties {
            subject: row.text()?,
            issuer: row.text()?,
            agent: row.optional_text()?,
            reviewers: json(row)?,
        })
    }

    fn id(&self) -> RequestId {
        self.id
    }

    fn state(&self) -> State {
        self.state
    }
}

pub(super) fn wait_name(wait: ApprovalWait) -> &'static str {
    match wait {
        ApprovalWait::Hold => "hold",
        ApprovalWait::ReturnId => "return",
    }
}

pub(super) fn id(row: &mut Row) -> Result<RequestId, StoreError> {
    row.text()?
        .parse()
        .map_err(|_| StoreError::Value("no id of a request"))
}

pub(super) fn state(row: &mut Row) -> Result<State, StoreError> {
    State::from_name(&row.text()?).ok_or(StoreError::Value("an unknown state"))
}

pub(super) fn json<T: DeserializeOwned>(row: &mut Row) -> Result<T, StoreError> {
    serde_json::from_str(&row.text()?).map_err(|_| StoreError::Value("no JSON of this shape"))
}
