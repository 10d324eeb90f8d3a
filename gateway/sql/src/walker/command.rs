//! All commands except queries and row changes: definitions, COPY, cursors, settings.

use pg_query::{NodeEnum, NodeRef, protobuf as pb};

use crate::facts::{Access, SessionEffect, TransactionCommand, Usage};

use super::scope::Scope;
use super::{Walker, constant, strings, tags};

impl<'a> Walker<'a> {
    pub(super) fn command(&mut self, node: NodeRef<'a>) {
        self.facts.commands.push(tags::tag(node));
        self.scopes.push(Scope::default());
        let (usage, access) = (self.usage, self.access);
        self.access = match node {
            NodeRef::TruncateStmt(_) => Access::TRUNCATE,
            NodeRef::LockStmt(_) => Access::LOCK,
            NodeRef::CreateTableAsStmt(_) => Access::DDL | Access::INSERT,
            _ => Access::DDL,
        };
        self.usage = 1 << Usage::Other as u16;
        let outer = std::mem::replace(
            &mut self.hands_over,
            super::named_functions::hands_over(node),
        );
        self.effect(node);
        match node {
            NodeRef::CopyStmt(copy) => self.copy(copy),
            NodeRef::DropStmt(drop) => self.drop(drop),
            NodeRef::CommentStmt(comment) => self.named(comment.objtype, comment.object.as_deref()),
            NodeRef::SecLabelStmt(label) => self.named(label.objtype, label.object.as_deref()),
            NodeRef::ExplainStmt(_)
            | NodeRef::DeclareCursorStmt(_)
            | NodeRef::CreateTableAsStmt(_)
            | NodeRef::ViewStmt(_)
            | NodeRef::PrepareStmt(_) => {
                self.usage = 1 << Usage::Output as u16;
                self.descend(node);
            }
            _ => self.descend(node),
        }
        for function in super::named_functions::functions(node) {
            self.calls(&function);
            let name = function.last().copied().unwrap_or_default();
            if super::risky::is_risky(name) {
                self.opaque(super::risky::reason_of(name));
            }
            self.role(super::role::of_call(name, &[]));
        }
        self.code(node);
        self.reasons(node);
        self.hands_over = outer;
        (self.usage, self.access) = (usage, access);
        self.scopes.pop();
    }

    fn reasons(&mut self, node: NodeRef<'a>) {
        let cascades = |behavior: i32| behavior == pb::DropBehavior::DropCascade as i32;
        let in_schema = pb::GrantTargetType::AclTargetAllInSchema as i32;
        let reason = match node {
            NodeRef::DoStmt(_) => "a DO block runs code that is not SQL",
            NodeRef::CallStmt(_) => "CALL runs a procedure whose body is not known",
            NodeRef::CreateFunctionStmt(create) if create.sql_body.is_none() => {
                "the body of a function is text"
            }
            NodeRef::LoadStmt(_) => "LOAD runs a library",
            NodeRef::CreateExtensionStmt(_) | NodeRef::AlterExtensionStmt(_) => {
                "an extension's script is not known"
            }
            NodeRef::ImportForeignSchemaStmt(_) => {
                "IMPORT FOREIGN SCHEMA creates tables that are not named"
            }
            NodeRef::RefreshMatViewStmt(_) if self.catalog.is_empty() => {
                "the query of a materialized view is not known"
            }
            NodeRef::TruncateStmt(truncate) if cascades(truncate.behavior) => {
                "TRUNCATE CASCADE empties tables that are not named"
            }
            NodeRef::DropStmt(drop) if cascades(drop.behavior) => {
                "DROP CASCADE drops objects that are not named"
            }
            NodeRef::DropOwnedStmt(_) | NodeRef::ReassignOwnedStmt(_) => {
                "the objects of an owner are not named"
            }
            NodeRef::GrantStmt(grant) if grant.targtype == in_schema => {
                "the tables of a schema are not named"
            }
            NodeRef::AlterTableMoveAllStmt(_) => "the tables of a tablespace are not named",
            _ => return,
        };
        self.opaque(reason.to_owned());
    }

