//! What goes to the server in place of a refused message: one that always fails. The error that comes back gets the refusal's text.

use gatewright_wire::frame::Frame;

use crate::session::doors::output::{Output, Taken};
use crate::session::judge::Judge;
use crate::session::refusal::{Refusal, STAND_IN};
use crate::session::state::held::Held;
use crate::session::state::lookup::Lookup;
use crate::session::state::name::Name;
use crate::session::state::outstanding::{Outstanding, QueryRun, Unread};
use crate::session::state::session::Session;

impl<J: Judge> Session<J> {
    /// A Query.
    pub(in crate::session) fn refuse_query(
        &mut self,
        refusal: Refusal,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        output.to_server.stand_in_query();
        self.forget_unnamed();
        self.refused_alone(refusal, judge)
    }

    /// A Parse. The stand-in bears the name that the client's had, since an unnamed statement is gone after a failed Parse too
    /// (protocol: Extended Query).
    pub(in crate::session) fn refuse_parse(
        &mut self,
        name: &str,
        refusal: Refusal,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let name = self.passing_name(name);
        output.to_server.stand_in_parse(name);
        // What an empty name meant until now is gone, unless the server skips this too: either way it is the server that knows.
        self.refused(refusal, judge)
    }

    /// A Query with a text that the gateway cannot read: the server is asked for its error.
    pub(in crate::session) fn query_unread(
        &mut self,
        text: &[u8],
        refusal: Refusal,
        mut held: Held<J>,
        output: &mut Output,
    ) -> Taken {
        if !self.queue.is_empty() {
            // Behind an error of what is outstanding the server would skip a Query, and not the Sync that is sent for it here.
            held.unread = Some(refusal);
            self.hold_for_replies(output);
            return self.hold(held);
        }
        let taken = self.parse_unread("", text, &[], refusal, output);
        output.to_server.sync();
        self.expect(Outstanding::Sync);
        taken
    }

    /// The same for a Parse.
    pub(in crate::session) fn parse_unread(
        &mut self,
        name: &str,
        text: &[u8],
        types: &[u32],
        refusal: Refusal,
        output: &mut Output,
    ) -> Taken {
        let name = self.passing_name(name);
        output.to_server.parse_unread(name, text, types);
        self.expect(Outstanding::Unread(Box::new(Unread {
            name: Name::new(name),
            refusal: refusal.if_server_reads(),
            accepted: false,
        })));
        Taken::Yes
    }

    /// Another message of the extended protocol.
    pub(in crate::session) fn refuse_extended(
        &mut self,
        refusal: Refusal,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        self.refuse_parse(STAND_IN, refusal, judge, output)
    }

    /// A Query or FunctionCall, each of which has a ReadyForQuery of its own, ahead of anything that it does: an empty one of its type
    /// fails likewise.
    pub(in crate::session) fn refuse_alone(
        &mut self,
        frame: Frame<'_>,
        refusal: Refusal,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        output.to_server.empty(frame.tag);
        self.forget_unnamed();
        self.refused_alone(refusal, judge)
    }

    /// A message of the extended protocol whose fields cannot be read: an empty one of its type cannot be read either.
    pub(in crate::session) fn refuse_unreadable(
        &mut self,
        frame: Frame<'_>,
        refusal: Refusal,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        output.to_server.empty(frame.tag);
        self.refused(refusal, judge)
    }

    /// An Execute of a portal that does not exist: one that cannot exist is executed in its place.
    pub(in crate::session) fn refuse_unknown_portal(
        &mut self,
        name: &str,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let refusal = Refusal::new("34000", format!("portal \"{name}\" does not exist"));
        let free = matches!(self.lookup_portal(&Name::new(STAND_IN)), Lookup::Unknown);
        if !free || self.names.is_cursor(&Name::new(STAND_IN)) {
            return self.refuse_extended(refusal, judge, output);
        }
        output.to_server.stand_in_execute();
        self.refused(refusal, judge)
    }

    /// The stand-in went out: its error gets the refusal's text, and the server skips to Sync behind it.
    fn refused(&mut self, refusal: Refusal, judge: &mut J) -> Taken {
        count(&refusal, judge);
        self.expect(Outstanding::Refused(Box::new(refusal)));
        Taken::Yes
    }

    /// The same for a stand-in with a ReadyForQuery of its own.
    fn refused_alone(&mut self, refusal: Refusal, judge: &mut J) -> Taken {
        count(&refusal, judge);
        self.expect(Outstanding::Query(Box::new(QueryRun::stand_in(refusal))));
        Taken::Yes
    }
}

/// What the judge refused it has counted itself.
fn count<J: Judge>(refusal: &Refusal, judge: &mut J) {
    if !refusal.counted {
        judge.refused(refusal);
    }
}
