//! What the API shows and takes, as JSON.

use serde::{Deserialize, Serialize};

use super::time::rfc3339;
use crate::approvals::{
    Change, Effect, EffectFound, Entry, Event, Happened, Parameter, ParameterValue, Request, State,
};
use gatewright_contract::ApprovalWait;

/// A request for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestView {
    pub id: String,
    pub state: State,
    /// `hold` or `return`.
    pub wait: String,
    pub requester: Requester,
    pub database: String,
    pub role: String,
    pub statement: String,
    pub parameters: Vec<ParameterView>,
    pub search_path: Vec<String>,
    /// Settings that change how the statement is read.
    pub settings: Vec<Setting>,
    pub policy: PolicyView,
    pub verb: String,
    pub effects: Vec<String>,
    pub tables: Vec<String>,
    /// For a statement that commits: what its transaction has changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transaction: Vec<Change>,
    /// The digest of everything that an approval binds.
    pub binding_digest: String,
    /// What it would change, where its policy wants to show that.
    #[serde(default)]
    pub effect: Option<EffectView>,
    /// Of an effect that an approval binds; whoever approves has to name it.
    #[serde(default)]
    pub effect_digest: Option<String>,
    pub approvals: ApprovalsView,
    pub created_at: String,
    pub expires_at: String,
    #[serde(default)]
    pub approved_until: Option<String>,
    #[serde(default)]
    pub decided_by: Option<String>,
    #[serde(default)]
    pub decided_reason: Option<String>,
    #[serde(default)]
    pub outcome: Option<OutcomeView>,
    /// Where it ran without waiting for reviewers.
    #[serde(default)]
    pub break_glass: Option<BreakGlassView>,
    /// Whether whoever asks may decide or review it.
    pub may_decide: bool,
    /// Only where one request is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<StepView<State>>,
}

/// What is known of the effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectView {
    /// `estimate`, `preview`, `failure` or `nothing`.
    pub by: String,
    /// How many rows: estimated, or changed in a run that was rolled back.
    #[serde(default)]
    pub rows: Option<u64>,
    /// With which that run failed.
    #[serde(default)]
    pub sqlstate: Option<String>,
    /// Why no more is known, where the policy wants more.
    #[serde(default)]
    pub limited: Option<String>,
    /// An approval holds for this effect only.
    pub bound: bool,
    pub in_words: String,
    /// What is to be said of the rows that are shown, and of those that are not.
    #[serde(default)]
    pub about_rows: Option<String>,
    /// The columns of `changes`.
    #[serde(default)]
    pub columns: Vec<String>,
    /// The first of the rows that it changes.
    #[serde(default)]
    pub changes: Vec<ChangeView>,
}

/// A row that changes. Values are texts, and null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeView {
    /// As it was, where the server returns that.
    #[serde(default)]
    pub before: Option<Vec<Option<String>>>,
    /// As it becomes, or what the statement itself returns of it.
    #[serde(default)]
    pub after: Option<Vec<Option<String>>>,
}

impl EffectView {
    fn new(effect: &Effect) -> Self {
        let (by, rows, sqlstate) = match &effect.found {
            EffectFound::Estimate { rows } => ("estimate", Some(*rows), None),
            EffectFound::Preview { rows } => ("preview", Some(*rows), None),
            EffectFound::Failure { sqlstate } => ("failure", None, Some(sqlstate.clone())),
            EffectFound::Nothing => ("nothing", None, None),
        };
        let shown = effect.rows.as_ref();
        let columns = shown.map_or_else(Vec::new, |shown| shown.columns.clone());
        let changes = shown.into_iter().flat_map(|shown| &shown.rows).map(|row| {
            let (before, after) = row.sides();
            ChangeView {
                before: before.cloned(),
                after: after.cloned(),
            }
        });
        EffectView {
            changes: changes.collect(),
            columns,
            about_rows: effect.about_rows(),
            by: by.to_owned(),
            rows,
            sqlstate,
            limited: effect.limited.clone(),
            bound: effect.bound,
            in_words: effect.in_words(),
        }
    }
}

/// Who sent the statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    pub subject: String,
    pub issuer: String,
    #[serde(default)]
    pub agent: Option<String>,
    #[serde(default)]
    pub task: Option<String>,
    pub groups: Vec<String>,
    pub application: String,
    pub client_address: String,
    pub session_id: String,
    pub statement_id: String,
}

/// A bound parameter. NULL has neither `text` nor `undecoded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterView {
    pub type_oid: u32,
    #[serde(default)]
    pub text: Option<String>,
    /// In hexadecimal digits.
    #[serde(default)]
    pub undecoded: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    pub name: String,
    pub value: String,
}

