//! Approvals on both stores: SQLite, and a PostgreSQL server that the harness starts.

mod break_glass;
mod clocks;
mod decisions;
mod holders;
mod model;
mod outbox;
mod returned;

use std::time::{Duration, SystemTime};

use gatewright_contract::{self as contract, ApprovalEffect, ApprovalWait, RequestId};

use super::*;
use crate::identity::Identity;
use crate::store::{Store, StoreSettings, tests::places};

pub(crate) const ISSUER: &str = "https://id.example.com";

pub(crate) fn settings() -> ApprovalsSettings {
    ApprovalsSettings {
        viewers: vec!["auditors".to_owned()],
        auditors: vec!["audit".to_owned()],
        max_pending_per_identity: 1000,
        ..ApprovalsSettings::new(
            vec![ISSUER.to_owned()],
            vec!["dba".to_owned()],
            "https://gateway.example.com".to_owned(),
        )
    }
}

pub(crate) fn identity(subject: &str, groups: &[&str]) -> Identity {
    Identity {
        subject: subject.to_owned(),
        issuer: ISSUER.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        agent: None,
        task: None,
        program: false,
        attributes: Vec::new(),
        expires_at: SystemTime::now() + Duration::from_secs(3600),
    }
}

/// A reviewer.
pub(crate) fn reviewer(subject: &str) -> Identity {
    identity(subject, &["dba"])
}

/// Ada's statement.
pub(crate) fn draft(statement: &str, wait: ApprovalWait) -> Draft {
    Draft {
        binding: Binding {
            subject: "ada".to_owned(),
            issuer: ISSUER.to_owned(),
            agent: None,
            database: "shop".to_owned(),
            role: "writer".to_owned(),
            statement: statement.as_bytes().to_vec(),
            parameters: vec![Parameter {
                type_oid: 23,
                value: ParameterValue::Text("7".to_owned()),
            }],
            search_path: vec!["public".to_owned()],
            settings: Vec::new(),
            policies: "v1".to_owned(),
        },
        wanted: contract::Approval {
            code: "destructive".to_owned(),
            reason: "It deletes rows.".to_owned(),
            reviewers: Vec::new(),
            approvals: 1,
            wait,
            hold_ms: 0,
            valid_ms: 0,
            effect: ApprovalEffect::None,
            above_rows: None,
            allowance: contract::Allowance::default(),
        },
        policy: "approve-destructive".to_owned(),
        policy_version: "1.0.0".to_owned(),
        shown: Shown {
            text: statement.to_owned(),
            verb: "DELETE".to_owned(),
            tables: vec!["public.orders".to_owned()],
            ..Shown::default()
        },
        break_glass: None,
    }
}

pub(crate) fn decision(id: RequestId, verdict: Verdict, reviewer: Identity) -> Decision {
    Decision {
        id,
        verdict,
        reviewer,
        reason: Some("checked".to_owned()),
        expected_state: None,
        effect_digest: None,
        idempotency_key: None,
    }
}

pub(crate) async fn open(place: &StoreSettings, settings: ApprovalsSettings) -> Approvals {
    let store = Store::open(place.clone()).await.expect("a store");
    Approvals::open(store, settings)
}

/// Submits what must wait for reviewers.
pub(crate) async fn waiting(approvals: &Approvals, draft: Draft) -> RequestId {
    match approvals.submit(draft).await.expect("it is stored") {
        Submitted::Waiting { id, .. } => id,
        Submitted::Claimed { .. } => panic!("nobody has approved it"),
    }
}

pub(crate) async fn state(approvals: &Approvals, id: RequestId) -> State {
    let viewer = identity("carol", &["auditors"]);
    let entry = approvals.request(id, &viewer).await.expect("an answer");
    entry.expect("a request").request.state
}

/// Waits until the request is in this state.
pub(crate) async fn until(approvals: &Approvals, id: RequestId, wanted: State) {
    let mut events = approvals.last_event();
    while state(approvals, id).await != wanted {
        // Whoever broke it is told by the test's own limit.
        let _ = events.changed().await;
    }
}

/// The states that the request went through.
pub(crate) async fn history(approvals: &Approvals, id: RequestId) -> Vec<State> {
    let viewer = identity("carol", &["auditors"]);
    let entry = approvals.request(id, &viewer).await.expect("an answer");
    let history = entry.expect("a request").history;
    history.into_iter().map(|event| event.state).collect()
}

/// Nobody can approve a request that has ended like this.
async fn assert_too_late(approvals: &Approvals, id: RequestId, ended: State) {
    let approve = decision(id, Verdict::Approve, reviewer("bob"));
    match approvals.decide(approve).await {
        Err(DecisionError::State { state }) => assert_eq!(state, ended),
        other => panic!("{other:?}"),
    }
}
