//! Verbs and PostgreSQL's command tags.

use pg_query::{NodeRef, protobuf as pb};

use crate::facts::Verb;

pub(super) fn verb(node: NodeRef<'_>) -> Verb {
    match node {
        NodeRef::SelectStmt(_) => Verb::Select,
        NodeRef::InsertStmt(_) => Verb::Insert,
        NodeRef::UpdateStmt(_) => Verb::Update,
        NodeRef::DeleteStmt(_) => Verb::Delete,
        NodeRef::MergeStmt(_) => Verb::Merge,
        NodeRef::TruncateStmt(_) => Verb::Truncate,
        NodeRef::CopyStmt(copy) if copy.is_from => Verb::CopyIn,
        NodeRef::CopyStmt(_) => Verb::CopyOut,
        NodeRef::CallStmt(_) => Verb::Call,
        NodeRef::DoStmt(_) => Verb::DoBlock,
        NodeRef::GrantStmt(_) | NodeRef::GrantRoleStmt(_) => Verb::Grant,
        NodeRef::TransactionStmt(_) => Verb::Transaction,
        NodeRef::VariableSetStmt(_) | NodeRef::ConstraintsSetStmt(_) => Verb::Set,
        NodeRef::ExplainStmt(_) => Verb::Explain,
        NodeRef::DeclareCursorStmt(_) | NodeRef::FetchStmt(_) | NodeRef::ClosePortalStmt(_) => {
            Verb::Cursor
        }
        NodeRef::PrepareStmt(_) | NodeRef::ExecuteStmt(_) | NodeRef::DeallocateStmt(_) => {
            Verb::Prepare
        }
        NodeRef::ListenStmt(_) | NodeRef::UnlistenStmt(_) | NodeRef::NotifyStmt(_) => Verb::Listen,
        NodeRef::LockStmt(_) => Verb::Lock,
        NodeRef::VacuumStmt(_)
        | NodeRef::ClusterStmt(_)
        | NodeRef::ReindexStmt(_)
        | NodeRef::CheckPointStmt(_) => Verb::Maintenance,
        NodeRef::VariableShowStmt(_) | NodeRef::DiscardStmt(_) | NodeRef::LoadStmt(_) => {
            Verb::Utility
        }
        _ => Verb::Ddl,
    }
}

fn object(kind: i32) -> String {
    match pb::ObjectType::try_from(kind) {
        Ok(pb::ObjectType::ObjectMatview) => "MATERIALIZED VIEW".to_owned(),
        Ok(pb::ObjectType::ObjectTsconfiguration) => "TEXT SEARCH CONFIGURATION".to_owned(),
        Ok(pb::ObjectType::ObjectTsdictionary) => "TEXT SEARCH DICTIONARY".to_owned(),
        Ok(pb::ObjectType::ObjectTsparser) => "TEXT SEARCH PARSER".to_owned(),
        Ok(pb::ObjectType::ObjectTstemplate) => "TEXT SEARCH TEMPLATE".to_owned(),
        Ok(pb::ObjectType::ObjectFdw) => "FOREIGN DATA WRAPPER".to_owned(),
        Ok(pb::ObjectType::ObjectForeignServer) => "SERVER".to_owned(),
        Ok(pb::ObjectType::ObjectStatisticExt) => "STATISTICS".to_owned(),
        Ok(pb::ObjectType::ObjectOpclass) => "OPERATOR CLASS".to_owned(),
        Ok(pb::ObjectType::ObjectOpfamily) => "OPERATOR FAMILY".to_owned(),
        Ok(pb::ObjectType::ObjectColumn | pb::ObjectType::ObjectTabconstraint) => {
            "TABLE".to_owned()
        }
        Ok(other) => other
            .as_str_name()
            .trim_start_matches("OBJECT_")
            .replace('_', " "),
        Err(_) => "OBJECT".to_owned(),
    }
}

