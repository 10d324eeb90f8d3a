//! A statement that was approved with the rows that it changes: it runs in the form that returns them, which the client does not see,
//! and they are compared before it is committed.

use std::rc::Rc;

use gatewright_wire::frame::Frame;
use gatewright_wire::frontend;

use crate::session::doors::output::Output;
use crate::session::doors::to_server::{Pass, Tried};
use crate::session::effect::Bound;
use crate::session::judge::{Judge, Showing};
use crate::session::state::held::Held;
use crate::session::state::name::Name;
use crate::session::state::names::Portal;
use crate::session::state::outstanding::{CloseTarget, Outstanding};
use crate::session::state::returned::{Form, note_row};
use crate::session::state::session::Session;

impl<J: Judge> Session<J> {
    /// The form in which the statement has to run to be compared, if it has to be. Without it the statement will be found to differ.
    pub(in crate::session) fn compare_rows(
        &mut self,
        bound: Option<Bound>,
        form: &Form<J>,
    ) -> Option<Rc<Showing<J>>> {
        match form {
            Form::Showing(showing) if bound.is_some_and(Bound::compares_rows) => {
                self.turn.compared = showing.comparing();
                self.turn.compared.is_some().then(|| Rc::clone(showing))
            }
            _ => None,
        }
    }

    /// Sends an Execute that was admitted. Returns what is closed behind it.
    pub(in crate::session) fn send_execute(
        &mut self,
        frame: Frame<'_>,
        portal: &Portal<J>,
        held: &Held<J>,
        admitted: &[Option<J::Admitted>],
        output: &mut Output,
    ) -> Vec<CloseTarget> {
        let pass = Pass::<J>::Admitted(admitted);
        let bound = admitted.iter().flatten().find_map(J::bound_to);
        let Some(showing) = self.compare_rows(bound, &held.form) else {
            output.to_server.run(frame, &pass);
            return Vec::new();
        };
        let text = self.reading.encoding.write(J::source(&showing.text));
        let bind = portal.bind.as_ref();
        let bind = bind.and_then(|bind| frontend::Bind::decode(bind.body()).ok());
        let (Some(text), Some(bind)) = (text, bind) else {
            self.turn.compared = None;
            output.to_server.run(frame, &pass);
            return Vec::new();
        };
        let types = portal.prepared.parameter_types.borrow().clone();
        let form = Tried {
            text: &text,
            types: types.as_deref().unwrap_or_default(),
            bind: Some(&bind),
        };
        output
            .to_server
            .run_returning::<J>(&form, bind.portal, &pass);
        vec![
            CloseTarget::OnServer,
            CloseTarget::Portal(Name::new(bind.portal)),
        ]
    }

    /// True for a message about rows that only the gateway sees.
    pub(in crate::session) fn is_compared(&mut self, frame: Frame<'_>) -> bool {
        let is_running = matches!(
            self.queue.front(),
            Some(Outstanding::Query(_) | Outstanding::Execute { .. })
        );
        if !is_running || self.turn.compared.is_none() {
            return false;
        }
        if frame.tag == b'D' {
            note_row(self.turn.compared.as_mut(), frame.body);
        }
        matches!(frame.tag, b'1' | b'2' | b'3' | b'n' | b'T' | b'D')
    }

    /// True while rows come that the client does not see.
    pub(in crate::session) fn looks_at_rows(&self) -> bool {
        self.turn.compared.is_some()
            || matches!(self.queue.front(), Some(Outstanding::Rehearsal(_)))
    }

    /// One of them is too long to be looked at.
    pub(in crate::session) fn pass_over_row(&mut self) {
        if let Some(compared) = &mut self.turn.compared {
            compared.passed_over();
        }
        if let Some(Outstanding::Rehearsal(rehearsing)) = self.queue.front_mut() {
            rehearsing.passed_over();
        }
    }
}
