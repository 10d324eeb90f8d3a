//! The handle that the rest of the gateway uses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use gatewright_contract::RequestId;
use rand::RngCore;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::asking::{self, Asked, Asking};
use super::ending::End;
use super::exchange::{Approved, Draft, Finished, Outcome, Submitted, Withdrawal};
use super::held::Held;
use super::history::found;
use super::request::Request;
use super::settings::ApprovalsSettings;
use super::{ApprovalsError, State, keeping};
use crate::store::{Store, StoreError};

/// What making a request may take.
const SUBMIT_LIMIT: Duration = Duration::from_secs(5);

/// The pause after the store did not answer somebody who waits.
const PAUSE: Duration = Duration::from_millis(500);

/// What stopping may take.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// The approvals of one gateway. Cheap to clone, and used on every thread.
#[derive(Clone)]
pub struct Approvals {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub store: Store,
    /// Stands for this process in the store.
    pub holder: String,
    pub settings: ArcSwap<ApprovalsSettings>,
    pub held: Held,
    pub ends: mpsc::UnboundedSender<(RequestId, End)>,
    /// The number of the last event that was read; `None` until the store has answered.
    pub last_event: watch::Sender<Option<i64>>,
    /// How many ends are on their way to the store.
    pub ending: watch::Sender<usize>,
    stopping: AtomicBool,
}

/// What one look at a held request showed.
enum Look {
    Waits,
    Ended(Outcome),
    /// This gateway holds no such request.
    Gone,
}

impl Approvals {
    /// Begins to serve the requests in the store. Must be called inside the event loop that then keeps them: it ends those that
    /// are overdue, tells others that this gateway is alive, and takes over what gateways left that are gone.
    pub fn open(store: Store, settings: ApprovalsSettings) -> Self {
        let (ends, ended) = mpsc::unbounded_channel();
        let mut random = [0; 16];
        rand::rng().fill_bytes(&mut random);
        let shared = Arc::new(Shared {
            store,
            holder: hex::encode(random),
            settings: ArcSwap::from_pointee(settings),
            held: Held::default(),
            ends,
            last_event: watch::Sender::new(None),
            ending: watch::Sender::new(0),
            stopping: AtomicBool::new(false),
        });
        keeping::spawn(&shared, ended);
        Approvals { shared }
    }

    /// Other rules and clocks, for what comes from now on.
    pub fn replace_settings(&self, settings: ApprovalsSettings) {
        self.shared.settings.store(Arc::new(settings));
    }

    /// The rules and clocks in force.
    pub fn settings(&self) -> Arc<ApprovalsSettings> {
        self.shared.settings.load_full()
    }