pub(super) fn tag(node: NodeRef<'_>) -> String {
    let fixed = match node {
        NodeRef::DropStmt(drop) => return format!("DROP {}", object(drop.remove_type)),
        NodeRef::AlterTableStmt(alter) => return format!("ALTER {}", object(alter.objtype)),
        NodeRef::RenameStmt(rename) => {
            let kind = if rename.relation.is_some() && rename.relation_type > 1 {
                rename.relation_type
            } else {
                rename.rename_type
            };
            return format!("ALTER {}", object(kind));
        }
        NodeRef::AlterObjectSchemaStmt(alter) => {
            return format!("ALTER {}", object(alter.object_type));
        }
        NodeRef::AlterOwnerStmt(alter) => return format!("ALTER {}", object(alter.object_type)),
        NodeRef::DefineStmt(define) => return format!("CREATE {}", object(define.kind)),
        NodeRef::CreateTableAsStmt(create)
            if create.objtype == pb::ObjectType::ObjectMatview as i32 =>
        {
            "CREATE MATERIALIZED VIEW"
        }
        NodeRef::CreateTableAsStmt(_) => "CREATE TABLE AS",
        NodeRef::CreateFunctionStmt(create) if create.is_procedure => "CREATE PROCEDURE",
        NodeRef::CreateFunctionStmt(_) => "CREATE FUNCTION",
        NodeRef::GrantStmt(grant) => {
            if grant.is_grant {
                "GRANT"
            } else {
                "REVOKE"
            }
        }
        NodeRef::GrantRoleStmt(grant) => {
            if grant.is_grant {
                "GRANT ROLE"
            } else {
                "REVOKE ROLE"
            }
        }
        NodeRef::FetchStmt(fetch) => {
            if fetch.ismove {
                "MOVE"
            } else {
                "FETCH"
            }
        }
        NodeRef::VacuumStmt(vacuum) => {
            if vacuum.is_vacuumcmd {
                "VACUUM"
            } else {
                "ANALYZE"
            }
        }
        NodeRef::VariableSetStmt(set) if set.kind >= pb::VariableSetKind::VarReset as i32 => {
            "RESET"
        }
        NodeRef::TransactionStmt(transaction) => {
            match pb::TransactionStmtKind::try_from(transaction.kind) {
                Ok(pb::TransactionStmtKind::TransStmtBegin) => "BEGIN",
                Ok(pb::TransactionStmtKind::TransStmtStart) => "START TRANSACTION",
                Ok(pb::TransactionStmtKind::TransStmtCommit) => "COMMIT",
                Ok(pb::TransactionStmtKind::TransStmtSavepoint) => "SAVEPOINT",
                Ok(pb::TransactionStmtKind::TransStmtRelease) => "RELEASE",
                Ok(pb::TransactionStmtKind::TransStmtPrepare) => "PREPARE TRANSACTION",
                Ok(pb::TransactionStmtKind::TransStmtCommitPrepared) => "COMMIT PREPARED",
                Ok(pb::TransactionStmtKind::TransStmtRollbackPrepared) => "ROLLBACK PREPARED",
                _ => "ROLLBACK",
            }
        }
        NodeRef::DeallocateStmt(_) => "DEALLOCATE",
        NodeRef::ClosePortalStmt(_) => "CLOSE CURSOR",
        NodeRef::DeclareCursorStmt(_) => "DECLARE CURSOR",
        NodeRef::VariableSetStmt(_) => "SET",
        NodeRef::ConstraintsSetStmt(_) => "SET CONSTRAINTS",
        NodeRef::VariableShowStmt(_) => "SHOW",
        NodeRef::TruncateStmt(_) => "TRUNCATE TABLE",
        NodeRef::LockStmt(_) => "LOCK TABLE",
        NodeRef::CopyStmt(_) => "COPY",
        NodeRef::CreateStmt(_) => "CREATE TABLE",
        NodeRef::CreateForeignTableStmt(_) => "CREATE FOREIGN TABLE",
        NodeRef::ViewStmt(_) => "CREATE VIEW",
        NodeRef::IndexStmt(_) => "CREATE INDEX",
        NodeRef::CreateTableSpaceStmt(_) => "CREATE TABLESPACE",
        NodeRef::DropTableSpaceStmt(_) => "DROP TABLESPACE",
        NodeRef::AlterTableSpaceOptionsStmt(_) => "ALTER TABLESPACE",
        NodeRef::CreateOpClassStmt(_) => "CREATE OPERATOR CLASS",
        NodeRef::CreateOpFamilyStmt(_) => "CREATE OPERATOR FAMILY",
        NodeRef::AlterOpFamilyStmt(_) => "ALTER OPERATOR FAMILY",
        NodeRef::CreateAmStmt(_) => "CREATE ACCESS METHOD",
        NodeRef::AlterFdwStmt(_) => "ALTER FOREIGN DATA WRAPPER",
        NodeRef::AlterForeignServerStmt(_) => "ALTER SERVER",
        NodeRef::AlterStatsStmt(_) => "ALTER STATISTICS",
        NodeRef::AlterTsdictionaryStmt(_) => "ALTER TEXT SEARCH DICTIONARY",
        NodeRef::AlterTsconfigurationStmt(_) => "ALTER TEXT SEARCH CONFIGURATION",
        NodeRef::CreateTrigStmt(_) => "CREATE TRIGGER",
        NodeRef::RuleStmt(_) => "CREATE RULE",
        NodeRef::CreateSeqStmt(_) => "CREATE SEQUENCE",
        NodeRef::AlterSeqStmt(_) => "ALTER SEQUENCE",
        NodeRef::SecLabelStmt(_) => "SECURITY LABEL",
        NodeRef::RefreshMatViewStmt(_) => "REFRESH MATERIALIZED VIEW",
        NodeRef::CreateEventTrigStmt(_) => "CREATE EVENT TRIGGER",
        NodeRef::AlterEventTrigStmt(_) => "ALTER EVENT TRIGGER",
        NodeRef::CreatePlangStmt(_) => "CREATE LANGUAGE",
        NodeRef::CreatedbStmt(_) => "CREATE DATABASE",
        NodeRef::DropdbStmt(_) => "DROP DATABASE",
        NodeRef::CreateEnumStmt(_)
        | NodeRef::CreateRangeStmt(_)
        | NodeRef::CompositeTypeStmt(_) => "CREATE TYPE",
        NodeRef::CreateFdwStmt(_) => "CREATE FOREIGN DATA WRAPPER",
        NodeRef::CreateForeignServerStmt(_) => "CREATE SERVER",
        NodeRef::CreateStatsStmt(_) => "CREATE STATISTICS",
        NodeRef::AlterRoleSetStmt(_) => "ALTER ROLE",
        NodeRef::AlterDatabaseSetStmt(_) | NodeRef::AlterDatabaseRefreshCollStmt(_) => {
            "ALTER DATABASE"
        }
        NodeRef::AlterEnumStmt(_) => "ALTER TYPE",
        NodeRef::CheckPointStmt(_) => "CHECKPOINT",
        NodeRef::DiscardStmt(discard) => match pb::DiscardMode::try_from(discard.target) {
            Ok(pb::DiscardMode::DiscardPlans) => "DISCARD PLANS",
            Ok(pb::DiscardMode::DiscardSequences) => "DISCARD SEQUENCES",
            Ok(pb::DiscardMode::DiscardTemp) => "DISCARD TEMP",
            _ => "DISCARD ALL",
        },
        other => return spelled(&format!("{other:?}")),
    };
    fixed.to_owned()
}

/// The tag of commands whose node has the same name: `CreateExtensionStmt` is CREATE EXTENSION.
fn spelled(debug: &str) -> String {
    let name = debug
        .split(['(', ' '])
        .next()
        .unwrap_or_default()
        .trim_end_matches("Stmt");
    let mut tag = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !tag.is_empty() {
            tag.push(' ');
        }
        tag.push(letter.to_ascii_uppercase());
    }
    tag
}
