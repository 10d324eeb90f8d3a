//! The prepared statements, portals and cursors of a connection.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use gatewright_sql::{CopyOut, Facts, Outputs, SessionEffect, Statement};
use smallvec::SmallVec;

use crate::pool::Serial;
use crate::session::doors::to_server::{Kept, KeptBind};
use crate::session::judge::{Field, Judge, NameFacts, Plan};
use crate::session::state::encoding::Encoding;
use crate::session::state::name::Name;
use crate::session::state::running::Passed;

/// How many SQL cursors are remembered. Beyond this all are forgotten, and a FETCH of one is judged as unknown.
const MAX_CURSORS: usize = 1024;

/// How many named prepared statements a session may have. The memory that their texts and facts may take is limited by
/// [`MAX_PREPARED_BYTES`].
pub const MAX_PREPARED: usize = 50_000;
/// How many named portals a transaction may have.
pub const MAX_PORTALS: usize = 50_000;
pub const MAX_PREPARED_BYTES: usize = 256 << 20;

/// A prepared statement, created by Parse or by PREPARE.
pub struct Prepared<J: Judge> {
    pub text: J::Text,
    /// Index of the statement in the text: PREPARE may be one of several in a Query.
    pub index: usize,
    /// `None` when the text is empty.
    pub permit: RefCell<Option<J::Permit>>,
    /// The facts of the prepared statement, for one created by PREPARE.
    pub inner: Option<Arc<Facts>>,
    /// From ParameterDescription.
    pub parameter_types: RefCell<Option<Rc<[u32]>>>,
    pub description: RefCell<Description>,
    /// The plan made from the description, with the permit it was made for.
    pub plan: RefCell<Option<(J::Permit, Rc<Plan>)>>,
    /// True while the reply to a Describe sent by the gateway is outstanding.
    pub describing: Cell<bool>,
    /// Where connections are shared: how it is made on another one.
    pub portable: Option<Rc<Portable>>,
}

/// What a server has told of a statement: its columns, and the types of its parameters.
pub type Told = (Description, Option<Rc<[u32]>>);

/// A prepared statement that can be made on any connection.
#[derive(Debug)]
pub struct Portable {
    pub serial: Serial,
    pub(in crate::session) kept: Kept,
    /// The settings with which it was read.
    pub(in crate::session) read_with: (bool, Encoding),
    /// What was known of it on the connection that it was on last: other connections must agree.
    pub former: RefCell<Option<Told>>,
    /// A connection did not agree.
    pub changed: Cell<bool>,
}

/// The row description of a prepared statement, if the gateway has needed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Description {
    Unknown,
    /// NoData: the statement returns no rows.
    None {
        epoch: u64,
    },
    Rows {
        epoch: u64,
        fields: Rc<[Field]>,
    },
}

impl Description {
    /// True when both describe the same columns, in whatever epoch.
    pub fn same_columns(&self, other: &Description) -> bool {
        match (self, other) {
            (Description::None { .. }, Description::None { .. }) => true,
            (Description::Rows { fields, .. }, Description::Rows { fields: others, .. }) => {
                fields == others
            }
            _ => false,
        }
    }

    /// The description, if it was made in this epoch; `Some(None)` for no rows.
    pub fn in_epoch(&self, now: u64) -> Option<Option<Rc<[Field]>>> {
        match self {
            Description::None { epoch } if *epoch == now => Some(None),
            Description::Rows { epoch, fields } if *epoch == now => Some(Some(Rc::clone(fields))),
            _ => None,
        }
    }
}

impl<J: Judge> Prepared<J> {
    pub fn new(
        text: J::Text,
        index: usize,
        permit: Option<J::Permit>,
        inner: Option<Arc<Facts>>,
    ) -> Self {
        Prepared {
            text,
            index,
            permit: RefCell::new(permit),
            inner,
            parameter_types: RefCell::new(None),
            description: RefCell::new(Description::Unknown),
            plan: RefCell::new(None),
            describing: Cell::new(false),
            portable: None,
        }
    }

    /// The statement; `None` for an empty text.
    pub fn statement(&self) -> Option<&Statement> {
        J::analysis(&self.text).statements.get(self.index)
    }

    pub fn copy_out(&self) -> Option<&CopyOut> {
        self.statement()?.facts.copy_out()
    }

    /// True when its statement satisfies the condition.
    pub fn is(&self, kind: impl Fn(&Facts) -> bool) -> bool {
        self.statement()
            .is_some_and(|statement| kind(&statement.facts))
    }
}

