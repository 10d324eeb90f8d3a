//! Ending a result before its end: the server is cancelled, the client gets an error, the transaction is aborted.

use std::time::Duration;

use super::judge::{Judge, Limit};
use super::output::Output;
use super::owed::{Owed, QueryRun};
use super::pipeline::Mode;
use super::refusal::{Refusal, STAND_IN};
use super::state::Session;
use super::to_client::Delivery;
use super::violation::Violation;

impl<J: Judge> Session<J> {
    /// How long the message that has its turn on the server may take, and a number that tells it from the next. `None`: as long
    /// as it likes. The statements of one Query share the time of the strictest, since the server tells of all of them at once.
    pub fn time_limit(&self) -> Option<(u64, Duration)> {
        let (_, limit) = self.shortest_time()?;
        Some((self.turn.count, limit))
    }

    /// The permit with the least time of those that run now.
    fn shortest_time(&self) -> Option<(J::Permit, Duration)> {
        if self.turn.stoppable == 0 {
            return None;
        }
        let time_of = |permit: &J::Permit| Some((permit.clone(), J::limits(permit).time?));
        // What is prepared or bound in front of an Execute takes no time, but is answered together with it.
        self.queue.oldest_first().find_map(|owed| match owed {
            Owed::Query(run) => Some(
                run.permits
                    .iter()
                    .filter_map(time_of)
                    .min_by_key(|(_, time)| *time),
            ),
            Owed::Execute { portal, .. } => Some(portal.permit.as_ref().and_then(time_of)),
            Owed::FunctionCall { permit, .. } => Some(time_of(permit)),
            _ => None,
        })?
    }

    /// The statement had its time: the server is asked to cancel it. Should it be done before the cancel arrives, the client
    /// gets its result; nothing that follows it can be hit, since nothing is sent on until the cancel is through.
    pub fn time_is_up(&mut self, judge: &mut J, output: &mut Output) {
        if let Some((permit, limit)) = self.shortest_time() {
            self.turn.overdue = Some(judge.limit_reached(&permit, Limit::Time(limit)));
            output.cancel = true;
        }
    }

    /// The statement was done before the cancel reached it. The client gets the error all the same, and what
    /// follows on the server is what follows an error.
    pub(super) fn ended_before_stop(
        &mut self,
        refusal: &Refusal,
        output: &mut Output,
    ) -> Result<(), Violation> {
        output.to_client.deliver(Delivery::Error(&refusal.error()));
        match self.queue.front_mut() {
            Some(Owed::Query(run)) => {
                run.silent_error = true;
                self.transaction.abort_on_ready = true;
            }
            Some(Owed::Execute { .. }) => {
                self.queue.pop();
                self.turn.stoppable = 0;
                if matches!(self.queue.front(), Some(Owed::Sync)) {
                    self.transaction.abort_on_ready = true;
                } else {
                    output.to_server.stand_in_parse(STAND_IN);
                    self.owe(Owed::Silenced);
                    self.pipeline.mode = Mode::Skipping;
                }
            }
            _ => return Err(Violation::Unexpected('C')),
        }
        Ok(())
    }

    /// Aborts a transaction block that went on after the client was told of an error. Its ReadyForQuery is the one
    /// that the client gets.
    pub(super) fn abort_transaction(&mut self, output: &mut Output) {
        output.to_server.stand_in_query();
        let mut run = QueryRun::stand_in(Refusal::new("42501", "aborted"));
        run.silent_error = true;
        self.owe(Owed::Query(run));
    }
}
