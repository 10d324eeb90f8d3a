//! Notifications: what policies say of what other sessions send to the channels that a client listens on.

use std::sync::Arc;

use gatewright_contract::{Notification, NotificationReply};
use gatewright_policy_host::StatementView;

use super::SessionGate;

impl SessionGate {
    /// Asks the policies in force. One that fails drops the notification.
    pub(super) fn ask_of_notification(&self, channel: &str, payload: &str) -> NotificationReply {
        let received = Notification {
            session_id: self.facts.session.id,
            database: self.facts.session.database.clone(),
            channel: channel.to_owned(),
            payload: payload.to_owned(),
            identity: Arc::clone(&self.facts.identity),
        };
        let set = self.gate.policies.current();
        if !set.missing.is_empty() {
            return NotificationReply::Drop;
        }
        // It belongs to no statement.
        let view: Arc<dyn StatementView> = self.case_of_call(0, false).view;
        for policy in &set.policies {
            match policy.on_notification(&view, &received) {
                Ok(NotificationReply::Pass) => {}
                Ok(NotificationReply::Drop) => {
                    tracing::debug!(policy = policy.name(), session = %self.facts.session.id, "notification dropped");
                    return NotificationReply::Drop;
                }
                Err(fault) => {
                    tracing::warn!(policy = policy.name(), %fault, "the policy could not judge a notification, which is dropped");
                    return NotificationReply::Drop;
                }
            }
        }
        NotificationReply::Pass
    }
}
