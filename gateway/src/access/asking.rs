//! Somebody asks for access.

use std::time::Duration;

use gatewright_contract::{AccessGrantId, StatementId};

use super::grant::AccessGrant;
use super::refused::Refusals;
use super::{GrantError, GrantTable, State};
use crate::approvals::{Actor, ApprovalsSettings, Matter, Note, check_texts, lock, record};
use crate::identity::Identity;
use crate::store::{StoreError, Transaction, Value};

/// What can be asked for at one time.
const DATABASES: usize = 20;
const TABLES: usize = 100;

/// The longest name of a table or database, in bytes: NAMEDATALEN minus one.
const LONGEST_NAME: usize = 63;

/// The longest name of an agent, in bytes.
const LONGEST_AGENT: usize = 200;

/// How far ahead the beginning may lie.
const AHEAD_MS: i64 = 30 * 24 * 3_600_000;

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Who asks, as their token shows.
    pub asker: Identity,
    /// The agent that it is for. A person's own sessions then have no access by it. An agent asks for itself.
    pub agent: Option<String>,
    pub databases: Vec<String>,
    pub tables: Vec<GrantTable>,
    /// In place of tables, and of databases where there are none: those of a statement that this gateway refused.
    pub from_statement: Option<StatementId>,
    /// How many rows may be returned and changed under it; `None`: any number.
    pub row_budget: Option<u64>,
    pub duration: Duration,
    /// In milliseconds since 1970; `None`: it begins with its approval.
    pub not_before: Option<i64>,
    pub reason: String,
    /// What is asked for again with the same key is asked for once.
    pub idempotency_key: Option<String>,
}

/// The same, checked, in the form in which it is stored.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    pub id: AccessGrantId,
    asker: Actor,
    agent: Option<String>,
    asked_by_agent: Option<String>,
    groups: String,
    databases: String,
    tables: String,
    row_budget: Option<i64>,
    duration_ms: i64,
    not_before: Option<i64>,
    reason: String,
    statement_id: Option<String>,
    needed: i64,
    idempotency_key: Option<String>,
    pending_ms: i64,
    most_pending: i64,
}

impl Asking {
    pub fn new(
        ask: Ask,
        refusals: &Refusals,
        settings: &ApprovalsSettings,
    ) -> Result<Self, GrantError> {
        let ask = with_statement(ask, refusals)?;
        check_texts(Some(&ask.reason), ask.idempotency_key.as_deref(), true)?;
        check(&ask, settings)?;
        let row_budget = ask.row_budget.map(i64::try_from).transpose();
        let row_budget = row_budget.map_err(|_| invalid("the row budget is too large"))?;
        let Identity {
            subject,
            issuer,
            agent: asked_by_agent,
            groups,
            ..
        } = ask.asker;
        Ok(Asking {
            id: AccessGrantId::generate(),
            asker: Actor { subject, issuer },
            agent: asked_by_agent.clone().or(ask.agent),
            asked_by_agent,
            groups: json(&groups),
            databases: json(&ask.databases),
            tables: json(&ask.tables),
            row_budget,
            duration_ms: millis(ask.duration),
            not_before: ask.not_before,
            reason: ask.reason,
            statement_id: ask.from_statement.map(|id| id.to_string()),
            needed: i64::try_from(settings.needed).unwrap_or(i64::MAX),
            idempotency_key: ask.idempotency_key,
            pending_ms: millis(settings.pending_ttl),
            most_pending: i64::try_from(settings.max_pending_per_identity).unwrap_or(i64::MAX),
        })
    }

    /// Stores it, unless it is there already.
    pub fn store(&self, transaction: &mut dyn Transaction) -> Result<AccessGrant, GrantError> {
        if let Some(before) = self.asked_before(transaction)? {
            return Ok(before);
        }
        if self
            .not_before
            .is_some_and(|begin| begin > transaction.now() + AHEAD_MS)
        {
            return Err(invalid("it may begin within 30 days"));
        }
        if self.is_flood(transaction)? {
            return Err(GrantError::TooMany);
        }
        if !self.insert(transaction)? {
            // Somebody else has just asked with the same key.
            return self
                .asked_before(transaction)?
                .ok_or_else(|| StoreError::Unavailable("asked twice at once".to_owned()).into());
        }
        let note = Note {
            actor: Some(&self.asker),
            reason: Some(&self.reason),
        };
        record::<AccessGrant>(transaction, self.id, None, State::Pending, note)?;
        lock::<AccessGrant>(transaction, self.id)?.ok_or(GrantError::NotFound)
    }

    fn asked_before(
        &self,
        transaction: &mut dyn Transaction,
    ) -> Result<Option<AccessGrant>, GrantError> {
        let Some(key) = &self.idempotency_key else {
            return Ok(None);
        };
        let sql = format!(
            "SELECT {} FROM access_grant WHERE issuer = $1 AND subject = $2 AND idempotency_key = $3",
            AccessGrant::COLUMNS
        );
        let mut rows = transaction.query(
            &sql,
            &[
                Value::from(self.asker.issuer.clone()),
                Value::from(self.asker.subject.clone()),
                Value::from(key.clone()),
            ],
        )?;
        let Some(before) = rows.first_mut().map(AccessGrant::read).transpose()? else {
            return Ok(None);
        };
        match self.is_the_same(&before) {
            true => Ok(Some(before)),
            false => Err(GrantError::KeyReused),
        }
    }

