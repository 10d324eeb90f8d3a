//! One arm for every kind of node; a new kind does not compile.

use gatewright_parser::nodes::SubLinkType;
use gatewright_parser::{CreateForeignTableStmt, Node, Strings, children};

use crate::facts::Usage;
use crate::version;

use super::state::Walker;

impl<'a> Walker<'a> {
    pub(super) fn node(&mut self, node: Node<'a>) {
        if let Some(reason) = version::otherwise(node, self.catalog.server_version()) {
            self.unread(reason);
        }
        match node {
            Node::None => {}
            Node::SelectStmt(select) => self.nested("SELECT", |walker| walker.select(select)),
            Node::InsertStmt(insert) => self.insert(insert),
            Node::UpdateStmt(update) => self.update(update),
            Node::DeleteStmt(delete) => self.delete(delete),
            Node::MergeStmt(merge) => self.merge(merge),
            Node::RangeVar(relation) => {
                self.target(Some(relation), self.access);
            }
            Node::ColumnRef(column) => self.column_ref(column),
            Node::FuncCall(call) => self.function(call),
            Node::ParamRef(parameter) => {
                let number = u32::try_from(parameter.number).unwrap_or(0);
                self.facts.parameter_count = self.facts.parameter_count.max(number);
            }
            Node::A_Indirection(indirection) => {
                self.descend(node);
                for name in indirection.indirection().strings() {
                    self.column(None, name);
                    // A function of the value, if the value has no such field.
                    self.calls(&[name]);
                }
            }
            Node::JoinExpr(_) | Node::RangeSubselect(_) | Node::RangeTableSample(_) => {
                self.opaque("a FROM item outside FROM".to_owned());
                self.descend(node);
            }
            Node::WindowDef(_) => self.using(Usage::Window, |walker| walker.descend(node)),
            // EXISTS reveals nothing of its select list.
            Node::SubLink(link) if link.sub_link_type == SubLinkType::EXISTS_SUBLINK => {
                self.using(Usage::Output, |walker| walker.descend(node))
            }
            Node::SubLink(link) => {
                self.operator(link.oper_name());
                self.descend(node);
            }
            Node::A_Expr(expression) => {
                self.operator(expression.name());
                self.descend(node);
            }
            Node::TypeCast(cast) => {
                self.cast(cast);
                self.descend(node);
            }
            Node::TypeName(name) => {
                self.descend(node);
                self.type_named(&name.names().strings());
            }
            Node::NullTest(test) => self.null_test(test),
            Node::IndexElem(element) => {
                if let Some(name) = element.name() {
                    self.bare(name);
                }
                self.descend(node);
            }
            Node::Constraint(constraint) => self.constraint(constraint),
            Node::ResTarget(_) | Node::RawStmt(_) => self.descend(node),
            // All other commands.
            Node::AlterTableStmt(_)
            | Node::AlterDomainStmt(_)
            | Node::GrantStmt(_)
            | Node::GrantRoleStmt(_)
            | Node::AlterDefaultPrivilegesStmt(_)
            | Node::ClosePortalStmt(_)
            | Node::ClusterStmt(_)
            | Node::CopyStmt(_)
            | Node::CreateStmt(_)
            | Node::DefineStmt(_)
            | Node::DropStmt(_)
            | Node::TruncateStmt(_)
            | Node::CommentStmt(_)
            | Node::FetchStmt(_)
            | Node::IndexStmt(_)
            | Node::CreateFunctionStmt(_)
            | Node::AlterFunctionStmt(_)
            | Node::DoStmt(_)
            | Node::RenameStmt(_)
            | Node::RuleStmt(_)
            | Node::NotifyStmt(_)
            | Node::ListenStmt(_)
            | Node::UnlistenStmt(_)
            | Node::TransactionStmt(_)
            | Node::ViewStmt(_)
            | Node::LoadStmt(_)
            | Node::CreateDomainStmt(_)
            | Node::CreatedbStmt(_)
            | Node::DropdbStmt(_)
            | Node::VacuumStmt(_)
            | Node::ExplainStmt(_)
            | Node::CreateTableAsStmt(_)
            | Node::CreateSeqStmt(_)
            | Node::AlterSeqStmt(_)
            | Node::VariableSetStmt(_)
            | Node::VariableShowStmt(_)
            | Node::DiscardStmt(_)
            | Node::CreateTrigStmt(_)
            | Node::CreatePLangStmt(_)
            | Node::CreateRoleStmt(_)
            | Node::AlterRoleStmt(_)
            | Node::DropRoleStmt(_)
            | Node::LockStmt(_)
            | Node::ConstraintsSetStmt(_)
            | Node::ReindexStmt(_)
            | Node::CheckPointStmt(_)
            | Node::CreateSchemaStmt(_)
            | Node::AlterDatabaseStmt(_)
            | Node::AlterDatabaseSetStmt(_)
            | Node::AlterRoleSetStmt(_)
            | Node::CreateConversionStmt(_)
            | Node::CreateCastStmt(_)
            | Node::CreateOpClassStmt(_)
            | Node::CreateOpFamilyStmt(_)
            | Node::AlterOpFamilyStmt(_)
            | Node::PrepareStmt(_)
            | Node::ExecuteStmt(_)
            | Node::DeallocateStmt(_)
            | Node::DeclareCursorStmt(_)
            | Node::CreateTableSpaceStmt(_)
            | Node::DropTableSpaceStmt(_)
            | Node::AlterObjectDependsStmt(_)
            | Node::AlterObjectSchemaStmt(_)
            | Node::AlterOwnerStmt(_)
            | Node::AlterOperatorStmt(_)
            | Node::AlterTypeStmt(_)
            | Node::DropOwnedStmt(_)
            | Node::ReassignOwnedStmt(_)
            | Node::CompositeTypeStmt(_)
            | Node::CreateEnumStmt(_)
            | Node::CreateRangeStmt(_)
            | Node::AlterEnumStmt(_)
            | Node::AlterTSDictionaryStmt(_)
            | Node::AlterTSConfigurationStmt(_)
            | Node::CreateFdwStmt(_)
            | Node::AlterFdwStmt(_)
            | Node::CreateForeignServerStmt(_)
            | Node::AlterForeignServerStmt(_)
            | Node::CreateUserMappingStmt(_)
            | Node::AlterUserMappingStmt(_)
            | Node::DropUserMappingStmt(_)
            | Node::AlterTableSpaceOptionsStmt(_)
            | Node::AlterTableMoveAllStmt(_)
            | Node::SecLabelStmt(_)
            | Node::ImportForeignSchemaStmt(_)
            | Node::CreateExtensionStmt(_)
            | Node::AlterExtensionStmt(_)
            | Node::AlterExtensionContentsStmt(_)
            | Node::CreateEventTrigStmt(_)
            | Node::AlterEventTrigStmt(_)
            | Node::RefreshMatViewStmt(_)
            | Node::ReplicaIdentityStmt(_)
            | Node::AlterSystemStmt(_)
            | Node::CreatePolicyStmt(_)
            | Node::AlterPolicyStmt(_)
            | Node::CreateTransformStmt(_)
            | Node::CreateAmStmt(_)
            | Node::CreatePublicationStmt(_)
            | Node::AlterPublicationStmt(_)
            | Node::CreateSubscriptionStmt(_)
            | Node::AlterSubscriptionStmt(_)
            | Node::DropSubscriptionStmt(_)
            | Node::CreateStatsStmt(_)
            | Node::AlterCollationStmt(_)
            | Node::CallStmt(_)
            | Node::AlterStatsStmt(_)
            | Node::AlterDatabaseRefreshCollStmt(_) => self.command(node),
            // Parts of commands and expressions that add nothing to their children.
            Node::Alias(_)
            | Node::GroupingFunc(_)
            | Node::NamedArgExpr(_)
            | Node::BoolExpr(_)
            | Node::CaseExpr(_)
            | Node::CaseWhen(_)
            | Node::RowExpr(_)
            | Node::CoalesceExpr(_)
            | Node::MinMaxExpr(_)
            | Node::SQLValueFunction(_)
            | Node::XmlExpr(_)
            | Node::BooleanTest(_)
            | Node::SetToDefault(_)
            | Node::CurrentOfExpr(_)
            | Node::IntoClause(_)
            | Node::AlterTableCmd(_)
            | Node::ATAlterConstraint(_)
            | Node::A_Const(_)
            | Node::A_Star(_)
            | Node::A_Indices(_)
            | Node::A_ArrayExpr(_)
            | Node::MultiAssignRef(_)
            | Node::CollateClause(_)
            | Node::SortBy(_)
            | Node::RangeFunction(_)
            | Node::RangeTableFunc(_)
            | Node::RangeTableFuncCol(_)
            | Node::ColumnDef(_)
            | Node::DefElem(_)
            | Node::GroupingSet(_)
            | Node::ObjectWithArgs(_)
            | Node::AccessPriv(_)
            | Node::CreateOpClassItem(_)
            | Node::TableLikeClause(_)
            | Node::FunctionParameter(_)
            | Node::LockingClause(_)
            | Node::XmlSerialize(_)
            | Node::WithClause(_)
            | Node::InferClause(_)
            | Node::OnConflictClause(_)
            | Node::CommonTableExpr(_)
            | Node::RoleSpec(_)
            | Node::TriggerTransition(_)
            | Node::PartitionElem(_)
            | Node::PartitionSpec(_)
            | Node::PartitionBoundSpec(_)
            | Node::PartitionRangeDatum(_)
            | Node::PartitionCmd(_)
            | Node::VacuumRelation(_)
            | Node::Integer(_)
            | Node::Float(_)
            | Node::Boolean(_)
            | Node::String(_)
            | Node::BitString(_)
            | Node::NodeList(_)
            | Node::ReturnStmt(_)
            | Node::ReturningClause(_)
            | Node::ReturningOption(_)
            | Node::StatsElem(_)
            | Node::CTESearchClause(_)
            | Node::CTECycleClause(_)
            | Node::MergeWhenClause(_)
            | Node::PublicationObjSpec(_)
            | Node::PublicationTable(_)
            | Node::JsonFormat(_)
            | Node::JsonReturning(_)
            | Node::JsonValueExpr(_)
            | Node::JsonIsPredicate(_)
            | Node::JsonOutput(_)
            | Node::JsonKeyValue(_)
            | Node::JsonObjectConstructor(_)
            | Node::JsonArrayConstructor(_)
            | Node::JsonArrayQueryConstructor(_)
            | Node::JsonAggConstructor(_)
            | Node::JsonObjectAgg(_)
            | Node::JsonArrayAgg(_)
            | Node::MergeSupportFunc(_)
            | Node::JsonBehavior(_)
            | Node::JsonArgument(_)
            | Node::JsonFuncExpr(_)
            | Node::JsonTablePathSpec(_)
            | Node::JsonTable(_)
            | Node::JsonTableColumn(_)
            | Node::JsonParseExpr(_)
            | Node::JsonScalarExpr(_)
            | Node::JsonSerializeExpr(_) => self.descend(node),
            // Created by the server's parse analysis only; the grammar never returns them.
            Node::TableFunc(_)
            | Node::Bitmapset(_)
            | Node::Param(_)
            | Node::Aggref(_)
            | Node::WindowFunc(_)
            | Node::WindowFuncRunCondition(_)
            | Node::SubscriptingRef(_)
            | Node::FuncExpr(_)
            | Node::OpExpr(_)
            | Node::ScalarArrayOpExpr(_)
            | Node::SubPlan(_)
            | Node::AlternativeSubPlan(_)
            | Node::FieldSelect(_)
            | Node::FieldStore(_)
            | Node::CoerceViaIO(_)
            | Node::ArrayCoerceExpr(_)
            | Node::ConvertRowtypeExpr(_)
            | Node::CaseTestExpr(_)
            | Node::ArrayExpr(_)
            | Node::RowCompareExpr(_)
            | Node::JsonConstructorExpr(_)
            | Node::JsonExpr(_)
            | Node::MergeAction(_)
            | Node::CoerceToDomain(_)
            | Node::CoerceToDomainValue(_)
            | Node::NextValueExpr(_)
            | Node::InferenceElem(_)
            | Node::ReturningExpr(_)
            | Node::TargetEntry(_)
            | Node::RangeTblRef(_)
            | Node::FromExpr(_)
            | Node::OnConflictExpr(_)
            | Node::Query(_)
            | Node::RangeTblEntry(_)
            | Node::RTEPermissionInfo(_)
            | Node::RangeTblFunction(_)
            | Node::TableSampleClause(_)
            | Node::WithCheckOption(_)
            | Node::SortGroupClause(_)
            | Node::WindowClause(_)
            | Node::RowMarkClause(_)
            | Node::SetOperationStmt(_)
            | Node::PLAssignStmt(_)
            | Node::InlineCodeBlock(_)
            | Node::CallContext(_)
            | Node::CollateExpr(_) => {
                self.unread("an unknown kind of syntax node".to_owned());
                self.descend(node);
            }
            Node::Invalid(_) if CreateForeignTableStmt::of(node).is_some() => self.command(node),
            Node::Invalid(_) => self.unread("an unknown kind of syntax node".to_owned()),
        }
    }

    pub(super) fn descend(&mut self, node: Node<'a>) {
        children(node, &mut |child| self.node(child));
    }
}
