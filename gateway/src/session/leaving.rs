//! What is held and what is running when somebody leaves: the client, the server, or the gateway itself. Every admitted statement gets
//! its end here at the latest.

use gatewright_wire::ErrorFields;

use crate::session::doors::output::{Output, Taken};
use crate::session::doors::to_client::{Delivered, Delivery};
use crate::session::judge::{Departure, Judge, Outcome};
use crate::session::refusal::Refusal;
use crate::session::state::ends::Ends;
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

    /// The message in hand is refused: nobody waits for answers about it any more.
    pub(in crate::session) fn let_go(&mut self, held: Held<J>, judge: &mut J) {
        self.let_go_since(Departure::Refused, held, judge);
    }

    /// The message in hand will not be sent.
    pub(in crate::session) fn let_go_since(
        &mut self,
        why: Departure,
        mut held: Held<J>,
        judge: &mut J,
    ) {
        if let Some(ticket) = held.ticket.take() {
            judge.withdraw(ticket, why);
        }
        for admitted in held.admitted.drain(..).flatten() {
            let nothing = Delivered::default();
            self.ends.push(admitted, Outcome::Skipped, "57014", nothing);
        }
    }

    /// A message is held. If that is for a decision, what was sent before it is to be answered meanwhile, and the client is told.
    pub(in crate::session) fn tell_held(&mut self, judge: &mut J, output: &mut Output) {
        if !self.waits_for_decision() {
            return;
        }
        if !self.queue.is_empty() {
            self.hold_for_replies(output);
        }
        // Not in the middle of a message.
        if self.from_server.is_none()
            && let Some(notice) = judge.notice()
        {
            let fields = ErrorFields::new("NOTICE", "01000", notice.message)
                .with(b'D', notice.detail)
                .with(b'H', notice.hint);
            output.to_client.deliver(Delivery::Notice(&fields));
        }
    }

    /// True while a statement is held for a person's decision.
    pub fn waits_for_decision(&self) -> bool {
        self.held.as_ref().is_some_and(Held::waits_for_decision)
    }

    /// True while that decision is not there.
    pub(in crate::session) fn is_undecided(&self, judge: &J) -> bool {
        let held = self.held.as_ref().filter(|held| held.waits_for_decision());
        held.and_then(|held| held.ticket.as_ref())
            .is_some_and(|ticket| judge.is_under_way(ticket))
    }

    /// True while a cancel request concerns the gateway: a statement is held for a decision, or what its client waits for is an answer of the
    /// judge and nothing that the server does.
    pub fn can_cancel(&self) -> bool {
        self.waits_for_decision()
            || self.awaits_judge()
            || self.queue.is_rehearsing()
            || self.is_batch_judged()
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
                    judge.withdraw(ticket, Departure::Cancelled);
                }
                held.cancelled = Some(refusal);
            }
            return true;
        }
        if self.queue.is_rehearsing() {
            // The server is to hear of it, too.
            if let Some(held) = self.held.as_mut() {
                held.cancelled = Some(refusal);
            }
            return false;
        }
        if self.is_batch_judged() {
            self.withdraw_batch(Departure::Cancelled, judge);
            judge.refused(&refusal);
            self.stop_with(refusal, output);
            return true;
        }
        false
    }

    fn withdraw_batch(&mut self, why: Departure, judge: &mut J) {
        if let Some(running) = &mut self.turn.running
            && let Some(ticket) = running.batch.take()
        {
            judge.withdraw(ticket, why);
        }
    }

    /// The connection is over, for whatever reason: what is held is withdrawn, and everything that was admitted ends. Returns true once
    /// the judge has taken note of every end; call again when it has had time.
    pub fn close(&mut self, why: Departure, judge: &mut J, output: &mut Output) -> bool {
        self.pipeline.mode = Mode::Ended;
        if let Some(held) = self.held.take() {
            self.let_go_since(why, held, judge);
        }
        if let Some(ticket) = self.pipeline.catching_up.take() {
            judge.withdraw(ticket, why);
        }
        if let Some(ticket) = self.notification.take() {
            judge.withdraw(ticket, why);
        }
        self.withdraw_batch(why, judge);
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

    /// The ends of a session that was closed, as far as the judge has not taken note of them. `None`: it has of all.
    pub fn into_ends(self) -> Option<Ends<J>> {
        (!self.ends.are_told()).then_some(self.ends)
    }
}
