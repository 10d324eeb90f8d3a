//! What goes on beside the requests: events are read, ends are stored, overdue requests end, and gateways that are gone are
//! noticed.

use std::sync::Arc;
use std::time::Duration;

use gatewright_contract::RequestId;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::asking::heartbeat;
use super::ending::{self, BATCH, DEAD_AFTER_MS, End};
use super::exchange::Withdrawal;
use super::reading;
use super::service::Shared;
use crate::store::StoreError;

/// How often this gateway shows that it is alive, and looks for what is overdue.
const TICK: Duration = Duration::from_secs(1);

/// How often old requests are deleted.
const PRUNE: Duration = Duration::from_secs(3600);

/// Events that are read at one time.
const PAGE: usize = 1000;

/// The pauses after the store did not answer.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A request that this gateway should hold, and does not, is given this time: it may be on its way.
const STRAY_MS: i64 = 10_000;

/// Starts the tasks. They run as long as the event loop does.
pub(super) fn spawn(shared: &Arc<Shared>, ended: UnboundedReceiver<(RequestId, End)>) {
    tokio::spawn(follow(Arc::clone(shared)));
    tokio::spawn(store_ends(Arc::clone(shared), ended));
    tokio::spawn(keep(Arc::clone(shared)));
}

/// Reads events as they come, and raises what they concern.
async fn follow(shared: Arc<Shared>) {
    let mut wakes = shared.store.wakes();
    loop {
        wakes.next().await;
        while let Some(more) = read_events(&shared).await {
            if !more {
                break;
            }
        }
    }
}

/// Reads a page of events. Returns whether there may be more; `None`: the store does not answer.
async fn read_events(shared: &Arc<Shared>) -> Option<bool> {
    let last = *shared.last_event.borrow();
    let read = shared
        .store
        .run::<_, StoreError, _>(move |transaction| match last {
            Some(last) => Ok((last, reading::changes_after(transaction, last, PAGE)?)),
            None => Ok((reading::last_event(transaction)?, Vec::new())),
        });
    let (mut seen, changes) = match read.await {
        Ok(read) => read,
        Err(error) => {
            tracing::debug!(%error, "events of requests for approval could not be read");
            return None;
        }
    };
    for (sequence, request) in &changes {
        shared.held.note_change(*request);
        seen = *sequence;
    }
    if last.is_none() {
        // Events that came before are not read, and somebody may wait for one of them already.
        for request in shared.held.open() {
            shared.held.note_change(request);
        }
    }
    if last != Some(seen) {
        shared.last_event.send_replace(Some(seen));
    }
    Some(changes.len() >= PAGE)
}

/// Stores the ends of requests, in batches, and tries until the store takes them.
async fn store_ends(shared: Arc<Shared>, mut ended: UnboundedReceiver<(RequestId, End)>) {
    let mut batch = Vec::new();
    while ended.recv_many(&mut batch, BATCH).await > 0 {
        if !store_batch(&shared, batch.clone()).await {
            // One of them may keep the others from being stored.
            for (id, end) in &batch {
                if !store_batch(&shared, vec![(*id, end.clone())]).await {
                    tracing::error!(request = %id, ?end, "the end of a request for approval is lost");
                }
            }
        }
        for (id, _) in &batch {
            shared.held.remove(*id);
        }
        let stored = batch.len();
        shared
            .ending
            .send_modify(|ending| *ending = ending.saturating_sub(stored));
        batch.clear();
    }
}

