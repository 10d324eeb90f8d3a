//! Batches of rows: the policy behind one step of a plan says what becomes of each.

use std::sync::Arc;

use gatewright_contract as contract;
use gatewright_policy_host::{Call, Fault, Policy};

use super::permit::Permit;
use super::ticket::answered;
use super::{SessionGate, denial};
use crate::session::{Answer, Judged};

type Reply = Result<contract::BatchReply, contract::Denial>;

impl SessionGate {
    pub(super) fn ask_of_batch(
        &mut self,
        permit: &Arc<Permit>,
        step: usize,
        batch: &Arc<contract::Batch>,
    ) -> Judged<Reply> {
        let Some(policy) = permit.planner(step) else {
            return Judged::Ready(Err(denial::no_such_step()));
        };
        match policy.on_batch(&permit.view_for_policies(), batch) {
            Call::Done(reply) => Judged::Ready(reply_of(policy, permit, reply)),
            Call::Running(running) => {
                let (policy, permit) = (Arc::clone(policy), Arc::clone(permit));
                Judged::Pending(self.pend(answered(running), move |_, reply| {
                    Judged::Ready(Answer::Batch(reply_of(&policy, &permit, reply)))
                }))
            }
        }
    }
}

fn reply_of(policy: &Policy, permit: &Permit, reply: Result<contract::BatchReply, Fault>) -> Reply {
    reply.map_err(|fault| {
        tracing::error!(
            policy = policy.name(),
            statement = %permit.view.statement_id,
            %fault,
            "the policy gave no reply to a batch of rows; the result ends"
        );
        denial::of_fault(policy, &fault)
    })
}