impl<J: Judge> Prepared<J> {
    /// True when the judge needs parameter types that are not known yet.
    pub fn lacks_parameter_types(&self, judge: &J) -> bool {
        let permit = self.permit.borrow();
        let is_asked_about = permit.as_ref().is_some_and(J::needs_approval);
        (is_asked_about || judge.wants_parameters())
            && self.is(|facts| facts.parameter_count > 0)
            && self.parameter_types.borrow().is_none()
    }
}

/// True when the gateway may stop a result under this permit and plan early.
pub fn can_stop<J: Judge>(permit: &J::Permit, plan: Option<&Plan>) -> bool {
    J::limits(permit).any() || plan.is_some_and(|plan| !plan.steps.is_empty())
}

impl<J: Judge> Prepared<J> {
    /// The same statement with a newer analysis of its text. `None` if the statement is not there.
    pub fn renewed(&self, text: J::Text) -> Option<Self> {
        let statement = J::analysis(&text).statements.get(self.index);
        let inner = match (&self.inner, statement.map(|known| &known.facts.session)) {
            (None, Some(_)) => None,
            (Some(_), Some(SessionEffect::Prepare { inner, .. })) => {
                Some(Arc::new((**inner).clone()))
            }
            // The empty statement.
            (None, None) if self.statement().is_none() => None,
            _ => return None,
        };
        Some(Prepared {
            parameter_types: self.parameter_types.clone(),
            portable: self.portable.clone(),
            ..Prepared::new(text, self.index, self.permit.borrow().clone(), inner)
        })
    }
}

/// A cursor of SQL's DECLARE: the text that declared it, and the index of the statement in it.
pub struct Cursor<J: Judge> {
    pub text: J::Text,
    pub index: usize,
    /// What was read of it so far.
    pub passed: Passed,
}

impl<J: Judge> Cursor<J> {
    fn facts(&self) -> Option<&Arc<Facts>> {
        let statement = J::analysis(&self.text).statements.get(self.index)?;
        Some(&statement.facts)
    }
}

/// A portal made by Bind.
pub struct Portal<J: Judge> {
    pub prepared: Rc<Prepared<J>>,
    pub permit: Option<J::Permit>,
    pub plan: Option<Rc<Plan>>,
    /// Result format codes as in Bind: none (all text), one for all columns, or one per column.
    pub formats: SmallVec<[i16; 4]>,
    /// What was read of it so far.
    pub passed: Passed,
    /// [`Names::version`] when the server confirmed it.
    pub bound: Cell<Option<u64>>,
    /// The Bind that made it, where it may have to be bound again.
    pub bind: Option<Rc<KeptBind>>,
}

impl<J: Judge> Portal<J> {
    /// True when the gateway may stop it early. A statement without rows can only exceed its time.
    pub fn can_stop(&self) -> bool {
        let rows = self.prepared.is(|facts| facts.outputs != Outputs::None);
        self.permit.as_ref().is_some_and(|permit| {
            J::limits(permit).time.is_some()
                || (rows && can_stop::<J>(permit, self.plan.as_deref()))
        })
    }
}

/// The names that exist on the server. A change is entered when the server confirms it.
pub struct Names<J: Judge> {
    unnamed: Option<Rc<Prepared<J>>>,
    statements: HashMap<Name, Rc<Prepared<J>>>,
    /// Total length of the names and texts in `statements`, in bytes.
    bytes: usize,
    unnamed_portal: Option<Rc<Portal<J>>>,
    portals: HashMap<Name, Rc<Portal<J>>>,
    cursors: HashMap<Name, Rc<Cursor<J>>>,
    /// Incremented whenever a name may have changed its meaning.
    version: u64,
}

impl<J: Judge> Default for Names<J> {
    fn default() -> Self {
        Names {
            unnamed: None,
            statements: HashMap::new(),
            bytes: 0,
            unnamed_portal: None,
            portals: HashMap::new(),
            cursors: HashMap::new(),
            version: 0,
        }
    }
}

impl<J: Judge> Names<J> {
    pub fn prepared(&self, name: &Name) -> Option<&Rc<Prepared<J>>> {
        if name.is_unnamed() {
            self.unnamed.as_ref()
        } else {
            self.statements.get(name)
        }
    }

    pub fn set_prepared(&mut self, name: &Name, prepared: Rc<Prepared<J>>) {
        if name.is_unnamed() {
            self.unnamed = Some(prepared);
        } else if self.has_room(name, &prepared.text, (0, 0)) {
            self.close_prepared(name);
            self.version += 1;
            self.bytes += size_of::<J>(name, &prepared.text);
            self.statements.insert(name.clone(), prepared);
        }
    }

