//! The current statement, as a policy sees it.

use crate::contract::{
    AccessGrant, ColumnSource, DataFlow, Editing, Parameter, Session, SessionId, SettingChange,
    StatementId,
};

/// Bytes of a text from which everything can be derived on the thread that a call was made on, and on a stack of 1 MiB. With longer texts a
/// call goes on elsewhere before anything is derived that takes long.
pub const SHORT_TEXT: usize = 1024;

/// The current statement, as a policy can query it during a call. Each method is called only when the policy asks for
/// the data, and on a stack of which 1 MiB can be counted on.
pub trait StatementView: Send + Sync {
    /// The id of this execution of the statement.
    fn statement_id(&self) -> StatementId;
    /// The query string: what the client sent, unless a policy rewrote it.
    fn sql(&self) -> String;
    /// The length of the query string in bytes.
    fn length(&self) -> usize;
    /// The client's query string, if a policy rewrote the statement.
    fn original_sql(&self) -> Option<String> {
        None
    }
    /// What became of the edits that policies asked for.
    fn editing(&self) -> Editing {
        Editing::None
    }
    /// The query string with constants replaced by `$n`; `None` if it cannot be made now, which fails the policy's call.
    fn normalized(&self) -> Option<String>;
    /// The syntax tree as JSON; `None` if it disagrees with the facts.
    fn ast_json(&self) -> Option<String>;
    /// The client session that sent the statement.
    fn session(&self) -> Session;
    /// Bound parameters; empty before Bind.
    fn parameters(&self) -> Vec<Parameter>;
    /// Predicted sources of each output column, before the statement runs.
    fn outputs(&self) -> Vec<Vec<ColumnSource>>;
    /// What the statement writes, and from where.
    fn flows(&self) -> Vec<DataFlow>;
    /// Settings of the server that the statement changes, by itself or by code that it calls.
    fn settings(&self) -> Vec<SettingChange>;
    /// The channels of LISTEN.
    fn channels(&self) -> Vec<String> {
        Vec::new()
    }
    /// Indexes into the facts' columns. These uses reveal only whether values are equal.
    fn equated(&self) -> Vec<u32>;
    /// The access grants that the session's identity holds now.
    fn access_grants(&self) -> Vec<AccessGrant> {
        Vec::new()
    }
    /// The value of `key` in the statement's sqlcommenter comment.
    fn comment_tag(&self, key: &str) -> Option<String>;
    /// Identifies the session scope of a policy's state.
    fn session_id(&self) -> SessionId;
    /// Identifies the identity scope. Must differ between issuers.
    fn identity_key(&self) -> &str;
    /// Identifies the task scope; `None` falls back to the identity scope.
    fn task_key(&self) -> Option<&str>;
}
