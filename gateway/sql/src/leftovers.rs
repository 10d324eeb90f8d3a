//! What statements leave in their session on the server, for pools that hand the session on.

use gatewright_parser::{Node, nodes};

use crate::facts::{Facts, Lasting, RoleEffect, SessionEffect, SettingChange, SettingValue};

/// DECLARE … WITH HOLD (PostgreSQL: parsenodes.h).
const CURSOR_OPT_HOLD: i32 = 0x0020;

/// asyncpg sets it while it looks up types, and sets it back; results do not depend on it.
const INERT: &str = "jit";

/// Other functions of PostgreSQL and its contrib modules that change something in the session.
const CHANGING: [&str; 2] = ["pg_advisory_unlock_all", "set_limit"];

/// Commands that leave nothing in the session that outlives their transaction, apart from what functions do that they call.
/// EXPLAIN ANALYZE has the tag of what it runs beside its own.
const LEAVING_NOTHING: [&str; 31] = [
    "SELECT",
    "VALUES",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "COPY",
    "TRUNCATE TABLE",
    "BEGIN",
    "START TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "PREPARE TRANSACTION",
    "COMMIT PREPARED",
    "ROLLBACK PREPARED",
    "EXPLAIN",
    "DECLARE CURSOR",
    "FETCH",
    "MOVE",
    "CLOSE CURSOR",
    "SET",
    "SET CONSTRAINTS",
    "SHOW",
    "NOTIFY",
    "LOCK TABLE",
    "DO",
    "CALL",
    "ANALYZE",
    "VACUUM",
];

/// What a session may have after its statements that it had not before, apart from the values of sequences that `currval` and
/// `lastval` tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Residue {
    /// Something that `DISCARD ALL` removes.
    pub discardable: bool,
    /// Something that it does not remove: a setting with a name of the client's own, which is empty then, the seed of `random()`, a
    /// library, or whatever code has kept that was not read.
    pub lasting: bool,
}

impl Residue {
    /// What nobody knows of.
    pub const ANYTHING: Residue = Residue {
        discardable: true,
        lasting: true,
    };

    /// This and the other.
    pub fn with(self, other: Residue) -> Residue {
        Residue {
            discardable: self.discardable || other.discardable,
            lasting: self.lasting || other.lasting,
        }
    }
}

/// What a statement is for that is of no use without a session that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionUse {
    Listen,
    TemporaryObject,
    Setting,
    CursorWithHold,
    AdvisoryLock,
    NamedStatement,
    Library,
}

/// What the statement makes for later transactions of its session.
pub(crate) fn lasting(node: Node<'_>) -> Option<Lasting> {
    use nodes::OnCommitAction::ONCOMMIT_DROP;
    let into = |into: Option<&nodes::IntoClause>| {
        into.is_some_and(|into| is_temporary(into.rel()) && into.on_commit != ONCOMMIT_DROP)
    };
    let temporary = match node {
        Node::SelectStmt(select) => {
            let made = into_of(select)?;
            let dropped = made.on_commit == ONCOMMIT_DROP;
            return Some(match is_temporary(made.rel()) && !dropped {
                true => Lasting::Temporary,
                false => Lasting::Relation,
            });
        }
        Node::DeclareCursorStmt(declare) if declare.options & CURSOR_OPT_HOLD != 0 => {
            return Some(Lasting::Cursor);
        }
        Node::CreateStmt(create) => {
            is_temporary(create.relation()) && create.oncommit != ONCOMMIT_DROP
        }
        Node::CreateTableAsStmt(create) => into(create.into()),
        Node::ViewStmt(view) => is_temporary(view.view()),
        Node::CreateSeqStmt(create) => is_temporary(create.sequence()),
        _ => false,
    };
    temporary.then_some(Lasting::Temporary)
}

/// Of a set operation, the first SELECT has it.
fn into_of(select: &nodes::SelectStmt) -> Option<&nodes::IntoClause> {
    let mut select = select;
    loop {
        match (select.into_clause(), select.larg()) {
            (Some(into), _) => return Some(into),
            (None, Some(first)) => select = first,
            (None, None) => return None,
        }
    }
}

