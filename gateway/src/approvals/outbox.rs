//! What is still to be told of requests and access grants to others. An event is written with the state change that it tells of. Each
//! subscription takes events over in their order, once, and keeps a list of those that were not delivered yet; gateways that share the
//! store share the list.

use std::time::Duration;

use super::matter::{Matter, Stage};
use super::reading;
use super::service::Approvals;
use crate::store::{StoreError, Transaction, Value};

/// What somebody wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// By which the store knows it.
    pub name: String,
    pub topics: Vec<Topic>,
    /// What happened longer ago is not told any more.
    pub max_age: Duration,
}

/// Events of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// The table of those that they are about.
    pub table: &'static str,
    /// The states of which it is told, as they are stored.
    pub states: Vec<&'static str>,
}

impl Topic {
    /// The events of such things in these states.
    pub fn of<M: Matter>(states: &[M::State]) -> Self {
        Topic {
            table: M::TABLE,
            states: states.iter().map(|state| state.name()).collect(),
        }
    }
}

/// What is to be delivered now, and by this gateway alone until its time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due<T> {
    /// The number of the event.
    pub sequence: i64,
    /// How often its delivery has failed.
    pub attempts: u32,
    /// The message of a chat that shows what the event is about.
    pub post: Option<Post>,
    /// The event, and what it is about as that is now.
    pub told: T,
}

/// A message of a chat, as the chat names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub channel: String,
    pub message: String,
}

/// What is to be delivered now, and how much there is in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbox<T> {
    pub due: Vec<Due<T>>,
    /// How many are not delivered yet, whoever holds them.
    pub pending: i64,
}

/// Reads the event of a number, and what it is about.
pub type ReadEvent<T> = fn(&mut dyn Transaction, i64) -> Result<Option<T>, StoreError>;

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

    /// Up to `most` events that are due, to be delivered within `hold`. Of one request or access grant, the next is due once the one before
    /// it was delivered or given up.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn outbox<T: Send + 'static>(
        &self,
        subscription: &Subscription,
        most: usize,
        hold: Duration,
        read: ReadEvent<T>,
    ) -> Result<Outbox<T>, StoreError> {
        let (subscription, holder) = (subscription.clone(), self.shared.holder.clone());
        let store = &self.shared.store;
        store
            .run(move |transaction| {
                take_over(transaction, &subscription)?;
                let holding = Holding {
                    name: &subscription.name,
                    holder: &holder,
                };
                Ok(Outbox {
                    due: holding.due(transaction, most, hold, read)?,
                    pending: pending(transaction, holding.name)?,
                })
            })
            .await
    }

    /// The event was delivered; `post`: with this message of a chat.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn delivered(
        &self,
        subscription: &str,
        sequence: i64,
        post: Option<Post>,
    ) -> Result<(), StoreError> {
        let (name, holder) = (subscription.to_owned(), self.shared.holder.clone());
        let store = &self.shared.store;
        store
            .run(move |transaction| {
                if let Some(post) = &post {
                    keep(transaction, &name, sequence, post)?;
                }
                let (name, holder) = (name.as_str(), holder.as_str());
                Holding { name, holder }.remove(transaction, sequence)
            })
            .await
    }

    /// The event could not be delivered. It is due again after the pause, unless it is too old by then.
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
            .run(move |transaction| {
                let holding = Holding {
                    name: &subscription.name,
                    holder: &holder,
                };
                holding.postpone(transaction, sequence, pause, subscription.max_age)
            })
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
    let topics: Vec<String> = subscription.topics.iter().filter_map(condition).collect();
    if !topics.is_empty() {
        let sql = format!(
            "INSERT INTO delivery (webhook, sequence, request, happened_at, attempts, due_at, held_until) \
             SELECT $1, sequence, request, happened_at, 0, happened_at, 0 FROM event \
             WHERE sequence > $2 AND sequence <= $3 AND happened_at > $4 AND ({})",
            topics.join(" OR ")
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

/// The events of a topic; `None`: none.
fn condition(topic: &Topic) -> Option<String> {
    let names = topic.states.iter().map(|state| format!("'{state}'"));
    let names: Vec<String> = names.collect();
    let table = topic.table;
    (!names.is_empty()).then(|| {
        format!(
            "(state IN ({}) AND EXISTS (SELECT 1 FROM {table} WHERE {table}.id = event.request))",
            names.join(", ")
        )
    })
}

/// A subscription, and the gateway that delivers.
struct Holding<'s> {
    name: &'s str,
    holder: &'s str,
}

impl Holding<'_> {
    /// Takes what is due, unless another gateway has it.
    fn due<T>(
        &self,
        transaction: &mut dyn Transaction,
        most: usize,
        hold: Duration,
        read: ReadEvent<T>,
    ) -> Result<Vec<Due<T>>, StoreError> {
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
            Value::from(self.holder),
            Value::from(now.saturating_add(millis(hold))),
            Value::from(self.name),
            Value::from(now),
        ];
        let mut held = Vec::new();
        for mut row in transaction.query(&sql, &values)? {
            held.push((row.integer()?, row.text()?, row.integer()?));
        }
        held.sort_unstable_by_key(|(sequence, ..)| *sequence);
        let mut due = Vec::with_capacity(held.len());
        for (sequence, id, attempts) in held {
            match read(transaction, sequence)? {
                Some(told) => due.push(Due {
                    sequence,
                    attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
                    post: self.post(transaction, &id)?,
                    told,
                }),
                None => self.remove(transaction, sequence)?,
            }
        }
        Ok(due)
    }

    fn post(
        &self,
        transaction: &mut dyn Transaction,
        id: &str,
    ) -> Result<Option<Post>, StoreError> {
        let mut rows = transaction.query(
            "SELECT channel, message FROM post WHERE webhook = $1 AND request = $2",
            &[Value::from(self.name), Value::from(id)],
        )?;
        let post = rows.first_mut().map(|row| {
            Ok(Post {
                channel: row.text()?,
                message: row.text()?,
            })
        });
        post.transpose()
    }

    fn remove(&self, transaction: &mut dyn Transaction, sequence: i64) -> Result<(), StoreError> {
        transaction.query(
            "DELETE FROM delivery WHERE webhook = $1 AND sequence = $2 AND holder = $3",
            &[
                Value::from(self.name),
                Value::from(sequence),
                Value::from(self.holder),
            ],
        )?;
        Ok(())
    }

    fn postpone(
        &self,
        transaction: &mut dyn Transaction,
        sequence: i64,
        pause: Duration,
        max_age: Duration,
    ) -> Result<Fate, StoreError> {
        let due = transaction.now().saturating_add(millis(pause));
        let mut rows = transaction.query(
            "UPDATE delivery SET attempts = attempts + 1, due_at = $4, held_until = 0 \
             WHERE webhook = $1 AND sequence = $2 AND holder = $3 RETURNING happened_at",
            &[
                Value::from(self.name),
                Value::from(sequence),
                Value::from(self.holder),
                Value::from(due),
            ],
        )?;
        // Another gateway may have taken it meanwhile.
        let Some(row) = rows.first_mut() else {
            return Ok(Fate::TriedAgain);
        };
        if due < row.integer()?.saturating_add(millis(max_age)) {
            return Ok(Fate::TriedAgain);
        }
        self.remove(transaction, sequence)?;
        Ok(Fate::GivenUp)
    }
}