/// The policy that wants the approval, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    pub name: String,
    pub version: String,
    pub code: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalsView {
    pub needed: i64,
    /// Users and groups that the policy names; empty: those of the configuration.
    pub reviewers: Vec<String>,
    pub given: Vec<GivenView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenView {
    pub by: String,
    pub issuer: String,
    #[serde(default)]
    pub reason: Option<String>,
    pub at: String,
}

/// How the statement, or its request, ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeView {
    #[serde(default)]
    pub ended: Option<String>,
    #[serde(default)]
    pub sqlstate: Option<String>,
    #[serde(default)]
    pub rows: Option<i64>,
}

/// Why a statement ran without waiting for reviewers, and who has looked at it since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlassView {
    pub justification: String,
    #[serde(default)]
    pub reviewed_by: Option<String>,
    #[serde(default)]
    pub reviewed_at: Option<String>,
}

/// Something that happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView<S> {
    pub state: S,
    pub at: String,
    #[serde(default)]
    pub by: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageView {
    pub requests: Vec<RequestView>,
    /// The next page's `cursor`; absent on the last page.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// An event of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    pub request: String,
    pub state: State,
    /// Absent where the request was made.
    #[serde(default)]
    pub before: Option<State>,
    pub at: String,
    #[serde(default)]
    pub by: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
}

/// What a decision is sent with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The state that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_state: Option<State>,
    /// The digest of the effect that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect_digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl RequestView {
    /// As one of many: the values of rows are only where one request is shown.
    pub(super) fn in_list(mut self) -> Self {
        if let Some(effect) = &mut self.effect {
            effect.columns.clear();
            effect.changes.clear();
        }
        self
    }

    pub(super) fn new(entry: Entry, may_decide: bool) -> Self {
        let Entry {
            request,
            approvals,
            history,
        } = entry;
        let given = approvals.into_iter().map(|approval| GivenView {
            by: approval.by.subject,
            issuer: approval.by.issuer,
            reason: approval.reason,
            at: rfc3339(approval.at),
        });
        let setting = |(name, value)| Setting { name, value };
        RequestView {
            id: request.id.to_string(),
            state: request.state,
            wait: match request.wait {
                ApprovalWait::Hold => "hold",
                ApprovalWait::ReturnId => "return",
            }
            .to_owned(),
            approvals: ApprovalsView {
                needed: request.needed,
                reviewers: request.reviewers.clone(),
                given: given.collect(),
            },
            outcome: outcome(&request),
            may_decide: may_decide
                && (matches!(request.state, State::Pending | State::Approved)
                    || request.is_to_review()),
            history: history.into_iter().map(StepView::from).collect(),
            requester: Requester {
                subject: request.subject,
                issuer: request.issuer,
                agent: request.agent,
                task: request.shown.task,
                groups: request.shown.groups,
                application: request.shown.application,
                client_address: request.shown.client_address,
                session_id: request.shown.session_id,
                statement_id: request.shown.statement_id,
            },
            database: request.database,
            role: request.role,
            statement: request.text,
            parameters: request.parameters.into_iter().map(parameter).collect(),
            search_path: request.search_path,
            settings: request.settings.into_iter().map(setting).collect(),
            policy: PolicyView {
                name: request.policy,
                version: request.policy_version,
                code: request.code,
                reason: request.reason,
            },
            verb: request.shown.verb,
            effects: request.shown.effects,
            tables: request.shown.tables,
            transaction: request.shown.transaction,
            binding_digest: request.digest,
            effect: request.shown.effect.as_ref().map(EffectView::new),
            effect_digest: request.effect_digest,
            created_at: rfc3339(request.created_at),
            expires_at: rfc3339(request.expires_at),
            approved_until: request.approved_until.map(rfc3339),
            decided_by: request.decided_by,
            decided_reason: request.decided_reason,
            break_glass: request.break_glass.map(|justification| BreakGlassView {
                justification,
                reviewed_by: request.reviewed_by,
                reviewed_at: request.reviewed_at.map(rfc3339),
            }),
        }
    }
}

fn outcome(request: &Request) -> Option<OutcomeView> {
    let ends = request.state.is_end();
    ends.then(|| OutcomeView {
        ended: request.ended.clone(),
        sqlstate: request.sqlstate.clone(),
        rows: request.rows,
    })
}

fn parameter(parameter: Parameter) -> ParameterView {
    let (text, undecoded) = match parameter.value {
        ParameterValue::Null => (None, None),
        ParameterValue::Text(text) => (Some(text), None),
        ParameterValue::Undecoded(digits) => (None, Some(digits)),
    };
    ParameterView {
        type_oid: parameter.type_oid,
        text,
        undecoded,
    }
}

impl<I, S> From<Happened<I, S>> for StepView<S> {
    fn from(event: Happened<I, S>) -> Self {
        StepView {
            state: event.state,
            at: rfc3339(event.at),
            by: event.actor.map(|actor| actor.subject),
            reason: event.reason,
        }
    }
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        EventView {
            request: event.about.to_string(),
            state: event.state,
            before: event.before,
            at: rfc3339(event.at),
            by: event.actor.map(|actor| actor.subject),
            reason: event.reason,
        }
    }
}
