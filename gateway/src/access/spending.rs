//! The rows that were returned and changed under access grants with a row budget, on their way to the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gatewright_contract::{AccessGrantId, TableRef};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

use super::grant::AccessGrant;
use super::holder::Active;
use super::service::{AccessGrants, Shared};
use super::{State, transition};
use crate::approvals::lock;
use crate::store::{StoreError, Transaction, Value};

/// Statements whose rows are stored at one time.
const BATCH: usize = 1000;

/// The pauses after the store did not answer.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl AccessGrants {
    /// A statement has ended that was judged with these grants, and returned or changed so many rows. Returns at once.
    pub fn spend(&self, active: &Active, tables: Option<&[TableRef]>, rows: u64) {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        if rows == 0 {
            return;
        }
        for held in active.grants() {
            if held.concerns(tables) && held.spend(rows) {
                self.shared.spending.send_modify(|spending| *spending += 1);
                if self.shared.spent.send((held.id, rows)).is_err() {
                    tracing::warn!(grant = %held.id, "rows of an access grant were not stored: the gateway has stopped");
                }
            }
        }
    }
}

/// Stores rows in batches, and tries until the store takes them.
pub(super) async fn store_spent(
    shared: Arc<Shared>,
    mut spent: UnboundedReceiver<(AccessGrantId, i64)>,
) {
    let mut batch = Vec::new();
    while spent.recv_many(&mut batch, BATCH).await > 0 {
        // In the order of their ids, as everything that is locked.
        let mut sums: BTreeMap<AccessGrantId, i64> = BTreeMap::new();
        let count = batch.len();
        for (id, rows) in batch.drain(..) {
            let sum = sums.entry(id).or_default();
            *sum = sum.saturating_add(rows);
        }
        store_sums(&shared, sums).await;
        let spending = &shared.spending;
        spending.send_modify(|spending| *spending = spending.saturating_sub(count));
    }
}

async fn store_sums(shared: &Arc<Shared>, sums: BTreeMap<AccessGrantId, i64>) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let rows = sums.clone();
        let stored = shared
            .store
            .run::<_, StoreError, _>(move |transaction| use_up(transaction, &rows));
        match stored.await {
            Ok(()) => return,
            Err(error) if !error.is_passing() => {
                tracing::error!(%error, "the rows of access grants could not be stored");
                return;
            }
            // Where it is not known whether they were stored, they count twice rather than not at all.
            Err(error) => {
                tracing::warn!(%error, "the rows of access grants could not be stored; trying again");
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn use_up(
    transaction: &mut dyn Transaction,
    rows: &BTreeMap<AccessGrantId, i64>,
) -> Result<(), StoreError> {
    let mut used_up = Vec::new();
    for (id, rows) in rows {
        transaction.query(
            "UPDATE access_grant SET rows_used = CASE WHEN rows_used > $2 THEN $3 ELSE rows_used + $1 END WHERE id = $4",
            &[
                Value::from(*rows),
                Value::from(i64::MAX - rows),
                Value::from(i64::MAX),
                Value::from(id.to_string()),
            ],
        )?;
        let grant = lock::<AccessGrant>(transaction, *id)?;
        used_up.extend(grant.filter(|grant| {
            grant.state == State::Approved && grant.rows_left().is_some_and(|left| left <= 0)
        }));
    }
    for grant in &used_up {
        transition::expire(transaction, grant, "its rows are used up")?;
    }
    Ok(())
}
