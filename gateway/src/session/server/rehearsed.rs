//! The server's messages about a rehearsal. The client sees none of them.

use gatewright_wire::ErrorFields;
use gatewright_wire::backend;
use gatewright_wire::frame::Frame;

use crate::session::doors::output::Output;
use crate::session::effect::Rehearsed;
use crate::session::judge::Judge;
use crate::session::server::completion::changed_rows;
use crate::session::server::describe::fields_of;
use crate::session::server::messages::ends_connection;
use crate::session::state::outstanding::Outstanding;
use crate::session::state::rehearsal::{Effect, Next};
use crate::session::state::returned::{Editing, Form};
use crate::session::state::session::Session;
use crate::session::violation::Violation;

impl<J: Judge> Session<J> {
    /// True for a message that belongs to a rehearsal. Settings, notifications and what ends the connection concern the client.
    pub(in crate::session) fn is_of_rehearsal(&self, frame: Frame<'_>) -> bool {
        let concerns_client = matches!(frame.tag, b'S' | b'A') || ends_connection(frame);
        !concerns_client && matches!(self.queue.front(), Some(Outstanding::Rehearsal(_)))
    }

    pub(in crate::session) fn rehearsal_goes_on(
        &mut self,
        frame: Frame<'_>,
        output: &mut Output,
    ) -> Result<(), Violation> {
        let unexpected = Violation::Unexpected(char::from(frame.tag));
        let Some(Outstanding::Rehearsal(rehearsing)) = self.queue.front_mut() else {
            return Err(unexpected);
        };
        match frame.tag {
            b'1' | b'2' | b'3' | b'n' | b't' | b'N' => {}
            b'T' => {
                let description = backend::RowDescription::decode(frame.body)
                    .map_err(|error| Violation::unreadable("RowDescription", &error))?;
                rehearsing.described(fields_of(&description));
            }
            b'D' => {
                rehearsing
                    .row(frame.body)
                    .map_err(|error| Violation::unreadable("DataRow", &error))?;
            }
            b'C' | b'I' => rehearsing.completed(changed_rows(frame)),
            b'E' => {
                let fields = ErrorFields::decode(frame.body)
                    .map_err(|error| Violation::unreadable("ErrorResponse", &error))?;
                rehearsing.failed(fields.field(b'C').unwrap_or("XX000"));
            }
            b'Z' => {
                let status = backend::ReadyForQuery::decode(frame.body)
                    .map_err(|error| Violation::unreadable("ReadyForQuery", &error))?
                    .status
                    .byte();
                match rehearsing.ready(status) {
                    Next::Undo => {
                        let own_transaction = rehearsing.own_transaction;
                        output.to_server.undo_rehearsal(own_transaction);
                    }
                    Next::Over(shown) => self.rehearsal_is_over(shown, output),
                    Next::Lost => return Err(unexpected),
                }
            }
            _ => return Err(unexpected),
        }
        Ok(())
    }

    /// All is as it was before, but for the portal, which is bound again.
    fn rehearsal_is_over(&mut self, shown: Rehearsed, output: &mut Output) {
        let Some(Outstanding::Rehearsal(rehearsing)) = self.queue.pop() else {
            return;
        };
        let rehearsing = *rehearsing;
        let changed = match &shown {
            Rehearsed::Changed { rows, .. } => Some(*rows),
            Rehearsed::Estimated { .. } | Rehearsed::Failed { .. } | Rehearsed::Unknown { .. } => {
                None
            }
        };
        let sqlstate = rehearsing.sqlstate.as_deref();
        rehearsing.record.end(sqlstate, changed);
        if rehearsing.certain {
            self.reading.told();
        }
        if let Some(held) = &mut self.held {
            held.editing = None;
            held.effect = match (shown, rehearsing.returned) {
                (Rehearsed::Failed { sqlstate }, Some(_)) => {
                    // It may be that it changes rows which it may not return.
                    let why = format!("the server did not return them (SQLSTATE {sqlstate})");
                    held.form = Form::Plain(Some(why));
                    Effect::NotAsked
                }
                (shown, returned) => {
                    held.editing = returned.map(Editing::new);
                    Effect::Told(shown)
                }
            };
        }
        if let Some(rebound) = rehearsing.rebound {
            output.to_server.bind_again(&rebound.bind);
            self.expect(Outstanding::Bind {
                name: rebound.name,
                portal: rebound.portal,
                renamed: None,
                again: true,
            });
        }
    }
}
