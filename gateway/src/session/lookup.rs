//! What a name will mean when the server comes to read it: what it means now, and what is on its way.

use std::rc::Rc;

use gatewright_sql::Facts;

use super::judge::Judge;
use super::name::Name;
use super::names::{Portal, Prepared};
use super::owed::{CloseTarget, Owed};
use super::state::Session;

/// What a name stands for.
pub(super) enum Lookup<T> {
    Known(T),
    Unknown,
    /// It depends on replies that are not in.
    Pending,
}

impl<J: Judge> Session<J> {
    pub(super) fn lookup_prepared(&self, name: &Name) -> Lookup<Rc<Prepared<J>>> {
        self.lookup(self.names.prepared(name), |owed| match owed {
            Owed::Parse {
                name: other,
                prepared,
            } if other == name => Change::Becomes(prepared),
            Owed::Close {
                target: CloseTarget::Statement(other),
                ..
            } if other == name => Change::Ends,
            Owed::Query(run) if run.any(Facts::names_statements) => Change::Unclear,
            Owed::Execute { portal, .. } if portal.prepared.is(Facts::names_statements) => {
                Change::Unclear
            }
            _ => Change::None,
        })
    }

    pub(super) fn lookup_portal(&self, name: &Name) -> Lookup<Rc<Portal<J>>> {
        self.lookup(self.names.portal(name), |owed| match owed {
            Owed::Bind {
                name: other,
                portal,
            } if other == name => Change::Becomes(portal),
            Owed::Close {
                target: CloseTarget::Portal(other),
                ..
            } if other == name => Change::Ends,
            Owed::Query(run) if run.any(Facts::declares_cursor) => Change::Unclear,
            Owed::Execute { portal, .. } if portal.prepared.is(Facts::declares_cursor) => {
                Change::Unclear
            }
            _ => Change::None,
        })
    }

    /// The newest change that is on its way decides. Should it fail, everything up to the next Sync fails with it; behind
    /// a Sync its reply must be in.
    fn lookup<'a, T>(
        &'a self,
        now: Option<&'a Rc<T>>,
        change: impl Fn(&'a Owed<J>) -> Change<'a, T>,
    ) -> Lookup<Rc<T>> {
        let known = |found: Option<&Rc<T>>| match found {
            Some(found) => Lookup::Known(Rc::clone(found)),
            None => Lookup::Unknown,
        };
        if !self.queue.names_pending() {
            return known(now);
        }
        let mut crossed_sync = false;
        for owed in self.queue.newest_first() {
            crossed_sync |= matches!(owed, Owed::Sync);
            match change(owed) {
                Change::None => {}
                Change::Becomes(_) | Change::Ends if crossed_sync => return Lookup::Pending,
                Change::Becomes(found) => return known(Some(found)),
                Change::Ends => return Lookup::Unknown,
                Change::Unclear => return Lookup::Pending,
            }
        }
        known(now)
    }

    /// True when a name may yet change by what was sent behind the Bind of this portal.
    pub(super) fn names_change_behind_bind(&self, portal: &Name) -> bool {
        self.queue
            .newest_first()
            .take_while(|owed| !matches!(owed, Owed::Bind { name, .. } if name == portal))
            .any(|owed| match owed {
                Owed::Parse { name, .. } | Owed::Bind { name, .. } => !name.is_unnamed(),
                Owed::Query(run) => run.any(changes_names),
                Owed::Execute { portal, .. } => portal.prepared.is(changes_names),
                _ => false,
            })
    }

    /// True when the Bind of this portal belongs to the same pipeline, so that its statement is in flight.
    pub(super) fn bound_in_this_turn(&self, portal: &Name) -> bool {
        self.queue
            .newest_first()
            .take_while(|owed| !matches!(owed, Owed::Sync))
            .any(|owed| matches!(owed, Owed::Bind { name, .. } if name == portal))
            || !self.transaction.is_open()
    }
}

/// What a forwarded message does to one name, once it succeeds.
enum Change<'a, T> {
    None,
    Becomes(&'a Rc<T>),
    Ends,
    /// Only its reply tells.
    Unclear,
}

/// True when the statement may give a name another meaning.
fn changes_names(facts: &Facts) -> bool {
    facts.names_statements() || facts.declares_cursor()
}
