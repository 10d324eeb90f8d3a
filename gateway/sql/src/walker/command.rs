//! All commands except queries and row changes: definitions, COPY, cursors, settings.

use gatewright_parser::{Node, Strings, nodes, untyped};

use crate::body::Body;
use crate::facts::{Access, Facts, SessionEffect, TransactionCommand, Usage};
use crate::{risky, settings};

use super::sources::Scope;
use super::state::Walker;
use super::tags;

const BLOCK: &str = "a DO block runs code that is not SQL";
const BODY: &str = "the body of a function is text";

impl<'a> Walker<'a> {
    /// The code that the command runs or stores was read. Whoever wants to know what a statement does by its own words still
    /// learns that it does more.
    pub(crate) fn runs(&mut self, node: Node<'_>, code: &Body) {
        let (reason, read) = match node {
            Node::DoStmt(_) => (BLOCK, "a DO block runs code, which was read"),
            _ => (BODY, "the body of a function is text, which was read"),
        };
        for known in &mut self.facts.opaque {
            if known == reason {
                read.clone_into(known);
            }
        }
        self.body(code, Access::default());
    }

    pub(super) fn command(&mut self, node: Node<'a>) {
        self.facts.commands.push(tags::tag(node));
        self.scopes.push(Scope::default());
        let (usage, access) = (self.usage, self.access);
        self.access = match node {
            Node::TruncateStmt(_) => Access::TRUNCATE,
            Node::LockStmt(_) => Access::LOCK,
            Node::CreateTableAsStmt(_) => Access::DDL | Access::INSERT,
            _ => Access::DDL,
        };
        self.usage = 1 << Usage::Other as u16;
        let outer = std::mem::replace(
            &mut self.hands_over,
            super::named_functions::hands_over(node),
        );
        self.effect(node);
        if self.facts.commands.len() == 1 {
            for change in settings::changes(node) {
                self.changes(change);
            }
        }
        match node {
            Node::CopyStmt(copy) => self.copy(copy),
            Node::DropStmt(drop) => self.drop(drop),
            Node::CommentStmt(comment) => self.named(comment.objtype, comment.object()),
            Node::SecLabelStmt(label) => self.named(label.objtype, label.object()),
            Node::ExplainStmt(_)
            | Node::DeclareCursorStmt(_)
            | Node::CreateTableAsStmt(_)
            | Node::ViewStmt(_)
            | Node::PrepareStmt(_) => {
                self.usage = 1 << Usage::Output as u16;
                self.descend(node);
            }
            _ => self.descend(node),
        }
        for function in super::named_functions::functions(node) {
            self.calls(&function);
            let name = function.last().copied().unwrap_or_default();
            if risky::is_risky(name) {
                self.opaque(risky::reason_of(name));
            }
            self.role(super::role::of_call(name, Node::None));
        }
        self.code(node);
        self.reasons(node);
        self.hands_over = outer;
        (self.usage, self.access) = (usage, access);
        self.scopes.pop();
    }

    fn reasons(&mut self, node: Node<'a>) {
        let cascades = |behavior| behavior == nodes::DropBehavior::DROP_CASCADE;
        let in_schema = nodes::GrantTargetType::ACL_TARGET_ALL_IN_SCHEMA;
        let reason = match node {
            Node::DoStmt(_) => BLOCK,
            Node::CallStmt(_) => "CALL runs a procedure whose body is not known",
            Node::CreateFunctionStmt(create) if matches!(create.sql_body(), Node::None) => BODY,
            Node::LoadStmt(_) => "LOAD runs a library",
            Node::CreateExtensionStmt(_) | Node::AlterExtensionStmt(_) => {
                "an extension's script is not known"
            }
            Node::ImportForeignSchemaStmt(_) => {
                "IMPORT FOREIGN SCHEMA creates tables that are not named"
            }
            Node::RefreshMatViewStmt(_) if self.catalog.is_empty() => {
                "the query of a materialized view is not known"
            }
            Node::TruncateStmt(truncate) if cascades(truncate.behavior) => {
                "TRUNCATE CASCADE empties tables that are not named"
            }
            Node::DropStmt(drop) if cascades(drop.behavior) => {
                "DROP CASCADE drops objects that are not named"
            }
            Node::DropOwnedStmt(_) | Node::ReassignOwnedStmt(_) => {
                "the objects of an owner are not named"
            }
            Node::GrantStmt(grant) if grant.targtype == in_schema => {
                "the tables of a schema are not named"
            }
            Node::AlterTableMoveAllStmt(_) => "the tables of a tablespace are not named",
            _ => return,
        };
        self.opaque(reason.to_owned());
    }