    fn is_the_same(&self, before: &AccessGrant) -> bool {
        before.agent == self.agent
            && before.asked_by_agent == self.asked_by_agent
            && json(&before.databases) == self.databases
            && json(&before.tables) == self.tables
            && before.row_budget == self.row_budget
            && before.duration_ms == self.duration_ms
            && before.not_before == self.not_before
            && before.reason == self.reason
    }

    fn is_flood(&self, transaction: &mut dyn Transaction) -> Result<bool, StoreError> {
        let mut rows = transaction.query(
            "SELECT count(*) FROM access_grant WHERE state = 'pending' AND issuer = $1 AND subject = $2",
            &[
                Value::from(self.asker.issuer.clone()),
                Value::from(self.asker.subject.clone()),
            ],
        )?;
        let pending = rows.first_mut().map_or(Ok(0), |row| row.integer())?;
        Ok(pending >= self.most_pending)
    }

    fn insert(&self, transaction: &mut dyn Transaction) -> Result<bool, StoreError> {
        let now = transaction.now();
        let inserted = transaction.query(
            "INSERT INTO access_grant (state, rows_used, id, subject, issuer, agent, asked_by_agent, asker_groups, databases, tables, \
                 row_budget, duration_ms, not_before, reason, statement_id, needed, idempotency_key, created_at, changed_at, expires_at) \
             VALUES ('pending', 0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17) \
             ON CONFLICT DO NOTHING RETURNING id",
            &[
                Value::from(self.id.to_string()),
                Value::from(self.asker.subject.clone()),
                Value::from(self.asker.issuer.clone()),
                Value::from(self.agent.clone()),
                Value::from(self.asked_by_agent.clone()),
                Value::from(self.groups.clone()),
                Value::from(self.databases.clone()),
                Value::from(self.tables.clone()),
                Value::from(self.row_budget),
                Value::from(self.duration_ms),
                Value::from(self.not_before),
                Value::from(self.reason.clone()),
                Value::from(self.statement_id.clone()),
                Value::from(self.needed),
                Value::from(self.idempotency_key.clone()),
                Value::from(now),
                Value::from(now.saturating_add(self.pending_ms)),
            ],
        )?;
        Ok(!inserted.is_empty())
    }
}

/// Takes tables and database from the refused statement that is named.
fn with_statement(mut ask: Ask, refusals: &Refusals) -> Result<Ask, GrantError> {
    let Some(id) = ask.from_statement else {
        return Ok(ask);
    };
    if !ask.tables.is_empty() {
        return Err(invalid("tables are either named or those of a statement"));
    }
    let refused = refusals
        .find(id, &ask.asker)
        .ok_or(GrantError::UnknownStatement)?;
    let Some(tables) = refused.tables else {
        return Err(invalid(
            "what this statement does to which tables is not certain, so no access grant covers it",
        ));
    };
    ask.tables = tables;
    if ask.databases.is_empty() {
        ask.databases.push(refused.database);
    }
    // What an agent was refused is asked for the agent.
    if ask.agent.is_none() {
        ask.agent = refused.agent;
    }
    Ok(ask)
}

fn check(ask: &Ask, settings: &ApprovalsSettings) -> Result<(), GrantError> {
    let is_name = |name: &String| {
        !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains(char::is_control)
    };
    if let (Some(own), Some(other)) = (&ask.asker.agent, &ask.agent)
        && own != other
    {
        return Err(invalid("an agent asks for itself only"));
    }
    if let Some(agent) = &ask.agent
        && (agent.is_empty() || agent.len() > LONGEST_AGENT || agent.contains(char::is_control))
    {
        return Err(invalid(
            "the agent's name is empty or too long, or has control characters",
        ));
    }
    if !(1..=DATABASES).contains(&ask.databases.len()) || !ask.databases.iter().all(is_name) {
        return Err(invalid("name from 1 to 20 databases, as clients name them"));
    }
    if !(1..=TABLES).contains(&ask.tables.len()) {
        return Err(invalid("name from 1 to 100 tables or schemas"));
    }
    for table in &ask.tables {
        if !is_name(&table.schema) || !table.name.as_ref().is_none_or(is_name) {
            return Err(invalid(
                "a name of a schema or table is empty or too long, or has control characters",
            ));
        }
        if table.verbs.0.is_empty() {
            return Err(invalid("a table has no verbs"));
        }
    }
    if ask.row_budget == Some(0) {
        return Err(invalid("a row budget is at least 1"));
    }
    if ask.duration < Duration::from_secs(1) || ask.duration > settings.max_grant {
        let most = settings.max_grant.as_secs();
        return Err(invalid(format!(
            "it lasts from 1 to {most} seconds (max_grant)"
        )));
    }
    Ok(())
}

pub(super) fn invalid(what: impl Into<String>) -> GrantError {
    GrantError::Invalid(what.into())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Lists of texts always have a JSON form.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
