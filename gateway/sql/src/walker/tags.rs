//! Verbs and PostgreSQL's command tags.

use std::fmt::{self, Write};

use gatewright_parser::{CreateForeignTableStmt, Node, nodes};

use crate::facts::Verb;

pub(super) fn verb(node: Node<'_>) -> Verb {
    match node {
        Node::SelectStmt(_) => Verb::Select,
        Node::InsertStmt(_) => Verb::Insert,
        Node::UpdateStmt(_) => Verb::Update,
        Node::DeleteStmt(_) => Verb::Delete,
        Node::MergeStmt(_) => Verb::Merge,
        Node::TruncateStmt(_) => Verb::Truncate,
        Node::CopyStmt(copy) if copy.is_from => Verb::CopyIn,
        Node::CopyStmt(_) => Verb::CopyOut,
        Node::CallStmt(_) => Verb::Call,
        Node::DoStmt(_) => Verb::DoBlock,
        Node::GrantStmt(_) | Node::GrantRoleStmt(_) => Verb::Grant,
        Node::TransactionStmt(_) => Verb::Transaction,
        Node::VariableSetStmt(_) | Node::ConstraintsSetStmt(_) => Verb::Set,
        Node::ExplainStmt(_) => Verb::Explain,
        Node::DeclareCursorStmt(_) | Node::FetchStmt(_) | Node::ClosePortalStmt(_) => Verb::Cursor,
        Node::PrepareStmt(_) | Node::ExecuteStmt(_) | Node::DeallocateStmt(_) => Verb::Prepare,
        Node::ListenStmt(_) | Node::UnlistenStmt(_) | Node::NotifyStmt(_) => Verb::Listen,
        Node::LockStmt(_) => Verb::Lock,
        Node::VacuumStmt(_)
        | Node::ClusterStmt(_)
        | Node::ReindexStmt(_)
        | Node::CheckPointStmt(_) => Verb::Maintenance,
        Node::VariableShowStmt(_) | Node::DiscardStmt(_) | Node::LoadStmt(_) => Verb::Utility,
        _ => Verb::Ddl,
    }
}

fn object(kind: nodes::ObjectType::Type) -> &'static str {
    use nodes::ObjectType as Kind;
    match kind {
        Kind::OBJECT_ACCESS_METHOD => "ACCESS METHOD",
        Kind::OBJECT_AGGREGATE => "AGGREGATE",
        Kind::OBJECT_AMOP => "AMOP",
        Kind::OBJECT_AMPROC => "AMPROC",
        Kind::OBJECT_ATTRIBUTE => "ATTRIBUTE",
        Kind::OBJECT_CAST => "CAST",
        Kind::OBJECT_COLLATION => "COLLATION",
        Kind::OBJECT_CONVERSION => "CONVERSION",
        Kind::OBJECT_DATABASE => "DATABASE",
        Kind::OBJECT_DEFAULT => "DEFAULT",
        Kind::OBJECT_DEFACL => "DEFACL",
        Kind::OBJECT_DOMAIN => "DOMAIN",
        Kind::OBJECT_DOMCONSTRAINT => "DOMCONSTRAINT",
        Kind::OBJECT_EVENT_TRIGGER => "EVENT TRIGGER",
        Kind::OBJECT_EXTENSION => "EXTENSION",
        Kind::OBJECT_FDW => "FOREIGN DATA WRAPPER",
        Kind::OBJECT_FOREIGN_SERVER => "SERVER",
        Kind::OBJECT_FOREIGN_TABLE => "FOREIGN TABLE",
        Kind::OBJECT_FUNCTION => "FUNCTION",
        Kind::OBJECT_INDEX => "INDEX",
        Kind::OBJECT_LANGUAGE => "LANGUAGE",
        Kind::OBJECT_LARGEOBJECT => "LARGEOBJECT",
        Kind::OBJECT_MATVIEW => "MATERIALIZED VIEW",
        Kind::OBJECT_OPCLASS => "OPERATOR CLASS",
        Kind::OBJECT_OPERATOR => "OPERATOR",
        Kind::OBJECT_OPFAMILY => "OPERATOR FAMILY",
        Kind::OBJECT_PARAMETER_ACL => "PARAMETER ACL",
        Kind::OBJECT_POLICY => "POLICY",
        Kind::OBJECT_PROCEDURE => "PROCEDURE",
        Kind::OBJECT_PUBLICATION => "PUBLICATION",
        Kind::OBJECT_PUBLICATION_NAMESPACE => "PUBLICATION NAMESPACE",
        Kind::OBJECT_PUBLICATION_REL => "PUBLICATION REL",
        Kind::OBJECT_ROLE => "ROLE",
        Kind::OBJECT_ROUTINE => "ROUTINE",
        Kind::OBJECT_RULE => "RULE",
        Kind::OBJECT_SCHEMA => "SCHEMA",
        Kind::OBJECT_SEQUENCE => "SEQUENCE",
        Kind::OBJECT_SUBSCRIPTION => "SUBSCRIPTION",
        Kind::OBJECT_STATISTIC_EXT => "STATISTICS",
        Kind::OBJECT_COLUMN | Kind::OBJECT_TABCONSTRAINT | Kind::OBJECT_TABLE => "TABLE",
        Kind::OBJECT_TABLESPACE => "TABLESPACE",
        Kind::OBJECT_TRANSFORM => "TRANSFORM",
        Kind::OBJECT_TRIGGER => "TRIGGER",
        Kind::OBJECT_TSCONFIGURATION => "TEXT SEARCH CONFIGURATION",
        Kind::OBJECT_TSDICTIONARY => "TEXT SEARCH DICTIONARY",
        Kind::OBJECT_TSPARSER => "TEXT SEARCH PARSER",
        Kind::OBJECT_TSTEMPLATE => "TEXT SEARCH TEMPLATE",
        Kind::OBJECT_TYPE => "TYPE",
        Kind::OBJECT_USER_MAPPING => "USER MAPPING",
        Kind::OBJECT_VIEW => "VIEW",
        _ => "OBJECT",
    }
}

