//! Events as OCSF has them: Datastore Activity (class 6005) with the profile Security Control, and for agents AI Operation
//! (<https://schema.ocsf.io/1.8.0/classes/datastore_activity>). What has no place there is under `unmapped`.

mod ends;

use std::net::IpAddr;

use gatewright_contract::Verb;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::event::Statement;
use super::settings::Texts;
use crate::recording::{Decision, Judged, Literals, Opened, PolicyAnswer, PolicyVerdict, Withheld};

/// The version of the schema.
const VERSION: &str = "1.8.0";

const CLASS: u32 = 6005;

/// The longest text in an event, in bytes. Receivers of syslog take no longer messages than 64 KiB.
const LONGEST_TEXT: usize = 32 << 10;

/// `severity_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Severity {
    /// It ran.
    Informational,
    /// It failed.
    Low,
    /// It was refused.
    Medium,
}

impl From<Severity> for u8 {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Informational => 1,
            Severity::Low => 2,
            Severity::Medium => 3,
        }
    }
}

impl TryFrom<u8> for Severity {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Severity::Informational),
            2 => Ok(Severity::Low),
            3 => Ok(Severity::Medium),
            _ => Err("no severity of an event"),
        }
    }
}

/// One event. `sequence`: its number in the stream.
pub fn event(statement: &Statement, sequence: Option<u64>, texts: Texts) -> Value {
    let Statement {
        session,
        judged,
        execution,
    } = statement;
    let judged = judged.as_deref();
    let mut event = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            event.insert(key.to_owned(), value);
        }
    };
    let (activity, name) = activity(judged);
    put("class_uid", json!(CLASS));
    put("class_name", json!("Datastore Activity"));
    put("category_uid", json!(6));
    put("category_name", json!("Application Activity"));
    put("activity_id", json!(activity));
    put("activity_name", json!(name));
    put("type_uid", json!(CLASS * 100 + activity));
    put("actor", actor(session));
    put("src_endpoint", endpoint(&session.client_address));
    put(
        "database",
        json!({"name": session.database, "type_id": 1, "type": "Relational"}),
    );
    put("message_context", agent(session));
    for (key, value) in ends::of(judged, execution.as_ref(), texts) {
        put(key, value);
    }
    if let Some(judged) = judged {
        for (key, value) in statement_of(judged, texts) {
            put(key, value);
        }
    }
    let is_cut =
        judged.is_some_and(|judged| texts == Texts::Recorded && judged.text.len() > LONGEST_TEXT);
    put("metadata", metadata(statement, sequence, is_cut));
    put("unmapped", unmapped(statement, texts));
    Value::Object(event)
}

/// `activity_id` and its name. For what OCSF has no number for, the name is the verb.
fn activity(judged: Option<&Judged>) -> (u32, &str) {
    let Some(judged) = judged else {
        return (0, "Unknown");
    };
    let verb = Verb::ALL.iter().find(|verb| verb.name() == judged.verb);
    match verb {
        Some(Verb::Select | Verb::CopyOut) => (4, "Query"),
        Some(Verb::Insert | Verb::Merge | Verb::CopyIn) => (5, "Write"),
        Some(Verb::Update) => (2, "Update"),
        Some(Verb::Delete | Verb::Truncate) => (7, "Delete"),
        Some(Verb::Unknown) | None => (0, "Unknown"),
        Some(
            Verb::Call
            | Verb::DoBlock
            | Verb::Ddl
            | Verb::Grant
            | Verb::Transaction
            | Verb::Set
            | Verb::Explain
            | Verb::Cursor
            | Verb::Prepare
            | Verb::Listen
            | Verb::Lock
            | Verb::Maintenance
            | Verb::Utility,
        ) => (99, &judged.verb),
    }
}

fn actor(session: &Opened) -> Value {
    let groups = session.groups.iter();
    let groups: Vec<Value> = groups.map(|name| json!({ "name": name })).collect();
    let mut actor = json!({
        "user": {"name": session.subject, "uid": session.subject, "groups": groups},
        "session": {"uid": session.session.to_string(), "issuer": session.issuer, "created_time": session.at / 1000},
    });
    if let Some(actor) = actor.as_object_mut() {
        if !session.issuer.is_empty() {
            actor.insert(
                "idp".to_owned(),
                json!({"uid": session.issuer, "issuer": session.issuer}),
            );
        }
        if !session.application.is_empty() {
            actor.insert("app_name".to_owned(), json!(session.application));
        }
    }
    actor
}

fn endpoint(address: &str) -> Value {
    match address.parse::<IpAddr>() {
        Ok(address) => json!({ "ip": address.to_string() }),
        Err(_) => json!({ "name": address }),
    }
}

/// The profile AI Operation: an agent that acts for the user.
fn agent(session: &Opened) -> Value {
    match &session.agent {
        Some(agent) => json!({
            "application": {"name": agent},
            "ai_role_id": 4,
            "ai_role": "Agent",
            "uid": session.task,
        })
        .without_nulls(),
        None => Value::Null,
    }
}

