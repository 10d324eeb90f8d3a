//! The handle that the rest of the gateway uses.

use std::sync::Arc;
use std::time::Duration;

use gatewright_contract::{self as contract, AccessGrantId};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::asking::{Ask, Asking};
use super::book::Book;
use super::deciding::{Decided, Decision, Verdict};
use super::grant::AccessGrant;
use super::holder::Holder;
use super::reading::{self, Entry, Event, Page};
use super::refused::{Refusals, Refused};
use super::{GrantError, State, keeping};
use crate::approvals::{
    Approvals, MOST_LISTED, events_after, found, in_states, may_decide, may_see, page, seen,
};
use crate::identity::Identity;
use crate::store::{Store, StoreError};

/// What stopping may take.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// The access grants of one gateway. Cheap to clone, and used on every thread.
#[derive(Clone)]
pub struct AccessGrants {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub store: Store,
    /// Whose rules hold, and whose events say that something has happened.
    pub approvals: Approvals,
    pub book: Arc<Book>,
    pub refused: Refusals,
    pub spent: mpsc::UnboundedSender<(AccessGrantId, i64)>,
    /// How many of these are on their way to the store.
    pub spending: watch::Sender<usize>,
}

impl AccessGrants {
    /// Begins to follow the grants in the store, which is that of the requests. Must be called inside the event loop that then keeps
    /// them.
    pub fn open(store: Store, approvals: Approvals) -> Self {
        let (spent, to_store) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            store,
            approvals,
            book: Arc::new(Book::new()),
            refused: Refusals::default(),
            spent,
            spending: watch::Sender::new(0),
        });
        keeping::spawn(&shared, to_store);
        AccessGrants { shared }
    }

    /// Waits until the store knows of the rows of all statements that have ended, but not for long.
    pub async fn stop(&self) {
        let mut spending = self.shared.spending.subscribe();
        // The sender is in `shared`.
        let stored = spending.wait_for(|spending| *spending == 0);
        if timeout(STOP_LIMIT, stored).await.is_err() {
            tracing::warn!("the rows of access grants were not stored in time");
        }
    }

    /// Asks reviewers for access.
    ///
    /// # Errors
    /// It cannot be asked for, or the store does not answer.
    pub async fn ask(&self, ask: Ask) -> Result<Entry, GrantError> {
        let settings = self.shared.approvals.settings();
        let asking = Asking::new(ask, &self.shared.refused, &settings)?;
        let asked = self
            .shared
            .store
            .run::<_, GrantError, _>(move |transaction| {
                let grant = asking.store(transaction)?;
                Ok(reading::entry(transaction, grant)?)
            });
        asked.await
    }

    /// Decides about a grant, or takes it back. Once this has returned, no statement is judged in this gateway by what was before.
    ///
    /// # Errors
    /// Who decides may not, the grant is in another state, or the store does not answer.
    pub async fn decide(&self, decision: Decision) -> Result<Entry, GrantError> {
        let settings = self.shared.approvals.settings();
        let (id, verdict) = (decision.id, decision.verdict);
        let decided = self
            .shared
            .store
            .run::<_, GrantError, _>(move |transaction| {
                match decision.make(transaction, &settings)? {
                    Decided::Now(grant) => Ok(Some(reading::entry(transaction, *grant)?)),
                    Decided::TooLate => Ok(None),
                }
            });
        let decided = decided.await?;
        if matches!(verdict, Verdict::Revoke | Verdict::Withdraw) {
            self.shared.book.end(id);
        }
        if let Err(error) = keeping::refresh(&self.shared).await {
            tracing::warn!(%error, "what was decided about an access grant is not in force here yet");
        }
        decided.ok_or(GrantError::State {
            state: State::Expired,
        })
    }

    /// One grant with its history, if this identity may see it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn grant(
        &self,
        id: AccessGrantId,
        viewer: &Identity,
    ) -> Result<Option<Entry>, StoreError> {
        let settings = self.shared.approvals.settings();
        let viewer = viewer.clone();
        self.shared
            .store
            .run(move |transaction| {
                let grant = found::<AccessGrant>(transaction, id)?
                    .filter(|grant| may_see(&grant.parties(), &viewer, &settings));
                grant
                    .map(|grant| reading::entry(transaction, grant))
                    .transpose()
            })
            .await
    }

    /// The grants in these states (in any: empty) that this identity may see, the newest first; `before`: those older than this one.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn list(
        &self,
        states: Vec<State>,
        before: Option<AccessGrantId>,
        limit: usize,
        viewer: &Identity,
    ) -> Result<Page, StoreError> {
        let settings = self.shared.approvals.settings();
        let viewer = viewer.clone();
        self.shared
            .store
            .run(move |transaction| {
                let may_see = |parties: &_| may_see(parties, &viewer, &settings);
                let condition = in_states(&states);
                page::<AccessGrant, _>(
                    transaction,
                    &condition,
                    before,
                    limit,
                    may_see,
                    reading::summary,
                )
            })
            .await
    }

    /// The events behind this number that this identity may see, and the number of the last one that was looked at.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn events(
        &self,
        after: i64,
        viewer: &Identity,
    ) -> Result<(Vec<Event>, i64), StoreError> {
        let settings = self.shared.approvals.settings();
        let run = self
            .shared
            .store
            .run(move |transaction| events_after::<AccessGrant>(transaction, after, MOST_LISTED));
        let found = run.await?;
        let may_see = |parties: &_| may_see(parties, viewer, &settings);
        Ok(seen(found, after, may_see))
    }

    /// Whether this identity may decide about the grant, where its state allows it.
    pub fn may_decide(&self, grant: &AccessGrant, identity: &Identity) -> bool {
        let settings = self.shared.approvals.settings();
        may_decide(&grant.parties(), identity, &settings).is_ok()
    }

    /// The grants of a session's identity in its database, as they come and go.
    pub fn holder(&self, identity: &contract::Identity, database: &str) -> Holder {
        Holder::new(Arc::clone(&self.shared.book), identity, database)
    }

    /// A statement did not run: for some time, access can be asked for by its id.
    pub fn note_refused(&self, identity: &contract::Identity, refused: Refused) {
        self.shared.refused.note(identity, refused);
    }
}