    /// Asks for an approval, or uses one up that waits for exactly this. A request whose client is to be held is withdrawn if
    /// the future is dropped.
    ///
    /// # Errors
    /// Nobody can be asked. The statement must not run.
    pub async fn submit(&self, draft: Draft) -> Result<Submitted, ApprovalsError> {
        let shared = &self.shared;
        if shared.stopping.load(Ordering::Acquire) {
            return Err(ApprovalsError::Stopping);
        }
        let settings = shared.settings.load_full();
        let id = RequestId::generate();
        let asking = Asking::new(id, draft, &settings)?;
        let limit = Duration::from_millis(asking.ttl_ms.unsigned_abs());
        let place = asking.holds().then_some(id);
        if place.is_some()
            && !shared
                .held
                .begin(id, Instant::now() + limit, settings.max_held)
        {
            return Err(ApprovalsError::TooMany);
        }
        let place = Place(shared, place);
        let (holder, abandoned) = (shared.holder.clone(), Arc::clone(shared));
        let asked = shared.store.run_or_orphan::<_, StoreError, _, _>(
            move |transaction| asking.ask(transaction, &holder),
            move |asked| abandoned.abandon(asked),
        );
        let asked = match timeout(SUBMIT_LIMIT, asked).await {
            Ok(Ok(asked)) => asked,
            Ok(Err(error)) => {
                // If it was committed all the same, it is found as a stray.
                tracing::error!(%error, "a request for approval could not be stored");
                return Err(ApprovalsError::StoreUnavailable);
            }
            Err(_) => {
                tracing::error!("a request for approval was not stored in time");
                return Err(ApprovalsError::StoreUnavailable);
            }
        };
        match asked {
            Asked::TooMany => Err(ApprovalsError::TooMany),
            Asked::Claimed { id, approved } => {
                shared.held.begin_claimed(id);
                Ok(Submitted::Claimed { id, approved })
            }
            Asked::Waits { id, left_ms } => {
                let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or_default());
                let away = settings.away();
                shared.held.wait_until(id, Instant::now() + left);
                place.keep();
                Ok(Submitted::Waiting {
                    id,
                    url: format!("{}/requests/{id}", settings.url),
                    expires_at: SystemTime::now() + left,
                    reviewers_from: (!away.is_zero()).then(|| SystemTime::now() + away),
                })
            }
        }
    }

    /// Waits until a request that this gateway holds is decided or ends. Ready with [`Outcome::Approved`] only after the
    /// approval has been used up, and only once. While the store does not answer, it waits on until the request's clock.
    pub async fn outcome(&self, id: RequestId) -> Outcome {
        let held = &self.shared.held;
        loop {
            let Some((mut changed, deadline)) = held.waiting(id) else {
                return Outcome::Withdrawn;
            };
            let pause = tokio::select! {
                looked = self.look(id) => match looked {
                    Ok(Look::Ended(outcome)) => return outcome,
                    Ok(Look::Gone) => return Outcome::Withdrawn,
                    // What comes next is raised.
                    Ok(Look::Waits) => None,
                    Err(error) => {
                        // Once for all of them, it is logged as a warning elsewhere.
                        tracing::debug!(%error, request = %id, "whether a statement is approved could not be read");
                        Some(PAUSE)
                    }
                },
                () = tokio::time::sleep_until(deadline) => None,
            };
            let again = async {
                match pause {
                    Some(pause) => sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = changed.changed() => {}
                () = again => {}
                () = tokio::time::sleep_until(deadline) => {
                    self.end(id, End::HoldLimit);
                    return Outcome::Expired;
                }
            }
        }
    }

    /// Takes a request back, or says that what it was approved for does not run. Returns at once; nothing is claimed
    /// from then on, and the store is told as soon as it answers. A request that this gateway does not hold is left alone.
    pub fn withdraw(&self, id: RequestId, why: Withdrawal) {
        self.end(id, End::Withdrawn(why));
    }

    /// Says how an approved statement ended. Returns at once; the store is told as soon as it answers.
    pub fn finished(&self, id: RequestId, how: Finished) {
        self.end(id, End::Finished(how));
    }

    /// Withdraws everything that is held, and waits until the store knows, but not for long. Nothing can be submitted any more.
    pub async fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        for id in self.shared.held.open() {
            self.withdraw(id, Withdrawal::GatewayStopped);
        }
        let mut ending = self.shared.ending.subscribe();
        let told = async {
            // The sender is in `shared`.
            let _ = ending.wait_for(|ending| *ending == 0).await;
            let holder = self.shared.holder.clone();
            let left = self
                .shared
                .store
                .run(move |transaction| super::ending::leave(transaction, &holder));
            left.await
        };
        match timeout(STOP_LIMIT, told).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let _: &StoreError = &error;
                tracing::warn!(%error, "the store was not told that this gateway stops");
            }
            Err(_) => tracing::warn!("the store was not told in time that this gateway stops"),
        }
    }

    fn end(&self, id: RequestId, end: End) {
        if self.shared.held.end(id) {
            self.shared.queue(id, end);
        }
    }

    /// Looks where a held request stands, and uses its approval up if it has one.
    async fn look(&self, id: RequestId) -> Result<Look, StoreError> {
        let (shared, abandoned) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        let looked = self.shared.store.run_or_orphan::<_, StoreError, _, _>(
            move |transaction| {
                if shared.held.waiting(id).is_none() {
                    return Ok(None);
                }
                let claimed = asking::claim(transaction, id, &shared.holder)?;
                match claimed {
                    Some(request) => Ok(Some(request)),
                    None => found::<Request>(transaction, id),
                }
            },
            move |looked| {
                let is_claimed = |request: &Request| request.state == State::Claimed;
                let may_be_claimed =
                    looked.map_or(true, |found| found.as_ref().is_some_and(is_claimed));
                if may_be_claimed && abandoned.held.end(id) {
                    abandoned.queue(id, End::Withdrawn(Withdrawal::ClientLeft));
                }
            },
        );
        let Some(request) = looked.await? else {
            self.shared.forget(id);
            return Ok(Look::Gone);
        };
        let (by, reason) = (
            request.decided_by.unwrap_or_default(),
            request.decided_reason,
        );
        let outcome = match request.state {
            State::Pending | State::Approved => return Ok(Look::Waits),
            State::Claimed => match self.shared.held.claim(id) {
                true => {
                    return Ok(Look::Ended(Outcome::Approved(Approved {
                        by,
                        reason,
                        effect: request.shown.effect,
                    })));
                }
                // It is being withdrawn, and the store will know that it did not run.
                false => Outcome::Withdrawn,
            },
            State::Rejected => Outcome::Rejected { by, reason },
            State::Revoked => Outcome::Revoked { by, reason },
            State::Expired => Outcome::Expired,
            State::Withdrawn | State::Executed | State::Failed | State::EffectMismatch => {
                Outcome::Withdrawn
            }
        };
        self.shared.forget(id);
        Ok(Look::Ended(outcome))
    }
}

impl Shared {
    /// Sends an end on its way to the store.
    pub fn queue(&self, id: RequestId, end: End) {
        self.ending.send_modify(|ending| *ending += 1);
        if self.ends.send((id, end)).is_err() {
            tracing::warn!(request = %id, "the end of a request was not stored: the gateway has stopped");
        }
    }

    /// It has ended in the store, unless its end is on its way there.
    fn forget(&self, id: RequestId) {
        if self.held.waiting(id).is_some() {
            self.held.remove(id);
        }
    }

    /// Nobody waits any more for what was submitted. What may have been stored although the store did not say so is found as a stray:
    /// nothing is queued for a store that does not answer.
    fn abandon(&self, asked: Result<Asked, StoreError>) {
        match asked {
            // A returned request has no holder, and stays.
            Ok(Asked::Claimed { id, .. } | Asked::Waits { id, .. }) => {
                self.queue(id, End::Withdrawn(Withdrawal::ClientLeft));
            }
            Ok(Asked::TooMany) | Err(_) => {}
        }
    }
}

/// The place of a request that is being made; given up unless it is kept.
struct Place<'s>(&'s Shared, Option<RequestId>);

impl Place<'_> {
    fn keep(mut self) {
        self.1 = None;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.1 {
            self.0.held.remove(id);
        }
    }
}
