//! Executions and refusals, put together from their events.

use std::collections::HashMap;

use gatewright_contract::StatementId;
use gatewright_record::Event;
use gatewright_record::event::{Attempted, Completed, Decision, Judged};

/// Statements that were judged or are running.
#[derive(Default)]
pub(super) struct Executions {
    judged: HashMap<StatementId, Box<Judged>>,
    running: HashMap<u64, Attempted>,
}

/// Something that is over.
pub(super) enum Over<'a> {
    Refused(&'a Judged),
    Executed {
        judged: Option<&'a Judged>,
        attempted: Option<&'a Attempted>,
        completed: &'a Completed,
    },
}

impl Executions {
    /// Passes on what is over with this event.
    pub fn take(
        &mut self,
        event: &Event<'_>,
        each: impl FnOnce(Over<'_>) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        match event {
            Event::Judged(event) => {
                if event.decision == Decision::Refused {
                    each(Over::Refused(event))?;
                }
                self.judged.insert(event.statement, event.clone());
            }
            Event::Attempted(event) => {
                self.running.insert(event.execution, event.clone());
            }
            Event::Completed(event) => {
                let attempted = self.running.remove(&event.execution);
                let judged = attempted
                    .as_ref()
                    .and_then(|attempted| self.judged.get(&attempted.statement));
                each(Over::Executed {
                    judged: judged.map(|judged| &**judged),
                    attempted: attempted.as_ref(),
                    completed: event,
                })?;
            }
            Event::Opened(_)
            | Event::Delivered(_)
            | Event::Received(_)
            | Event::Truncated(_)
            | Event::Continued(_)
            | Event::Ended(_)
            | Event::Sealed(_)
            | Event::Viewed(_) => {}
        }
        Ok(())
    }
}