pub(super) fn tag(node: Node<'_>) -> String {
    let fixed = match node {
        Node::DropStmt(drop) => return format!("DROP {}", object(drop.remove_type)),
        Node::AlterTableStmt(alter) => return format!("ALTER {}", object(alter.objtype)),
        Node::RenameStmt(rename) => {
            let kind = if rename.relation().is_some()
                && rename.relation_type != nodes::ObjectType::OBJECT_ACCESS_METHOD
            {
                rename.relation_type
            } else {
                rename.rename_type
            };
            return format!("ALTER {}", object(kind));
        }
        Node::AlterObjectSchemaStmt(alter) => {
            return format!("ALTER {}", object(alter.object_type));
        }
        Node::AlterOwnerStmt(alter) => return format!("ALTER {}", object(alter.object_type)),
        Node::DefineStmt(define) => return format!("CREATE {}", object(define.kind)),
        Node::CreateTableAsStmt(create) if create.objtype == nodes::ObjectType::OBJECT_MATVIEW => {
            "CREATE MATERIALIZED VIEW"
        }
        Node::CreateTableAsStmt(_) => "CREATE TABLE AS",
        Node::CreateFunctionStmt(create) if create.is_procedure => "CREATE PROCEDURE",
        Node::CreateFunctionStmt(_) => "CREATE FUNCTION",
        Node::GrantStmt(grant) => {
            if grant.is_grant {
                "GRANT"
            } else {
                "REVOKE"
            }
        }
        Node::GrantRoleStmt(grant) => {
            if grant.is_grant {
                "GRANT ROLE"
            } else {
                "REVOKE ROLE"
            }
        }
        Node::FetchStmt(fetch) => {
            if fetch.ismove {
                "MOVE"
            } else {
                "FETCH"
            }
        }
        Node::VacuumStmt(vacuum) => {
            if vacuum.is_vacuumcmd {
                "VACUUM"
            } else {
                "ANALYZE"
            }
        }
        Node::VariableSetStmt(set) if set.kind >= nodes::VariableSetKind::VAR_RESET => "RESET",
        Node::TransactionStmt(transaction) => of_transaction(transaction),
        Node::DeallocateStmt(_) => "DEALLOCATE",
        Node::ClosePortalStmt(_) => "CLOSE CURSOR",
        Node::DeclareCursorStmt(_) => "DECLARE CURSOR",
        Node::VariableSetStmt(_) => "SET",
        Node::ConstraintsSetStmt(_) => "SET CONSTRAINTS",
        Node::VariableShowStmt(_) => "SHOW",
        Node::TruncateStmt(_) => "TRUNCATE TABLE",
        Node::LockStmt(_) => "LOCK TABLE",
        Node::CopyStmt(_) => "COPY",
        Node::CreateStmt(_) => "CREATE TABLE",
        Node::Invalid(_) if CreateForeignTableStmt::of(node).is_some() => "CREATE FOREIGN TABLE",
        Node::ViewStmt(_) => "CREATE VIEW",
        Node::IndexStmt(_) => "CREATE INDEX",
        Node::CreateTableSpaceStmt(_) => "CREATE TABLESPACE",
        Node::DropTableSpaceStmt(_) => "DROP TABLESPACE",
        Node::AlterTableSpaceOptionsStmt(_) => "ALTER TABLESPACE",
        Node::CreateOpClassStmt(_) => "CREATE OPERATOR CLASS",
        Node::CreateOpFamilyStmt(_) => "CREATE OPERATOR FAMILY",
        Node::AlterOpFamilyStmt(_) => "ALTER OPERATOR FAMILY",
        Node::CreateAmStmt(_) => "CREATE ACCESS METHOD",
        Node::AlterFdwStmt(_) => "ALTER FOREIGN DATA WRAPPER",
        Node::AlterForeignServerStmt(_) => "ALTER SERVER",
        Node::AlterStatsStmt(_) => "ALTER STATISTICS",
        Node::AlterTSDictionaryStmt(_) => "ALTER TEXT SEARCH DICTIONARY",
        Node::AlterTSConfigurationStmt(_) => "ALTER TEXT SEARCH CONFIGURATION",
        Node::CreateTrigStmt(_) => "CREATE TRIGGER",
        Node::RuleStmt(_) => "CREATE RULE",
        Node::CreateSeqStmt(_) => "CREATE SEQUENCE",
        Node::AlterSeqStmt(_) => "ALTER SEQUENCE",
        Node::SecLabelStmt(_) => "SECURITY LABEL",
        Node::RefreshMatViewStmt(_) => "REFRESH MATERIALIZED VIEW",
        Node::CreateEventTrigStmt(_) => "CREATE EVENT TRIGGER",
        Node::AlterEventTrigStmt(_) => "ALTER EVENT TRIGGER",
        Node::CreatePLangStmt(_) => "CREATE LANGUAGE",
        Node::CreatedbStmt(_) => "CREATE DATABASE",
        Node::DropdbStmt(_) => "DROP DATABASE",
        Node::CreateEnumStmt(_) | Node::CreateRangeStmt(_) | Node::CompositeTypeStmt(_) => {
            "CREATE TYPE"
        }
        Node::CreateFdwStmt(_) => "CREATE FOREIGN DATA WRAPPER",
        Node::CreateForeignServerStmt(_) => "CREATE SERVER",
        Node::CreateStatsStmt(_) => "CREATE STATISTICS",
        Node::AlterRoleSetStmt(_) => "ALTER ROLE",
        Node::AlterDatabaseSetStmt(_) | Node::AlterDatabaseRefreshCollStmt(_) => "ALTER DATABASE",
        Node::AlterEnumStmt(_) => "ALTER TYPE",
        Node::CheckPointStmt(_) => "CHECKPOINT",
        Node::DiscardStmt(discard) => match discard.target {
            nodes::DiscardMode::DISCARD_PLANS => "DISCARD PLANS",
            nodes::DiscardMode::DISCARD_SEQUENCES => "DISCARD SEQUENCES",
            nodes::DiscardMode::DISCARD_TEMP => "DISCARD TEMP",
            _ => "DISCARD ALL",
        },
        other => return spelled(other),
    };
    fixed.to_owned()
}