fn is_temporary(relation: Option<&nodes::RangeVar>) -> bool {
    relation.is_some_and(|relation| {
        relation.relpersistence as u8 == b't' || relation.schemaname() == Some("pg_temp")
    })
}

impl Facts {
    /// What the statement may leave in its session.
    pub fn residue(&self) -> Residue {
        let own = Residue {
            discardable: !self.leaves_nothing(),
            lasting: self.leaves_more_than_is_discarded(),
        };
        match &self.session {
            SessionEffect::Prepare { inner, .. } => own.with(inner.residue()),
            _ => own,
        }
    }

    /// Why the statement is of no use where the session ends with the transaction.
    pub fn session_use(&self) -> Option<SessionUse> {
        match &self.session {
            SessionEffect::Prepare { .. }
            | SessionEffect::Execute { .. }
            | SessionEffect::Deallocate(Some(_))
            | SessionEffect::Explain {
                executes: Some(_), ..
            } => return Some(SessionUse::NamedStatement),
            _ => {}
        }
        match self.lasting {
            Some(Lasting::Cursor) => return Some(SessionUse::CursorWithHold),
            Some(Lasting::Temporary) => return Some(SessionUse::TemporaryObject),
            Some(Lasting::Relation) | None => {}
        }
        let runs = |tag: &str| self.commands.iter().any(|command| command == tag);
        if runs("LISTEN") {
            Some(SessionUse::Listen)
        } else if runs("LOAD") {
            Some(SessionUse::Library)
        } else if self.settings.iter().any(stays_set) {
            Some(SessionUse::Setting)
        } else if self.called(is_advisory_lock).is_some() {
            Some(SessionUse::AdvisoryLock)
        } else {
            None
        }
    }

    fn leaves_more_than_is_discarded(&self) -> bool {
        let only_sets = matches!(self.session, SessionEffect::Set { .. });
        let unread = match self.role {
            RoleEffect::Kept => false,
            RoleEffect::Unread => true,
            RoleEffect::Set => !only_sets,
        };
        // A name with a dot may be one that nobody has defined: RESET leaves it, with an empty value, also behind SET LOCAL.
        let named = |change: &SettingChange| change.name.contains('.') || change.name == "seed";
        unread
            || !self.opaque.is_empty()
            || self.settings.iter().any(named)
            || self.commands.iter().any(|command| command == "LOAD")
            || self.called(|name| name == "setseed").is_some()
    }

    fn leaves_nothing(&self) -> bool {
        let known = |command: &String| LEAVING_NOTHING.contains(&command.as_str());
        let of_transaction = match &self.session {
            SessionEffect::Prepare { .. }
            | SessionEffect::Execute { .. }
            | SessionEffect::Deallocate(_)
            | SessionEffect::DiscardAll => false,
            // Of set_config, only the settings tell.
            SessionEffect::Set { local, .. } => *local || !self.settings.is_empty(),
            _ => true,
        };
        self.lasting.is_none()
            && self.temporary.is_none()
            && of_transaction
            && self.opaque.is_empty()
            && self.role == RoleEffect::Kept
            && self.commands.iter().all(known)
            && self.settings.iter().all(|change| change.local)
            && self.called(is_advisory_lock).is_none()
            && self.called(|name| CHANGING.contains(&name)).is_none()
    }
}

/// A value for the session. Going back to the one that it began with is none.
fn stays_set(change: &SettingChange) -> bool {
    !change.local && change.value != SettingValue::Initial && change.name != INERT
}

/// Taken for the session, not for the transaction.
fn is_advisory_lock(name: &str) -> bool {
    matches!(
        name,
        "pg_advisory_lock"
            | "pg_advisory_lock_shared"
            | "pg_try_advisory_lock"
            | "pg_try_advisory_lock_shared"
            | "pg_advisory_unlock"
            | "pg_advisory_unlock_shared"
    )
}
