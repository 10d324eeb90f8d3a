//! The statement in hand.

use std::marker::PhantomData;

use crate::{ColumnSource, DataFlow, Parameter, Session};

#[cfg(target_arch = "wasm32")]
type Inner<'a> = &'a crate::bindings::gatewright::policy::host::Statement;
#[cfg(not(target_arch = "wasm32"))]
type Inner<'a> = &'a crate::testing::StatementDouble;

/// What the facts leave out because few policies read it; each call asks the host.
#[derive(Debug)]
pub struct Statement<'a> {
    inner: Inner<'a>,
    during_one_call: PhantomData<&'a ()>,
}

impl<'a> Statement<'a> {
    /// Wraps the host's handle; in tests, a double.
    pub fn new(inner: Inner<'a>) -> Self {
        Self {
            inner,
            during_one_call: PhantomData,
        }
    }

    /// The text: what the client sent, unless a policy rewrote the statement.
    pub fn sql(&self) -> String {
        self.inner.sql()
    }

    /// The client's text where a policy rewrote the statement.
    pub fn original_sql(&self) -> Option<String> {
        self.inner.original_sql()
    }

    /// The statement's id as records, logs and errors show it. Where the facts are at hand, `facts.statement_id.to_string()`
    /// is the same without a call.
    pub fn id_text(&self) -> String {
        self.inner.id_text()
    }

    /// The text with constants replaced by `$n`.
    pub fn normalized(&self) -> String {
        self.inner.normalized()
    }

    /// sqlparser's syntax tree as JSON; none where it disagrees with the facts.
    pub fn ast_json(&self) -> Option<String> {
        self.inner.ast_json()
    }

    /// The connection: database, role, application and so on.
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

    /// Indexes into the facts' columns of uses that can tell no more than whether values are equal.
    pub fn equated(&self) -> Vec<u32> {
        self.inner.equated()
    }

    /// A `key='value'` pair of the statement's comment, in sqlcommenter form.
    pub fn comment_tag(&self, key: &str) -> Option<String> {
        self.inner.comment_tag(key)
    }
}