    fn effect(&mut self, node: Node<'a>) {
        let outermost = self.facts.commands.len() == 1;
        let effect = match node {
            Node::TransactionStmt(transaction) => {
                SessionEffect::Transaction(transaction_command(transaction))
            }
            // `analysis` fills in the facts of the inner statement.
            Node::PrepareStmt(prepare) => SessionEffect::Prepare {
                name: owned(prepare.name()),
                inner: Box::new(Facts::default()),
            },
            Node::ExecuteStmt(execute) => SessionEffect::Execute {
                name: owned(execute.name()),
            },
            Node::DeallocateStmt(deallocate) => {
                SessionEffect::Deallocate((!deallocate.isall).then(|| owned(deallocate.name())))
            }
            Node::DeclareCursorStmt(declare) => SessionEffect::DeclareCursor {
                name: owned(declare.portalname()),
            },
            Node::FetchStmt(fetch) => SessionEffect::Fetch {
                name: owned(fetch.portalname()),
            },
            Node::ClosePortalStmt(close) => {
                let name = close.portalname().filter(|name| !name.is_empty());
                SessionEffect::CloseCursor(name.map(str::to_owned))
            }
            Node::DiscardStmt(discard) if discard.target == nodes::DiscardMode::DISCARD_ALL => {
                SessionEffect::DiscardAll
            }
            Node::VariableSetStmt(set) => set_effect(set),
            Node::ExplainStmt(explain) => explain_effect(explain),
            Node::CopyStmt(copy) if copy.is_from => SessionEffect::CopyIn,
            Node::CopyStmt(copy) => match crate::copy::copy_out(copy) {
                Ok(copy) => SessionEffect::CopyOut(copy),
                Err(reason) => {
                    self.opaque(reason);
                    return;
                }
            },
            _ => return,
        };
        if let SessionEffect::Set { name, .. } = &effect {
            self.role(super::role::of_setting(name));
        }
        if outermost {
            self.facts.session = effect;
        } else {
            self.nested_effect(node);
        }
    }

    /// A command inside another. EXPLAIN may run a prepared statement or declare a cursor; nothing else in a command may
    /// change the session.
    fn nested_effect(&mut self, node: Node<'a>) {
        if !matches!(node, Node::ExecuteStmt(_) | Node::DeclareCursorStmt(_)) {
            self.opaque("a command that changes the session is nested in another".to_owned());
        } else if matches!(node, Node::ExecuteStmt(_))
            && !matches!(
                self.facts.session,
                SessionEffect::Explain {
                    executes: Some(_),
                    ..
                }
            )
        {
            self.opaque("a prepared statement is run inside another command".to_owned());
        }
    }

    /// A foreign key reads the columns that it references; without a list, those of the primary key.
    pub(super) fn constraint(&mut self, constraint: &'a nodes::Constraint) {
        let Some(referenced) = constraint.pktable() else {
            return self.descend(Node::Constraint(constraint));
        };
        let before = std::mem::replace(&mut self.access, Access::SELECT);
        // The columns of the new table are those in scope.
        self.scopes.push(Scope::default());
        let targets = self.target(Some(referenced), Access::SELECT);
        for target in targets {
            let names = constraint.pk_attrs().strings();
            for name in &names {
                self.push_column(Some(target), name, Usage::Other);
            }
            if names.is_empty() {
                self.push_primary_key(target);
            }
        }
        self.scopes.pop();
        self.access = before;
    }

    fn push_primary_key(&mut self, target: usize) {
        let catalog = self.catalog.catalog();
        let Some(table) = self.facts.tables.get(target) else {
            return;
        };
        let meant = catalog.lookup(Some(&table.schema), &table.name);
        let keys: Option<Vec<&str>> = meant
            .iter()
            .map(|relation| catalog.primary_key(relation))
            .collect();
        for name in keys
            .filter(|keys| !keys.is_empty())
            .unwrap_or_else(|| vec!["*"])
        {
            self.push_column(Some(target), name, Usage::Other);
        }
    }

