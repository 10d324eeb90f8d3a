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

impl NamesAtStart {
    /// Asks the server: one row, for `of_row`.
    pub const QUERY: &str =
        "SELECT pg_catalog.current_setting('search_path'), current_user, session_user";

    /// `None`: that was not an answer.
    pub fn of_row(row: Vec<Option<String>>, reported: bool) -> Option<Self> {
        let mut row = row
            .into_iter()
            .collect::<Option<Vec<String>>>()?
            .into_iter();
        let path = row.next()?;
        let roles: Vec<String> = row.collect();
        (roles.len() == 2).then_some(NamesAtStart {
            path,
            roles,
            reported,
        })
    }
}
