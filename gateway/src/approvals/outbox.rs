//! What is still to be told of requests to others. An event is written with the state change that it tells of. Each subscription takes
//! events over in their order, once, and keeps a list of those that were not delivered yet; gateways that share the store share the list.

use std::time::Duration;

use super::State;
use super::reading::{self, Event};
use super::request::Request;
use super::service::Approvals;
use crate::store::{StoreError, Transaction, Value};

/// What somebody wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// By which the store knows it.
    pub name: String,
    /// The states of which it is told.
    pub states: Vec<State>,
    /// What happened longer ago is not told any more.
    pub max_age: Duration,
}

/// What is to be delivered now, and by this gateway alone until its time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    pub event: Event,
    /// The request as it is now.
    pub request: Request,
    /// How often its delivery has failed.
    pub attempts: u32,
}

/// What is to be delivered now, and how much there is in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notifications {
    pub due: Vec<Notification>,
    /// How many are not delivered yet, whoever holds them.
    pub pending: i64,
}

/// What becomes of a notification that was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    TriedAgain,
    /// It is too old, and deleted.
    GivenUp,
}

impl Approvals {
    /// Begins a subscription, or goes on with it: what happens from here on is told.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn subscribe(&self, subscription: &Subscription) -> Result<(), StoreError> {
        let subscription = subscription.clone();
        let store = &self.shared.store;
        store
            .run(move |transaction| take_over(transaction, &subscription))
            .await
    }

    /// Up to `most` notifications that are due, to be delivered within `hold`. Of one request, the next is due once the one before it
    /// was delivered or given up.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn notifications(
        &self,
        subscription: &Subscription,
        most: usize,
        hold: Duration,
    ) -> Result<Notifications, StoreError> {
        let (subscription, holder) = (subscription.clone(), self.shared.holder.clone());
        let store = &self.shared.store;
        store
            .run(move |transaction| {
                take_over(transaction, &subscription)?;
                let name = subscription.name.as_str();
                Ok(Notifications {
                    due: hold_due(transaction, name, &holder, most, hold)?,
                    pending: pending(transaction, name)?,
                })
            })
            .await
    }

    /// The notification of this event was delivered.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn delivered(&self, subscription: &str, sequence: i64) -> Result<(), StoreError> {
        let (name, holder) = (subscription.to_owned(), self.shared.holder.clone());
        let store = &self.shared.store;
        store
            .run(move |transaction| remove(transaction, &name, sequence, &holder))
            .await
    }

    /// The notification of this event could not be delivered. It is due again after the pause, unless it is too old by then.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn not_delivered(
        &self,
        subscription: &Subscription,
        sequence: i64,
        pause: Duration,
    ) -> Result<Fate, StoreError> {
        let (subscription, holder) = (subscription.clone(), self.shared.holder.clone());
        let store = &self.shared.store;
        store
            .run(move |transaction| postpone(transaction, &subscription, sequence, &holder, pause))
            .await
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Moves the subscription on to the last event. A new one begins there.
fn take_over(
    transaction: &mut dyn Transaction,
    subscription: &Subscription,
) -> Result<(), StoreError> {
    let now = transaction.now();
    // The row is locked, so that nobody takes the same events over.
    let mut rows = transaction.query(
        "INSERT INTO webhook (name, seen, used_at) SELECT $1, last, $2 FROM feed WHERE id = 1 \
         ON CONFLICT (name) DO UPDATE SET used_at = $2 RETURNING seen",
        &[Value::from(subscription.name.clone()), Value::from(now)],
    )?;
    let row = rows.first_mut();
    let seen = row
        .ok_or(StoreError::Value("no counter of events"))?
        .integer()?;
    let last = reading::last_event(transaction)?;
    if last == seen {
        return Ok(());
    }
    let names: Vec<String> = subscription
        .states
        .iter()
        .map(|state| format!("'{state}'"))
        .collect();
    if !names.is_empty() {
        let sql = format!(
            "INSERT INTO delivery (webhook, sequence, request, happened_at, attempts, due_at, held_until) \
             SELECT $1, sequence, request, happened_at, 0, happened_at, 0 FROM event \
             WHERE sequence > $2 AND sequence <= $3 AND happened_at > $4 AND state IN ({})",
            names.join(", ")
        );
        let since = now.saturating_sub(millis(subscription.max_age));
        let values = [
            Value::from(subscription.name.clone()),
            Value::from(seen),
            Value::from(last),
            Value::from(since),
        ];
        transaction.query(&sql, &values)?;
    }
    transaction.query(
        "UPDATE webhook SET seen = $2 WHERE name = $1",
        &[Value::from(subscription.name.clone()), Value::from(last)],
    )?;
    Ok(())
}

/// Takes what is due, unless another gateway has it.
fn hold_due(
    transaction: &mut dyn Transaction,
    name: &str,
    holder: &str,
    most: usize,
    hold: Duration,
) -> Result<Vec<Notification>, StoreError> {
    let now = transaction.now();
    let sql = format!(
        "UPDATE delivery SET holder = $1, held_until = $2 \
         WHERE webhook = $3 AND held_until <= $4 AND sequence IN \
         (SELECT own.sequence FROM delivery AS own WHERE own.webhook = $3 AND own.held_until <= $4 AND own.due_at <= $4 \
          AND NOT EXISTS (SELECT 1 FROM delivery AS other WHERE other.webhook = own.webhook \
                          AND other.request = own.request AND other.sequence < own.sequence) \
          ORDER BY own.due_at, own.sequence LIMIT {most}) \
         RETURNING sequence, request, attempts"
    );
    let values = [
        Value::from(holder),
        Value::from(now.saturating_add(millis(hold))),
        Value::from(name),
        Value::from(now),
    ];
    let mut held = Vec::new();
    for mut row in transaction.query(&sql, &values)? {
        held.push((
            row.integer()?,
            super::request::id(&mut row)?,
            row.integer()?,
        ));
    }
    held.sort_unstable_by_key(|(sequence, ..)| *sequence);
    let mut due = Vec::with_capacity(held.len());
    for (sequence, request, attempts) in held {
        let event = reading::event_of(transaction, sequence)?;
        let request = reading::request(transaction, request)?;
        match event.zip(request) {
            Some((event, request)) => due.push(Notification {
                event,
                request,
                attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
            }),
            None => remove(transaction, name, sequence, holder)?,
        }
    }
    Ok(due)
}

fn pending(transaction: &mut dyn Transaction, name: &str) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM delivery WHERE webhook = $1";
    let mut rows = transaction.query(sql, &[Value::from(name)])?;
    rows.first_mut().map_or(Ok(0), |row| row.integer())
}

