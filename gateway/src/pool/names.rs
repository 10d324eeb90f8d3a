//! What names mean on a connection.

/// What the server said of the session's names when it began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamesAtStart {
    /// The value of `search_path`.
    pub path: String,
    /// The current role, and that of the login.
    pub roles: Vec<String>,
    /// The server tells of changes (ParameterStatus).
    pub reported: bool,
}
