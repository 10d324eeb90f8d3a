//! What people see of requests, and their decisions.

use gatewright_contract::RequestId;
use tokio::sync::watch;

use super::deciding::{Decided, Decision, DecisionError};
use super::history::{events_after, found};
use super::paging::{MOST_LISTED, Paged, page, seen};
use super::reading::{self, Chosen, Entry, Event};
use super::request::Request;
use super::service::Approvals;
use super::{State, rules};
use crate::identity::Identity;
use crate::store::StoreError;

/// A page of requests.
pub type Page = Paged<Entry, RequestId>;

impl Approvals {
    /// Decides about a request.
    ///
    /// # Errors
    /// Who decides may not, the request is in another state, or the store does not answer.
    pub async fn decide(&self, decision: Decision) -> Result<Entry, DecisionError> {
        let settings = self.shared.settings.load_full();
        let decided: Result<Option<Entry>, DecisionError> = self
            .shared
            .store
            .run(
                move |transaction| match decision.make(transaction, &settings)? {
                    Decided::Now(request) => Ok(Some(reading::entry(transaction, *request)?)),
                    Decided::TooLate => Ok(None),
                },
            )
            .await;
        decided?.ok_or(DecisionError::State {
            state: State::Expired,
        })
    }

    /// One request with its history, if this identity may see it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn request(
        &self,
        id: RequestId,
        viewer: &Identity,
    ) -> Result<Option<Entry>, StoreError> {
        let settings = self.shared.settings.load_full();
        let viewer = viewer.clone();
        self.shared
            .store
            .run(move |transaction| {
                let request = found::<Request>(transaction, id)?
                    .filter(|request| rules::may_see(&request.parties(), &viewer, &settings));
                request
                    .map(|request| reading::entry(transaction, request))
                    .transpose()
            })
            .await
    }

    /// The requests in these states (in any: empty) that this identity may see, the newest first; `before`: those older than this one.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn list(
        &self,
        states: Vec<State>,
        before: Option<RequestId>,
        limit: usize,
        viewer: &Identity,
    ) -> Result<Page, StoreError> {
        let chosen = Chosen::InStates(states);
        self.list_chosen(chosen, before, limit, viewer).await
    }

    /// As [`Approvals::list`], those that ran without waiting for reviewers and were not looked at since.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn list_to_review(
        &self,
        before: Option<RequestId>,
        limit: usize,
        viewer: &Identity,
    ) -> Result<Page, StoreError> {
        let chosen = Chosen::ToReview;
        self.list_chosen(chosen, before, limit, viewer).await
    }

    async fn list_chosen(
        &self,
        chosen: Chosen,
        before: Option<RequestId>,
        limit: usize,
        viewer: &Identity,
    ) -> Result<Page, StoreError> {
        let settings = self.shared.settings.load_full();
        let viewer = viewer.clone();
        self.shared
            .store
            .run(move |transaction| {
                let may_see = |parties: &_| rules::may_see(parties, &viewer, &settings);
                let condition = chosen.condition();
                page::<Request, _>(
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
        let settings = self.shared.settings.load_full();
        let run = self
            .shared
            .store
            .run(move |transaction| events_after::<Request>(transaction, after, MOST_LISTED));
        let found = run.await?;
        let may_see = |parties: &_| rules::may_see(parties, viewer, &settings);
        Ok(seen(found, after, may_see))
    }

    /// Asks the store for something small.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn check_store(&self) -> Result<(), StoreError> {
        let asked = self.shared.store.run(reading::last_event);
        asked.await.map(drop)
    }

    /// The number of the last event known here, raised with each; `None` until the store has answered.
    pub fn last_event(&self) -> watch::Receiver<Option<i64>> {
        self.shared.last_event.subscribe()
    }

    /// Whether this identity is a person's, as far as its token shows. Only people decide, and only they use the console.
    pub fn is_person(&self, identity: &Identity) -> bool {
        rules::is_person(identity, &self.shared.settings.load())
    }

    /// Whether this identity sees all that can be seen, and decides nothing.
    pub fn is_auditor(&self, identity: &Identity) -> bool {
        rules::is_auditor(identity, &self.shared.settings.load())
    }

    /// Whether this identity can have a statement run without waiting for reviewers.
    pub fn may_break_glass(&self, identity: &Identity) -> bool {
        rules::may_break_glass(identity, &self.shared.settings.load())
    }

    /// Whether people review what an identity commits, before it does.
    pub fn review_commits(&self, is_agent: bool) -> bool {
        self.shared
            .settings
            .load()
            .review_commits
            .concerns(is_agent)
    }

    /// Whether a decision has to give a reason.
    pub fn reason_required(&self) -> bool {
        self.shared.settings.load().reason_required
    }

    /// Whether this identity may decide about the request, where its state allows it.
    pub fn may_decide(&self, request: &Request, identity: &Identity) -> bool {
        rules::may_decide(&request.parties(), identity, &self.shared.settings.load()).is_ok()
    }
}
