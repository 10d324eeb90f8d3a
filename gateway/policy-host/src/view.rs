//! The statement in hand, as a policy may ask about it.

use crate::contract::{ColumnSource, DataFlow, Parameter, Session, SessionId, StatementId};

/// The statement in hand, as a policy may ask about it during one call. Everything here is fetched only when asked for.
pub trait StatementView: Send + Sync {
    /// This run of the statement.
    fn statement_id(&self) -> StatementId;
    /// The statement's text: what the client sent, unless a policy rewrote it.
    fn sql(&self) -> String;
    /// The client's text where a policy rewrote the statement.
    fn original_sql(&self) -> Option<String> {
        None
    }
    /// The text with constants replaced by `$n`.
    fn normalized(&self) -> String;
    /// The statement's syntax tree as JSON; `None` where it disagrees with the facts.
    fn ast_json(&self) -> Option<String>;
    /// The connection it came over.
    fn session(&self) -> Session;
    /// Empty before Bind.
    fn parameters(&self) -> Vec<Parameter>;
    /// Predicted sources of each output column, before the statement runs.
    fn outputs(&self) -> Vec<Vec<ColumnSource>>;
    /// What the statement writes, and from where.
    fn flows(&self) -> Vec<DataFlow>;
    /// Indexes into the columns of the facts of uses that can tell no more than whether values are equal.
    fn equated(&self) -> Vec<u32>;
    /// The value of a `key=value` comment in sqlcommenter form.
    fn comment_tag(&self, key: &str) -> Option<String>;
    /// Names the session scope of a policy's counters and values.
    fn session_id(&self) -> SessionId;
    /// Names the identity scope; must differ between issuers.
    fn identity_key(&self) -> &str;
    /// Names the task scope; without a task the identity scope is used in its place.
    fn task_key(&self) -> Option<&str>;
}
