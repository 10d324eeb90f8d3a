//! The messages with which the gateway tries a statement, and undoes it.

use gatewright_wire::build;
use gatewright_wire::frontend::Subject;

use super::{ToServer, Tried};
use crate::session::judge::{Judge, Rehearsal};
use crate::session::refusal::STAND_IN;

/// The name of everything with which the gateway tries a statement: statement, portal and savepoint.
const REHEARSAL: &str = "gatewright_rehearsal";

impl ToServer {
    /// A statement that was judged, in a transaction or behind a savepoint of its own, and Sync. [`ToServer::undo_rehearsal`] follows.
    pub(in crate::session) fn rehearse<J: Judge>(
        &mut self,
        rehearsal: &Rehearsal,
        own_transaction: bool,
        tried: &Tried<'_>,
        _judged: &J::Permit,
    ) {
        match own_transaction {
            true => self.command("BEGIN"),
            false => self.command(&format!("SAVEPOINT {REHEARSAL}")),
        }
        for (setting, limit) in [
            ("lock_timeout", rehearsal.lock_timeout),
            ("statement_timeout", rehearsal.timeout),
        ] {
            // 0 would be no limit.
            let limit = limit.as_millis().clamp(1, 2_147_483_647);
            self.command(&format!("SET LOCAL {setting} = {limit}"));
        }
        self.close_rehearsal();
        self.parse(REHEARSAL, tried.text, tried.types);
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
        )
        .and_then(|()| build::execute(&mut self.bytes, REHEARSAL, 0));
        if built.is_err() {
            self.stand_in_parse(STAND_IN);
        }
        self.sync();
    }

    /// What undoes a rehearsal, whether it failed or not, and Sync.
    pub(in crate::session) fn undo_rehearsal(&mut self, own_transaction: bool) {
        match own_transaction {
            true => self.command("ROLLBACK"),
            false => {
                self.command(&format!("ROLLBACK TO SAVEPOINT {REHEARSAL}"));
                self.command(&format!("RELEASE SAVEPOINT {REHEARSAL}"));
            }
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
