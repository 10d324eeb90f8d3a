//! The search path of the connection: which values `search_path` may have now.
//!
//! PostgreSQL 18 reports every change. Before that, changes are followed from the statements that make them: a value holds
//! for certain where everything that was sent has been answered and nothing of it was undone. Otherwise every value counts
//! that the setting may have, and where one of them is not known, names mean every object of that name.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::pool::NamesAtStart;
use gatewright_sql::{Facts, PathChange, PathValue, RoleEffect, SearchPath, SessionEffect};

/// The elements of all values that are possible. `None`: not known. Most of the values below are the same ones.
type Elements = Option<Rc<BTreeSet<Box<str>>>>;

#[derive(Debug)]
pub(in crate::session) struct PathState {
    /// The value of RESET.
    start: Elements,
    /// The value when no transaction was open last.
    base: Elements,
    /// What is possible for a statement that is sent now.
    may: Elements,
    /// All values since no transaction was open last.
    seen: Elements,
    /// The last changes that succeeded since, and of those the last that outlives its transaction.
    last: Option<Elements>,
    last_of_session: Option<Elements>,
    /// How many certain changes were sent since, and how many have succeeded.
    sent: usize,
    done: usize,
    /// Something that may have changed it was sent since.
    uncertain: bool,
    /// Something may have been undone since, or committed.
    undone: bool,
    committed: bool,
    /// Something of the above has happened.
    touched: bool,
    /// The value that the server reported last, if it reports changes.
    reported: Option<Elements>,
    /// The roles that the session may have. `None`: any.
    roles: Option<Vec<Box<str>>>,
    /// The path of `may`.
    path: Option<SearchPath>,
    /// What the server said when it began.
    begun: Option<NamesAtStart>,
    /// Nothing was sent that may have changed anything since.
    is_as_begun: bool,
    /// The setting's value when no transaction was open last; `None`: not known for certain.
    value: Option<Box<str>>,
}

impl PathState {
    pub fn new(start: Option<NamesAtStart>) -> Self {
        let begun = start.clone();
        let text = start.as_ref().map(|start| start.path.as_str().into());
        let value = start.as_ref().map(|start| PathValue::parse(&start.path));
        let elements = match value {
            Some(PathValue::Schemas(elements)) => Some(Rc::new(elements.into_iter().collect())),
            _ => None,
        };
        let reports = start.as_ref().is_some_and(|start| start.reported);
        let mut state = PathState {
            start: elements.clone(),
            base: elements.clone(),
            may: elements.clone(),
            seen: elements.clone(),
            last: None,
            last_of_session: None,
            sent: 0,
            done: 0,
            uncertain: false,
            undone: false,
            committed: false,
            touched: false,
            reported: reports.then_some(elements),
            roles: start.map(|start| start.roles.into_iter().map(Box::from).collect()),
            path: None,
            begun,
            is_as_begun: false,
            value: text,
        };
        state.settle();
        state.is_as_begun = true;
        state
    }

    /// The session goes on with a connection on which names mean what they meant when it began.
    pub fn begin_again(&mut self) {
        if self.is_as_begun {
            return;
        }
        if let Some(begun) = self.begun.take() {
            *self = PathState::new(Some(begun));
        }
    }

    /// The path of a statement that is sent now. `None`: not known.
    pub fn current(&self) -> Option<&SearchPath> {
        self.path.as_ref()
    }

