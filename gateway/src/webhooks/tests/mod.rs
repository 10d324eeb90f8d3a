//! Webhooks over HTTP, to receivers in this process.

mod bot;
mod contents;
mod delivery;
mod grants;
mod receiver;
mod slack_api;

use std::sync::Arc;
use std::time::Duration;

use gatewright_contract::{ApprovalWait, RequestId};
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::watch;

use super::*;
use crate::access::{self, AccessGrants};
use crate::approvals::tests::{decision, draft, open, reviewer, settings, waiting};
use crate::approvals::{Approvals, Draft, State, Verdict};
use crate::store::{Store, StoreSettings};
use receiver::{Answer, Receiver};

/// The example of Standard Webhooks.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn webhook(name: &str, url: &str) -> WebhookSettings {
    WebhookSettings {
        name: name.to_owned(),
        url: SecretString::from(url),
        format: Format::Json,
        secret: Secret::parse(SECRET).ok(),
        statement: Disclosure::Redacted,
        events: State::ALL.to_vec(),
        grant_events: access::State::ALL.to_vec(),
        timeout: Duration::from_secs(5),
        max_age: Duration::from_secs(3600),
        ca_pem: None,
    }
}

/// Counts for tests to wait for.
#[derive(Default)]
struct Counts(watch::Sender<Vec<(String, Outcome)>>);

impl WebhookMetrics for Counts {
    fn attempted(&self, webhook: &str, outcome: Outcome) {
        self.0
            .send_modify(|seen| seen.push((webhook.to_owned(), outcome)));
    }

    fn pending(&self, _webhook: &str, _count: i64) {}
}

impl Counts {
    async fn until(&self, webhook: &str, outcome: Outcome, count: usize) {
        let mut seen = self.0.subscribe();
        let wanted = (webhook.to_owned(), outcome);
        let known =
            seen.wait_for(|seen| seen.iter().filter(|one| **one == wanted).count() >= count);
        known.await.expect("the counts live");
    }
}

/// A gateway with webhooks.
struct Stage {
    approvals: Approvals,
    grants: AccessGrants,
    webhooks: Webhooks,
    counts: Arc<Counts>,
}

impl Stage {
    async fn start(webhooks: Vec<WebhookSettings>) -> Self {
        Self::at(&StoreSettings::Memory, webhooks).await
    }

    async fn at(place: &StoreSettings, webhooks: Vec<WebhookSettings>) -> Self {
        let store = Store::open(place.clone()).await.expect("a store");
        let approvals = Approvals::open(store.clone(), settings());
        let grants = AccessGrants::open(store, approvals.clone());
        let counts = Arc::new(Counts::default());
        let metrics: Arc<dyn WebhookMetrics> = counts.clone();
        let webhooks = Webhooks::start(approvals.clone(), metrics, webhooks).await;
        Stage {
            approvals,
            grants,
            webhooks: webhooks.expect("webhooks"),
            counts,
        }
    }

    async fn ask(&self, draft: Draft) -> RequestId {
        waiting(&self.approvals, draft).await
    }

    async fn decide(&self, id: RequestId, verdict: Verdict) {
        let decided = self
            .approvals
            .decide(decision(id, verdict, reviewer("bob")));
        decided.await.expect("decided");
    }
}

/// Ada's statement, which is sent again once it is approved.
fn returned(statement: &str) -> Draft {
    let mut draft = draft(statement, ApprovalWait::ReturnId);
    let strings = ("standard_conforming_strings".to_owned(), "on".to_owned());
    draft.binding.settings.push(strings);
    draft
}

/// One that a message can show all of.
fn plain(statement: &str) -> Draft {
    let mut draft = returned(statement);
    draft.binding.parameters.clear();
    draft
}
