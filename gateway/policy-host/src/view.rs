use crate::contract::{ColumnSource, DataFlow, Parameter, Session};

/// The statement in hand, as a policy may ask about it during one call. Everything here is fetched only when asked for.
pub trait StatementView: Send + Sync {
    /// The statement's text as the client sent it.
    fn sql(&self) -> String;
    /// The text with constants replaced by `$n`.
    fn normalized(&self) -> String;
    /// The statement's syntax tree as JSON; `None` where it disagrees with the facts.
    fn ast_json(&self) -> Option<String>;
    fn session(&self) -> Session;
    /// Empty before Bind.
    fn parameters(&self) -> Vec<Parameter>;
    /// Predicted sources of each output column, before the statement runs.
    fn outputs(&self) -> Vec<Vec<ColumnSource>>;
    fn flows(&self) -> Vec<DataFlow>;
    /// Indexes into the columns of the facts of uses that can tell no more than whether values are equal.
    fn equated(&self) -> Vec<u32>;
    /// The value of a `key=value` comment in sqlcommenter form.
    fn comment_tag(&self, key: &str) -> Option<String>;
    /// Names the session scope of a policy's counters and values.
    fn session_id(&self) -> u64;
    /// Names the identity scope; must differ between issuers.
    fn identity_key(&self) -> &str;
    /// Names the task scope; without a task the identity scope is used in its place.
    fn task_key(&self) -> Option<&str>;
}
