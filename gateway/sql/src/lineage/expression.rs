//! What the value of an expression carries. `construct`, `conversion` and `call` handle what is more than the sum of its
//! parts.

use gatewright_parser::{Node, NodeList, Strings};

use super::resolver::Resolver;
use crate::facts::{Transform, Usage};
use crate::provenance::Provenance;

impl<'t> Resolver<'t> {
    /// Everything that a list of expressions carries.
    pub(super) fn together(&mut self, nodes: &'t NodeList) -> Provenance {
        let mut value = Provenance::constant();
        for node in nodes {
            let part = self.value(node);
            value.absorb(&part, Transform::Expression);
        }
        value
    }

    /// A node that is computed from all its children, and from nothing else.
    pub(super) fn children(&mut self, node: Node<'t>) -> Provenance {
        let mut parts = Vec::new();
        gatewright_parser::children(node, &mut |child| parts.push(child));
        let mut value = Provenance::constant();
        for part in parts {
            let part = self.value(part);
            value.absorb(&part, Transform::Expression);
        }
        value
    }

    /// An expression, or a part of one. Every kind of node is listed: a new one must be placed here.
    pub(super) fn value(&mut self, node: Node<'t>) -> Provenance {
        let value = self.own_value(node);
        // Whatever is around it takes over what it carries.
        self.spend(value.sources().len() / 4);
        value
    }

