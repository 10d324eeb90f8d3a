//! The messages with which the gateway tries a statement, and undoes it, or runs it in the form that was tried.

use std::time::Duration;

use gatewright_wire::build;
use gatewright_wire::frontend::Subject;

use super::{Pass, ToServer, Tried};
use crate::session::effect::Rehearsal;
use crate::session::judge::Judge;
use crate::session::refusal::STAND_IN;

/// The name of everything with which the gateway tries a statement: statement, portal and savepoint.
const REHEARSAL: &str = "gatewright_rehearsal";

/// What begins a rehearsal, so that it can be undone and does not take long.
pub(in crate::session) fn before(rehearsal: &Rehearsal, own_transaction: bool) -> [String; 3] {
    let begin = match own_transaction {
        true => "BEGIN".to_owned(),
        false => format!("SAVEPOINT {REHEARSAL}"),
    };
    let set = |setting: &str, limit: Duration| {
        // 0 would be no limit.
        let limit = limit.as_millis().clamp(1, 2_147_483_647);
        format!("SET LOCAL {setting} = {limit}")
    };
    [
        begin,
        set("lock_timeout", rehearsal.lock_timeout),
        set("statement_timeout", rehearsal.timeout),
    ]
}

/// What undoes it.
pub(in crate::session) fn after(own_transaction: bool) -> Vec<String> {
    match own_transaction {
        true => vec!["ROLLBACK".to_owned()],
        false => vec![
            format!("ROLLBACK TO SAVEPOINT {REHEARSAL}"),
            format!("RELEASE SAVEPOINT {REHEARSAL}"),
        ],
    }
}

impl ToServer {
    /// A statement that was judged, in a transaction or behind a savepoint of its own, and Sync. [`ToServer::undo_rehearsal`] follows.
    pub(in crate::session) fn rehearse<J: Judge>(
        &mut self,
        rehearsal: &Rehearsal,
        own_transaction: bool,
        tried: &Tried<'_>,
        _judged: &J::Permit,
    ) {
        for command in before(rehearsal, own_transaction) {
            self.command(&command);
        }
        self.close_rehearsal();
        self.parse(REHEARSAL, tried.text, tried.types);
        self.run_tried(tried);
        self.sync();
    }

    /// An Execute of the client's, in the form that returns the rows that it changes. `portal`: the client's, which is closed.
    pub(in crate::session) fn run_returning<J: Judge>(
        &mut self,
        form: &Tried<'_>,
        portal: &str,
        pass: &Pass<'_, J>,
    ) {
        if !pass.holds() {
            debug_assert!(false, "a statement without admission");
            return self.stand_in_execute();
        }
        self.close_rehearsal();
        self.parse(REHEARSAL, form.text, form.types);
        self.run_tried(form);
        for subject in [Subject::Portal(REHEARSAL), Subject::Portal(portal)] {
            if build::close(&mut self.bytes, subject).is_err() {
                self.stand_in_parse(STAND_IN);
            }
        }
    }

    /// What is tried is parsed: the rest of it. An error must not leave the statement behind, so it is closed before anything runs.
    fn run_tried(&mut self, tried: &Tried<'_>) {
        let (mut formats, mut values) = (Vec::new(), Vec::new());
        if let Some(bind) = tried.bind {
            formats.extend(bind.formats.iter());
            values.extend(bind.parameters.iter());
        }
        let built = build::bind(
            &mut self.bytes,
            REHEARSAL,
            REHEARSAL,
            &formats,
            &values,
            &[],
        );
        let built = built
            .and_then(|()| build::describe(&mut self.bytes, Subject::Portal(REHEARSAL)))
            .and_then(|()| build::close(&mut self.bytes, Subject::Statement(REHEARSAL)))
            .and_then(|()| build::execute(&mut self.bytes, REHEARSAL, 0));
        if built.is_err() {
            self.stand_in_parse(STAND_IN);
        }
    }

    /// What undoes a rehearsal, whether it failed or not, and Sync.
    pub(in crate::session) fn undo_rehearsal(&mut self, own_transaction: bool) {
        for command in after(own_transaction) {
            self.command(&command);
        }
        self.close_rehearsal();
        self.sync();
    }

    /// A command of the gateway's own.
    fn command(&mut self, command: &str) {
        self.close_rehearsal();
        self.parse(REHEARSAL, command.as_bytes(), &[]);
        let built = build::bind(&mut self.bytes, REHEARSAL, REHEARSAL, &[], &[], &[])
            .and_then(|()| build::execute(&mut self.bytes, REHEARSAL, 0));
        debug_assert!(built.is_ok(), "short names without zero bytes");
    }

    fn close_rehearsal(&mut self) {
        for subject in [Subject::Portal(REHEARSAL), Subject::Statement(REHEARSAL)] {
            let built = build::close(&mut self.bytes, subject);
            debug_assert!(built.is_ok(), "a short name without zero bytes");
        }
    }
}