    /// True when one more prepared statement fits, if all `pending` ones (their number, and the bytes of their texts) are added before it.
    pub fn has_room(&self, name: &Name, text: &J::Text, pending: (usize, usize)) -> bool {
        let size = size_of::<J>(name, text) + pending.1;
        name.is_unnamed()
            || self.statements.len() + pending.0 < MAX_PREPARED
                && self.bytes + size <= MAX_PREPARED_BYTES
    }

    pub fn close_prepared(&mut self, name: &Name) {
        if name.is_unnamed() {
            self.unnamed = None;
        } else if let Some(closed) = self.statements.remove(name) {
            self.bytes -= size_of::<J>(name, &closed.text);
        }
    }

    pub fn portal(&self, name: &Name) -> Option<&Rc<Portal<J>>> {
        if name.is_unnamed() {
            self.unnamed_portal.as_ref()
        } else {
            self.portals.get(name)
        }
    }

    pub fn set_portal(&mut self, name: &Name, portal: Rc<Portal<J>>) {
        self.version += u64::from(!name.is_unnamed());
        portal.bound.set(Some(self.version));
        self.cursors.remove(name);
        if name.is_unnamed() {
            self.unnamed_portal = Some(portal);
        } else if self.has_room_for_portal(name, 0) {
            self.portals.insert(name.clone(), portal);
        }
    }

    /// True when one more portal fits, if `pending` others are added before it.
    pub fn has_room_for_portal(&self, name: &Name, pending: usize) -> bool {
        name.is_unnamed()
            || self.portals.len() + pending < MAX_PORTALS
            || self.portals.contains_key(name)
    }

    /// True when there is no portal besides the one with this name.
    pub fn is_only_portal(&self, name: &Name) -> bool {
        let others = self.portals.keys().filter(|other| *other != name).count();
        others == 0 && (name.is_unnamed() || self.unnamed_portal.is_none())
    }

    pub fn close_portal(&mut self, name: &Name) {
        if name.is_unnamed() {
            self.unnamed_portal = None;
        } else {
            self.portals.remove(name);
        }
    }

    /// Portals made by Bind end with the transaction (protocol: Extended Query).
    pub fn transaction_ended(&mut self) {
        self.unnamed_portal = None;
        if !self.portals.is_empty() {
            self.portals.clear();
        }
    }

    /// DEALLOCATE ALL. The unnamed statement is not affected by SQL.
    pub fn deallocate_all(&mut self) {
        self.statements.clear();
        self.bytes = 0;
    }

    /// A cursor was declared. The server allows this only for a free name, so a portal of that name no longer exists.
    pub fn declare_cursor(&mut self, name: &Name, cursor: Cursor<J>) {
        self.version += 1;
        self.portals.remove(name);
        if self.cursors.len() >= MAX_CURSORS {
            self.cursors.clear();
        }
        self.cursors.insert(name.clone(), Rc::new(cursor));
    }

    pub fn cursor_of(&self, name: &Name) -> Option<&Rc<Cursor<J>>> {
        self.cursors.get(name)
    }

    /// A cursor reads what it was declared for, and its text has been analysed with this result once more.
    pub fn cursor_is_settled(&mut self, name: &Name, text: J::Text) {
        if let Some(cursor) = self.cursors.get_mut(name) {
            *cursor = Rc::new(Cursor {
                text,
                index: cursor.index,
                passed: Rc::clone(&cursor.passed),
            });
        }
    }

    /// A newer analysis of a prepared statement, if the name still means that one.
    pub fn renew_prepared(&mut self, name: &Name, old: &Rc<Prepared<J>>, new: &Rc<Prepared<J>>) {
        let slot = if name.is_unnamed() {
            self.unnamed.as_mut()
        } else {
            self.statements.get_mut(name)
        };
        let Some(known) = slot.filter(|known| Rc::ptr_eq(known, old)) else {
            return;
        };
        *known = Rc::clone(new);
        self.version += 1;
        if !name.is_unnamed() {
            // It may take more than is allowed: then nothing is prepared until something is closed.
            self.bytes -= size_of::<J>(name, &old.text);
            self.bytes += size_of::<J>(name, &new.text);
        }
    }

    /// True when no name has changed its meaning since the portal was bound. An unconfirmed portal is bound after every confirmed change.
    pub fn are_as_bound(&self, portal: &Portal<J>) -> bool {
        portal.bound.get().is_none_or(|then| then == self.version)
    }

    pub fn is_cursor(&self, name: &Name) -> bool {
        self.cursors.contains_key(name)
    }

    pub fn statement_facts(&self, name: &Name) -> Option<Arc<Facts>> {
        let prepared = self.statements.get(name)?;
        match &prepared.inner {
            Some(inner) => Some(Arc::clone(inner)),
            None => own_facts::<J>(prepared),
        }
    }

