//! The current statement.

use std::marker::PhantomData;

use crate::{AccessGrant, ColumnSource, DataFlow, Editing, Parameter, Session, SettingChange};

#[cfg(target_arch = "wasm32")]
type Inner<'a> = &'a crate::bindings::gatewright::policy::host::Statement;
#[cfg(not(target_arch = "wasm32"))]
type Inner<'a> = &'a crate::testing::StatementDouble;

/// Details of the current statement that the facts omit because few policies need them. Each method calls the host.
#[derive(Debug)]
pub struct Statement<'a> {
    inner: Inner<'a>,
    during_one_call: PhantomData<&'a ()>,
}

impl<'a> Statement<'a> {
    /// Wraps the host's handle or, in tests, a double.
    pub fn new(inner: Inner<'a>) -> Self {
        Self {
            inner,
            during_one_call: PhantomData,
        }
    }

    /// The query string: what the client sent, unless a policy rewrote the statement.
    pub fn sql(&self) -> String {
        self.inner.sql()
    }

    /// The client's query string, if a policy rewrote the statement.
    pub fn original_sql(&self) -> Option<String> {
        self.inner.original_sql()
    }

    /// Whether it is the edited statement, or cannot be edited.
    pub fn editing(&self) -> Editing {
        self.inner.editing()
    }

    /// The statement's id as shown in audit records, logs and errors. `facts.statement_id.to_string()` gives the same
    /// without a host call.
    pub fn id_text(&self) -> String {
        self.inner.id_text()
    }

    /// The query string with constants replaced by `$n`.
    pub fn normalized(&self) -> String {
        self.inner.normalized()
    }

    /// sqlparser's syntax tree as JSON; `None` if it disagrees with the facts.
    pub fn ast_json(&self) -> Option<String> {
        self.inner.ast_json()
    }

    /// The client session: database, role, application and so on.
    pub fn session(&self) -> Session {
        self.inner.session()
    }

    /// Bound parameters; empty before Bind.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.inner.parameters()
    }

    /// Predicted sources of each output column.
    pub fn outputs(&self) -> Vec<Vec<ColumnSource>> {
        self.inner.outputs()
    }

    /// What the statement writes, and from where.
    pub fn flows(&self) -> Vec<DataFlow> {
        self.inner.flows()
    }

    /// Settings of the server that the statement changes, by itself or by code that it calls. What an opaque statement sets is
    /// not known.
    pub fn settings(&self) -> Vec<SettingChange> {
        self.inner.settings()
    }

    /// The channels of LISTEN.
    pub fn channels(&self) -> Vec<String> {
        self.inner.channels()
    }

    /// Indexes into the facts' columns. These uses reveal only whether values are equal.
    pub fn equated(&self) -> Vec<u32> {
        self.inner.equated()
    }

    /// The access grants that whoever runs the statement holds now. See [`Granted`](crate::Granted).
    pub fn access_grants(&self) -> Vec<AccessGrant> {
        self.inner.access_grants()
    }

    /// The value of `key` in the statement's sqlcommenter comment.
    pub fn comment_tag(&self, key: &str) -> Option<String> {
        self.inner.comment_tag(key)
    }
}
