//! Notifications: what policies say of what other sessions send to the channels that a client listens on.

use std::sync::Arc;

use gatewright_contract::{Notification, NotificationReply};
use gatewright_policy_host::{Call, Fault, Policy, PolicySet, StatementView};

use super::SessionGate;
use super::ticket::answered;
use crate::session::{Answer, Judged};

/// A notification that policies are asked about.
struct Asked {
    received: Notification,
    /// That of a statement of which nothing is known: it belongs to none.
    view: Arc<dyn StatementView>,
    set: Arc<PolicySet>,
    next: usize,
}

impl SessionGate {
    /// Asks the policies in force. One that fails drops the notification.
    pub(super) fn ask_of_notification(
        &mut self,
        channel: &str,
        payload: &str,
    ) -> Judged<NotificationReply> {
        let set = self.gate.policies.current();
        if !set.missing.is_empty() {
            return Judged::Ready(NotificationReply::Drop);
        }
        let view = self.case_of_call(0, false).view;
        self.ask_on_of_notification(Asked {
            received: Notification {
                session_id: self.facts.session.id,
                database: self.facts.session.database.clone(),
                channel: channel.to_owned(),
                payload: payload.to_owned(),
                identity: Arc::clone(&self.facts.identity),
            },
            view,
            set,
            next: 0,
        })
    }

    fn ask_on_of_notification(&mut self, mut asked: Asked) -> Judged<NotificationReply> {
        while let Some(policy) = asked.set.policies.get(asked.next) {
            asked.next += 1;
            let policy = Arc::clone(policy);
            let answer = match policy.on_notification(&asked.view, &asked.received) {
                Call::Done(answer) => answer,
                Call::Running(running) => {
                    let ticket = self.pend(answered(running), move |gate, answer| {
                        let reply = match gate.reply_of(&policy, answer) {
                            NotificationReply::Drop => Judged::Ready(NotificationReply::Drop),
                            NotificationReply::Pass => gate.ask_on_of_notification(asked),
                        };
                        reply.map(Answer::Notification)
                    });
                    return Judged::Pending(ticket);
                }
            };
            if self.reply_of(&policy, answer) == NotificationReply::Drop {
                return Judged::Ready(NotificationReply::Drop);
            }
        }
        Judged::Ready(NotificationReply::Pass)
    }

    fn reply_of(
        &self,
        policy: &Policy,
        answer: Result<NotificationReply, Fault>,
    ) -> NotificationReply {
        let reply = answer.unwrap_or_else(|fault| {
            tracing::warn!(policy = policy.name(), %fault, "the policy could not judge a notification, which is dropped");
            NotificationReply::Drop
        });
        if reply == NotificationReply::Drop {
            tracing::debug!(policy = policy.name(), session = %self.facts.session.id, "notification dropped");
        }
        reply
    }
}
