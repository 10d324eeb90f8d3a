//! What goes on beside: the book follows the store, grants whose time is over end, and old ones are deleted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewright_contract::AccessGrantId;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{MissedTickBehavior, interval};

use super::grant::AccessGrant;
use super::service::Shared;
use super::spending::store_spent;
use super::{grant, reading, transition};
use crate::approvals::{TRACES, lock};
use crate::store::{StoreError, Transaction, Value};

/// How often the store is asked, and looked through for grants whose time is over, where nothing is heard.
const TICK: Duration = Duration::from_secs(1);

/// How often old grants are deleted.
const PRUNE: Duration = Duration::from_secs(3600);

/// What one transaction ends or deletes.
const BATCH: usize = 100;

/// Starts the tasks. They run as long as the event loop does.
pub(super) fn spawn(shared: &Arc<Shared>, spent: UnboundedReceiver<(AccessGrantId, i64)>) {
    tokio::spawn(keep(Arc::clone(shared)));
    tokio::spawn(store_spent(Arc::clone(shared), spent));
}

async fn keep(shared: Arc<Shared>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Events of access grants are numbered with those of requests.
    let mut events = shared.approvals.last_event();
    let mut prune_at = Instant::now();
    loop {
        let is_tick = tokio::select! {
            _ = ticks.tick() => true,
            // The sender is in `approvals`.
            _ = events.changed() => false,
        };
        let kept = async {
            if is_tick {
                sweep(&shared).await?;
            }
            refresh(&shared).await
        };
        if let Err(error) = kept.await {
            tracing::warn!(%error, "the store of access grants does not answer");
            continue;
        }
        if prune_at <= Instant::now() {
            prune_at = Instant::now() + PRUNE;
            if let Err(error) = prune(&shared).await {
                tracing::warn!(%error, "old access grants could not be deleted");
            }
        }
    }
}

/// Reads which grants are approved, if anything has happened.
pub(super) async fn refresh(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let known = shared.book.known();
    let asked = Instant::now();
    let read = shared
        .store
        .run::<_, StoreError, _>(move |transaction| reading::approved(transaction, known));
    match read.await? {
        Some(approved) => shared.book.follow(approved, asked),
        None => shared.book.unchanged(asked),
    }
    Ok(())
}

/// Ends grants whose time is over.
async fn sweep(shared: &Arc<Shared>) -> Result<(), StoreError> {
    while shared.store.run::<_, StoreError, _>(end_overdue).await? {}
    Ok(())
}

fn end_overdue(transaction: &mut dyn Transaction) -> Result<bool, StoreError> {
    let now = transaction.now();
    let ids = select(
        transaction,
        "SELECT id FROM access_grant WHERE (state = 'pending' AND expires_at <= $1) \
         OR (state = 'approved' AND active_until <= $1) ORDER BY id LIMIT 100",
        now,
    )?;
    let mut locked = Vec::with_capacity(ids.len());
    for id in &ids {
        locked.extend(lock::<AccessGrant>(transaction, *id)?);
    }
    for grant in &locked {
        transition::expire_overdue(transaction, grant)?;
    }
    Ok(ids.len() >= BATCH)
}

/// Deletes grants that ended long ago.
async fn prune(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let keep = shared.approvals.settings().keep.as_millis();
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    while shared
        .store
        .run::<_, StoreError, _>(move |transaction| {
            let before = transaction.now().saturating_sub(keep);
            delete(transaction, before)
        })
        .await?
    {}
    Ok(())
}

pub(super) fn delete(transaction: &mut dyn Transaction, before: i64) -> Result<bool, StoreError> {
    let ids = select(
        transaction,
        "SELECT id FROM access_grant WHERE state NOT IN ('pending', 'approved') AND changed_at < $1 ORDER BY id LIMIT 100",
        before,
    )?;
    for id in &ids {
        let own = "DELETE FROM access_grant WHERE id = $1";
        for sql in TRACES.into_iter().chain([own]) {
            transaction.query(sql, &[Value::from(id.to_string())])?;
        }
    }
    Ok(ids.len() >= BATCH)
}

fn select(
    transaction: &mut dyn Transaction,
    sql: &str,
    time: i64,
) -> Result<Vec<AccessGrantId>, StoreError> {
    let mut rows = transaction.query(sql, &[Value::from(time)])?;
    rows.iter_mut().map(grant::id).collect()
}