fn of_transaction(transaction: &nodes::TransactionStmt) -> &'static str {
    use nodes::TransactionStmtKind as Kind;
    match transaction.kind {
        Kind::TRANS_STMT_BEGIN => "BEGIN",
        Kind::TRANS_STMT_START => "START TRANSACTION",
        Kind::TRANS_STMT_COMMIT => "COMMIT",
        Kind::TRANS_STMT_SAVEPOINT => "SAVEPOINT",
        Kind::TRANS_STMT_RELEASE => "RELEASE",
        Kind::TRANS_STMT_PREPARE => "PREPARE TRANSACTION",
        Kind::TRANS_STMT_COMMIT_PREPARED => "COMMIT PREPARED",
        Kind::TRANS_STMT_ROLLBACK_PREPARED => "ROLLBACK PREPARED",
        _ => "ROLLBACK",
    }
}

/// The tag of commands whose node has the same name: `CreateExtensionStmt` is CREATE EXTENSION.
fn spelled(node: Node<'_>) -> String {
    let mut name = Name::default();
    // An error only says that the name is complete.
    let _ = write!(name, "{node:?}");
    let mut tag = String::new();
    for letter in name.0.trim_end_matches("Stmt").chars() {
        if letter.is_ascii_uppercase() && !tag.is_empty() {
            tag.push(' ');
        }
        tag.push(letter.to_ascii_uppercase());
    }
    tag
}

/// The first word of what is written. Then it fails, so that the tree behind the name is not written.
#[derive(Default)]
struct Name(String);

impl Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let word = text.split(['(', ' ']).next().unwrap_or_default();
        self.0.push_str(word);
        match word.len() == text.len() {
            true => Ok(()),
            false => Err(fmt::Error),
        }
    }
}
