//! The request as reviewers see it, and what their approval binds.

use gatewright_contract::{self as contract, ApprovalEffect, ApprovalWait, SettingValue};
use gatewright_sql::{Facts, PathValue, SessionEffect};
use gatewright_wire::frontend;

use super::effect::as_bound;
use super::requirement::Wanted;
use crate::approvals::{Binding, Draft, Effect, NAMED, Parameter, ParameterValue, Shown};
use crate::gate::kept::KeptQuestion;
use crate::gate::permit::Permit;
use crate::gate::view::KeptParameters;
use crate::gate::{SessionGate, denial};
use crate::results::{self, Format};
use crate::session::Refusal;

/// With which the client says that it does not wait: a startup option, and the end of `application_name`.
const WORD: &str = "gatewright.approval";

/// With which the client says that it needs no approval, and why.
const BREAK_GLASS: &str = "gatewright.break_glass";

/// In characters.
const LONGEST_JUSTIFICATION: usize = 2000;

/// The application, where it says the same.
const SUFFIX: &str = " gatewright.approval=return";

/// The effects that are listed, at most, and each one's length in characters.
const EFFECTS: usize = 50;
const EFFECT_LENGTH: usize = 500;

impl SessionGate {
    /// The request for one of the approvals that the statement needs.
    pub(super) fn draft(
        &self,
        permit: &Permit,
        question: &KeptQuestion,
        wanted: &Wanted,
        effect: Option<&Effect>,
    ) -> Result<Draft, Refusal> {
        let break_glass = self.break_glass(permit)?;
        let is_bound = wanted.approval.effect == ApprovalEffect::Bound;
        if is_bound && break_glass.is_none() && effect.and_then(as_bound).is_none() {
            return Err(unbound(effect, permit));
        }
        let reviewed = permit.is_reviewed_commit() && wanted.policy.is_none();
        let wait = match reviewed {
            // A refusal would end the transaction that is to be committed.
            true => ApprovalWait::Hold,
            false => self.wait(&wanted.approval),
        };
        let is_returned = wait == ApprovalWait::ReturnId && break_glass.is_none();
        if is_returned && question.path_value.is_none() {
            return Err(denial::of_gateway(
                "approval-search-path",
                "this statement needs approval, and what its names will mean when it is sent again is not certain, since search_path was changed",
                Some("Send it on a connection that has not changed search_path."),
                permit.view.statement_id,
            ));
        }
        let (policy, policy_version) = match wanted.policy {
            None => ("gatewright", env!("CARGO_PKG_VERSION")),
            Some(index) => {
                let policy = permit.set.policies.get(index);
                policy.map_or(("unknown", ""), |policy| (policy.name(), policy.version()))
            }
        };
        let text = client_text(question);
        let identity = &self.facts.identity;
        let session = &self.facts.session;
        let binding = Binding {
            subject: identity.subject.clone(),
            issuer: identity.issuer.clone(),
            agent: identity.agent.clone(),
            database: session.database.clone(),
            role: session.role.clone(),
            statement: text.clone().into_bytes(),
            parameters: question
                .bound
                .as_deref()
                .map_or_else(Vec::new, |bound| parameters(bound, question.is_utf8)),
            search_path: path(question),
            settings: self.settings_that_count(question),
            policies: format!("{} {policy}", permit.set.fingerprint()),
        };
        Ok(Draft {
            binding,
            wanted: contract::Approval {
                wait,
                ..wanted.approval.clone()
            },
            policy: policy.to_owned(),
            policy_version: policy_version.to_owned(),
            shown: Shown {
                effect: effect.cloned(),
                transaction: match reviewed {
                    true => self.uncommitted.changes(),
                    false => Vec::new(),
                },
                ..self.shown(permit, question, text)
            },
            break_glass,
        })
    }

