//! What other sessions send to the channels that a client listens on: policies may judge it before the client sees it.

use gatewright_contract::NotificationReply;
use gatewright_wire::backend::NotificationResponse;
use gatewright_wire::frame::Frame;

use crate::session::asking::ask;
use crate::session::doors::output::{Output, Taken};
use crate::session::doors::to_client::Delivery;
use crate::session::judge::{Answer, Departure, Judge};
use crate::session::state::session::Session;
use crate::session::violation::Violation;

impl<J: Judge> Session<J> {
    /// NotificationResponse. Hold: a policy needs time, and until it answers nothing of the server is taken.
    pub(in crate::session) fn notification(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Result<Taken, Violation> {
        if self.notification.is_some() || judge.wants_notifications() {
            let received = NotificationResponse::decode(frame.body)
                .map_err(|error| Violation::unreadable("NotificationResponse", &error))?;
            let read = |text| self.reading.encoding.read(text);
            // What cannot be read, nobody can judge.
            let (Ok(channel), Ok(payload)) = (read(received.channel), read(received.payload))
            else {
                if let Some(ticket) = self.notification.take() {
                    judge.withdraw(ticket, Departure::Refused);
                }
                return Ok(Taken::Yes);
            };
            let reply = ask(
                &mut self.notification,
                judge,
                |judge| judge.judge_notification(&channel, &payload),
                |answer| match answer {
                    Answer::Notification(reply) => Some(reply),
                    _ => None,
                },
            );
            match reply {
                None => return Ok(Taken::Hold),
                Some(NotificationReply::Drop) => return Ok(Taken::Yes),
                Some(NotificationReply::Pass) => {}
            }
        }
        output.to_client.deliver(Delivery::Message(frame));
        Ok(Taken::Yes)
    }
}