    fn copy(&mut self, copy: &'a nodes::CopyStmt) {
        let (access, usage) = if copy.is_from {
            (Access::INSERT, Usage::Assigned)
        } else {
            (Access::SELECT, Usage::Output)
        };
        let targets = self.target(copy.relation(), access);
        for table in targets {
            if copy.attlist().is_empty() {
                self.push_column(Some(table), "*", usage);
            }
            for name in copy.attlist().strings() {
                self.push_column(Some(table), name, usage);
            }
        }
        self.using(Usage::Output, |walker| walker.node(copy.query()));
        self.using(Usage::Filter, |walker| walker.node(copy.where_clause()));
        if copy.is_program || copy.filename().is_some() {
            self.opaque("COPY reads or writes a file or program on the server".to_owned());
        }
    }

    fn drop(&mut self, drop: &'a nodes::DropStmt) {
        for object in drop.objects() {
            self.named(drop.remove_type, object);
        }
    }

    /// An object given by name. The name of an object that belongs to a relation ends with its own name.
    fn named(&mut self, kind: nodes::ObjectType::Type, object: Node<'a>) {
        use nodes::ObjectType as Kind;
        let Node::NodeList(list) = object else {
            return;
        };
        let mut names = list.strings();
        match kind {
            Kind::OBJECT_TABLE
            | Kind::OBJECT_VIEW
            | Kind::OBJECT_MATVIEW
            | Kind::OBJECT_FOREIGN_TABLE
            | Kind::OBJECT_SEQUENCE
            | Kind::OBJECT_INDEX => {}
            Kind::OBJECT_COLUMN
            | Kind::OBJECT_TRIGGER
            | Kind::OBJECT_RULE
            | Kind::OBJECT_POLICY
            | Kind::OBJECT_TABCONSTRAINT => {
                names.pop();
            }
            _ => return,
        }
        if let [.., schema, name] = names.as_slice() {
            self.relation(schema, name, Access::DDL);
        } else if let [name] = names.as_slice() {
            self.relation("", name, Access::DDL);
        }
    }
}

fn owned(name: Option<&str>) -> String {
    name.unwrap_or_default().to_owned()
}

fn transaction_command(transaction: &nodes::TransactionStmt) -> TransactionCommand {
    use nodes::TransactionStmtKind as Kind;
    let name = || owned(transaction.savepoint_name());
    match transaction.kind {
        Kind::TRANS_STMT_BEGIN | Kind::TRANS_STMT_START => TransactionCommand::Begin,
        Kind::TRANS_STMT_COMMIT => TransactionCommand::Commit {
            chain: transaction.chain,
        },
        Kind::TRANS_STMT_SAVEPOINT => TransactionCommand::Savepoint(name()),
        Kind::TRANS_STMT_RELEASE => TransactionCommand::Release(name()),
        Kind::TRANS_STMT_ROLLBACK_TO => TransactionCommand::RollbackTo(name()),
        Kind::TRANS_STMT_PREPARE => TransactionCommand::PrepareTransaction,
        Kind::TRANS_STMT_COMMIT_PREPARED => TransactionCommand::CommitPrepared,
        Kind::TRANS_STMT_ROLLBACK_PREPARED => TransactionCommand::RollbackPrepared,
        _ => TransactionCommand::Rollback {
            chain: transaction.chain,
        },
    }
}

fn set_effect(set: &nodes::VariableSetStmt) -> SessionEffect {
    let name = if set.kind == nodes::VariableSetKind::VAR_RESET_ALL {
        "all".to_owned()
    } else {
        set.name().unwrap_or_default().to_ascii_lowercase()
    };
    let words: Vec<String> = set.args().iter().filter_map(word).collect();
    SessionEffect::Set {
        name,
        value: (!words.is_empty()).then(|| words.join(", ")),
        local: set.is_local,
    }
}

fn word(node: Node<'_>) -> Option<String> {
    match node {
        Node::DefElem(element) => Some(format!(
            "{} {}",
            element.defname().unwrap_or_default(),
            word(element.arg()).unwrap_or_default()
        )),
        node => settings::word(node),
    }
}

fn explain_effect(explain: &nodes::ExplainStmt) -> SessionEffect {
    let analyze = untyped(explain.options()).iter().any(|option| {
        matches!(option, Node::DefElem(option)
            if option.defname().unwrap_or_default().eq_ignore_ascii_case("analyze"))
    });
    let executes = match explain.query() {
        Node::ExecuteStmt(execute) => Some(owned(execute.name())),
        _ => None,
    };
    SessionEffect::Explain { analyze, executes }
}
