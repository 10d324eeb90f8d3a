//! What has happened to something that people decide about, and who has agreed: a request, or an access grant.

use super::Actor;
use crate::store::{Row, StoreError, Transaction, Value};

/// Something that happened. `S`: the states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened<S> {
    /// In milliseconds since 1970.
    pub at: i64,
    /// `None`: it was asked for.
    pub before: Option<S>,
    /// The same as before where one of several reviewers agreed.
    pub state: S,
    pub actor: Option<Actor>,
    pub reason: Option<String>,
}

/// A reviewer agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub by: Actor,
    pub reason: Option<String>,
    /// In milliseconds since 1970.
    pub at: i64,
}

impl<S> Happened<S> {
    /// The columns, in the order in which they are read.
    pub const COLUMNS: &str = "event.happened_at, event.state_before, event.state, event.actor, event.actor_issuer, event.reason";

    /// `named`: the state of this name.
    pub fn read(row: &mut Row, named: fn(&str) -> Option<S>) -> Result<Self, StoreError> {
        let state = |name: &str| named(name).ok_or(StoreError::Value("an unknown state"));
        Ok(Happened {
            at: row.integer()?,
            before: row.optional_text()?.as_deref().map(state).transpose()?,
            state: state(&row.text()?)?,
            actor: match (row.optional_text()?, row.optional_text()?) {
                (Some(subject), Some(issuer)) => Some(Actor { subject, issuer }),
                _ => None,
            },
            reason: row.optional_text()?,
        })
    }
}

/// Who has agreed so far.
pub(crate) fn approvals_of(
    transaction: &mut dyn Transaction,
    id: &str,
) -> Result<Vec<Approval>, StoreError> {
    let mut rows = transaction.query(
        "SELECT subject, issuer, reason, decided_at FROM decision WHERE request = $1 AND kind = 'approve' ORDER BY decided_at, subject",
        &[Value::from(id)],
    )?;
    let approval = |row: &mut Row| {
        Ok(Approval {
            by: Actor {
                subject: row.text()?,
                issuer: row.text()?,
            },
            reason: row.optional_text()?,
            at: row.integer()?,
        })
    };
    rows.iter_mut().map(approval).collect()
}
