//! What is held and what is running when somebody leaves: the client, the server, or the gateway itself. Every admitted statement gets
//! its end here at the latest.

use crate::session::doors::output::{Output, Taken};
use crate::session::doors::to_client::Delivered;
use crate::session::judge::{Judge, Outcome};
use crate::session::refusal::Refusal;
use crate::session::state::held::Held;
use crate::session::state::pipeline::Mode;
use crate::session::state::session::Session;

/// connection_failure (PostgreSQL, Appendix A): how a statement ends whose connection ends first.
const CONNECTION_FAILURE: &str = "08006";

impl<J: Judge> Session<J> {
    /// The message in hand must wait.
    pub(in crate::session) fn hold(&mut self, held: Held<J>) -> Taken {
        self.held = Some(held);
        Taken::Hold
    }

    /// The message in hand will not be sent: nobody waits for answers about it any more.
    pub(in crate::session) fn let_go(&mut self, mut held: Held<J>, judge: &mut J) {
        if let Some(ticket) = held.ticket.take() {
            judge.withdraw(ticket);
        }
        for admitted in held.admitted.drain(..).flatten() {
            let nothing = Delivered::default();
            self.ends.push(admitted, Outcome::Skipped, "57014", nothing);
        }
    }

    /// True while a statement is held for a person's decision.
    pub fn waits_for_decision(&self) -> bool {
        self.held.as_ref().is_some_and(Held::waits_for_decision)
    }

    /// True while a cancel request concerns the gateway: a statement is held for a decision, or what its client waits for is an answer of the
    /// judge and nothing that the server does.
    pub fn can_cancel(&self) -> bool {
        self.waits_for_decision() || self.awaits_judge() || self.is_batch_judged()
    }

    /// A message is held for an answer of the judge, and nothing runs on the server.
    fn awaits_judge(&self) -> bool {
        let is_judged = |held: &Held<J>| held.ticket.is_some();
        self.held.as_ref().is_some_and(is_judged) && !self.queue.runs_anything()
    }

    fn is_batch_judged(&self) -> bool {
        let running = self.turn.running.as_ref();
        running.is_some_and(|running| running.batch.is_some())
    }

    /// The client cancelled: what waits for the judge is withdrawn, and refused as a cancelled statement is. False: nothing does, so the cancel
    /// is the server's.
    pub fn cancel(&mut self, judge: &mut J, output: &mut Output) -> bool {
        let refusal = Refusal::new("57014", "canceling statement due to user request");
        if self.waits_for_decision() || self.awaits_judge() {
            if let Some(held) = self.held.as_mut() {
                if let Some(ticket) = held.ticket.take() {
                    judge.withdraw(ticket);
                }
                held.cancelled = Some(refusal);
            }
            return true;
        }
        if self.is_batch_judged() {
            self.withdraw_batch(judge);
            judge.refused(&refusal);
            self.stop_with(refusal, output);
            return true;
        }
        false
    }

    fn withdraw_batch(&mut self, judge: &mut J) {
        if let Some(running) = &mut self.turn.running
            && let Some(ticket) = running.batch.take()
        {
            judge.withdraw(ticket);
        }
    }

    /// The connection is over, for whatever reason: what is held is withdrawn, and everything that was admitted ends. Returns true once
    /// the judge has taken note of every end; call again when it has had time.
    pub fn close(&mut self, judge: &mut J, output: &mut Output) -> bool {
        self.pipeline.mode = Mode::Ended;
        if let Some(held) = self.held.take() {
            self.let_go(held, judge);
        }
        if let Some(ticket) = self.pipeline.catching_up.take() {
            judge.withdraw(ticket);
        }
        if let Some(ticket) = self.notification.take() {
            judge.withdraw(ticket);
        }
        self.withdraw_batch(judge);
        let mut delivered = Some(output.to_client.take_delivered());
        let ends = &mut self.ends;
        for reply in self.queue.each() {
            for admitted in reply.take_all() {
                let rows = delivered.take().unwrap_or_default();
                ends.push(admitted, Outcome::Lost, CONNECTION_FAILURE, rows);
            }
        }
        self.ends.tell(judge)
    }
}
