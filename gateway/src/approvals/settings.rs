//! Settings of approvals.

use std::time::Duration;

use gatewright_contract::ApprovalWait;

/// Who decides, and how long things wait. A reload of the configuration replaces them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalsSettings {
    /// The issuers whose tokens belong to people. Others' tokens cannot decide.
    pub people: Vec<String>,
    /// The groups whose members decide, where the policy names nobody.
    pub reviewers: Vec<String>,
    /// The groups whose members see all requests.
    pub viewers: Vec<String>,
    /// How many reviewers have to agree, at least.
    pub needed: usize,
    /// A decision has to give a reason.
    pub reason_required: bool,
    /// How long a request waits for a decision.
    pub pending_ttl: Duration,
    /// How long an approval waits to be used.
    pub approval_ttl: Duration,
    /// How long a statement is held.
    pub hold_limit: Duration,
    /// How long a statement that is tried for its effect may take, and how long it may wait for a lock.
    pub preview_timeout: Duration,
    pub preview_lock_timeout: Duration,
    /// How long an access grant lasts at most, from its approval or the beginning that was asked for.
    pub max_grant: Duration,
    /// The pause between the notices that a held client gets.
    pub notice_interval: Duration,
    /// What becomes of a statement that an agent sent, unless its policy has it returned.
    pub agents: ApprovalWait,
    /// How many requests of one identity may wait for a decision.
    pub max_pending_per_identity: usize,
    /// How many statements this gateway holds at one time.
    pub max_held: usize,
    /// How long requests that have ended are kept.
    pub keep: Duration,
    /// Where people decide, without a slash at its end: what requests' URLs begin with.
    pub url: String,
}

impl ApprovalsSettings {
    /// The defaults of the configuration for everything else.
    pub fn new(people: Vec<String>, reviewers: Vec<String>, url: String) -> Self {
        const MINUTE: u64 = 60;
        ApprovalsSettings {
            people,
            reviewers,
            viewers: Vec::new(),
            needed: 1,
            reason_required: false,
            pending_ttl: Duration::from_secs(60 * MINUTE),
            approval_ttl: Duration::from_secs(10 * MINUTE),
            hold_limit: Duration::from_secs(10 * MINUTE),
            preview_timeout: Duration::from_secs(10),
            preview_lock_timeout: Duration::from_secs(1),
            max_grant: Duration::from_secs(8 * 60 * MINUTE),
            notice_interval: Duration::from_secs(30),
            agents: ApprovalWait::Hold,
            max_pending_per_identity: 100,
            max_held: 1000,
            keep: Duration::from_secs(90 * 24 * 60 * MINUTE),
            url,
        }
    }
}