    /// Why the statement is to run without waiting for reviewers, if the client says so and may.
    fn break_glass(&self, permit: &Permit) -> Result<Option<String>, Refusal> {
        let Some(reason) = justification(&self.facts.session) else {
            return Ok(None);
        };
        let asked = self.gate.people.asked();
        let may = asked.is_some_and(|approvals| approvals.may_break_glass(&self.facts.own));
        let refused = |code, why: &str| {
            let hint = format!("Connect without {BREAK_GLASS} to have reviewers asked.");
            Err(denial::of_gateway(
                code,
                why,
                Some(hint.as_str()),
                permit.view.statement_id,
            ))
        };
        if !may {
            let why = "this statement needs approval, and only people in the groups of break_glass need not wait for it";
            return refused("break-glass", why);
        }
        let length = reason.chars().count();
        if length == 0 || length > LONGEST_JUSTIFICATION || reason.contains(char::is_control) {
            let why = "this statement needs approval, and the justification for not waiting for it is empty, too long, or has control characters";
            return refused("break-glass-justification", why);
        }
        Ok(Some(reason.to_owned()))
    }

    fn wait(&self, wanted: &contract::Approval) -> ApprovalWait {
        let settings = self
            .gate
            .people
            .asked()
            .map(|approvals| approvals.settings());
        let agents = settings.as_ref().map(|settings| settings.agents);
        let of_class = agents.filter(|_| self.facts.identity.agent.is_some());
        let nobody_decides =
            settings.is_some_and(|settings| settings.away() >= settings.hold(wanted.hold_ms));
        match chosen(wanted.wait, of_class, &self.facts.session) {
            // Nobody is held for nothing.
            ApprovalWait::Hold if nobody_decides => ApprovalWait::ReturnId,
            wait => wait,
        }
    }

    fn settings_that_count(&self, question: &KeptQuestion) -> Vec<(String, String)> {
        let standard = question.text.standard_conforming_strings;
        let mut settings = vec![(
            "standard_conforming_strings".to_owned(),
            if standard { "on" } else { "off" }.to_owned(),
        )];
        if question.path_value.is_none() {
            settings.push(("search_path".to_owned(), "not certain".to_owned()));
        }
        let count = client_analysis(question).statements.len();
        if count > 1 {
            let place = format!("{} of {count}", question.index + 1);
            settings.push(("statement".to_owned(), place));
        }
        for given in &self.facts.session.settings {
            if let SettingValue::Constant(value) = &given.value
                && given.name != "application_name"
                && given.name != WORD
                && given.name != BREAK_GLASS
            {
                settings.push((format!("at startup: {}", given.name), value.clone()));
            }
        }
        settings
    }

    fn shown(&self, permit: &Permit, question: &KeptQuestion, text: String) -> Shown {
        let session = &self.facts.session;
        let facts = permit.view.facts();
        let verb = facts.and_then(|facts| facts.commands.first().cloned());
        Shown {
            statement_id: permit.view.statement_id,
            session_id: session.id,
            text,
            groups: self.facts.identity.groups.clone(),
            task: self.facts.identity.task.clone(),
            application: session.application.clone(),
            client_address: session.client_address.clone(),
            verb: verb.unwrap_or_else(|| permit.verb.name().to_owned()),
            effects: effects(permit, question),
            tables: facts.map_or_else(Vec::new, Facts::table_names),
            effect: None,
            transaction: Vec::new(),
        }
    }
}

/// The refusal of a statement whose effect is to be approved, and is not known.
fn unbound(effect: Option<&Effect>, permit: &Permit) -> Refusal {
    let why = effect.and_then(|effect| effect.limited.as_deref());
    let why = why.unwrap_or("it was not tried");
    denial::of_gateway(
        "approval-effect",
        format!("this statement needs an approval of its effect, which cannot be found out: {why}"),
        Some(
            "Send an UPDATE or DELETE without RETURNING in a message of its own, as its own transaction or in a transaction block.",
        ),
        permit.view.statement_id,
    )
}

/// Held, or sent again: what the policy, the configuration or the client itself has chosen. Nobody is held who does not want to be.
pub(super) fn chosen(
    of_policy: ApprovalWait,
    of_class: Option<ApprovalWait>,
    session: &contract::Session,
) -> ApprovalWait {
    let mut settings = session.settings.iter();
    let by_option = settings.any(|setting| {
        setting.name == WORD && setting.value == SettingValue::Constant("return".to_owned())
    });
    let by_name = session.application.ends_with(SUFFIX);
    match by_option || by_name || of_class == Some(ApprovalWait::ReturnId) {
        true => ApprovalWait::ReturnId,
        false => of_policy,
    }
}

/// The last one counts, as with the server's own settings.
pub(super) fn justification(session: &contract::Session) -> Option<&str> {
    let mut settings = session.settings.iter().rev();
    let given = settings.find(|setting| setting.name == BREAK_GLASS)?;
    match &given.value {
        SettingValue::Constant(reason) => Some(reason.trim()),
        _ => Some(""),
    }
}

