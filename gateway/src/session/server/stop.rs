//! Stopping a result early: the statement is cancelled on the server, the client gets an error, the transaction is aborted.

use std::time::Duration;

use crate::session::doors::output::Output;
use crate::session::doors::to_client::{Delivered, Delivery};
use crate::session::judge::{Judge, Limit, Outcome};
use crate::session::refusal::{Refusal, STAND_IN};
use crate::session::state::name::Name;
use crate::session::state::outstanding::{Outstanding, QueryRun, Sent};
use crate::session::state::session::Session;
use crate::session::violation::Violation;

impl<J: Judge> Session<J> {
    /// The time limit of the message that the server is processing, and a number that identifies it. `None`: no limit. The statements of one
    /// Query share the strictest limit, since the server reports them together.
    pub fn time_limit(&self) -> Option<(u64, Duration)> {
        let (_, limit) = self.shortest_time()?;
        Some((self.turn.count, limit))
    }

    /// The permit with the shortest time limit among those running now.
    fn shortest_time(&self) -> Option<(J::Permit, Duration)> {
        if self.turn.stoppable == 0 {
            return None;
        }
        let time_of = |permit: &J::Permit| Some((permit.clone(), J::limits(permit).time?));
        // Parse and Bind messages before an Execute take no time, but are answered together with it.
        self.queue.oldest_first().find_map(|reply| match reply {
            Outstanding::Query(run) => Some(
                run.permits
                    .iter()
                    .filter_map(time_of)
                    .min_by_key(|(_, time)| *time),
            ),
            Outstanding::Execute { portal, .. } => Some(portal.permit.as_ref().and_then(time_of)),
            Outstanding::FunctionCall { permit, .. } => Some(time_of(permit)),
            _ => None,
        })?
    }

    /// The time limit has passed: asks the server to cancel. If the statement finishes before the cancel arrives, the client gets its result. The
    /// cancel cannot hit a later statement, because nothing is sent until it is through.
    pub fn time_is_up(&mut self, judge: &mut J, output: &mut Output) {
        if let Some((permit, limit)) = self.shortest_time() {
            self.turn.overdue = Some(judge.limit_reached(&permit, Limit::Time(limit)));
            output.cancel = true;
        }
    }

    /// The statement finished before the cancel reached it. The client gets the error all the same, and the server is brought to the state that
    /// follows an error.
    pub(in crate::session) fn ended_before_stop(
        &mut self,
        refusal: &Refusal,
        judge: &mut J,
        output: &mut Output,
    ) -> Result<(), Violation> {
        output.to_client.deliver(Delivery::Error(&refusal.error()));
        match self.queue.front_mut() {
            Some(Outstanding::Query(run)) if run.sent == Sent::InParts => {
                run.silent_error = true;
                output.to_server.stand_in_parse(STAND_IN);
                self.end_parts(output);
            }
            Some(Outstanding::Query(run)) => {
                run.silent_error = true;
                self.transaction.abort_on_ready = true;
            }
            Some(Outstanding::Execute { .. }) => {
                self.queue.pop();
                self.drop_behind_stop(judge, output);
            }
            _ => return Err(Violation::Unexpected('C')),
        }
        Ok(())
    }

    /// What was sent behind a statement that was stopped has run, or will, and has changed nothing. The client is told that it was skipped.
    fn drop_behind_stop(&mut self, judge: &mut J, output: &mut Output) {
        let is_sync = |reply: &Outstanding<J>| matches!(reply, Outstanding::Sync);
        let mut unnamed = false;
        for reply in self.queue.each().take_while(|reply| !is_sync(reply)) {
            unnamed |= matches!(reply, Outstanding::Parse { name, .. } if name.is_unnamed());
            self.pipeline.dropping = true;
            for admitted in reply.take_all() {
                let nothing = Delivered::default();
                self.ends.push(admitted, Outcome::Lost, "57014", nothing);
            }
        }
        if unnamed {
            self.names.close_prepared(&Name::unnamed());
        }
        if self.queue.oldest_first().any(is_sync) {
            self.skip_to_sync();
            self.transaction.abort_on_ready = true;
            return;
        }
        output.to_server.stand_in_parse(STAND_IN);
        self.skip_pipeline(judge);
        if !self.pipeline.dropping {
            self.expect(Outstanding::Silenced);
        }
        self.pipeline.unsynced = true;
    }

    /// Aborts a transaction block that is still open on the server although the client has received an error. The client gets the ReadyForQuery of
    /// this.
    pub(in crate::session) fn abort_transaction(&mut self, output: &mut Output) {
        output.to_server.stand_in_query();
        let mut run = Box::new(QueryRun::stand_in(Refusal::new("42501", "aborted")));
        run.silent_error = true;
        self.expect(Outstanding::Query(run));
    }
}