    pub fn statement_text(&self, name: &Name) -> Option<String> {
        let prepared = self.statements.get(name)?;
        own_text::<J>(&prepared.text, prepared.index)
    }

    pub fn cursor_text(&self, name: &Name) -> Option<String> {
        match (self.portals.get(name), self.cursors.get(name)) {
            (Some(portal), _) => own_text::<J>(&portal.prepared.text, portal.prepared.index),
            (None, Some(cursor)) => own_text::<J>(&cursor.text, cursor.index),
            (None, None) => None,
        }
    }

    /// FETCH reads from cursors created by DECLARE and from portals created by Bind.
    pub fn cursor_facts(&self, name: &Name) -> Option<Arc<Facts>> {
        match self.portals.get(name) {
            Some(portal) => own_facts::<J>(&portal.prepared),
            None => self.cursors.get(name)?.facts().map(Arc::clone),
        }
    }

    /// What was read so far of what FETCH reads from.
    pub fn passed_of(&self, name: &Name) -> Option<Passed> {
        let portal = self.portals.get(name).map(|portal| &portal.passed);
        let cursor = || self.cursors.get(name).map(|cursor| &cursor.passed);
        portal.or_else(cursor).cloned()
    }
}

/// The names as one statement of a message finds them: the statements before it in the message have succeeded.
pub struct InMessage<'a, J: Judge> {
    pub names: &'a Names<J>,
    pub text: &'a J::Text,
    /// Index of the statement in the message.
    pub index: usize,
}

impl<J: Judge> InMessage<'_, J> {
    fn before(&self) -> impl DoubleEndedIterator<Item = &Arc<Facts>> {
        let statements = J::analysis(self.text).statements.iter();
        statements
            .take(self.index)
            .map(|statement| &statement.facts)
    }
}

impl<J: Judge> NameFacts for InMessage<'_, J> {
    fn statement(&self, name: &str) -> Option<Arc<Facts>> {
        let name = Name::new(name);
        let prepared = self.before().rev().find_map(|facts| match &facts.session {
            SessionEffect::Prepare { name: made, inner } if Name::new(made) == name => {
                Some(Arc::new((**inner).clone()))
            }
            _ => None,
        });
        prepared.or_else(|| self.names.statement_facts(&name))
    }

    fn cursor(&self, name: &str) -> Option<Arc<Facts>> {
        let name = Name::new(name);
        let mut before = self.before().rev();
        let declared = before.find(|facts| match &facts.session {
            SessionEffect::DeclareCursor { name: made } => Name::new(made) == name,
            _ => false,
        });
        declared.map_or_else(
            || self.names.cursor_facts(&name),
            |facts| Some(Arc::clone(facts)),
        )
    }

    // What the message itself makes is in its text.
    fn statement_text(&self, name: &str) -> Option<String> {
        let name = Name::new(name);
        let made = |facts: &Arc<Facts>| matches!(&facts.session, SessionEffect::Prepare { name: made, .. } if Name::new(made) == name);
        match self.before().any(made) {
            true => None,
            false => self.names.statement_text(&name),
        }
    }

    fn cursor_text(&self, name: &str) -> Option<String> {
        let name = Name::new(name);
        let made = |facts: &Arc<Facts>| matches!(&facts.session, SessionEffect::DeclareCursor { name: made } if Name::new(made) == name);
        match self.before().any(made) {
            true => None,
            false => self.names.cursor_text(&name),
        }
    }
}

/// The text of one statement of a text.
fn own_text<J: Judge>(text: &J::Text, index: usize) -> Option<String> {
    let statement = J::analysis(text).statements.get(index)?;
    let own = J::source(text).get(statement.span.clone())?;
    Some(own.trim().to_owned())
}

fn size_of<J: Judge>(name: &Name, text: &J::Text) -> usize {
    name.len() + J::bytes(text)
}

/// The facts of a prepared statement. A statement that itself depends on a name (EXECUTE, FETCH) is not followed.
fn own_facts<J: Judge>(prepared: &Prepared<J>) -> Option<Arc<Facts>> {
    let facts = &prepared.statement()?.facts;
    (!facts.is_dynamic()).then(|| Arc::clone(facts))
}

impl<J: Judge> NameFacts for Names<J> {
    fn statement(&self, name: &str) -> Option<Arc<Facts>> {
        self.statement_facts(&Name::new(name))
    }

    fn cursor(&self, name: &str) -> Option<Arc<Facts>> {
        self.cursor_facts(&Name::new(name))
    }

    fn statement_text(&self, name: &str) -> Option<String> {
        Names::statement_text(self, &Name::new(name))
    }

    fn cursor_text(&self, name: &str) -> Option<String> {
        Names::cursor_text(self, &Name::new(name))
    }
}