fn client_analysis(question: &KeptQuestion) -> &gatewright_sql::Analysis {
    match &question.text.edited {
        Some(from) => &from.client.analysis,
        None => &question.text.analysis,
    }
}

/// The whole text of the client's message: what stands in front of a statement runs before it. What it executes or fetches by name follows.
fn client_text(question: &KeptQuestion) -> String {
    let text = match &question.text.edited {
        Some(from) => &from.client.source,
        None => &question.text.source,
    };
    match &question.named_text {
        Some(named) => format!("{text}{NAMED}{named}"),
        None => text.to_string(),
    }
}

/// What the statement does, in words.
fn effects(permit: &Permit, question: &KeptQuestion) -> Vec<String> {
    let mut effects = Vec::new();
    let count = client_analysis(question).statements.len();
    if count > 1 {
        effects.push(format!(
            "statement {} of {count} in one message; those before it run first",
            question.index + 1
        ));
    }
    if let Some(text) = permit.view.text.as_ref()
        && text.source != question_source(question)
        && let Some(statement) = text.analysis.statements.get(permit.view.index)
    {
        let runs = text.source.get(statement.span.clone()).unwrap_or_default();
        effects.push(format!("policies change it; it runs as: {}", runs.trim()));
    }
    if let Some(facts) = permit.view.facts() {
        if facts.unbounded_write {
            effects.push("changes every row of a table: it has no WHERE that narrows it".into());
        }
        if facts.commands.len() > 1 {
            effects.push(format!("contains {}", facts.commands.join(", ")));
        }
        if !facts.functions.is_empty() {
            effects.push(format!("calls {}", facts.functions.join(", ")));
        }
        let opaque = facts.opaque.iter();
        effects.extend(opaque.map(|reason| format!("not fully analysed: {reason}")));
        if let SessionEffect::Execute { name } = &facts.session
            && question.named_text.is_none()
        {
            effects.push(format!("executes \"{name}\", whose text is not shown here"));
        }
    }
    effects.truncate(EFFECTS);
    for effect in &mut effects {
        if let Some((at, _)) = effect.char_indices().nth(EFFECT_LENGTH) {
            effect.truncate(at);
            effect.push('…');
        }
    }
    effects
}

fn question_source(question: &KeptQuestion) -> Box<str> {
    match &question.text.edited {
        Some(from) => from.client.source.clone(),
        None => question.text.source.clone(),
    }
}

/// The schemas in the order of the setting.
fn path(question: &KeptQuestion) -> Vec<String> {
    let Some(value) = &question.path_value else {
        return Vec::new();
    };
    match PathValue::parse(value) {
        PathValue::Schemas(schemas) => schemas.into_iter().map(String::from).collect(),
        _ => vec![value.to_string()],
    }
}

/// The values of a Bind.
fn parameters(bound: &KeptParameters, is_utf8: bool) -> Vec<Parameter> {
    // The session has decoded this message before, so this does not fail.
    let Ok(bind) = frontend::Bind::decode(&bound.bind) else {
        return Vec::new();
    };
    let each = bind.parameters.iter().enumerate();
    each.map(|(index, value)| {
        let type_oid = bound.types.get(index).copied().unwrap_or_default();
        let format = match bind.formats.of(index) {
            Some(1) => Format::Binary,
            _ => Format::Text,
        };
        Parameter {
            type_oid,
            value: value.map_or(ParameterValue::Null, |bytes| {
                parameter(type_oid, format, bytes, is_utf8)
            }),
        }
    })
    .collect()
}

pub(super) fn parameter(
    type_oid: u32,
    format: Format,
    bytes: &[u8],
    is_utf8: bool,
) -> ParameterValue {
    let is_read = is_utf8 || bytes.is_ascii();
    // Of a type that is not known the text form is what the client sent as text.
    let text = match format {
        Format::Text => std::str::from_utf8(bytes).ok().map(str::to_owned),
        Format::Binary => results::types::text_of(type_oid, format, bytes),
    };
    match text.filter(|text| is_read && !text.contains('\0')) {
        Some(text) => ParameterValue::Text(text),
        None => ParameterValue::Undecoded(hex::encode(bytes)),
    }
}
