//! Settings of approvals.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatewright_contract::ApprovalWait;

use super::hours::Hours;

/// Who decides, and how long things wait. A reload of the configuration replaces them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalsSettings {
    /// The issuers whose tokens belong to people. Others' tokens cannot decide.
    pub people: Vec<String>,
    /// The groups whose members decide, where the policy names nobody.
    pub reviewers: Vec<String>,
    /// The groups whose members see all requests.
    pub viewers: Vec<String>,
    /// The groups whose members see all that can be seen, and decide nothing, whatever other groups they are in.
    pub auditors: Vec<String>,
    /// The groups whose members can have a statement run without waiting, for a reason that they give.
    pub break_glass: Vec<String>,
    /// How many reviewers have to agree, at least.
    pub needed: usize,
    /// A decision has to give a reason.
    pub reason_required: bool,
    /// When people decide; `None`: always. A request waits for its decision from when they do.
    pub hours: Option<Hours>,
    /// How long a request waits for a decision.
    pub pending_ttl: Duration,
    /// How long an approval waits to be used.
    pub approval_ttl: Duration,
    /// How long a statement is held.
    pub hold_limit: Duration,
    /// How long a statement that is tried for its effect may take, and how long it may wait for a lock.
    pub preview_timeout: Duration,
    pub preview_lock_timeout: Duration,
    /// How many of the rows that it changes reviewers are shown.
    pub preview_rows: usize,
    /// How long an access grant lasts at most, from its approval or the beginning that was asked for.
    pub max_grant: Duration,
    /// The pause between the notices that a held client gets.
    pub notice_interval: Duration,
    /// What becomes of a statement that an agent sent, unless its policy has it returned.
    pub agents: ApprovalWait,
    /// Whose transactions are reviewed before they are committed.
    pub review_commits: CommitReview,
    /// How many requests of one identity may wait for a decision.
    pub max_pending_per_identity: usize,
    /// How many statements this gateway holds at one time.
    pub max_held: usize,
    /// How long requests that have ended are kept.
    pub keep: Duration,
    /// Where people decide, without a slash at its end: what requests' URLs begin with.
    pub url: String,
}

/// Whose transactions are reviewed before they are committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CommitReview {
    #[default]
    None,
    Agents,
    All,
}

impl CommitReview {
    pub fn concerns(self, is_agent: bool) -> bool {
        match self {
            CommitReview::None => false,
            CommitReview::Agents => is_agent,
            CommitReview::All => true,
        }
    }
}

impl ApprovalsSettings {
    /// How long from now on nobody decides; zero: people do.
    pub fn away(&self) -> Duration {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since.map_or(0, |since| since.as_millis());
        let hours = self.hours.as_ref();
        hours.map_or(Duration::ZERO, |hours| {
            hours.away(i64::try_from(now).unwrap_or(i64::MAX))
        })
    }

    /// How long a statement is held, where its policy asks for so many milliseconds; 0: it does not say.
    pub fn hold(&self, wanted_ms: u64) -> Duration {
        match wanted_ms {
            0 => self.hold_limit,
            wanted => self.hold_limit.min(Duration::from_millis(wanted)),
        }
    }

    /// The defaults of the configuration for everything else.
    pub fn new(people: Vec<String>, reviewers: Vec<String>, url: String) -> Self {
        const MINUTE: u64 = 60;
        ApprovalsSettings {
            people,
            reviewers,
            viewers: Vec::new(),
            auditors: Vec::new(),
            break_glass: Vec::new(),
            needed: 1,
            reason_required: false,
            hours: None,
            pending_ttl: Duration::from_secs(60 * MINUTE),
            approval_ttl: Duration::from_secs(10 * MINUTE),
            hold_limit: Duration::from_secs(10 * MINUTE),
            preview_timeout: Duration::from_secs(10),
            preview_lock_timeout: Duration::from_secs(1),
            preview_rows: 20,
            max_grant: Duration::from_secs(8 * 60 * MINUTE),
            notice_interval: Duration::from_secs(30),
            agents: ApprovalWait::Hold,
            review_commits: CommitReview::None,
            max_pending_per_identity: 100,
            max_held: 1000,
            keep: Duration::from_secs(90 * 24 * 60 * MINUTE),
            url,
        }
    }
}