    fn own_value(&mut self, node: Node<'t>) -> Provenance {
        // What is absent costs nothing.
        self.spend(usize::from(!matches!(node, Node::None)));
        if self.spent() {
            return Provenance::unknown();
        }
        match node {
            Node::ColumnRef(column) => self.column_ref(column),
            Node::A_Const(constant) if constant.isnull => Provenance::null(),
            // The arguments of GROUPING are not evaluated.
            Node::None
            | Node::A_Const(_)
            | Node::ParamRef(_)
            | Node::SQLValueFunction(_)
            | Node::SetToDefault(_)
            | Node::CurrentOfExpr(_)
            | Node::GroupingFunc(_)
            | Node::MergeSupportFunc(_) => Provenance::constant(),
            Node::TypeCast(cast) => self.cast(cast),
            Node::TypeName(name) => self.made_as(&name.names().strings()),
            Node::CollateClause(collate) => self.value(collate.arg()),
            Node::NamedArgExpr(named) => self.value(named.arg()),
            Node::FuncCall(call) => self.call(call),
            Node::WindowDef(window) => self.window(window),
            Node::SubLink(link) => self.sublink(link),
            Node::RowExpr(row) => self.row(row),
            Node::A_Indirection(indirection) => self.indirection(indirection),
            Node::MultiAssignRef(assigned) => self.multi_assign(assigned),
            Node::A_Expr(expression) => self.operator(expression),
            Node::NullTest(test) => self.null_test(test),
            Node::SelectStmt(select) => {
                // JSON_ARRAY(SELECT ...).
                let rows = self.select(select);
                self.of_rows(&rows)
            }
            Node::NodeList(_)
            | Node::RawStmt(_)
            | Node::A_ArrayExpr(_)
            | Node::A_Indices(_)
            | Node::A_Star(_)
            | Node::BoolExpr(_)
            | Node::BooleanTest(_)
            | Node::CaseExpr(_)
            | Node::CaseWhen(_)
            | Node::CoalesceExpr(_)
            | Node::MinMaxExpr(_)
            | Node::ResTarget(_)
            | Node::SortBy(_)
            | Node::XmlExpr(_)
            | Node::XmlSerialize(_)
            | Node::Integer(_)
            | Node::Float(_)
            | Node::Boolean(_)
            | Node::String(_)
            | Node::BitString(_)
            | Node::JsonFormat(_)
            | Node::JsonReturning(_)
            | Node::JsonValueExpr(_)
            | Node::JsonIsPredicate(_)
            | Node::JsonBehavior(_)
            | Node::JsonOutput(_)
            | Node::JsonArgument(_)
            | Node::JsonFuncExpr(_)
            | Node::JsonTablePathSpec(_)
            | Node::JsonTableColumn(_)
            | Node::JsonKeyValue(_)
            | Node::JsonParseExpr(_)
            | Node::JsonScalarExpr(_)
            | Node::JsonSerializeExpr(_)
            | Node::JsonObjectConstructor(_)
            | Node::JsonArrayConstructor(_)
            | Node::JsonArrayQueryConstructor(_)
            | Node::JsonAggConstructor(_) => self.children(node),
            Node::JsonObjectAgg(_) | Node::JsonArrayAgg(_) => {
                let mut value = self.children(node);
                self.record(&value, Usage::Aggregate);
                self.absorb_moved(&mut value);
                value
            }
            // Only PostgreSQL's analysis and planner make these, and nodes that are not in parse trees.
            Node::Param(_)
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
            | Node::CollateExpr(_)
            | Node::CaseTestExpr(_)
            | Node::ArrayExpr(_)
            | Node::RowCompareExpr(_)
            | Node::JsonConstructorExpr(_)
            | Node::JsonExpr(_)
            | Node::CoerceToDomain(_)
            | Node::CoerceToDomainValue(_)
            | Node::NextValueExpr(_)
            | Node::InferenceElem(_)
            | Node::ReturningExpr(_)
            | Node::TargetEntry(_)
            | Node::Invalid(_) => Provenance::unknown(),
            // Clauses and statements are no parts of an expression.
            Node::Bitmapset(_)
            | Node::Alias(_)
            | Node::RangeVar(_)
            | Node::TableFunc(_)
            | Node::IntoClause(_)
            | Node::MergeAction(_)
            | Node::RangeTblRef(_)
            | Node::JoinExpr(_)
            | Node::FromExpr(_)
            | Node::OnConflictExpr(_)
            | Node::Query(_)
            | Node::RoleSpec(_)
            | Node::RangeSubselect(_)
            | Node::RangeFunction(_)
            | Node::RangeTableFunc(_)
            | Node::RangeTableFuncCol(_)
            | Node::RangeTableSample(_)
            | Node::ColumnDef(_)
            | Node::TableLikeClause(_)
            | Node::IndexElem(_)
            | Node::DefElem(_)
            | Node::LockingClause(_)
            | Node::PartitionElem(_)
            | Node::PartitionSpec(_)
            | Node::PartitionBoundSpec(_)
            | Node::PartitionRangeDatum(_)
            | Node::PartitionCmd(_)
            | Node::RangeTblEntry(_)
            | Node::RTEPermissionInfo(_)
            | Node::RangeTblFunction(_)
            | Node::TableSampleClause(_)
            | Node::WithCheckOption(_)
            | Node::SortGroupClause(_)
            | Node::GroupingSet(_)
            | Node::WindowClause(_)
            | Node::RowMarkClause(_)
            | Node::WithClause(_)
            | Node::InferClause(_)
            | Node::OnConflictClause(_)
            | Node::CTESearchClause(_)
            | Node::CTECycleClause(_)
            | Node::CommonTableExpr(_)
            | Node::MergeWhenClause(_)
            | Node::ReturningOption(_)
            | Node::ReturningClause(_)
            | Node::TriggerTransition(_)
            | Node::JsonTable(_)
            | Node::AlterTableCmd(_)
            | Node::ATAlterConstraint(_)
            | Node::ObjectWithArgs(_)
            | Node::AccessPriv(_)
            | Node::Constraint(_)
            | Node::CreateOpClassItem(_)
            | Node::StatsElem(_)
            | Node::FunctionParameter(_)
            | Node::InlineCodeBlock(_)
            | Node::CallContext(_)
            | Node::VacuumRelation(_)
            | Node::PublicationTable(_)
            | Node::PublicationObjSpec(_)
            | Node::InsertStmt(_)
            | Node::DeleteStmt(_)
            | Node::UpdateStmt(_)
            | Node::MergeStmt(_)
            | Node::SetOperationStmt(_)
            | Node::ReturnStmt(_)
            | Node::PLAssignStmt(_)
            | Node::CreateSchemaStmt(_)
            | Node::AlterTableStmt(_)
            | Node::ReplicaIdentityStmt(_)
            | Node::AlterCollationStmt(_)
            | Node::AlterDomainStmt(_)
            | Node::GrantStmt(_)
            | Node::GrantRoleStmt(_)
            | Node::AlterDefaultPrivilegesStmt(_)
            | Node::CopyStmt(_)
            | Node::VariableSetStmt(_)
            | Node::VariableShowStmt(_)
            | Node::CreateStmt(_)
            | Node::CreateTableSpaceStmt(_)
            | Node::DropTableSpaceStmt(_)
            | Node::AlterTableSpaceOptionsStmt(_)
            | Node::AlterTableMoveAllStmt(_)
            | Node::CreateExtensionStmt(_)
            | Node::AlterExtensionStmt(_)
            | Node::AlterExtensionContentsStmt(_)
            | Node::CreateFdwStmt(_)
            | Node::AlterFdwStmt(_)
            | Node::CreateForeignServerStmt(_)
            | Node::AlterForeignServerStmt(_)
            | Node::CreateUserMappingStmt(_)
            | Node::AlterUserMappingStmt(_)
            | Node::DropUserMappingStmt(_)
            | Node::ImportForeignSchemaStmt(_)
            | Node::CreatePolicyStmt(_)
            | Node::AlterPolicyStmt(_)
            | Node::CreateAmStmt(_)
            | Node::CreateTrigStmt(_)
            | Node::CreateEventTrigStmt(_)
            | Node::AlterEventTrigStmt(_)
            | Node::CreatePLangStmt(_)
            | Node::CreateRoleStmt(_)
            | Node::AlterRoleStmt(_)
            | Node::AlterRoleSetStmt(_)
            | Node::DropRoleStmt(_)
            | Node::CreateSeqStmt(_)
            | Node::AlterSeqStmt(_)
            | Node::DefineStmt(_)
            | Node::CreateDomainStmt(_)
            | Node::CreateOpClassStmt(_)
            | Node::CreateOpFamilyStmt(_)
            | Node::AlterOpFamilyStmt(_)
            | Node::DropStmt(_)
            | Node::TruncateStmt(_)
            | Node::CommentStmt(_)
            | Node::SecLabelStmt(_)
            | Node::DeclareCursorStmt(_)
            | Node::ClosePortalStmt(_)
            | Node::FetchStmt(_)
            | Node::IndexStmt(_)
            | Node::CreateStatsStmt(_)
            | Node::AlterStatsStmt(_)
            | Node::CreateFunctionStmt(_)
            | Node::AlterFunctionStmt(_)
            | Node::DoStmt(_)
            | Node::CallStmt(_)
            | Node::RenameStmt(_)
            | Node::AlterObjectDependsStmt(_)
            | Node::AlterObjectSchemaStmt(_)
            | Node::AlterOwnerStmt(_)
            | Node::AlterOperatorStmt(_)
            | Node::AlterTypeStmt(_)
            | Node::RuleStmt(_)
            | Node::NotifyStmt(_)
            | Node::ListenStmt(_)
            | Node::UnlistenStmt(_)
            | Node::TransactionStmt(_)
            | Node::CompositeTypeStmt(_)
            | Node::CreateEnumStmt(_)
            | Node::CreateRangeStmt(_)
            | Node::AlterEnumStmt(_)
            | Node::ViewStmt(_)
            | Node::LoadStmt(_)
            | Node::CreatedbStmt(_)
            | Node::AlterDatabaseStmt(_)
            | Node::AlterDatabaseRefreshCollStmt(_)
            | Node::AlterDatabaseSetStmt(_)
            | Node::DropdbStmt(_)
            | Node::AlterSystemStmt(_)
            | Node::ClusterStmt(_)
            | Node::VacuumStmt(_)
            | Node::ExplainStmt(_)
            | Node::CreateTableAsStmt(_)
            | Node::RefreshMatViewStmt(_)
            | Node::CheckPointStmt(_)
            | Node::DiscardStmt(_)
            | Node::LockStmt(_)
            | Node::ConstraintsSetStmt(_)
            | Node::ReindexStmt(_)
            | Node::CreateConversionStmt(_)
            | Node::CreateCastStmt(_)
            | Node::CreateTransformStmt(_)
            | Node::PrepareStmt(_)
            | Node::ExecuteStmt(_)
            | Node::DeallocateStmt(_)
            | Node::DropOwnedStmt(_)
            | Node::ReassignOwnedStmt(_)
            | Node::AlterTSDictionaryStmt(_)
            | Node::AlterTSConfigurationStmt(_)
            | Node::CreatePublicationStmt(_)
            | Node::AlterPublicationStmt(_)
            | Node::CreateSubscriptionStmt(_)
            | Node::AlterSubscriptionStmt(_)
            | Node::DropSubscriptionStmt(_) => Provenance::unknown(),
        }
    }
}