fn remove(
    transaction: &mut dyn Transaction,
    name: &str,
    sequence: i64,
    holder: &str,
) -> Result<(), StoreError> {
    transaction.query(
        "DELETE FROM delivery WHERE webhook = $1 AND sequence = $2 AND holder = $3",
        &[
            Value::from(name),
            Value::from(sequence),
            Value::from(holder),
        ],
    )?;
    Ok(())
}

fn postpone(
    transaction: &mut dyn Transaction,
    subscription: &Subscription,
    sequence: i64,
    holder: &str,
    pause: Duration,
) -> Result<Fate, StoreError> {
    let name = subscription.name.as_str();
    let due = transaction.now().saturating_add(millis(pause));
    let mut rows = transaction.query(
        "UPDATE delivery SET attempts = attempts + 1, due_at = $4, held_until = 0 \
         WHERE webhook = $1 AND sequence = $2 AND holder = $3 RETURNING happened_at",
        &[
            Value::from(name),
            Value::from(sequence),
            Value::from(holder),
            Value::from(due),
        ],
    )?;
    // Another gateway may have taken it meanwhile.
    let Some(row) = rows.first_mut() else {
        return Ok(Fate::TriedAgain);
    };
    if due < row.integer()?.saturating_add(millis(subscription.max_age)) {
        return Ok(Fate::TriedAgain);
    }
    remove(transaction, name, sequence, holder)?;
    Ok(Fate::GivenUp)
}

/// Forgets subscriptions that nobody has used since then.
pub(super) fn prune(transaction: &mut dyn Transaction, before: i64) -> Result<(), StoreError> {
    transaction.query(
        "DELETE FROM webhook WHERE used_at < $1",
        &[Value::from(before)],
    )?;
    transaction.query(
        "DELETE FROM delivery WHERE NOT EXISTS (SELECT 1 FROM webhook WHERE webhook.name = delivery.webhook)",
        &[],
    )?;
    Ok(())
}

/// The notifications of a request that is deleted.
pub(super) const OF_REQUEST: &str = "DELETE FROM delivery WHERE request = $1";
