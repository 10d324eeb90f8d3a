//! Ending a result before its end: the server is cancelled, the client gets an error, the transaction is aborted.

use gatewright_wire::build;

use super::judge::{Completion, Judge};
use super::outgoing;
use super::owed::{Owed, QueryRun};
use super::refusal::{Refusal, STAND_IN};
use super::results::Running;
use super::{Mode, Session, Violation, Wires};

impl<J: Judge> Session<J> {
    /// The statement was done before the cancel reached it. The client gets the error all the same, and what
    /// follows on the server is what follows an error.
    pub(super) fn ended_before_stop(
        &mut self,
        refusal: &Refusal,
        running: &Running,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<(), Violation> {
        build::error_response(&mut wires.to_client, &refusal.error());
        let done = Completion {
            sqlstate: refusal.sqlstate.clone().into_owned(),
            ..running.completion("")
        };
        if let Some(permit) = self.permit_in_front() {
            judge.completed(&permit, &done);
        }
        match self.queue.front_mut() {
            Some(Owed::Query(run)) => {
                run.silent_error = true;
                self.abort_on_ready = true;
            }
            Some(Owed::Execute { .. }) => {
                self.queue.pop();
                self.stoppable = 0;
                if matches!(self.queue.front(), Some(Owed::Sync)) {
                    self.abort_on_ready = true;
                } else {
                    outgoing::stand_in_parse(&mut wires.to_server, STAND_IN);
                    self.owe(Owed::Silenced);
                    self.mode = Mode::Skipping;
                }
            }
            _ => return Err(Violation::Unexpected('C')),
        }
        Ok(())
    }

    /// Aborts a transaction block that went on after the client was told of an error. Its ReadyForQuery is the one
    /// that the client gets.
    pub(super) fn abort_transaction(&mut self, wires: &mut Wires) {
        outgoing::stand_in_query(&mut wires.to_server);
        let mut run = QueryRun::stand_in(Refusal::new("42501", "aborted"));
        run.silent_error = true;
        self.owe(Owed::Query(run));
    }
}
