//! What a name will mean when the server reads it, given its present meaning and the outstanding replies.

use std::rc::Rc;

use gatewright_sql::{Facts, Verb};

use crate::session::judge::Judge;
use crate::session::state::name::Name;
use crate::session::state::names::{Portal, Prepared};
use crate::session::state::outstanding::{CloseTarget, Outstanding};
use crate::session::state::session::Session;

/// The meaning of a name.
pub(in crate::session) enum Lookup<T> {
    Known(T),
    Unknown,
    /// It depends on outstanding replies.
    Pending,
}

impl<J: Judge> Session<J> {
    pub(in crate::session) fn lookup_prepared(&self, name: &Name) -> Lookup<Rc<Prepared<J>>> {
        let shared = self.server.is_shared();
        let pending = self.queue.statements_pending();
        self.lookup(pending, self.names.prepared(name), |reply| match reply {
            Outstanding::Parse {
                name: other,
                prepared,
            } if other == name => Change::Becomes(prepared),
            Outstanding::Close {
                target: CloseTarget::Statement(other),
                ..
            } if other == name => Change::Ends,
            Outstanding::Unread(unread) if unread.name == *name => Change::Ends,
            Outstanding::Query(_) if shared && name.is_unnamed() => Change::Ends,
            Outstanding::Query(run) if run.any(Facts::names_statements) => Change::Unclear,
            Outstanding::Execute { portal, .. } if portal.prepared.is(Facts::names_statements) => {
                Change::Unclear
            }
            _ => Change::None,
        })
    }

    pub(in crate::session) fn lookup_portal(&self, name: &Name) -> Lookup<Rc<Portal<J>>> {
        let pending = self.queue.names_pending() || self.queue.may_change_transaction();
        self.lookup(pending, self.names.portal(name), |reply| match reply {
            Outstanding::Bind {
                name: other,
                portal,
                ..
            } if other == name => Change::Becomes(portal),
            Outstanding::Close {
                target: CloseTarget::Portal(other),
                ..
            } if other == name => Change::Ends,
            // They may end the portal's transaction, and the portal with it. Nobody is asked about a statement that is not there.
            Outstanding::Query(_) | Outstanding::Sync => Change::Unclear,
            Outstanding::Execute { portal, .. } if portal.prepared.is(changes_portals) => {
                Change::Unclear
            }
            _ => Change::None,
        })
    }

    /// The newest outstanding change decides. If it fails, everything up to the next Sync fails with it. If a Sync has been sent since, its reply
    /// must have arrived.
    fn lookup<'a, T>(
        &'a self,
        pending: bool,
        now: Option<&'a Rc<T>>,
        change: impl Fn(&'a Outstanding<J>) -> Change<'a, T>,
    ) -> Lookup<Rc<T>> {
        let known = |found: Option<&Rc<T>>| match found {
            Some(found) => Lookup::Known(Rc::clone(found)),
            None => Lookup::Unknown,
        };
        if !pending {
            return known(now);
        }
        let mut crossed_sync = false;
        for reply in self.queue.newest_first() {
            crossed_sync |= matches!(reply, Outstanding::Sync);
            match change(reply) {
                Change::None => {}
                Change::Becomes(_) | Change::Ends if crossed_sync => return Lookup::Pending,
                Change::Becomes(found) => return known(Some(found)),
                Change::Ends => return Lookup::Unknown,
                Change::Unclear => return Lookup::Pending,
            }
        }
        known(now)
    }

    /// True when messages sent after the Bind of this portal may change the meaning of a name.
    pub(in crate::session) fn names_change_behind_bind(&self, portal: &Name) -> bool {
        self.queue
            .newest_first()
            .take_while(|reply| !matches!(reply, Outstanding::Bind { name, .. } if name == portal))
            .any(|reply| match reply {
                Outstanding::Parse { name, .. } | Outstanding::Bind { name, .. } => {
                    !name.is_unnamed()
                }
                Outstanding::Query(run) => run.any(changes_names),
                Outstanding::Execute { portal, .. } => portal.prepared.is(changes_names),
                _ => false,
            })
    }

    /// True while the server has not answered the Bind of the portal, which is in flight.
    pub(in crate::session) fn is_bind_outstanding(&self, portal: &Name) -> bool {
        self.queue
            .newest_first()
            .take_while(|reply| !matches!(reply, Outstanding::Sync))
            .any(|reply| matches!(reply, Outstanding::Bind { name, .. } if name == portal))
    }
}

/// What a message does to one name if it succeeds.
enum Change<'a, T> {
    None,
    Becomes(&'a Rc<T>),
    Ends,
    /// Known only from its reply.
    Unclear,
}

/// True when the statement may change the meaning of a name.
fn changes_names(facts: &Facts) -> bool {
    facts.names_statements() || facts.declares_cursor()
}

/// True when the statement may make a portal, or end all of them with their transaction.
fn changes_portals(facts: &Facts) -> bool {
    facts.declares_cursor() || matches!(facts.verb, Verb::Transaction | Verb::Call | Verb::DoBlock)
}
