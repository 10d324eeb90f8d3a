//! The generic form of a message. docs/approvals.md describes it.

use gatewright_contract::ApprovalWait;
use serde::Serialize;

use super::envelope::{Envelope, rfc3339};
use super::grant_message::GrantMessage;
use super::message::{Message, Statement};
use crate::access::{self, GrantTable};
use crate::approvals::{Actor, State};

#[derive(Serialize)]
struct Body<'m> {
    id: &'m str,
    #[serde(rename = "type")]
    kind: &'m str,
    at: String,
    by: Option<By<'m>>,
    reason: Option<&'m str>,
    #[serde(flatten)]
    about: About<'m>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum About<'m> {
    Request(Box<RequestBody<'m>>),
    Grant(Box<GrantBody<'m>>),
}

#[derive(Serialize)]
struct By<'m> {
    subject: &'m str,
    issuer: &'m str,
}

#[derive(Serialize)]
struct RequestBody<'m> {
    id: String,
    /// With the event; it may have moved on.
    state: State,
    wait: &'static str,
    requester: Requester<'m>,
    database: &'m str,
    role: &'m str,
    verb: &'m str,
    tables: &'m [String],
    policy: Policy<'m>,
    statement: StatementBody<'m>,
    /// How many there are. Their values do not leave the gateway.
    parameters: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    effects: Option<&'m [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search_path: Option<&'m [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<Vec<Setting<'m>>>,
    approvals_needed: i64,
    reviewers: &'m [String],
    decided_by: Option<&'m str>,
    /// It runs without waiting for reviewers.
    break_glass: bool,
    sqlstate: Option<&'m str>,
    created_at: String,
    expires_at: String,
    url: &'m str,
    approve_url: Option<&'m str>,
}

#[derive(Serialize)]
struct Requester<'m> {
    subject: &'m str,
    issuer: &'m str,
    agent: Option<&'m str>,
    task: Option<&'m str>,
}

#[derive(Serialize)]
struct Setting<'m> {
    name: &'m str,
    value: &'m str,
}

#[derive(Serialize)]
struct Policy<'m> {
    name: &'m str,
    version: &'m str,
    code: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'m str>,
}

#[derive(Serialize)]
struct StatementBody<'m> {
    /// `whole`, `redacted` or `withheld`.
    form: &'static str,
    text: Option<&'m str>,
}

#[derive(Serialize)]
struct GrantBody<'m> {
    id: String,
    /// With the event; it may have moved on.
    state: access::State,
    holder: Holder<'m>,
    databases: &'m [String],
    tables: &'m [GrantTable],
    row_budget: Option<i64>,
    duration_seconds: i64,
    /// It does not begin before.
    starts_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'m str>,
    approvals_needed: i64,
    decided_by: Option<&'m str>,
    created_at: String,
    /// Until when it waits for a decision.
    expires_at: String,
    active_from: Option<String>,
    active_until: Option<String>,
    url: &'m str,
    approve_url: Option<&'m str>,
}

/// Whom a grant is for.
#[derive(Serialize)]
struct Holder<'m> {
    subject: &'m str,
    issuer: &'m str,
    agent: Option<&'m str>,
}

/// The body of a message about a request.
pub(super) fn of_request(message: &Message<'_>) -> Vec<u8> {
    let request = Box::new(request(message));
    body(&message.envelope, About::Request(request))
}

/// The body of a message about an access grant.
pub(super) fn of_grant(message: &GrantMessage<'_>) -> Vec<u8> {
    let grant = Box::new(grant(message));
    body(&message.envelope, About::Grant(grant))
}

fn body(envelope: &Envelope<'_>, about: About<'_>) -> Vec<u8> {
    let body = Body {
        id: &envelope.id,
        kind: envelope.kind,
        at: rfc3339(envelope.at),
        by: envelope.by.map(by),
        reason: envelope.reason,
        about,
    };
    // Records of texts and numbers always have a JSON form.
    serde_json::to_vec(&body).unwrap_or_default()
}

fn grant<'m>(message: &'m GrantMessage<'_>) -> GrantBody<'m> {
    let (grant, state) = (message.grant, message.state);
    let is_active = state != access::State::Pending;
    GrantBody {
        id: grant.id.to_string(),
        state,
        holder: Holder {
            subject: &grant.subject,
            issuer: &grant.issuer,
            agent: grant.agent.as_deref(),
        },
        databases: &grant.databases,
        tables: &grant.tables,
        row_budget: grant.row_budget,
        duration_seconds: grant.duration_ms / 1000,
        starts_at: grant.not_before.map(rfc3339),
        why: message.why,
        approvals_needed: grant.needed,
        decided_by: message.decided_by,
        created_at: rfc3339(grant.created_at),
        expires_at: rfc3339(grant.expires_at),
        active_from: grant.active_from.filter(|_| is_active).map(rfc3339),
        active_until: grant.active_until.filter(|_| is_active).map(rfc3339),
        url: &message.envelope.url,
        approve_url: message.envelope.approve_url.as_deref(),
    }
}

fn by(actor: &Actor) -> By<'_> {
    By {
        subject: &actor.subject,
        issuer: &actor.issuer,
    }
}

fn request<'m>(message: &'m Message<'_>) -> RequestBody<'m> {
    let request = message.request;
    let (form, text) = match &message.statement {
        Statement::Whole(text) => ("whole", Some(text.as_str())),
        Statement::Redacted(text) => ("redacted", Some(text.as_str())),
        Statement::Withheld => ("withheld", None),
    };
    RequestBody {
        id: request.id.to_string(),
        state: message.state,
        wait: match request.wait {
            ApprovalWait::Hold => "hold",
            ApprovalWait::ReturnId => "return",
        },
        requester: Requester {
            subject: &request.subject,
            issuer: &request.issuer,
            agent: request.agent.as_deref(),
            task: request.shown.task.as_deref(),
        },
        database: &request.database,
        role: &request.role,
        verb: &request.shown.verb,
        tables: &request.shown.tables,
        policy: Policy {
            name: &request.policy,
            version: &request.policy_version,
            code: &request.code,
            reason: message.policy_reason(),
        },
        statement: StatementBody { form, text },
        parameters: request.parameters.len(),
        effects: message.effects(),
        search_path: message.search_path(),
        settings: message.settings().map(|settings| {
            let settings = settings.iter();
            settings
                .map(|(name, value)| Setting { name, value })
                .collect()
        }),
        approvals_needed: request.needed,
        reviewers: &request.reviewers,
        decided_by: message.decided_by,
        break_glass: message.broke_glass(),
        sqlstate: request
            .sqlstate
            .as_deref()
            .filter(|_| message.state.is_end()),
        created_at: rfc3339(request.created_at),
        expires_at: rfc3339(request.expires_at),
        url: &message.envelope.url,
        approve_url: message.envelope.approve_url.as_deref(),
    }
}