/// What it says, which table it uses, and what policies made of it.
fn statement_of(judged: &Judged, texts: Texts) -> Vec<(&'static str, Value)> {
    let mut fields = Vec::new();
    if texts == Texts::Recorded && !judged.text.is_empty() {
        fields.push((
            "query_info",
            json!({
                "uid": judged.statement.to_string(),
                "query_string": beginning(&judged.text),
                "query_time": judged.at / 1000,
            }),
        ));
    }
    match judged.tables.as_slice() {
        [table] => {
            fields.push(("table", json!({ "name": table })));
            fields.push(("type_id", json!(3)));
            fields.push(("type", json!("Table")));
        }
        _ => {
            fields.push(("type_id", json!(1)));
            fields.push(("type", json!("Database")));
        }
    }
    let asked = judged.policies.iter();
    let asked = asked.filter(|verdict| verdict.answer != PolicyAnswer::NotAsked);
    let authorizations: Vec<Value> = asked
        .map(|verdict| json!({"decision": decision(verdict), "policy": policy(verdict)}))
        .collect();
    if !authorizations.is_empty() {
        fields.push(("authorizations", json!(authorizations)));
    }
    // The one that decided it.
    let mut policies = judged.policies.iter();
    let decides = |verdict: &&PolicyVerdict| {
        verdict.shadow.is_none()
            && match judged.decision {
                Decision::Refused => verdict.answer == PolicyAnswer::Denied,
                Decision::NeedsApproval => verdict.answer == PolicyAnswer::RequiresApproval,
                Decision::Permitted => verdict.answer == PolicyAnswer::Rewrote,
            }
    };
    if let Some(verdict) = policies.find(decides) {
        fields.push(("policy", policy(verdict)));
    }
    fields
}

fn policy(verdict: &PolicyVerdict) -> Value {
    json!({
        "name": verdict.name,
        "version": verdict.version,
        "uid": verdict.hash,
        // In shadow mode nothing follows from its answer.
        "is_applied": verdict.shadow.is_none(),
    })
}

/// In shadow mode, what it would have been.
fn decision(verdict: &PolicyVerdict) -> &'static str {
    match verdict.shadow.unwrap_or(verdict.answer) {
        PolicyAnswer::Allowed => "allowed",
        PolicyAnswer::Denied => "denied",
        PolicyAnswer::RequiresApproval => "requires approval",
        PolicyAnswer::Rewrote => "rewrote",
        PolicyAnswer::NotAsked => "not asked",
    }
}

fn metadata(statement: &Statement, sequence: Option<u64>, is_cut: bool) -> Value {
    let Statement {
        session,
        judged,
        execution,
    } = statement;
    let mut profiles = vec!["security_control"];
    if session.agent.is_some() {
        profiles.push("ai_operation");
    }
    // The same whoever sends it and however often, so that receivers know it again.
    let uid = match (execution, judged) {
        (Some(execution), _) => format!("{}/{}", session.session, execution.completed.execution),
        (None, Some(judged)) => format!("{}/{}", session.session, judged.statement),
        (None, None) => session.session.to_string(),
    };
    let whole = judged
        .as_ref()
        .filter(|_| is_cut)
        .map(|judged| judged.text.len());
    json!({
        "version": VERSION,
        "product": {"name": "Gatewright", "vendor_name": "Gatewright", "version": session.gateway},
        "profiles": profiles,
        "uid": uid,
        "correlation_uid": session.session.to_string(),
        "log_name": "statements",
        "sequence": sequence,
        "is_truncated": is_cut.then_some(true),
        "untruncated_size": whole,
    })
    .without_nulls()
}

fn unmapped(statement: &Statement, texts: Texts) -> Value {
    let Statement {
        session,
        judged,
        execution,
    } = statement;
    let judged = judged.as_deref();
    let completed = execution.as_ref().map(|execution| &execution.completed);
    let approvals = execution.iter().flat_map(|execution| &execution.approvals);
    let approvals: Vec<String> = approvals.map(ToString::to_string).collect();
    let tables = judged.filter(|judged| judged.tables.len() > 1);
    let instead = judged.filter(|_| texts == Texts::Recorded);
    let instead = instead.and_then(|judged| judged.instead.as_deref());
    let text = match judged.and_then(|judged| judged.withheld.as_ref()) {
        None => Value::Null,
        Some(Withheld::Constants) => json!("without constants and comments"),
        Some(Withheld::Passwords) => json!("without passwords"),
        Some(Withheld::Text(text)) => json!({
            "length": text.length,
            "sha256": text.sha256.map(hex::encode),
        })
        .without_nulls(),
    };
    json!({
        "role": session.role,
        "task": session.task,
        "verb": judged.map(|judged| judged.verb.as_str()).filter(|verb| !verb.is_empty()),
        "tables": tables.map(|judged| &judged.tables),
        "ran_as": instead.map(beginning),
        "text_withheld": text,
        "literals": (session.literals == Some(Literals::Redact)).then_some("redacted"),
        "outcome": completed.map_or("refused", |completed| completed.outcome.name()),
        "rows": completed.map(|completed| completed.rows),
        "rows_changed": completed.and_then(|completed| completed.changed),
        "bytes": completed.map(|completed| completed.bytes),
        "masked_values": completed.map(|completed| completed.masked_cells),
        "approvals": Some(approvals).filter(|approvals| !approvals.is_empty()),
    })
    .without_nulls()
}

/// An event without what makes it long. `None`: it is no event.
pub(super) fn cut(event: &str) -> Option<String> {
    let mut event: Value = serde_json::from_str(event).ok()?;
    let fields = event.as_object_mut()?;
    for field in ["query_info", "status_detail", "authorizations"] {
        fields.remove(field);
    }
    for (within, field) in [("unmapped", "ran_as"), ("unmapped", "tables")] {
        if let Some(within) = fields.get_mut(within).and_then(Value::as_object_mut) {
            within.remove(field);
        }
    }
    let metadata = fields.get_mut("metadata").and_then(Value::as_object_mut);
    metadata?.insert("is_truncated".to_owned(), json!(true));
    Some(event.to_string())
}

fn beginning(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// An extension of objects of JSON.
trait WithoutNulls {
    fn without_nulls(self) -> Self;
}

impl WithoutNulls for Value {
    fn without_nulls(mut self) -> Self {
        if let Some(object) = self.as_object_mut() {
            object.retain(|_, value| !value.is_null());
        }
        self
    }
}
