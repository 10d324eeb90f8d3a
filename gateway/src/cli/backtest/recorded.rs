//! What the record has of a session that a policy can be asked about.

use std::collections::HashMap;
use std::time::SystemTime;

use anyhow::{Result, ensure};
use gatewright_contract::{self as contract, SessionId};
use gatewright_record::Event;
use gatewright_record::directory::Segments;
use gatewright_record::event::{Decision, Judged, Opened, Parameter, Stage, Time};

use crate::cli::record::Record;
use crate::identity::Identity;

/// One session and the statements that were judged in it, in their order.
pub(super) struct RecordedSession {
    pub id: SessionId,
    pub opened: Opened,
    pub statements: Vec<RecordedStatement>,
}

/// A statement, and the values that were bound to it.
pub(super) struct RecordedStatement {
    pub judged: Judged,
    /// `None`: it was sent without Bind, or they are not known.
    pub parameters: Option<Vec<Parameter>>,
}

impl RecordedSession {
    /// `None`: nothing was judged in it since then.
    ///
    /// # Errors
    /// It cannot be read, or is encrypted for others.
    pub fn read(
        record: &Record,
        id: SessionId,
        segments: &Segments,
        since: Time,
    ) -> Result<Option<Self>> {
        let mut opened = Opened::default();
        let (mut statements, mut sealed) = (Vec::<RecordedStatement>::new(), false);
        let mut known = HashMap::new();
        record.read(segments, &mut |event| match event {
            Event::Opened(event) => opened = *event,
            Event::Judged(judged) if judged.at >= since && is_asked_about(&judged) => {
                let parameters = judged.parameters.clone();
                known.insert(judged.statement, statements.len());
                statements.push(RecordedStatement {
                    judged: *judged,
                    parameters,
                });
            }
            Event::Attempted(attempted) => {
                let at = known.get(&attempted.statement);
                let bound = at.and_then(|at| statements.get_mut(*at));
                if let Some(bound) = bound.filter(|bound| bound.judged.when == Stage::Bind) {
                    bound.parameters = Some(attempted.parameters);
                }
            }
            Event::Sealed(_) => sealed = true,
            Event::Judged(_)
            | Event::Delivered(_)
            | Event::Received(_)
            | Event::Completed(_)
            | Event::Truncated(_)
            | Event::Continued(_)
            | Event::Ended(_)
            | Event::Viewed(_) => {}
        })?;
        ensure!(
            !sealed,
            "session {id} is encrypted; pass --identity with the identity of a recipient"
        );
        let session = RecordedSession {
            id,
            opened,
            statements,
        };
        Ok((!session.statements.is_empty()).then_some(session))
    }

    /// As policies know the session.
    pub fn contract(&self) -> contract::Session {
        contract::Session {
            id: self.id,
            database: self.opened.database.clone(),
            role: self.opened.role.clone(),
            application: self.opened.application.clone(),
            client_address: self.opened.client_address.clone(),
            started_ms: self.opened.at / 1000,
            ..contract::Session::default()
        }
    }

    pub fn identity(&self) -> Identity {
        Identity {
            subject: self.opened.subject.clone(),
            issuer: self.opened.issuer.clone(),
            groups: self.opened.groups.clone(),
            agent: self.opened.agent.clone(),
            task: self.opened.task.clone(),
            program: false,
            attributes: Vec::new(),
            expires_at: SystemTime::now(),
        }
    }
}

/// A prepared statement is judged when it is prepared and each time that it is bound: what ran counts, and what did not come to it.
fn is_asked_about(judged: &Judged) -> bool {
    let stage = match judged.when {
        Stage::Query | Stage::Bind => true,
        Stage::Parse => judged.decision == Decision::Refused,
        Stage::FunctionCall => false,
    };
    stage && !judged.text.is_empty()
}
