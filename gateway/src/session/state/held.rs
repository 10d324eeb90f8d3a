//! The client's message that is being dealt with, while it waits: for the judge, or for replies of the server.

use std::rc::Rc;

use crate::session::judge::{Field, Judge, Plan, Ticket, Wait};
use crate::session::refusal::Refusal;
use crate::session::state::names::{Portal, Prepared};
use crate::session::state::rehearsal::Effect;
use crate::session::state::returned::{Editing, Form};

/// The message in hand and how far it came. There is at most one: what the client sends behind it stays in the relay. The client's
/// bytes are offered again when something has changed, and the work goes on from here; nobody is asked twice.
pub(in crate::session) struct Held<J: Judge> {
    /// What the judge has still to answer.
    pub ticket: Option<Ticket>,
    /// The text, once it is analysed.
    pub text: Option<J::Text>,
    /// Why the gateway cannot read it.
    pub unread: Option<Refusal>,
    /// When it was begun with, it was certain how the server reads it.
    pub certain: bool,
    /// The text is no longer the client's own.
    pub rewritten: bool,
    /// One for each statement that was judged.
    pub permits: Vec<J::Permit>,
    /// One for each statement whose result was planned.
    pub plans: Vec<Option<Rc<Plan>>>,
    /// One for each statement that was admitted.
    pub admitted: Vec<Option<J::Admitted>>,
    pub description: Description,
    /// What is known of its effect, before people are asked.
    pub effect: Effect,
    /// In which form it is tried for that.
    pub form: Form<J>,
    /// It is being written down that it is about to be tried.
    pub rehearsal_is_asked: bool,
    /// The rows that this has returned, while they are not ready to be seen.
    pub editing: Option<Editing>,
    /// The notices that came with the descriptions.
    pub notices: Vec<Box<[u8]>>,
    /// For a Bind: its statement, with an analysis that holds.
    pub prepared: Option<Rc<Prepared<J>>>,
    /// The statement, by its index, behind whose names every analysis holds.
    pub settled_names_of: Option<usize>,
    /// For an Execute: it is known whether its portal still means what it was bound as.
    pub portal_is_checked: bool,
    /// What it means now, if that is something else.
    pub changed_portal: Option<Rc<Portal<J>>>,
    /// For an Execute of a cursor: the FETCH as which it is judged.
    pub fetch: Option<Rc<Prepared<J>>>,
    /// For an Execute: the portal that is to run, when only its admission is missing.
    pub portal: Option<Rc<Portal<J>>>,
    /// The client has its error already; the message only has to go.
    pub answered: bool,
    /// The client cancelled it: it is refused with this.
    pub cancelled: Option<Refusal>,
}

/// The server's description of one statement of a Query.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::session) enum Description {
    #[default]
    NotAsked,
    Asked,
    /// No columns at all, or these.
    Told(Option<Vec<Field>>),
}

impl<J: Judge> Default for Held<J> {
    fn default() -> Self {
        Held {
            ticket: None,
            text: None,
            unread: None,
            certain: false,
            rewritten: false,
            permits: Vec::new(),
            plans: Vec::new(),
            admitted: Vec::new(),
            description: Description::NotAsked,
            effect: Effect::NotAsked,
            form: Form::NotAsked,
            rehearsal_is_asked: false,
            editing: None,
            notices: Vec::new(),
            prepared: None,
            settled_names_of: None,
            portal_is_checked: false,
            changed_portal: None,
            fetch: None,
            portal: None,
            answered: false,
            cancelled: None,
        }
    }
}

impl<J: Judge> Held<J> {
    /// True when it waits for a person to decide.
    pub fn waits_for_decision(&self) -> bool {
        self.ticket
            .as_ref()
            .is_some_and(|ticket| ticket.wait() == Wait::Decision)
    }

    pub fn statement_count(&self) -> usize {
        self.text
            .as_ref()
            .map_or(0, |text| J::analysis(text).statements.len())
    }

    /// True when policies want to see the columns of one of its statements.
    pub fn is_planned(&self) -> bool {
        self.permits.iter().any(J::wants_plan)
    }

    /// True when its first statement may end the transaction that is open.
    pub fn begins_with_end(&self) -> bool {
        self.text.as_ref().is_some_and(|text| {
            let first = J::analysis(text).statements.first();
            first.is_some_and(|first| first.facts.may_end_transaction())
        })
    }
}