/// Keeps the message of a chat that shows what the event is about, in place of an older one. It must not be lost where another gateway
/// has taken the delivery meanwhile.
fn keep(
    transaction: &mut dyn Transaction,
    name: &str,
    sequence: i64,
    post: &Post,
) -> Result<(), StoreError> {
    transaction.query(
        "INSERT INTO post (webhook, request, channel, message) SELECT $1, request, $3, $4 FROM event WHERE sequence = $2 \
         ON CONFLICT (webhook, request) DO UPDATE SET channel = $3, message = $4",
        &[
            Value::from(name),
            Value::from(sequence),
            Value::from(post.channel.clone()),
            Value::from(post.message.clone()),
        ],
    )?;
    Ok(())
}

fn pending(transaction: &mut dyn Transaction, name: &str) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM delivery WHERE webhook = $1";
    let mut rows = transaction.query(sql, &[Value::from(name)])?;
    rows.first_mut().map_or(Ok(0), |row| row.integer())
}

/// Forgets subscriptions that nobody has used since then.
pub(super) fn prune(transaction: &mut dyn Transaction, before: i64) -> Result<(), StoreError> {
    transaction.query(
        "DELETE FROM webhook WHERE used_at < $1",
        &[Value::from(before)],
    )?;
    for table in ["delivery", "post"] {
        let sql = format!(
            "DELETE FROM {table} WHERE NOT EXISTS (SELECT 1 FROM webhook WHERE webhook.name = {table}.webhook)"
        );
        transaction.query(&sql, &[])?;
    }
    Ok(())
}

/// What is left of a request or an access grant that is deleted, besides itself.
pub(crate) const TRACES: [&str; 4] = [
    "DELETE FROM delivery WHERE request = $1",
    "DELETE FROM post WHERE request = $1",
    "DELETE FROM event WHERE request = $1",
    "DELETE FROM decision WHERE request = $1",
];
