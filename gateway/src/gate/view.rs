//! What a policy can ask about the statement it is judging.

use std::sync::Arc;

use gatewright_contract::{self as contract, SessionId, StatementId};
use gatewright_policy_host::{SHORT_TEXT, StatementView};
use gatewright_wire::frontend;

use super::facts;
use super::text::AnalyzedText;
use crate::access::Active;
use crate::identity::Identity;
use crate::results;
use crate::session::{BoundParameters, Phase};

/// The facts shared by all statements of a session.
pub(super) struct SessionFacts {
    pub session: contract::Session,
    pub identity: Arc<contract::Identity>,
    /// The same with what policies are not shown.
    pub own: Identity,
    identity_key: String,
    task_key: Option<String>,
}

impl SessionFacts {
    pub fn new(session: contract::Session, identity: &Identity) -> Self {
        // A newline cannot occur in a URL, so keys of different issuers never collide.
        let identity_key = format!("{}\n{}", identity.issuer, identity.subject);
        let task_key = identity
            .task
            .as_ref()
            .map(|task| format!("{identity_key}\n{task}"));
        SessionFacts {
            session,
            identity: Arc::new(facts::identity(identity)),
            own: identity.clone(),
            identity_key,
            task_key,
        }
    }
}

/// Bound parameters, kept only when a policy, people or the record read them.
pub(super) struct KeptParameters {
    pub bind: Box<[u8]>,
    pub types: Box<[u32]>,
}

impl KeptParameters {
    pub fn of(bound: &BoundParameters<'_>) -> Self {
        KeptParameters {
            bind: bound.bind.into(),
            types: bound.types.into(),
        }
    }
}

/// The view of one statement.
pub(super) struct View {
    pub session: Arc<SessionFacts>,
    /// `None` for a fast-path function call.
    pub text: Option<Arc<AnalyzedText>>,
    pub index: usize,
    /// The client's text and the statement's index in it, when a policy rewrote the statement.
    pub original: Option<(Arc<AnalyzedText>, usize)>,
    /// What became of the edits that policies asked for.
    pub editing: contract::Editing,
    /// For EXECUTE and FETCH: their facts merged with those of the statement they name.
    pub named: Option<Arc<gatewright_sql::Facts>>,
    pub phase: Phase,
    pub in_transaction: bool,
    pub parameters: Option<Arc<KeptParameters>>,
    /// The same for people who may be asked, and for the record.
    pub bound: Option<Arc<KeptParameters>>,
    pub statement_id: StatementId,
    /// The access grants that counted when it was judged.
    pub active: Arc<Active>,
}

impl View {
    fn statement(&self) -> Option<(&AnalyzedText, &gatewright_sql::Statement)> {
        let text = self.text.as_deref()?;
        Some((text, text.analysis.statements.get(self.index)?))
    }

    /// The facts of the statement.
    pub fn facts(&self) -> Option<&gatewright_sql::Facts> {
        match &self.named {
            Some(named) => Some(named),
            None => self.statement().map(|(_, statement)| &*statement.facts),
        }
    }
}

impl View {
    /// What the client sent.
    pub fn client_text(&self) -> Option<&AnalyzedText> {
        let original = self.original.as_ref().map(|(text, _)| text);
        original.or(self.text.as_ref()).map(|text| &**text)
    }
}

impl StatementView for View {
    fn sql(&self) -> String {
        self.statement()
            .and_then(|(text, statement)| text.source.get(statement.span.clone()))
            .unwrap_or_default()
            .to_owned()
    }

    fn length(&self) -> usize {
        self.statement()
            .map_or(0, |(_, statement)| statement.span.len())
    }

    fn normalized(&self) -> Option<String> {
        let Some((text, statement)) = self.statement() else {
            return Some(String::new());
        };
        let normalized = || statement.normalized(&text.source);
        // The parser needs more stack for longer texts than a policy's call has.
        match statement.span.len() <= SHORT_TEXT {
            true => Some(normalized()),
            false => gatewright_sql::on_big_stack(normalized),
        }
    }

    fn ast_json(&self) -> Option<String> {
        self.statement()
            .and_then(|(text, statement)| statement.ast_json(&text.source))
    }

    fn session(&self) -> contract::Session {
        contract::Session {
            in_transaction: self.in_transaction,
            ..self.session.session.clone()
        }
    }

    fn parameters(&self) -> Vec<contract::Parameter> {
        let Some(kept) = &self.parameters else {
            return Vec::new();
        };
        // The session has decoded this message before, so this does not fail.
        let Ok(bind) = frontend::Bind::decode(&kept.bind) else {
            return Vec::new();
        };
        let catalog = self.text.as_ref().map(|text| &text.catalog);
        bind.parameters
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let format = if bind.formats.of(index) == Some(1) {
                    results::Format::Binary
                } else {
                    results::Format::Text
                };
                let type_oid = kept.types.get(index).copied().unwrap_or_default();
                let type_name = catalog
                    .and_then(|catalog| catalog.type_name(type_oid))
                    .unwrap_or("unknown")
                    .to_owned();
                let value =
                    value.and_then(|bytes| results::types::text_of(type_oid, format, bytes));
                contract::Parameter {
                    ordinal: u32::try_from(index + 1).unwrap_or(u32::MAX),
                    type_name,
                    value,
                }
            })
            .collect()
    }

    fn outputs(&self) -> Vec<Vec<contract::ColumnSource>> {
        self.facts().map(facts::outputs).unwrap_or_default()
    }

    fn flows(&self) -> Vec<contract::DataFlow> {
        self.facts().map(facts::flows).unwrap_or_default()
    }

    fn settings(&self) -> Vec<contract::SettingChange> {
        let facts = self.facts();
        facts
            .map(|facts| facts.settings.clone())
            .unwrap_or_default()
    }

    fn channels(&self) -> Vec<String> {
        let facts = self.facts();
        facts
            .map(|facts| facts.channels.clone())
            .unwrap_or_default()
    }

    fn equated(&self) -> Vec<u32> {
        let statement = self.statement();
        let equated = statement.map(|(_, statement)| statement.facts.equated.as_slice());
        equated
            .unwrap_or_default()
            .iter()
            .filter_map(|index| u32::try_from(*index).ok())
            .collect()
    }

    fn access_grants(&self) -> Vec<contract::AccessGrant> {
        self.active.for_policies()
    }

    fn comment_tag(&self, key: &str) -> Option<String> {
        self.statement()
            .and_then(|(text, statement)| statement.comment_tag(&text.source, key))
    }

    fn original_sql(&self) -> Option<String> {
        let (text, index) = self.original.as_ref()?;
        let statement = text.analysis.statements.get(*index)?;
        text.source.get(statement.span.clone()).map(str::to_owned)
    }

    fn editing(&self) -> contract::Editing {
        self.editing.clone()
    }

    fn statement_id(&self) -> StatementId {
        self.statement_id
    }

    fn session_id(&self) -> SessionId {
        self.session.session.id
    }

    fn identity_key(&self) -> &str {
        &self.session.identity_key
    }

    fn task_key(&self) -> Option<&str> {
        self.session.task_key.as_deref()
    }
}
