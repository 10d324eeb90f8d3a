//! Access grants on both stores: SQLite, and a PostgreSQL server that the harness starts.

mod active;
mod book;
mod decisions;
mod refused;

use std::time::Duration;

use gatewright_contract as contract;
use gatewright_contract::AccessGrantId;

use super::*;
use crate::approvals::tests::{ISSUER, identity, reviewer, settings};
use crate::approvals::{Approvals, ApprovalsSettings};
use crate::identity::Identity;
use crate::store::{Store, StoreSettings, tests::places};

async fn open(place: &StoreSettings) -> AccessGrants {
    open_with(place, settings()).await
}

async fn open_with(place: &StoreSettings, settings: ApprovalsSettings) -> AccessGrants {
    let store = Store::open(place.clone()).await.expect("a store");
    let approvals = Approvals::open(store.clone(), settings);
    AccessGrants::open(store, approvals)
}

fn table(verbs: &[&str]) -> GrantTable {
    GrantTable {
        schema: "public".to_owned(),
        name: Some("orders".to_owned()),
        verbs: Verbs::from_names(verbs).expect("verbs"),
    }
}

/// What Ada asks for.
fn ask() -> Ask {
    Ask {
        asker: identity("ada", &["staff"]),
        agent: None,
        databases: vec!["shop".to_owned()],
        tables: vec![table(&["delete"])],
        from_statement: None,
        row_budget: None,
        duration: Duration::from_secs(3600),
        not_before: None,
        reason: "ticket 4711".to_owned(),
        idempotency_key: None,
    }
}

async fn asked(grants: &AccessGrants, ask: Ask) -> AccessGrantId {
    let entry = grants.ask(ask).await.expect("it is asked for");
    assert_eq!(entry.grant.state, State::Pending);
    entry.grant.id
}

fn decision(id: AccessGrantId, verdict: Verdict, by: Identity) -> Decision {
    Decision {
        id,
        verdict,
        by,
        reason: Some("checked".to_owned()),
        expected_state: None,
        idempotency_key: None,
    }
}

async fn approved(grants: &AccessGrants, ask: Ask) -> AccessGrantId {
    let id = asked(grants, ask).await;
    let approve = decision(id, Verdict::Approve, reviewer("bob"));
    let entry = grants.decide(approve).await.expect("approved");
    assert_eq!(entry.grant.state, State::Approved);
    id
}

async fn entry(grants: &AccessGrants, id: AccessGrantId) -> Entry {
    let viewer = identity("carol", &["auditors"]);
    let entry = grants.grant(id, &viewer).await.expect("an answer");
    entry.expect("a grant")
}

/// Waits for what must come; whoever broke it is told by the test's own limit.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    while !is_so().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The grants of a session.
fn holder(grants: &AccessGrants, subject: &str, agent: Option<&str>, database: &str) -> Holder {
    let identity = contract::Identity {
        subject: subject.to_owned(),
        issuer: ISSUER.to_owned(),
        agent: agent.map(str::to_owned),
        ..contract::Identity::default()
    };
    grants.holder(&identity, database)
}
