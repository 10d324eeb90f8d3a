//! What ends requests besides people: statements that ended, clients that left, clocks, and gateways that died.

use gatewright_contract::RequestId;

use super::exchange::{Finished, Withdrawal};
use super::request::{self, Request};
use super::transition::{self, Note, Set};
use super::{State, outbox};
use crate::store::{StoreError, Transaction, Value};

/// How many requests one transaction ends.
pub(super) const BATCH: usize = 100;

/// A gateway that was not seen for this long is taken for dead, in milliseconds.
pub(super) const DEAD_AFTER_MS: i64 = 5000;

/// Why a request ends that this gateway holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Finished(Finished),
    Withdrawn(Withdrawal),
    /// It was held as long as it may be.
    HoldLimit,
}

/// As it is stored in `ended` where a gateway died while its statement was running.
const LOST: &str = "lost";

/// Ends requests of this gateway. One that ended otherwise before is left as it is.
pub(super) fn end(
    transaction: &mut dyn Transaction,
    holder: &str,
    mut ends: Vec<(RequestId, End)>,
) -> Result<(), StoreError> {
    ends.sort_by_key(|(id, _)| *id);
    let mut locked = Vec::with_capacity(ends.len());
    for (id, how) in ends {
        let request = transition::lock::<Request>(transaction, id)?;
        locked.extend(request.map(|request| (request, how)));
    }
    for (request, how) in locked {
        if request.holder.as_deref() == Some(holder) {
            end_one(transaction, &request, &how)?;
        }
    }
    Ok(())
}

fn end_one(
    transaction: &mut dyn Transaction,
    request: &Request,
    how: &End,
) -> Result<(), StoreError> {
    // A gateway that others took for dead may still say what became of its statement.
    let runs = request.state == State::Claimed
        || request.state == State::Failed && request.ended.as_deref() == Some(LOST);
    let (to, ended, sqlstate, rows) = match how {
        End::Finished(_) if !runs => return Ok(()),
        End::Finished(Finished::Executed { rows }) => (State::Executed, None, None, Some(*rows)),
        End::Finished(Finished::Failed { sqlstate }) => {
            (State::Failed, None, Some(sqlstate.as_str()), None)
        }
        End::Finished(Finished::Skipped) => (State::Failed, Some("skipped"), None, None),
        End::Finished(Finished::Lost) => (State::Failed, Some(LOST), None, None),
        End::Finished(Finished::EffectMismatch) => (State::EffectMismatch, None, None, None),
        End::Withdrawn(why) => (State::Withdrawn, Some(why.label()), None, None),
        End::HoldLimit => (State::Expired, Some("held as long as allowed"), None, None),
    };
    if !request.state.next().contains(&to) {
        return Ok(());
    }
    let rows = rows.map(|rows| i64::try_from(rows).unwrap_or(i64::MAX));
    let set = Set {
        sql: ", ended = $5, sqlstate = $6, row_count = $7",
        values: &[Value::from(ended), Value::from(sqlstate), Value::from(rows)],
    };
    let note = Note {
        actor: None,
        reason: ended,
    };
    transition::step(transaction, request, to, &set, note)?;
    Ok(())
}

/// Ends requests whose time is over, and with `dead_holders` those of gateways that are gone. Returns whether there may be more.
pub(super) fn sweep(
    transaction: &mut dyn Transaction,
    dead_holders: bool,
) -> Result<bool, StoreError> {
    let now = transaction.now();
    let mut ids = select(
        transaction,
        "SELECT id FROM request WHERE (state = 'pending' AND expires_at <= $1) \
         OR (state = 'approved' AND approved_until <= $1) LIMIT 100",
        &[Value::from(now)],
    )?;
    let mut abandoned = Vec::new();
    if dead_holders {
        abandoned = select(
            transaction,
            "SELECT id FROM request WHERE state IN ('pending', 'approved', 'claimed') AND holder IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM holder WHERE holder.id = request.holder AND holder.seen_at > $1) LIMIT 100",
            &[Value::from(now - DEAD_AFTER_MS)],
        )?;
    }
    let more = ids.len() >= BATCH || abandoned.len() >= BATCH;
    ids.extend(&abandoned);
    ids.sort_unstable();
    ids.dedup();
    let mut locked = Vec::with_capacity(ids.len());
    for id in ids {
        locked.extend(transition::lock::<Request>(transaction, id)?);
    }
    for request in &locked {
        if !transition::expire_overdue(transaction, request)? && abandoned.contains(&request.id) {
            abandon(transaction, request)?;
        }
    }
    Ok(more)
}

/// What a gateway left that is gone.
fn abandon(transaction: &mut dyn Transaction, request: &Request) -> Result<(), StoreError> {
    let (to, ended) = match request.state {
        State::Claimed => (State::Failed, LOST),
        State::Pending | State::Approved => (State::Withdrawn, "its gateway is gone"),
        _ => return Ok(()),
    };
    let set = Set {
        sql: ", ended = $5",
        values: &[Value::from(ended)],
    };
    let note = Note {
        actor: None,
        reason: Some(ended),
    };
    transition::step(transaction, request, to, &set, note)?;
    Ok(())
}

/// What this gateway should be holding, by the store, since before `$2`.
pub(super) fn held_by(
    transaction: &mut dyn Transaction,
    holder: &str,
    before: i64,
) -> Result<Vec<RequestId>, StoreError> {
    select(
        transaction,
        "SELECT id FROM request WHERE state IN ('pending', 'approved', 'claimed') AND holder = $1 AND changed_at < $2",
        &[Value::from(holder), Value::from(before)],
    )
}

/// Deletes requests that ended before this time, unless they are still to be reviewed, and forgets gateways and webhooks that are gone. Returns whether there may be more.
pub(super) fn prune(transaction: &mut dyn Transaction, before: i64) -> Result<bool, StoreError> {
    let ids = select(
        transaction,
        "SELECT id FROM request WHERE state NOT IN ('pending', 'approved', 'claimed') AND changed_at < $1 \
         AND (break_glass IS NULL OR reviewed_at IS NOT NULL) LIMIT 100",
        &[Value::from(before)],
    )?;
    for id in &ids {
        let own = "DELETE FROM request WHERE id = $1";
        for sql in outbox::TRACES.into_iter().chain([own]) {
            transaction.query(sql, &[Value::from(id.to_string())])?;
        }
    }
    transaction.query(
        "DELETE FROM holder WHERE seen_at < $1 AND NOT EXISTS \
         (SELECT 1 FROM request WHERE request.holder = holder.id AND request.state IN ('pending', 'approved', 'claimed'))",
        &[Value::from(before)],
    )?;
    outbox::prune(transaction, before)?;
    Ok(ids.len() >= BATCH)
}

/// Forgets this gateway, which holds nothing any more.
pub(super) fn leave(transaction: &mut dyn Transaction, holder: &str) -> Result<(), StoreError> {
    transaction.query("DELETE FROM holder WHERE id = $1", &[Value::from(holder)])?;
    Ok(())
}

fn select(
    transaction: &mut dyn Transaction,
    sql: &str,
    values: &[Value],
) -> Result<Vec<RequestId>, StoreError> {
    let mut rows = transaction.query(sql, values)?;
    rows.iter_mut().map(request::id).collect()
}
