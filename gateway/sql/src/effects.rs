//! What a statement means for the connection it runs on: questions that whoever follows a session asks of [`Facts`].
//! It refuses to know messages and portals. Next room: `session` in the gateway, which asks.

use crate::facts::{CopyOut, Facts, SessionEffect, TransactionCommand, Verb};

impl Facts {
    /// True when what the statement does depends on a name that may come to mean something else: EXECUTE, FETCH, MOVE and
    /// EXPLAIN EXECUTE.
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

    /// True when the client's next bytes may have to be read differently once this statement has run.
    pub fn changes_reading(&self) -> bool {
        match &self.session {
            SessionEffect::Set { name, .. } => [
                "client_encoding",
                "standard_conforming_strings",
                "names",
                "all",
            ]
            .contains(&name.as_str()),
            SessionEffect::DiscardAll => true,
            _ => !self.opaque.is_empty(),
        }
    }

    /// True for COPY FROM STDIN.
    pub fn is_copy_in(&self) -> bool {
        self.session == SessionEffect::CopyIn
    }

    /// The COPY TO of a statement that is one.
    pub fn copy_out(&self) -> Option<&CopyOut> {
        match &self.session {
            SessionEffect::CopyOut(copy) => Some(copy),
            _ => None,
        }
    }

    /// True when the statement makes a cursor, perhaps under the name of a portal that was closed before.
    pub fn declares_cursor(&self) -> bool {
        matches!(self.session, SessionEffect::DeclareCursor { .. })
    }

    /// True when the statement changes what names of prepared statements mean.
    pub fn names_statements(&self) -> bool {
        matches!(
            self.session,
            SessionEffect::Prepare { .. }
                | SessionEffect::Deallocate(_)
                | SessionEffect::DiscardAll
        )
    }

    /// True when deferred triggers and constraints of earlier statements may run with this one.
    pub fn runs_deferred(&self) -> bool {
        let mut commands = self.commands.iter();
        self.verb == Verb::Transaction || commands.any(|command| command == "SET CONSTRAINTS")
    }

    /// True when the statement may end the transaction that is open.
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
        self.unbounded_write |= other.unbounded_write;
        self.role = self.role.max(other.role);
    }
}