    fn effect(&mut self, node: NodeRef<'a>) {
        let outermost = self.facts.commands.len() == 1;
        let effect = match node {
            NodeRef::TransactionStmt(transaction) => {
                SessionEffect::Transaction(transaction_command(transaction))
            }
            NodeRef::PrepareStmt(prepare) => {
                let inner = prepare.query.as_ref().and_then(|query| query.node.as_ref());
                let inner = inner
                    .map(|inner| super::facts(inner, self.catalog))
                    .unwrap_or_default();
                SessionEffect::Prepare {
                    name: prepare.name.clone(),
                    inner: Box::new(inner),
                }
            }
            NodeRef::ExecuteStmt(execute) => SessionEffect::Execute {
                name: execute.name.clone(),
            },
            NodeRef::DeallocateStmt(deallocate) => {
                SessionEffect::Deallocate((!deallocate.isall).then(|| deallocate.name.clone()))
            }
            NodeRef::DeclareCursorStmt(declare) => SessionEffect::DeclareCursor {
                name: declare.portalname.clone(),
            },
            NodeRef::FetchStmt(fetch) => SessionEffect::Fetch {
                name: fetch.portalname.clone(),
            },
            NodeRef::ClosePortalStmt(close) => SessionEffect::CloseCursor(
                (!close.portalname.is_empty()).then(|| close.portalname.clone()),
            ),
            NodeRef::DiscardStmt(discard)
                if discard.target == pb::DiscardMode::DiscardAll as i32 =>
            {
                SessionEffect::DiscardAll
            }
            NodeRef::VariableSetStmt(set) => set_effect(set),
            NodeRef::ExplainStmt(explain) => explain_effect(explain),
            NodeRef::CopyStmt(copy) if copy.is_from => SessionEffect::CopyIn,
            NodeRef::CopyStmt(copy) => match crate::copy::copy_out(copy) {
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
        } else if !matches!(
            node,
            NodeRef::ExecuteStmt(_) | NodeRef::DeclareCursorStmt(_)
        ) {
            self.opaque("a command that changes the session is nested in another".to_owned());
        } else if matches!(node, NodeRef::ExecuteStmt(_))
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

    fn copy(&mut self, copy: &'a pb::CopyStmt) {
        let (access, usage) = if copy.is_from {
            (Access::INSERT, Usage::Assigned)
        } else {
            (Access::SELECT, Usage::Output)
        };
        let targets = self.target(copy.relation.as_ref(), access);
        for table in targets {
            if copy.attlist.is_empty() {
                self.push_column(Some(table), "*", usage);
            }
            for name in strings(&copy.attlist) {
                self.push_column(Some(table), name, usage);
            }
        }
        self.using(Usage::Output, |walker| walker.boxed(&copy.query));
        self.using(Usage::Filter, |walker| walker.boxed(&copy.where_clause));
        if copy.is_program || !copy.filename.is_empty() {
            self.opaque("COPY reads or writes a file or program on the server".to_owned());
        }
    }

    fn drop(&mut self, drop: &'a pb::DropStmt) {
        for object in &drop.objects {
            self.named(drop.remove_type, Some(object));
        }
    }

    /// An object given by name. The name of an object that belongs to a relation ends with its own name.
    fn named(&mut self, kind: i32, object: Option<&'a pb::Node>) {
        use pb::ObjectType as Kind;
        let Some(NodeEnum::List(list)) = object.and_then(|object| object.node.as_ref()) else {
            return;
        };
        let mut names = strings(&list.items);
        match Kind::try_from(kind) {
            Ok(
                Kind::ObjectTable
                | Kind::ObjectView
                | Kind::ObjectMatview
                | Kind::ObjectForeignTable
                | Kind::ObjectSequence
                | Kind::ObjectIndex,
            ) => {}
            Ok(
                Kind::ObjectColumn
                | Kind::ObjectTrigger
                | Kind::ObjectRule
                | Kind::ObjectPolicy
                | Kind::ObjectTabconstraint,
            ) => {
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

fn transaction_command(transaction: &pb::TransactionStmt) -> TransactionCommand {
    use pb::TransactionStmtKind as Kind;
    let name = || transaction.savepoint_name.clone();
    match Kind::try_from(transaction.kind) {
        Ok(Kind::TransStmtBegin | Kind::TransStmtStart) => TransactionCommand::Begin,
        Ok(Kind::TransStmtCommit) => TransactionCommand::Commit {
            chain: transaction.chain,
        },
        Ok(Kind::TransStmtSavepoint) => TransactionCommand::Savepoint(name()),
        Ok(Kind::TransStmtRelease) => TransactionCommand::Release(name()),
        Ok(Kind::TransStmtRollbackTo) => TransactionCommand::RollbackTo(name()),
        Ok(Kind::TransStmtPrepare) => TransactionCommand::PrepareTransaction,
        Ok(Kind::TransStmtCommitPrepared) => TransactionCommand::CommitPrepared,
        Ok(Kind::TransStmtRollbackPrepared) => TransactionCommand::RollbackPrepared,
        _ => TransactionCommand::Rollback {
            chain: transaction.chain,
        },
    }
}

fn set_effect(set: &pb::VariableSetStmt) -> SessionEffect {
    let name = if set.kind == pb::VariableSetKind::VarResetAll as i32 {
        "all".to_owned()
    } else {
        set.name.to_ascii_lowercase()
    };
    let words: Vec<String> = set.args.iter().filter_map(word).collect();
    SessionEffect::Set {
        name,
        value: (!words.is_empty()).then(|| words.join(", ")),
        local: set.is_local,
    }
}

fn word(node: &pb::Node) -> Option<String> {
    match node.node.as_ref()? {
        NodeEnum::AConst(value) => match value.val.as_ref()? {
            pb::a_const::Val::Ival(number) => Some(number.ival.to_string()),
            pb::a_const::Val::Fval(number) => Some(number.fval.clone()),
            pb::a_const::Val::Boolval(value) => Some(value.boolval.to_string()),
            pb::a_const::Val::Sval(_) => constant(node).map(str::to_owned),
            pb::a_const::Val::Bsval(bits) => Some(bits.bsval.clone()),
        },
        NodeEnum::TypeCast(cast) => word(cast.arg.as_deref()?),
        NodeEnum::DefElem(element) => Some(format!(
            "{} {}",
            element.defname,
            element.arg.as_deref().and_then(word).unwrap_or_default()
        )),
        _ => None,
    }
}

fn explain_effect(explain: &pb::ExplainStmt) -> SessionEffect {
    let analyze = explain.options.iter().any(|option| {
        matches!(&option.node, Some(NodeEnum::DefElem(option)) if option.defname.eq_ignore_ascii_case("analyze"))
    });
    let executes = match explain.query.as_ref().and_then(|query| query.node.as_ref()) {
        Some(NodeEnum::ExecuteStmt(execute)) => Some(execute.name.clone()),
        _ => None,
    };
    SessionEffect::Explain { analyze, executes }
}
