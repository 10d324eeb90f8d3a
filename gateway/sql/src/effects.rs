//! The effects of a statement on its connection, derived from [`Facts`] for the code that tracks a session.

use crate::facts::{CopyOut, Facts, RoleEffect, SessionEffect, TransactionCommand, Verb};

/// Settings on which it depends how the server reads a text.
const DECIDE_READING: [&str; 4] = [
    "client_encoding",
    "standard_conforming_strings",
    // SET NAMES, and RESET ALL.
    "names",
    "all",
];

impl Facts {
    /// Whether the statement's effect depends on a name that may be redefined: EXECUTE, FETCH, MOVE and EXPLAIN EXECUTE.
    pub fn is_dynamic(&self) -> bool {
        matches!(
            self.session,
            SessionEffect::Execute { .. }
                | SessionEffect::Fetch { .. }
                | SessionEffect::Explain {
                    executes: Some(_),
                    ..
                }
        )
    }

    /// Whether names may mean something else after this statement: it changes objects, the search path or the role, or it is
    /// not known what it does.
    pub fn may_change_names(&self) -> bool {
        !self.opaque.is_empty()
            || self.path.is_some()
            || self.role != RoleEffect::Kept
            || self.is_dynamic()
            || matches!(self.session, SessionEffect::DiscardAll)
            || self.may_end_transaction()
            || !matches!(
                self.verb,
                Verb::Select
                    | Verb::Insert
                    | Verb::Update
                    | Verb::Delete
                    | Verb::Set
                    | Verb::Transaction
            )
    }

    /// Whether the client's next bytes may have to be read differently after this statement.
    pub fn changes_reading(&self) -> bool {
        match &self.session {
            SessionEffect::Set { name, .. } if DECIDE_READING.contains(&name.as_str()) => true,
            SessionEffect::Set { .. } => self.runs_unread_code(),
            SessionEffect::DiscardAll => true,
            // What runs later, under a name, has facts of its own.
            SessionEffect::Prepare { inner, .. } => inner.changes_reading(),
            _ => self.runs_unread_code() || self.calls_set_config(),
        }
    }

    fn runs_unread_code(&self) -> bool {
        !self.opaque.is_empty()
    }

    /// Whether code that was read calls set_config. By itself it is a SET where it stands in the statement's own text.
    fn calls_set_config(&self) -> bool {
        self.called(|name| name == "set_config").is_some()
    }

    /// A function that it calls whose name, without its schema, is one of these.
    pub(crate) fn called(&self, is: impl Fn(&str) -> bool) -> Option<&str> {
        let mut functions = self.functions.iter().map(String::as_str);
        functions.find(|function| {
            let name = function
                .rsplit_once('.')
                .map_or(*function, |(_, name)| name);
            is(name)
        })
    }

    /// Whether the statement is COPY FROM STDIN.
    pub fn is_copy_in(&self) -> bool {
        self.session == SessionEffect::CopyIn
    }

    /// The COPY TO of the statement, if it is one.
    pub fn copy_out(&self) -> Option<&CopyOut> {
        match &self.session {
            SessionEffect::CopyOut(copy) => Some(copy),
            _ => None,
        }
    }

    /// Whether the statement creates a cursor, perhaps under the name of a portal that was closed before.
    pub fn declares_cursor(&self) -> bool {
        matches!(self.session, SessionEffect::DeclareCursor { .. })
    }

    /// Whether the statement changes which prepared statements exist.
    pub fn names_statements(&self) -> bool {
        matches!(
            self.session,
            SessionEffect::Prepare { .. }
                | SessionEffect::Deallocate(_)
                | SessionEffect::DiscardAll
        )
    }

    /// Whether deferred triggers and constraints of earlier statements may run with this one.
    pub fn runs_deferred(&self) -> bool {
        let mut commands = self.commands.iter();
        self.verb == Verb::Transaction || commands.any(|command| command == "SET CONSTRAINTS")
    }

    /// Whether the statement may end the open transaction.
    pub fn may_end_transaction(&self) -> bool {
        match &self.session {
            SessionEffect::Transaction(command) => !matches!(
                command,
                TransactionCommand::Begin
                    | TransactionCommand::Savepoint(_)
                    | TransactionCommand::Release(_)
            ),
            _ => false,
        }
    }

    /// Adds what `other` reads, writes, calls and leaves unknown.
    pub fn absorb(&mut self, other: &Facts) {
        let base = self.tables.len();
        self.tables.extend(other.tables.iter().cloned());
        self.columns
            .extend(other.columns.iter().cloned().map(|mut column| {
                column.table = column.table.map(|index| index + base);
                column
            }));
        self.functions.extend(other.functions.iter().cloned());
        self.opaque.extend(other.opaque.iter().cloned());
        self.flows.extend(other.flows.iter().cloned());
        self.commands.extend(other.commands.iter().cloned());
        self.settings.extend(other.settings.iter().cloned());
        self.unbounded_write |= other.unbounded_write;
        self.role = self.role.max(other.role);
    }
}
