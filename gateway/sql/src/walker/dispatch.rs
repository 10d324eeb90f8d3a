//! One arm for every kind of node; a new kind does not compile.

use pg_query::NodeRef;

use crate::facts::Usage;

use super::{Walker, strings};

const EXISTS: i32 = pg_query::protobuf::SubLinkType::ExistsSublink as i32;

impl<'a> Walker<'a> {
    pub(super) fn node(&mut self, node: NodeRef<'a>) {
        match node {
            NodeRef::SelectStmt(select) => self.nested("SELECT", |walker| walker.select(select)),
            NodeRef::InsertStmt(insert) => self.insert(insert),
            NodeRef::UpdateStmt(update) => self.update(update),
            NodeRef::DeleteStmt(delete) => self.delete(delete),
            NodeRef::MergeStmt(merge) => self.merge(merge),
            NodeRef::RangeVar(relation) => {
                self.target(Some(relation), self.access);
            }
            NodeRef::ColumnRef(column) => self.column_ref(column),
            NodeRef::FuncCall(call) => self.function(call),
            NodeRef::ParamRef(parameter) => {
                let number = u32::try_from(parameter.number).unwrap_or(0);
                self.facts.parameter_count = self.facts.parameter_count.max(number);
            }
            NodeRef::AIndirection(indirection) => {
                self.descend(node);
                for name in strings(&indirection.indirection) {
                    self.column(None, name);
                    // A function of the value, if the value has no such field.
                    self.calls(&[name]);
                }
            }
            NodeRef::JoinExpr(_) | NodeRef::RangeSubselect(_) | NodeRef::RangeTableSample(_) => {
                self.opaque("a FROM item outside FROM".to_owned());
                self.descend(node);
            }
            NodeRef::WindowDef(_) => self.using(Usage::Window, |walker| walker.descend(node)),
            // EXISTS reveals nothing of its select list.
            NodeRef::SubLink(link) if link.sub_link_type == EXISTS => {
                self.using(Usage::Output, |walker| walker.descend(node))
            }
            NodeRef::SubLink(link) => {
                self.operator(&link.oper_name);
                self.descend(node);
            }
            NodeRef::AExpr(expression) => {
                self.operator(&expression.name);
                self.descend(node);
            }
            NodeRef::TypeCast(cast) => {
                self.cast(cast);
                self.descend(node);
            }
            NodeRef::TypeName(name) => {
                self.descend(node);
                self.type_named(&strings(&name.names));
            }
            NodeRef::ResTarget(_) | NodeRef::RawStmt(_) => self.descend(node),
            // All other commands.
            NodeRef::AlterTableStmt(_)
            | NodeRef::AlterDomainStmt(_)
            | NodeRef::GrantStmt(_)
            | NodeRef::GrantRoleStmt(_)
            | NodeRef::AlterDefaultPrivilegesStmt(_)
            | NodeRef::ClosePortalStmt(_)
            | NodeRef::ClusterStmt(_)
            | NodeRef::CopyStmt(_)
            | NodeRef::CreateStmt(_)
            | NodeRef::DefineStmt(_)
            | NodeRef::DropStmt(_)
            | NodeRef::TruncateStmt(_)
            | NodeRef::CommentStmt(_)
            | NodeRef::FetchStmt(_)
            | NodeRef::IndexStmt(_)
            | NodeRef::CreateFunctionStmt(_)
            | NodeRef::AlterFunctionStmt(_)
            | NodeRef::DoStmt(_)
            | NodeRef::RenameStmt(_)
            | NodeRef::RuleStmt(_)
            | NodeRef::NotifyStmt(_)
            | NodeRef::ListenStmt(_)
            | NodeRef::UnlistenStmt(_)
            | NodeRef::TransactionStmt(_)
            | NodeRef::ViewStmt(_)
            | NodeRef::LoadStmt(_)
            | NodeRef::CreateDomainStmt(_)
            | NodeRef::CreatedbStmt(_)
            | NodeRef::DropdbStmt(_)
            | NodeRef::VacuumStmt(_)
            | NodeRef::ExplainStmt(_)
            | NodeRef::CreateTableAsStmt(_)
            | NodeRef::CreateSeqStmt(_)
            | NodeRef::AlterSeqStmt(_)
            | NodeRef::VariableSetStmt(_)
            | NodeRef::VariableShowStmt(_)
            | NodeRef::DiscardStmt(_)
            | NodeRef::CreateTrigStmt(_)
            | NodeRef::CreatePlangStmt(_)
            | NodeRef::CreateRoleStmt(_)
            | NodeRef::AlterRoleStmt(_)
            | NodeRef::DropRoleStmt(_)
            | NodeRef::LockStmt(_)
            | NodeRef::ConstraintsSetStmt(_)
            | NodeRef::ReindexStmt(_)
            | NodeRef::CheckPointStmt(_)
            | NodeRef::CreateSchemaStmt(_)
            | NodeRef::AlterDatabaseStmt(_)
            | NodeRef::AlterDatabaseSetStmt(_)
            | NodeRef::AlterRoleSetStmt(_)
            | NodeRef::CreateConversionStmt(_)
            | NodeRef::CreateCastStmt(_)
            | NodeRef::CreateOpClassStmt(_)
            | NodeRef::CreateOpFamilyStmt(_)
            | NodeRef::AlterOpFamilyStmt(_)
            | NodeRef::PrepareStmt(_)
            | NodeRef::ExecuteStmt(_)
            | NodeRef::DeallocateStmt(_)
            | NodeRef::DeclareCursorStmt(_)
            | NodeRef::CreateTableSpaceStmt(_)
            | NodeRef::DropTableSpaceStmt(_)
            | NodeRef::AlterObjectDependsStmt(_)
            | NodeRef::AlterObjectSchemaStmt(_)
            | NodeRef::AlterOwnerStmt(_)
            | NodeRef::AlterOperatorStmt(_)
            | NodeRef::AlterTypeStmt(_)
            | NodeRef::DropOwnedStmt(_)
            | NodeRef::ReassignOwnedStmt(_)
            | NodeRef::CompositeTypeStmt(_)
            | NodeRef::CreateEnumStmt(_)
            | NodeRef::CreateRangeStmt(_)
            | NodeRef::AlterEnumStmt(_)
            | NodeRef::AlterTsdictionaryStmt(_)
            | NodeRef::AlterTsconfigurationStmt(_)
            | NodeRef::CreateFdwStmt(_)
            | NodeRef::AlterFdwStmt(_)
            | NodeRef::CreateForeignServerStmt(_)
            | NodeRef::AlterForeignServerStmt(_)
            | NodeRef::CreateUserMappingStmt(_)
            | NodeRef::AlterUserMappingStmt(_)
            | NodeRef::DropUserMappingStmt(_)
            | NodeRef::AlterTableSpaceOptionsStmt(_)
            | NodeRef::AlterTableMoveAllStmt(_)
            | NodeRef::SecLabelStmt(_)
            | NodeRef::CreateForeignTableStmt(_)
            | NodeRef::ImportForeignSchemaStmt(_)
            | NodeRef::CreateExtensionStmt(_)
            | NodeRef::AlterExtensionStmt(_)
            | NodeRef::AlterExtensionContentsStmt(_)
            | NodeRef::CreateEventTrigStmt(_)
            | NodeRef::AlterEventTrigStmt(_)
            | NodeRef::RefreshMatViewStmt(_)
            | NodeRef::ReplicaIdentityStmt(_)
            | NodeRef::AlterSystemStmt(_)
            | NodeRef::CreatePolicyStmt(_)
            | NodeRef::AlterPolicyStmt(_)
            | NodeRef::CreateTransformStmt(_)
            | NodeRef::CreateAmStmt(_)
            | NodeRef::CreatePublicationStmt(_)
            | NodeRef::AlterPublicationStmt(_)
            | NodeRef::CreateSubscriptionStmt(_)
            | NodeRef::AlterSubscriptionStmt(_)
            | NodeRef::DropSubscriptionStmt(_)
            | NodeRef::CreateStatsStmt(_)
            | NodeRef::AlterCollationStmt(_)
            | NodeRef::CallStmt(_)
            | NodeRef::AlterStatsStmt(_)
            | NodeRef::AlterDatabaseRefreshCollStmt(_) => self.command(node),
            // Parts of commands and expressions that add nothing to their children.
            NodeRef::Alias(_)
            | NodeRef::GroupingFunc(_)
            | NodeRef::NamedArgExpr(_)
            | NodeRef::BoolExpr(_)
            | NodeRef::CaseExpr(_)
            | NodeRef::CaseWhen(_)
            | NodeRef::RowExpr(_)
            | NodeRef::CoalesceExpr(_)
            | NodeRef::MinMaxExpr(_)
            | NodeRef::SqlvalueFunction(_)
            | NodeRef::XmlExpr(_)
            | NodeRef::NullTest(_)
            | NodeRef::BooleanTest(_)
            | NodeRef::SetToDefault(_)
            | NodeRef::CurrentOfExpr(_)
            | NodeRef::IntoClause(_)
            | NodeRef::AlterTableCmd(_)
            | NodeRef::AtalterConstraint(_)
            | NodeRef::AConst(_)
            | NodeRef::AStar(_)
            | NodeRef::AIndices(_)
            | NodeRef::AArrayExpr(_)
            | NodeRef::MultiAssignRef(_)
            | NodeRef::CollateClause(_)
            | NodeRef::SortBy(_)
            | NodeRef::RangeFunction(_)
            | NodeRef::RangeTableFunc(_)
            | NodeRef::RangeTableFuncCol(_)
            | NodeRef::ColumnDef(_)
            | NodeRef::IndexElem(_)
            | NodeRef::Constraint(_)
            | NodeRef::DefElem(_)
            | NodeRef::GroupingSet(_)
            | NodeRef::ObjectWithArgs(_)
            | NodeRef::AccessPriv(_)
            | NodeRef::CreateOpClassItem(_)
            | NodeRef::TableLikeClause(_)
            | NodeRef::FunctionParameter(_)
            | NodeRef::LockingClause(_)
            | NodeRef::XmlSerialize(_)
            | NodeRef::WithClause(_)
            | NodeRef::InferClause(_)
            | NodeRef::OnConflictClause(_)
            | NodeRef::CommonTableExpr(_)
            | NodeRef::RoleSpec(_)
            | NodeRef::TriggerTransition(_)
            | NodeRef::PartitionElem(_)
            | NodeRef::PartitionSpec(_)
            | NodeRef::PartitionBoundSpec(_)
            | NodeRef::PartitionRangeDatum(_)
            | NodeRef::PartitionCmd(_)
            | NodeRef::VacuumRelation(_)
            | NodeRef::Integer(_)
            | NodeRef::Float(_)
            | NodeRef::Boolean(_)
            | NodeRef::String(_)
            | NodeRef::BitString(_)
            | NodeRef::List(_)
            | NodeRef::ReturnStmt(_)
            | NodeRef::ReturningClause(_)
            | NodeRef::ReturningOption(_)
            | NodeRef::StatsElem(_)
            | NodeRef::CtesearchClause(_)
            | NodeRef::CtecycleClause(_)
            | NodeRef::MergeWhenClause(_)
            | NodeRef::PublicationObjSpec(_)
            | NodeRef::PublicationTable(_)
            | NodeRef::JsonFormat(_)
            | NodeRef::JsonReturning(_)
            | NodeRef::JsonValueExpr(_)
            | NodeRef::JsonIsPredicate(_)
            | NodeRef::JsonOutput(_)
            | NodeRef::JsonKeyValue(_)
            | NodeRef::JsonObjectConstructor(_)
            | NodeRef::JsonArrayConstructor(_)
            | NodeRef::JsonArrayQueryConstructor(_)
            | NodeRef::JsonAggConstructor(_)
            | NodeRef::JsonObjectAgg(_)
            | NodeRef::JsonArrayAgg(_)
            | NodeRef::MergeSupportFunc(_)
            | NodeRef::JsonBehavior(_)
            | NodeRef::JsonArgument(_)
            | NodeRef::JsonFuncExpr(_)
            | NodeRef::JsonTablePathSpec(_)
            | NodeRef::JsonTable(_)
            | NodeRef::JsonTableColumn(_)
            | NodeRef::JsonParseExpr(_)
            | NodeRef::JsonScalarExpr(_)
            | NodeRef::JsonSerializeExpr(_) => self.descend(node),
            // Created by the server's parse analysis only; the grammar never returns them.
            NodeRef::TableFunc(_)
            | NodeRef::Var(_)
            | NodeRef::Param(_)
            | NodeRef::Aggref(_)
            | NodeRef::WindowFunc(_)
            | NodeRef::WindowFuncRunCondition(_)
            | NodeRef::SubscriptingRef(_)
            | NodeRef::FuncExpr(_)
            | NodeRef::OpExpr(_)
            | NodeRef::DistinctExpr(_)
            | NodeRef::NullIfExpr(_)
            | NodeRef::ScalarArrayOpExpr(_)
            | NodeRef::SubPlan(_)
            | NodeRef::AlternativeSubPlan(_)
            | NodeRef::FieldSelect(_)
            | NodeRef::FieldStore(_)
            | NodeRef::RelabelType(_)
            | NodeRef::CoerceViaIo(_)
            | NodeRef::ArrayCoerceExpr(_)
            | NodeRef::ConvertRowtypeExpr(_)
            | NodeRef::CaseTestExpr(_)
            | NodeRef::ArrayExpr(_)
            | NodeRef::RowCompareExpr(_)
            | NodeRef::JsonConstructorExpr(_)
            | NodeRef::JsonExpr(_)
            | NodeRef::JsonTablePathScan(_)
            | NodeRef::JsonTableSiblingJoin(_)
            | NodeRef::MergeAction(_)
            | NodeRef::CoerceToDomain(_)
            | NodeRef::CoerceToDomainValue(_)
            | NodeRef::NextValueExpr(_)
            | NodeRef::InferenceElem(_)
            | NodeRef::ReturningExpr(_)
            | NodeRef::TargetEntry(_)
            | NodeRef::RangeTblRef(_)
            | NodeRef::FromExpr(_)
            | NodeRef::OnConflictExpr(_)
            | NodeRef::Query(_)
            | NodeRef::RangeTblEntry(_)
            | NodeRef::RtepermissionInfo(_)
            | NodeRef::RangeTblFunction(_)
            | NodeRef::TableSampleClause(_)
            | NodeRef::WithCheckOption(_)
            | NodeRef::SortGroupClause(_)
            | NodeRef::WindowClause(_)
            | NodeRef::RowMarkClause(_)
            | NodeRef::SetOperationStmt(_)
            | NodeRef::PlassignStmt(_)
            | NodeRef::InlineCodeBlock(_)
            | NodeRef::CallContext(_)
            | NodeRef::IntList(_)
            | NodeRef::OidList(_)
            | NodeRef::JsonTablePath(_)
            | NodeRef::CollateExpr(_) => {
                self.unread("an unknown kind of syntax node".to_owned());
                self.descend(node);
            }
        }
    }

    pub(super) fn descend(&mut self, node: NodeRef<'a>) {
        crate::tree::children(node, &mut |child| self.node(child));
    }
}
