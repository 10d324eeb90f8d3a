//! What a policy may ask about the statement in hand.

use std::sync::Arc;

use gatewright_contract as contract;
use gatewright_policy_host::StatementView;
use gatewright_wire::frontend;

use super::analysis::AnalyzedText;
use super::facts;
use crate::identity::Identity;
use crate::results;

/// What is the same for every statement of a session.
pub(super) struct SessionFacts {
    pub session: contract::Session,
    pub identity: Arc<contract::Identity>,
    identity_key: String,
    task_key: Option<String>,
}

impl SessionFacts {
    pub fn new(session: contract::Session, identity: &Identity) -> Self {
        // The issuer comes first and ends with a character that no URL holds, so that two issuers never share a key.
        let identity_key = format!("{}\n{}", identity.issuer, identity.subject);
        let task_key = identity
            .task
            .as_ref()
            .map(|task| format!("{identity_key}\n{task}"));
        SessionFacts {
            session,
            identity: Arc::new(facts::identity(identity)),
            identity_key,
            task_key,
        }
    }
}

/// Bound parameters, kept only when some policy reads them.
pub(super) struct KeptParameters {
    pub bind: Box<[u8]>,
    pub types: Box<[u32]>,
}

/// The view of one statement.
pub(super) struct View {
    pub session: Arc<SessionFacts>,
    /// `None` for a fast-path function call.
    pub text: Option<Arc<AnalyzedText>>,
    pub index: usize,
    /// What the client sent, and which of its statements, where a policy put another in its place.
    pub original: Option<(Arc<AnalyzedText>, usize)>,
    /// Of EXECUTE and FETCH: their facts together with those of what they name.
    pub named: Option<Arc<gatewright_sql::Facts>>,
    pub in_transaction: bool,
    pub parameters: Option<KeptParameters>,
    pub statement_id: u64,
}

impl View {
    fn statement(&self) -> Option<(&AnalyzedText, &gatewright_sql::Statement)> {
        let text = self.text.as_deref()?;
        Some((text, text.analysis.statements.get(self.index)?))
    }

    /// What is known of the statement.
    pub fn facts(&self) -> Option<&gatewright_sql::Facts> {
        match &self.named {
            Some(named) => Some(named),
            None => self.statement().map(|(_, statement)| &*statement.facts),
        }
    }
}

impl StatementView for View {
    fn sql(&self) -> String {
        self.statement()
            .and_then(|(text, statement)| text.source.get(statement.span.clone()))
            .unwrap_or_default()
            .to_owned()
    }

    fn normalized(&self) -> String {
        self.statement()
            .map(|(text, statement)| statement.normalized(&text.source))
            .unwrap_or_default()
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
        // The session has read this message before; what cannot be read here has no parameters to show.
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

    fn equated(&self) -> Vec<u32> {
        let statement = self.statement();
        let equated = statement.map(|(_, statement)| statement.facts.equated.as_slice());
        equated
            .unwrap_or_default()
            .iter()
            .filter_map(|index| u32::try_from(*index).ok())
            .collect()
    }

    fn comment_tag(&self, key: &str) -> Option<String> {
        self.statement()
            .and_then(|(text, statement)| statement.comment_tag(&text.source, key))
    }

    fn session_id(&self) -> u64 {
        self.session.session.id
    }

    fn identity_key(&self) -> &str {
        &self.session.identity_key
    }

    fn task_key(&self) -> Option<&str> {
        self.session.task_key.as_deref()
    }
}