/// Tries until the store answers. Returns whether it took them.
async fn store_batch(shared: &Arc<Shared>, ends: Vec<(RequestId, End)>) -> bool {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let (holder, ends) = (shared.holder.clone(), ends.clone());
        let count = ends.len();
        let stored = shared.store.run::<_, StoreError, _>(move |transaction| {
            ending::end(transaction, &holder, ends.clone())
        });
        match stored.await {
            Ok(()) => return true,
            Err(error) if !error.is_passing() => {
                tracing::error!(%error, ends = count, "ends of requests for approval could not be stored");
                return false;
            }
            Err(error) => {
                tracing::warn!(%error, ends = count, "ends of requests for approval could not be stored; trying again");
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn keep(shared: Arc<Shared>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut contact = Contact::default();
    let mut prune_at = Instant::now();
    loop {
        ticks.tick().await;
        let others = contact.lasts(Instant::now());
        match tick(&shared, others).await {
            Ok(()) => contact.made(Instant::now()),
            Err(error) => {
                contact.lost();
                tracing::warn!(%error, "the store of requests for approval does not answer");
                continue;
            }
        }
        if prune_at <= Instant::now() {
            prune_at = Instant::now() + PRUNE;
            if let Err(error) = prune(&shared).await {
                tracing::warn!(%error, "old requests for approval could not be deleted");
            }
        }
    }
}

/// Since when the store has answered without a break.
///
/// A gateway that finds the store again finds the others' last signs of life as old as its own: it must not take them for
/// dead before they had as long as it had to find the store.
#[derive(Default)]
struct Contact {
    since: Option<Instant>,
    last: Option<Instant>,
}

impl Contact {
    const LEAST: Duration = Duration::from_millis(DEAD_AFTER_MS.unsigned_abs() + 2000);

    /// The longest time between two answers.
    const BREAK: Duration = Duration::from_secs(3);

    fn made(&mut self, now: Instant) {
        if self.last.is_none_or(|last| now - last > Self::BREAK) {
            self.since = Some(now);
        }
        self.last = Some(now);
    }

    fn lost(&mut self) {
        *self = Self::default();
    }

    /// Whether others that are not seen are gone.
    fn lasts(&self, now: Instant) -> bool {
        let unbroken = self.last.is_some_and(|last| now - last <= Self::BREAK);
        unbroken && self.since.is_some_and(|since| now - since >= Self::LEAST)
    }
}

async fn tick(shared: &Arc<Shared>, dead_holders: bool) -> Result<(), StoreError> {
    if !shared.held.is_empty() {
        let holder = shared.holder.clone();
        let beat = shared
            .store
            .run(move |transaction| heartbeat(transaction, &holder));
        beat.await?;
    }
    while shared
        .store
        .run::<_, StoreError, _>(move |transaction| ending::sweep(transaction, dead_holders))
        .await?
    {}
    withdraw_strays(shared).await
}

/// A request that nobody here waits for, such as one whose commit was answered too late, is withdrawn.
async fn withdraw_strays(shared: &Arc<Shared>) -> Result<(), StoreError> {
    if *shared.ending.borrow() > 0 {
        // They may be among those that are on their way, which are stored one after the other.
        return Ok(());
    }
    let holder = shared.holder.clone();
    let open = shared.store.run::<_, StoreError, _>(move |transaction| {
        let before = transaction.now() - STRAY_MS;
        ending::held_by(transaction, &holder, before)
    });
    for id in open.await? {
        if !shared.held.contains(id) {
            shared.queue(id, End::Withdrawn(Withdrawal::SessionEnded));
        }
    }
    Ok(())
}

async fn prune(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let keep = shared.settings.load().keep.as_millis();
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    while shared
        .store
        .run::<_, StoreError, _>(move |transaction| {
            let before = transaction.now().saturating_sub(keep);
            ending::prune(transaction, before)
        })
        .await?
    {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_taken_for_dead_only_after_unbroken_contact() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut contact = Contact::default();
        assert!(!contact.lasts(at(0)));
        for second in 0..7 {
            contact.made(at(second));
            assert!(!contact.lasts(at(second)), "{second}");
        }
        contact.made(at(7));
        assert!(contact.lasts(at(7)));
        contact.lost();
        contact.made(at(9));
        assert!(!contact.lasts(at(9)));
        // A process that stood still has no contact either.
        for second in 9..20 {
            contact.made(at(second));
        }
        assert!(contact.lasts(at(19)));
        assert!(!contact.lasts(at(30)));
        contact.made(at(30));
        assert!(!contact.lasts(at(30)));
    }
}
