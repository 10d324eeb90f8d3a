//! The client's calls about access grants.

use super::view::{AskBody, GrantDecisionBody, GrantEventView, GrantPageView, GrantView};
use crate::access::{State, Verdict};
use crate::api::client::{ApiClient, ClientError, Watched};

impl ApiClient {
    /// A page of access grants in these states; in any, if there are none.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn grants(
        &self,
        states: &[State],
        cursor: Option<&str>,
    ) -> Result<GrantPageView, ClientError> {
        let states: Vec<&str> = states.iter().map(|state| state.name()).collect();
        let mut query = vec![("state", states.join(","))];
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get("grants", &query).await
    }

    /// One access grant with its history.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn grant(&self, id: &str) -> Result<GrantView, ClientError> {
        self.get(&format!("grants/{id}"), &[]).await
    }

    /// What happens to access grants, behind the event with this id or from now on.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn watch_grants(
        &self,
        after: Option<&str>,
    ) -> Result<Watched<GrantEventView>, ClientError> {
        self.stream("grants/events", after).await
    }

    /// Asks for access. Where the connection fails, it is asked once more: the idempotency key keeps it from being asked twice.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn ask_for_grant(&self, body: &AskBody) -> Result<GrantView, ClientError> {
        let repeatable = body.idempotency_key.is_some();
        self.post("grants", body, repeatable).await
    }

    /// Decides about an access grant. Where the connection fails, the decision is sent once more: its idempotency key keeps it from
    /// being made twice.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn decide_grant(
        &self,
        id: &str,
        verdict: Verdict,
        body: &GrantDecisionBody,
    ) -> Result<GrantView, ClientError> {
        let path = format!("grants/{id}/{}", verdict.name());
        self.post(&path, body, body.idempotency_key.is_some()).await
    }
}