    /// The value of `search_path`, where it is certain that a statement that is sent now runs with it.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref().filter(|_| !self.touched)
    }

    /// ParameterStatus of `search_path`.
    pub fn report(&mut self, value: &[u8]) {
        let value = std::str::from_utf8(value);
        self.value = value.ok().map(Box::from);
        let value = value.map(PathValue::parse);
        let elements = match value {
            Ok(PathValue::Schemas(elements)) => Some(Rc::new(elements.into_iter().collect())),
            _ => None,
        };
        unite(&mut self.may, &elements);
        unite(&mut self.seen, &elements);
        self.reported = Some(elements);
        self.touched = true;
        self.settle();
    }

    /// A statement is sent. `named` is what EXECUTE or FETCH runs.
    pub fn sent(&mut self, facts: &Facts, named: Option<&Facts>) {
        self.role_of(facts);
        if facts.may_end_transaction() {
            self.ends(facts);
        } else if self.touched && facts.may_change_names() && facts.path.is_none() {
            // Some commands end the transaction that they were sent in.
            self.committed = true;
        }
        if let Some(change) = &facts.path {
            self.changes(change);
        }
        if runs_unread(facts) {
            self.anything();
        }
        if facts.is_dynamic() {
            match named {
                Some(named) => {
                    self.role_of(named);
                    if named.path.is_some() || runs_unread(named) {
                        self.anything();
                    }
                }
                None => self.anything(),
            }
        }
    }

    /// Bind: planning may run functions that were declared immutable.
    pub fn planned(&mut self, facts: &Facts) {
        if runs_unread(facts) {
            self.anything();
        }
    }

    /// Something was sent of which nothing is known.
    pub fn anything(&mut self) {
        self.uncertain = true;
        self.touched = true;
        self.may = None;
        self.seen = None;
        self.settle();
    }

    /// A statement that was sent has succeeded.
    pub fn succeeded(&mut self, facts: &Facts) {
        let Some(change) = facts.path.as_ref().filter(|change| change.certain) else {
            return;
        };
        let value = self.value_of(change);
        self.done += 1;
        if !change.local {
            self.last_of_session = Some(value.clone());
        }
        self.last = Some(value);
    }

    /// The server reported an error.
    pub fn failed(&mut self) {
        if self.touched {
            self.undone = true;
            self.may.clone_from(&self.seen);
            self.settle();
        }
    }

    /// ReadyForQuery. `all`: everything that was sent has been answered.
    pub fn ready(&mut self, status: u8, all: bool) {
        if !self.touched {
            return;
        }
        if !all {
            self.committed |= status == b'I';
            return;
        }
        let kept = !self.undone && !self.uncertain && self.sent == self.done;
        let value = match (status, &self.reported) {
            (b'I' | b'T', Some(reported)) => reported.clone(),
            (b'I', None) if kept => {
                let last = self.last_of_session.take();
                last.unwrap_or_else(|| self.base.clone())
            }
            // The one transaction that there was has left nothing behind.
            (b'I', None) if self.undone && !self.committed && !self.uncertain => self.base.clone(),
            (b'T', None) if kept && !self.committed => {
                self.last.clone().unwrap_or_else(|| self.base.clone())
            }
            _ => self.seen.clone(),
        };
        self.may = value;
        if self.reported.is_none() {
            self.value = None;
        }
        if status == b'I' {
            self.base.clone_from(&self.may);
            self.seen.clone_from(&self.may);
            (self.last, self.last_of_session) = (None, None);
            (self.sent, self.done) = (0, 0);
            self.uncertain = false;
            self.undone = false;
            self.committed = false;
            self.touched = false;
        }
        self.settle();
    }

    fn changes(&mut self, change: &PathChange) {
        // What comes after something that was undone is not undone with it.
        self.committed |= self.undone;
        self.touched = true;
        let value = self.value_of(change);
        unite(&mut self.may, &value);
        unite(&mut self.seen, &value);
        if change.certain {
            self.sent += 1;
        } else {
            self.uncertain = true;
        }
        self.settle();
    }

    fn ends(&mut self, facts: &Facts) {
        use gatewright_sql::TransactionCommand as Command;
        if !self.touched {
            return;
        }
        match &facts.session {
            SessionEffect::Transaction(Command::Rollback { .. } | Command::RollbackTo(_)) => {
                self.undone = true;
            }
            _ => self.committed = true,
        }
        self.may.clone_from(&self.seen);
        self.settle();
    }

    fn value_of(&self, change: &PathChange) -> Elements {
        match &change.value {
            PathValue::Schemas(elements) => Some(Rc::new(elements.iter().cloned().collect())),
            PathValue::Default => self.start.clone(),
            PathValue::Unknown => None,
        }
    }

    /// The roles that "$user" may stand for.
    fn role_of(&mut self, facts: &Facts) {
        if facts.role == RoleEffect::Kept {
            return;
        }
        let set = match &facts.session {
            SessionEffect::Set { name, value, .. }
                if facts.role == RoleEffect::Set
                    && ["role", "session_authorization"].contains(&name.as_str()) =>
            {
                // RESET and NONE go back to the role of the login.
                Some(value.clone().unwrap_or_default())
            }
            _ => None,
        };
        match (&mut self.roles, set) {
            (Some(roles), Some(role)) => {
                if !roles.iter().any(|known| **known == *role) {
                    roles.push(role.into());
                }
            }
            (roles, _) => *roles = None,
        }
        self.settle();
    }

    fn settle(&mut self) {
        self.is_as_begun = false;
        let elements: Option<Vec<Box<str>>> =
            self.may.as_ref().map(|may| may.iter().cloned().collect());
        let roles = self.roles.as_deref();
        self.path = elements.and_then(|elements| {
            let by_role = elements.iter().any(|element| &**element == "$user");
            match roles {
                None if by_role => None,
                roles => SearchPath::of(&elements, roles.unwrap_or_default()),
            }
        });
    }
}

/// Whether code runs that was not analysed, or settings change whose names are not known.
fn runs_unread(facts: &Facts) -> bool {
    match facts.role {
        RoleEffect::Kept => false,
        RoleEffect::Unread => true,
        RoleEffect::Set => !matches!(facts.session, SessionEffect::Set { .. }),
    }
}

fn unite(all: &mut Elements, more: &Elements) {
    match (all.as_mut(), more) {
        (Some(all), Some(more)) => Rc::make_mut(all).extend(more.iter().cloned()),
        _ => *all = None,
    }
}
