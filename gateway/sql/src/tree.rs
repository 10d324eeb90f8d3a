//! Every child of every node of PostgreSQL's syntax tree. What nodes mean is up to `walker`.
//! Each arm names all fields of a message, so that a field added by a new pg_query does not compile unnoticed.

use pg_query::{NodeRef, protobuf};

macro_rules! each {
    ($visit:ident, $field:ident, leaf) => {
        let _ = $field;
    };
    ($visit:ident, $field:ident, nodes) => {
        for child in $field {
            if let Some(child) = child.node.as_ref() {
                $visit(child.to_ref());
            }
        }
    };
    ($visit:ident, $field:ident, node) => {
        if let Some(child) = $field.as_ref().and_then(|child| child.node.as_ref()) {
            $visit(child.to_ref());
        }
    };
    ($visit:ident, $field:ident, ($variant:ident)) => {
        if let Some(child) = $field {
            $visit(NodeRef::$variant(child));
        }
    };
    ($visit:ident, $field:ident, [$variant:ident]) => {
        for child in $field {
            $visit(NodeRef::$variant(child));
        }
    };
}

macro_rules! shapes {
    ($node:ident, $visit:ident; $($variant:ident $message:ident { $($field:ident : $kind:tt),* })*) => {
        match $node {
            $(NodeRef::$variant(message) => {
                let protobuf::$message { $($field),* } = message;
                $(each!($visit, $field, $kind);)*
            })*
        }
    };
}

/// Calls `visit` for each direct child, in the order of the fields.
pub(crate) fn children<'a>(node: NodeRef<'a>, visit: &mut dyn FnMut(NodeRef<'a>)) {
    shapes! { node, visit;
        Alias Alias { aliasname: leaf, colnames: nodes }
        RangeVar RangeVar { catalogname: leaf, schemaname: leaf, relname: leaf, inh: leaf, relpersistence: leaf, alias: (Alias), location: leaf }
        TableFunc TableFunc { functype: leaf, ns_uris: nodes, ns_names: nodes, docexpr: node, rowexpr: node, colnames: nodes, coltypes: nodes, coltypmods: nodes, colcollations: nodes, colexprs: nodes, coldefexprs: nodes, colvalexprs: nodes, passingvalexprs: nodes, notnulls: leaf, plan: node, ordinalitycol: leaf, location: leaf }
        Var Var { xpr: node, varno: leaf, varattno: leaf, vartype: leaf, vartypmod: leaf, varcollid: leaf, varnullingrels: leaf, varlevelsup: leaf, varreturningtype: leaf, location: leaf }
        Param Param { xpr: node, paramkind: leaf, paramid: leaf, paramtype: leaf, paramtypmod: leaf, paramcollid: leaf, location: leaf }
        Aggref Aggref { xpr: node, aggfnoid: leaf, aggtype: leaf, aggcollid: leaf, inputcollid: leaf, aggargtypes: nodes, aggdirectargs: nodes, args: nodes, aggorder: nodes, aggdistinct: nodes, aggfilter: node, aggstar: leaf, aggvariadic: leaf, aggkind: leaf, agglevelsup: leaf, aggsplit: leaf, aggno: leaf, aggtransno: leaf, location: leaf }
        GroupingFunc GroupingFunc { xpr: node, args: nodes, refs: nodes, agglevelsup: leaf, location: leaf }
        WindowFunc WindowFunc { xpr: node, winfnoid: leaf, wintype: leaf, wincollid: leaf, inputcollid: leaf, args: nodes, aggfilter: node, run_condition: nodes, winref: leaf, winstar: leaf, winagg: leaf, location: leaf }
        SubscriptingRef SubscriptingRef { xpr: node, refcontainertype: leaf, refelemtype: leaf, refrestype: leaf, reftypmod: leaf, refcollid: leaf, refupperindexpr: nodes, reflowerindexpr: nodes, refexpr: node, refassgnexpr: node }
        FuncExpr FuncExpr { xpr: node, funcid: leaf, funcresulttype: leaf, funcretset: leaf, funcvariadic: leaf, funcformat: leaf, funccollid: leaf, inputcollid: leaf, args: nodes, location: leaf }
        NamedArgExpr NamedArgExpr { xpr: node, arg: node, name: leaf, argnumber: leaf, location: leaf }
        OpExpr OpExpr { xpr: node, opno: leaf, opresulttype: leaf, opretset: leaf, opcollid: leaf, inputcollid: leaf, args: nodes, location: leaf }
        DistinctExpr DistinctExpr { xpr: node, opno: leaf, opresulttype: leaf, opretset: leaf, opcollid: leaf, inputcollid: leaf, args: nodes, location: leaf }
        NullIfExpr NullIfExpr { xpr: node, opno: leaf, opresulttype: leaf, opretset: leaf, opcollid: leaf, inputcollid: leaf, args: nodes, location: leaf }
        ScalarArrayOpExpr ScalarArrayOpExpr { xpr: node, opno: leaf, use_or: leaf, inputcollid: leaf, args: nodes, location: leaf }
        BoolExpr BoolExpr { xpr: node, boolop: leaf, args: nodes, location: leaf }
        SubLink SubLink { xpr: node, sub_link_type: leaf, sub_link_id: leaf, testexpr: node, oper_name: nodes, subselect: node, location: leaf }
        SubPlan SubPlan { xpr: node, sub_link_type: leaf, testexpr: node, param_ids: nodes, plan_id: leaf, plan_name: leaf, first_col_type: leaf, first_col_typmod: leaf, first_col_collation: leaf, use_hash_table: leaf, unknown_eq_false: leaf, parallel_safe: leaf, set_param: nodes, par_param: nodes, args: nodes, startup_cost: leaf, per_call_cost: leaf }
        AlternativeSubPlan AlternativeSubPlan { xpr: node, subplans: nodes }
        FieldSelect FieldSelect { xpr: node, arg: node, fieldnum: leaf, resulttype: leaf, resulttypmod: leaf, resultcollid: leaf }
        FieldStore FieldStore { xpr: node, arg: node, newvals: nodes, fieldnums: nodes, resulttype: leaf }
        RelabelType RelabelType { xpr: node, arg: node, resulttype: leaf, resulttypmod: leaf, resultcollid: leaf, relabelformat: leaf, location: leaf }
        CoerceViaIo CoerceViaIo { xpr: node, arg: node, resulttype: leaf, resultcollid: leaf, coerceformat: leaf, location: leaf }
        ArrayCoerceExpr ArrayCoerceExpr { xpr: node, arg: node, elemexpr: node, resulttype: leaf, resulttypmod: leaf, resultcollid: leaf, coerceformat: leaf, location: leaf }
        ConvertRowtypeExpr ConvertRowtypeExpr { xpr: node, arg: node, resulttype: leaf, convertformat: leaf, location: leaf }
        CollateExpr CollateExpr { xpr: node, arg: node, coll_oid: leaf, location: leaf }
        CaseExpr CaseExpr { xpr: node, casetype: leaf, casecollid: leaf, arg: node, args: nodes, defresult: node, location: leaf }
        CaseWhen CaseWhen { xpr: node, expr: node, result: node, location: leaf }
        CaseTestExpr CaseTestExpr { xpr: node, type_id: leaf, type_mod: leaf, collation: leaf }
        ArrayExpr ArrayExpr { xpr: node, array_typeid: leaf, array_collid: leaf, element_typeid: leaf, elements: nodes, multidims: leaf, list_start: leaf, list_end: leaf, location: leaf }
        RowExpr RowExpr { xpr: node, args: nodes, row_typeid: leaf, row_format: leaf, colnames: nodes, location: leaf }
        RowCompareExpr RowCompareExpr { xpr: node, cmptype: leaf, opnos: nodes, opfamilies: nodes, inputcollids: nodes, largs: nodes, rargs: nodes }
        CoalesceExpr CoalesceExpr { xpr: node, coalescetype: leaf, coalescecollid: leaf, args: nodes, location: leaf }
        MinMaxExpr MinMaxExpr { xpr: node, minmaxtype: leaf, minmaxcollid: leaf, inputcollid: leaf, op: leaf, args: nodes, location: leaf }
        SqlvalueFunction SqlValueFunction { xpr: node, op: leaf, r#type: leaf, typmod: leaf, location: leaf }
        XmlExpr XmlExpr { xpr: node, op: leaf, name: leaf, named_args: nodes, arg_names: nodes, args: nodes, xmloption: leaf, indent: leaf, r#type: leaf, typmod: leaf, location: leaf }
        NullTest NullTest { xpr: node, arg: node, nulltesttype: leaf, argisrow: leaf, location: leaf }
        BooleanTest BooleanTest { xpr: node, arg: node, booltesttype: leaf, location: leaf }
        CoerceToDomain CoerceToDomain { xpr: node, arg: node, resulttype: leaf, resulttypmod: leaf, resultcollid: leaf, coercionformat: leaf, location: leaf }
        CoerceToDomainValue CoerceToDomainValue { xpr: node, type_id: leaf, type_mod: leaf, collation: leaf, location: leaf }
        SetToDefault SetToDefault { xpr: node, type_id: leaf, type_mod: leaf, collation: leaf, location: leaf }
        CurrentOfExpr CurrentOfExpr { xpr: node, cvarno: leaf, cursor_name: leaf, cursor_param: leaf }
        NextValueExpr NextValueExpr { xpr: node, seqid: leaf, type_id: leaf }
        InferenceElem InferenceElem { xpr: node, expr: node, infercollid: leaf, inferopclass: leaf }
        TargetEntry TargetEntry { xpr: node, expr: node, resno: leaf, resname: leaf, ressortgroupref: leaf, resorigtbl: leaf, resorigcol: leaf, resjunk: leaf }
        RangeTblRef RangeTblRef { rtindex: leaf }
        JoinExpr JoinExpr { jointype: leaf, is_natural: leaf, larg: node, rarg: node, using_clause: nodes, join_using_alias: (Alias), quals: node, alias: (Alias), rtindex: leaf }
        FromExpr FromExpr { fromlist: nodes, quals: node }
        OnConflictExpr OnConflictExpr { action: leaf, arbiter_elems: nodes, arbiter_where: node, constraint: leaf, on_conflict_set: nodes, on_conflict_where: node, excl_rel_index: leaf, excl_rel_tlist: nodes }
        IntoClause IntoClause { rel: (RangeVar), col_names: nodes, access_method: leaf, options: nodes, on_commit: leaf, table_space_name: leaf, view_query: (Query), skip_data: leaf }
        RawStmt RawStmt { stmt: node, stmt_location: leaf, stmt_len: leaf }
        Query Query { command_type: leaf, query_source: leaf, can_set_tag: leaf, utility_stmt: node, result_relation: leaf, has_aggs: leaf, has_window_funcs: leaf, has_target_srfs: leaf, has_sub_links: leaf, has_distinct_on: leaf, has_recursive: leaf, has_modifying_cte: leaf, has_for_update: leaf, has_row_security: leaf, has_group_rte: leaf, is_return: leaf, cte_list: nodes, rtable: nodes, rteperminfos: nodes, jointree: (FromExpr), merge_action_list: nodes, merge_target_relation: leaf, merge_join_condition: node, target_list: nodes, r#override: leaf, on_conflict: (OnConflictExpr), returning_old_alias: leaf, returning_new_alias: leaf, returning_list: nodes, group_clause: nodes, group_distinct: leaf, grouping_sets: nodes, having_qual: node, window_clause: nodes, distinct_clause: nodes, sort_clause: nodes, limit_offset: node, limit_count: node, limit_option: leaf, row_marks: nodes, set_operations: node, constraint_deps: nodes, with_check_options: nodes, stmt_location: leaf, stmt_len: leaf }
        InsertStmt InsertStmt { relation: (RangeVar), cols: nodes, select_stmt: node, on_conflict_clause: (OnConflictClause), returning_clause: (ReturningClause), with_clause: (WithClause), r#override: leaf }
        DeleteStmt DeleteStmt { relation: (RangeVar), using_clause: nodes, where_clause: node, returning_clause: (ReturningClause), with_clause: (WithClause) }
        UpdateStmt UpdateStmt { relation: (RangeVar), target_list: nodes, where_clause: node, from_clause: nodes, returning_clause: (ReturningClause), with_clause: (WithClause) }
        SelectStmt SelectStmt { distinct_clause: nodes, into_clause: (IntoClause), target_list: nodes, from_clause: nodes, where_clause: node, group_clause: nodes, group_distinct: leaf, having_clause: node, window_clause: nodes, values_lists: nodes, sort_clause: nodes, limit_offset: node, limit_count: node, limit_option: leaf, locking_clause: nodes, with_clause: (WithClause), op: leaf, all: leaf, larg: (SelectStmt), rarg: (SelectStmt) }
        AlterTableStmt AlterTableStmt { relation: (RangeVar), cmds: nodes, objtype: leaf, missing_ok: leaf }
        AlterTableCmd AlterTableCmd { subtype: leaf, name: leaf, num: leaf, newowner: (RoleSpec), def: node, behavior: leaf, missing_ok: leaf, recurse: leaf }
        AlterDomainStmt AlterDomainStmt { subtype: leaf, type_name: nodes, name: leaf, def: node, behavior: leaf, missing_ok: leaf }
        SetOperationStmt SetOperationStmt { op: leaf, all: leaf, larg: node, rarg: node, col_types: nodes, col_typmods: nodes, col_collations: nodes, group_clauses: nodes }
        GrantStmt GrantStmt { is_grant: leaf, targtype: leaf, objtype: leaf, objects: nodes, privileges: nodes, grantees: nodes, grant_option: leaf, grantor: (RoleSpec), behavior: leaf }
        GrantRoleStmt GrantRoleStmt { granted_roles: nodes, grantee_roles: nodes, is_grant: leaf, opt: nodes, grantor: (RoleSpec), behavior: leaf }
        AlterDefaultPrivilegesStmt AlterDefaultPrivilegesStmt { options: nodes, action: (GrantStmt) }
        ClosePortalStmt ClosePortalStmt { portalname: leaf }
        ClusterStmt ClusterStmt { relation: (RangeVar), indexname: leaf, params: nodes }
        CopyStmt CopyStmt { relation: (RangeVar), query: node, attlist: nodes, is_from: leaf, is_program: leaf, filename: leaf, options: nodes, where_clause: node }
        CreateStmt CreateStmt { relation: (RangeVar), table_elts: nodes, inh_relations: nodes, partbound: (PartitionBoundSpec), partspec: (PartitionSpec), of_typename: (TypeName), constraints: nodes, nnconstraints: nodes, options: nodes, oncommit: leaf, tablespacename: leaf, access_method: leaf, if_not_exists: leaf }
        DefineStmt DefineStmt { kind: leaf, oldstyle: leaf, defnames: nodes, args: nodes, definition: nodes, if_not_exists: leaf, replace: leaf }
        DropStmt DropStmt { objects: nodes, remove_type: leaf, behavior: leaf, missing_ok: leaf, concurrent: leaf }
        TruncateStmt TruncateStmt { relations: nodes, restart_seqs: leaf, behavior: leaf }
        CommentStmt CommentStmt { objtype: leaf, object: node, comment: leaf }
        FetchStmt FetchStmt { direction: leaf, how_many: leaf, portalname: leaf, ismove: leaf }
        IndexStmt IndexStmt { idxname: leaf, relation: (RangeVar), access_method: leaf, table_space: leaf, index_params: nodes, index_including_params: nodes, options: nodes, where_clause: node, exclude_op_names: nodes, idxcomment: leaf, index_oid: leaf, old_number: leaf, old_create_subid: leaf, old_first_relfilelocator_subid: leaf, unique: leaf, nulls_not_distinct: leaf, primary: leaf, isconstraint: leaf, iswithoutoverlaps: leaf, deferrable: leaf, initdeferred: leaf, transformed: leaf, concurrent: leaf, if_not_exists: leaf, reset_default_tblspc: leaf }
        CreateFunctionStmt CreateFunctionStmt { is_procedure: leaf, replace: leaf, funcname: nodes, parameters: nodes, return_type: (TypeName), options: nodes, sql_body: node }
        AlterFunctionStmt AlterFunctionStmt { objtype: leaf, func: (ObjectWithArgs), actions: nodes }
        DoStmt DoStmt { args: nodes }
        RenameStmt RenameStmt { rename_type: leaf, relation_type: leaf, relation: (RangeVar), object: node, subname: leaf, newname: leaf, behavior: leaf, missing_ok: leaf }
        RuleStmt RuleStmt { relation: (RangeVar), rulename: leaf, where_clause: node, event: leaf, instead: leaf, actions: nodes, replace: leaf }
        NotifyStmt NotifyStmt { conditionname: leaf, payload: leaf, payload_location: leaf }
        ListenStmt ListenStmt { conditionname: leaf }
        UnlistenStmt UnlistenStmt { conditionname: leaf }
        TransactionStmt TransactionStmt { kind: leaf, options: nodes, savepoint_name: leaf, gid: leaf, chain: leaf, location: leaf }
        ViewStmt ViewStmt { view: (RangeVar), aliases: nodes, query: node, replace: leaf, options: nodes, with_check_option: leaf }
        LoadStmt LoadStmt { filename: leaf }
        CreateDomainStmt CreateDomainStmt { domainname: nodes, type_name: (TypeName), coll_clause: (CollateClause), constraints: nodes }
        CreatedbStmt CreatedbStmt { dbname: leaf, options: nodes }
        DropdbStmt DropdbStmt { dbname: leaf, missing_ok: leaf, options: nodes }
        VacuumStmt VacuumStmt { options: nodes, rels: nodes, is_vacuumcmd: leaf }
        ExplainStmt ExplainStmt { query: node, options: nodes }
        CreateTableAsStmt CreateTableAsStmt { query: node, into: (IntoClause), objtype: leaf, is_select_into: leaf, if_not_exists: leaf }
        CreateSeqStmt CreateSeqStmt { sequence: (RangeVar), options: nodes, owner_id: leaf, for_identity: leaf, if_not_exists: leaf }
        AlterSeqStmt AlterSeqStmt { sequence: (RangeVar), options: nodes, for_identity: leaf, missing_ok: leaf }
        VariableSetStmt VariableSetStmt { kind: leaf, name: leaf, args: nodes, jumble_args: leaf, is_local: leaf, location: leaf }
        VariableShowStmt VariableShowStmt { name: leaf }
        DiscardStmt DiscardStmt { target: leaf }
        CreateTrigStmt CreateTrigStmt { replace: leaf, isconstraint: leaf, trigname: leaf, relation: (RangeVar), funcname: nodes, args: nodes, row: leaf, timing: leaf, events: leaf, columns: nodes, when_clause: node, transition_rels: nodes, deferrable: leaf, initdeferred: leaf, constrrel: (RangeVar) }
        CreatePlangStmt CreatePLangStmt { replace: leaf, plname: leaf, plhandler: nodes, plinline: nodes, plvalidator: nodes, pltrusted: leaf }
        CreateRoleStmt CreateRoleStmt { stmt_type: leaf, role: leaf, options: nodes }
        AlterRoleStmt AlterRoleStmt { role: (RoleSpec), options: nodes, action: leaf }
        DropRoleStmt DropRoleStmt { roles: nodes, missing_ok: leaf }
        LockStmt LockStmt { relations: nodes, mode: leaf, nowait: leaf }
        ConstraintsSetStmt ConstraintsSetStmt { constraints: nodes, deferred: leaf }
        ReindexStmt ReindexStmt { kind: leaf, relation: (RangeVar), name: leaf, params: nodes }
        CheckPointStmt CheckPointStmt {}
        CreateSchemaStmt CreateSchemaStmt { schemaname: leaf, authrole: (RoleSpec), schema_elts: nodes, if_not_exists: leaf }
        AlterDatabaseStmt AlterDatabaseStmt { dbname: leaf, options: nodes }
        AlterDatabaseSetStmt AlterDatabaseSetStmt { dbname: leaf, setstmt: (VariableSetStmt) }
        AlterRoleSetStmt AlterRoleSetStmt { role: (RoleSpec), database: leaf, setstmt: (VariableSetStmt) }
        CreateConversionStmt CreateConversionStmt { conversion_name: nodes, for_encoding_name: leaf, to_encoding_name: leaf, func_name: nodes, def: leaf }
        CreateCastStmt CreateCastStmt { sourcetype: (TypeName), targettype: (TypeName), func: (ObjectWithArgs), context: leaf, inout: leaf }
        CreateOpClassStmt CreateOpClassStmt { opclassname: nodes, opfamilyname: nodes, amname: leaf, datatype: (TypeName), items: nodes, is_default: leaf }
        CreateOpFamilyStmt CreateOpFamilyStmt { opfamilyname: nodes, amname: leaf }
        AlterOpFamilyStmt AlterOpFamilyStmt { opfamilyname: nodes, amname: leaf, is_drop: leaf, items: nodes }
        PrepareStmt PrepareStmt { name: leaf, argtypes: nodes, query: node }
        ExecuteStmt ExecuteStmt { name: leaf, params: nodes }
        DeallocateStmt DeallocateStmt { name: leaf, isall: leaf, location: leaf }
        DeclareCursorStmt DeclareCursorStmt { portalname: leaf, options: leaf, query: node }
        CreateTableSpaceStmt CreateTableSpaceStmt { tablespacename: leaf, owner: (RoleSpec), location: leaf, options: nodes }
        DropTableSpaceStmt DropTableSpaceStmt { tablespacename: leaf, missing_ok: leaf }
        AlterObjectDependsStmt AlterObjectDependsStmt { object_type: leaf, relation: (RangeVar), object: node, extname: (String), remove: leaf }
        AlterObjectSchemaStmt AlterObjectSchemaStmt { object_type: leaf, relation: (RangeVar), object: node, newschema: leaf, missing_ok: leaf }
        AlterOwnerStmt AlterOwnerStmt { object_type: leaf, relation: (RangeVar), object: node, newowner: (RoleSpec) }
        AlterOperatorStmt AlterOperatorStmt { opername: (ObjectWithArgs), options: nodes }
        AlterTypeStmt AlterTypeStmt { type_name: nodes, options: nodes }
        AtalterConstraint AtAlterConstraint { conname: leaf, alter_enforceability: leaf, is_enforced: leaf, alter_deferrability: leaf, deferrable: leaf, initdeferred: leaf, alter_inheritability: leaf, noinherit: leaf }
        DropOwnedStmt DropOwnedStmt { roles: nodes, behavior: leaf }
        ReassignOwnedStmt ReassignOwnedStmt { roles: nodes, newrole: (RoleSpec) }
        CompositeTypeStmt CompositeTypeStmt { typevar: (RangeVar), coldeflist: nodes }
        CreateEnumStmt CreateEnumStmt { type_name: nodes, vals: nodes }
        CreateRangeStmt CreateRangeStmt { type_name: nodes, params: nodes }
        AlterEnumStmt AlterEnumStmt { type_name: nodes, old_val: leaf, new_val: leaf, new_val_neighbor: leaf, new_val_is_after: leaf, skip_if_new_val_exists: leaf }
        AlterTsdictionaryStmt AlterTsDictionaryStmt { dictname: nodes, options: nodes }
        AlterTsconfigurationStmt AlterTsConfigurationStmt { kind: leaf, cfgname: nodes, tokentype: nodes, dicts: nodes, r#override: leaf, replace: leaf, missing_ok: leaf }
        CreateFdwStmt CreateFdwStmt { fdwname: leaf, func_options: nodes, options: nodes }
        AlterFdwStmt AlterFdwStmt { fdwname: leaf, func_options: nodes, options: nodes }
        CreateForeignServerStmt CreateForeignServerStmt { servername: leaf, servertype: leaf, version: leaf, fdwname: leaf, if_not_exists: leaf, options: nodes }
        AlterForeignServerStmt AlterForeignServerStmt { servername: leaf, version: leaf, options: nodes, has_version: leaf }
        CreateUserMappingStmt CreateUserMappingStmt { user: (RoleSpec), servername: leaf, if_not_exists: leaf, options: nodes }
        AlterUserMappingStmt AlterUserMappingStmt { user: (RoleSpec), servername: leaf, options: nodes }
        DropUserMappingStmt DropUserMappingStmt { user: (RoleSpec), servername: leaf, missing_ok: leaf }
        AlterTableSpaceOptionsStmt AlterTableSpaceOptionsStmt { tablespacename: leaf, options: nodes, is_reset: leaf }
        AlterTableMoveAllStmt AlterTableMoveAllStmt { orig_tablespacename: leaf, objtype: leaf, roles: nodes, new_tablespacename: leaf, nowait: leaf }
        SecLabelStmt SecLabelStmt { objtype: leaf, object: node, provider: leaf, label: leaf }
        CreateForeignTableStmt CreateForeignTableStmt { base_stmt: (CreateStmt), servername: leaf, options: nodes }
        ImportForeignSchemaStmt ImportForeignSchemaStmt { server_name: leaf, remote_schema: leaf, local_schema: leaf, list_type: leaf, table_list: nodes, options: nodes }
        CreateExtensionStmt CreateExtensionStmt { extname: leaf, if_not_exists: leaf, options: nodes }
        AlterExtensionStmt AlterExtensionStmt { extname: leaf, options: nodes }
        AlterExtensionContentsStmt AlterExtensionContentsStmt { extname: leaf, action: leaf, objtype: leaf, object: node }
        CreateEventTrigStmt CreateEventTrigStmt { trigname: leaf, eventname: leaf, whenclause: nodes, funcname: nodes }
        AlterEventTrigStmt AlterEventTrigStmt { trigname: leaf, tgenabled: leaf }
        RefreshMatViewStmt RefreshMatViewStmt { concurrent: leaf, skip_data: leaf, relation: (RangeVar) }
        ReplicaIdentityStmt ReplicaIdentityStmt { identity_type: leaf, name: leaf }
        AlterSystemStmt AlterSystemStmt { setstmt: (VariableSetStmt) }
        CreatePolicyStmt CreatePolicyStmt { policy_name: leaf, table: (RangeVar), cmd_name: leaf, permissive: leaf, roles: nodes, qual: node, with_check: node }
        AlterPolicyStmt AlterPolicyStmt { policy_name: leaf, table: (RangeVar), roles: nodes, qual: node, with_check: node }
        CreateTransformStmt CreateTransformStmt { replace: leaf, type_name: (TypeName), lang: leaf, fromsql: (ObjectWithArgs), tosql: (ObjectWithArgs) }
        CreateAmStmt CreateAmStmt { amname: leaf, handler_name: nodes, amtype: leaf }
        CreatePublicationStmt CreatePublicationStmt { pubname: leaf, options: nodes, pubobjects: nodes, for_all_tables: leaf }
        AlterPublicationStmt AlterPublicationStmt { pubname: leaf, options: nodes, pubobjects: nodes, for_all_tables: leaf, action: leaf }
        CreateSubscriptionStmt CreateSubscriptionStmt { subname: leaf, conninfo: leaf, publication: nodes, options: nodes, conninfo_location: leaf }
        AlterSubscriptionStmt AlterSubscriptionStmt { kind: leaf, subname: leaf, conninfo: leaf, publication: nodes, options: nodes, conninfo_location: leaf }
        DropSubscriptionStmt DropSubscriptionStmt { subname: leaf, missing_ok: leaf, behavior: leaf }
        CreateStatsStmt CreateStatsStmt { defnames: nodes, stat_types: nodes, exprs: nodes, relations: nodes, stxcomment: leaf, transformed: leaf, if_not_exists: leaf }
        AlterCollationStmt AlterCollationStmt { collname: nodes }
        CallStmt CallStmt { funccall: (FuncCall), funcexpr: (FuncExpr), outargs: nodes }
        AlterStatsStmt AlterStatsStmt { defnames: nodes, stxstattarget: node, missing_ok: leaf }
        AExpr AExpr { kind: leaf, name: nodes, lexpr: node, rexpr: node, rexpr_list_start: leaf, rexpr_list_end: leaf, location: leaf }
        ColumnRef ColumnRef { fields: nodes, location: leaf }
        ParamRef ParamRef { number: leaf, location: leaf }
        AConst AConst { isnull: leaf, location: leaf, val: leaf }
        FuncCall FuncCall { funcname: nodes, args: nodes, agg_order: nodes, agg_filter: node, over: (WindowDef), agg_within_group: leaf, agg_star: leaf, agg_distinct: leaf, func_variadic: leaf, funcformat: leaf, location: leaf }
        AStar AStar {}
        AIndices AIndices { is_slice: leaf, lidx: node, uidx: node }
        AIndirection AIndirection { arg: node, indirection: nodes }
        AArrayExpr AArrayExpr { elements: nodes, list_start: leaf, list_end: leaf, location: leaf }
        ResTarget ResTarget { name: leaf, indirection: nodes, val: node, location: leaf }
        MultiAssignRef MultiAssignRef { source: node, colno: leaf, ncolumns: leaf }
        TypeCast TypeCast { arg: node, type_name: (TypeName), location: leaf }
        CollateClause CollateClause { arg: node, collname: nodes, location: leaf }
        SortBy SortBy { node: node, sortby_dir: leaf, sortby_nulls: leaf, use_op: nodes, location: leaf }
        WindowDef WindowDef { name: leaf, refname: leaf, partition_clause: nodes, order_clause: nodes, frame_options: leaf, start_offset: node, end_offset: node, location: leaf }
        RangeSubselect RangeSubselect { lateral: leaf, subquery: node, alias: (Alias) }
        RangeFunction RangeFunction { lateral: leaf, ordinality: leaf, is_rowsfrom: leaf, functions: nodes, alias: (Alias), coldeflist: nodes }
        RangeTableSample RangeTableSample { relation: node, method: nodes, args: nodes, repeatable: node, location: leaf }
        RangeTableFunc RangeTableFunc { lateral: leaf, docexpr: node, rowexpr: node, namespaces: nodes, columns: nodes, alias: (Alias), location: leaf }
        RangeTableFuncCol RangeTableFuncCol { colname: leaf, type_name: (TypeName), for_ordinality: leaf, is_not_null: leaf, colexpr: node, coldefexpr: node, location: leaf }
        TypeName TypeName { names: nodes, type_oid: leaf, setof: leaf, pct_type: leaf, typmods: nodes, typemod: leaf, array_bounds: nodes, location: leaf }
        ColumnDef ColumnDef { colname: leaf, type_name: (TypeName), compression: leaf, inhcount: leaf, is_local: leaf, is_not_null: leaf, is_from_type: leaf, storage: leaf, storage_name: leaf, raw_default: node, cooked_default: node, identity: leaf, identity_sequence: (RangeVar), generated: leaf, coll_clause: (CollateClause), coll_oid: leaf, constraints: nodes, fdwoptions: nodes, location: leaf }
        IndexElem IndexElem { name: leaf, expr: node, indexcolname: leaf, collation: nodes, opclass: nodes, opclassopts: nodes, ordering: leaf, nulls_ordering: leaf }
        Constraint Constraint { contype: leaf, conname: leaf, deferrable: leaf, initdeferred: leaf, is_enforced: leaf, skip_validation: leaf, initially_valid: leaf, is_no_inherit: leaf, raw_expr: node, cooked_expr: leaf, generated_when: leaf, generated_kind: leaf, nulls_not_distinct: leaf, keys: nodes, without_overlaps: leaf, including: nodes, exclusions: nodes, options: nodes, indexname: leaf, indexspace: leaf, reset_default_tblspc: leaf, access_method: leaf, where_clause: node, pktable: (RangeVar), fk_attrs: nodes, pk_attrs: nodes, fk_with_period: leaf, pk_with_period: leaf, fk_matchtype: leaf, fk_upd_action: leaf, fk_del_action: leaf, fk_del_set_cols: nodes, old_conpfeqop: nodes, old_pktable_oid: leaf, location: leaf }
        DefElem DefElem { defnamespace: leaf, defname: leaf, arg: node, defaction: leaf, location: leaf, arg_location: leaf }
        RangeTblEntry RangeTblEntry { alias: (Alias), eref: (Alias), rtekind: leaf, relid: leaf, inh: leaf, relkind: leaf, rellockmode: leaf, perminfoindex: leaf, tablesample: (TableSampleClause), subquery: (Query), security_barrier: leaf, jointype: leaf, joinmergedcols: leaf, joinaliasvars: nodes, joinleftcols: nodes, joinrightcols: nodes, join_using_alias: (Alias), functions: nodes, funcordinality: leaf, tablefunc: (TableFunc), values_lists: nodes, ctename: leaf, ctelevelsup: leaf, self_reference: leaf, coltypes: nodes, coltypmods: nodes, colcollations: nodes, enrname: leaf, enrtuples: leaf, groupexprs: nodes, lateral: leaf, in_from_cl: leaf, security_quals: nodes }
        RangeTblFunction RangeTblFunction { funcexpr: node, funccolcount: leaf, funccolnames: nodes, funccoltypes: nodes, funccoltypmods: nodes, funccolcollations: nodes, funcparams: leaf }
        TableSampleClause TableSampleClause { tsmhandler: leaf, args: nodes, repeatable: node }
        WithCheckOption WithCheckOption { kind: leaf, relname: leaf, polname: leaf, qual: node, cascaded: leaf }
        SortGroupClause SortGroupClause { tle_sort_group_ref: leaf, eqop: leaf, sortop: leaf, reverse_sort: leaf, nulls_first: leaf, hashable: leaf }
        GroupingSet GroupingSet { kind: leaf, content: nodes, location: leaf }
        WindowClause WindowClause { name: leaf, refname: leaf, partition_clause: nodes, order_clause: nodes, frame_options: leaf, start_offset: node, end_offset: node, start_in_range_func: leaf, end_in_range_func: leaf, in_range_coll: leaf, in_range_asc: leaf, in_range_nulls_first: leaf, winref: leaf, copied_order: leaf }
        ObjectWithArgs ObjectWithArgs { objname: nodes, objargs: nodes, objfuncargs: nodes, args_unspecified: leaf }
        AccessPriv AccessPriv { priv_name: leaf, cols: nodes }
        CreateOpClassItem CreateOpClassItem { itemtype: leaf, name: (ObjectWithArgs), number: leaf, order_family: nodes, class_args: nodes, storedtype: (TypeName) }
        TableLikeClause TableLikeClause { relation: (RangeVar), options: leaf, relation_oid: leaf }
        FunctionParameter FunctionParameter { name: leaf, arg_type: (TypeName), mode: leaf, defexpr: node, location: leaf }
        LockingClause LockingClause { locked_rels: nodes, strength: leaf, wait_policy: leaf }
        RowMarkClause RowMarkClause { rti: leaf, strength: leaf, wait_policy: leaf, pushed_down: leaf }
        XmlSerialize XmlSerialize { xmloption: leaf, expr: node, type_name: (TypeName), indent: leaf, location: leaf }
        WithClause WithClause { ctes: nodes, recursive: leaf, location: leaf }
        InferClause InferClause { index_elems: nodes, where_clause: node, conname: leaf, location: leaf }
        OnConflictClause OnConflictClause { action: leaf, infer: (InferClause), target_list: nodes, where_clause: node, location: leaf }
        CommonTableExpr CommonTableExpr { ctename: leaf, aliascolnames: nodes, ctematerialized: leaf, ctequery: node, search_clause: (CtesearchClause), cycle_clause: (CtecycleClause), location: leaf, cterecursive: leaf, cterefcount: leaf, ctecolnames: nodes, ctecoltypes: nodes, ctecoltypmods: nodes, ctecolcollations: nodes }
        RoleSpec RoleSpec { roletype: leaf, rolename: leaf, location: leaf }
        TriggerTransition TriggerTransition { name: leaf, is_new: leaf, is_table: leaf }
        PartitionElem PartitionElem { name: leaf, expr: node, collation: nodes, opclass: nodes, location: leaf }
        PartitionSpec PartitionSpec { strategy: leaf, part_params: nodes, location: leaf }
        PartitionBoundSpec PartitionBoundSpec { strategy: leaf, is_default: leaf, modulus: leaf, remainder: leaf, listdatums: nodes, lowerdatums: nodes, upperdatums: nodes, location: leaf }
        PartitionRangeDatum PartitionRangeDatum { kind: leaf, value: node, location: leaf }
        PartitionCmd PartitionCmd { name: (RangeVar), bound: (PartitionBoundSpec), concurrent: leaf }
        VacuumRelation VacuumRelation { relation: (RangeVar), oid: leaf, va_cols: nodes }
        InlineCodeBlock InlineCodeBlock { source_text: leaf, lang_oid: leaf, lang_is_trusted: leaf, atomic: leaf }
        CallContext CallContext { atomic: leaf }
        Integer Integer { ival: leaf }
        Float Float { fval: leaf }
        Boolean Boolean { boolval: leaf }
        String String { sval: leaf }
        BitString BitString { bsval: leaf }
        List List { items: nodes }
        IntList IntList { items: nodes }
        OidList OidList { items: nodes }
        MergeStmt MergeStmt { relation: (RangeVar), source_relation: node, join_condition: node, merge_when_clauses: nodes, returning_clause: (ReturningClause), with_clause: (WithClause) }
        MergeAction MergeAction { match_kind: leaf, command_type: leaf, r#override: leaf, qual: node, target_list: nodes, update_colnos: nodes }
        AlterDatabaseRefreshCollStmt AlterDatabaseRefreshCollStmt { dbname: leaf }
        ReturnStmt ReturnStmt { returnval: node }
        ReturningClause ReturningClause { options: nodes, exprs: nodes }
        ReturningExpr ReturningExpr { xpr: node, retlevelsup: leaf, retold: leaf, retexpr: node }
        ReturningOption ReturningOption { option: leaf, value: leaf, location: leaf }
        PlassignStmt PlAssignStmt { name: leaf, indirection: nodes, nnames: leaf, val: (SelectStmt), location: leaf }
        StatsElem StatsElem { name: leaf, expr: node }
        CtesearchClause CteSearchClause { search_col_list: nodes, search_breadth_first: leaf, search_seq_column: leaf, location: leaf }
        CtecycleClause CteCycleClause { cycle_col_list: nodes, cycle_mark_column: leaf, cycle_mark_value: node, cycle_mark_default: node, cycle_path_column: leaf, location: leaf, cycle_mark_type: leaf, cycle_mark_typmod: leaf, cycle_mark_collation: leaf, cycle_mark_neop: leaf }
        MergeWhenClause MergeWhenClause { match_kind: leaf, command_type: leaf, r#override: leaf, condition: node, target_list: nodes, values: nodes }
        PublicationObjSpec PublicationObjSpec { pubobjtype: leaf, name: leaf, pubtable: (PublicationTable), location: leaf }
        PublicationTable PublicationTable { relation: (RangeVar), where_clause: node, columns: nodes }
        JsonFormat JsonFormat { format_type: leaf, encoding: leaf, location: leaf }
        JsonReturning JsonReturning { format: (JsonFormat), typid: leaf, typmod: leaf }
        JsonValueExpr JsonValueExpr { raw_expr: node, formatted_expr: node, format: (JsonFormat) }
        JsonConstructorExpr JsonConstructorExpr { xpr: node, r#type: leaf, args: nodes, func: node, coercion: node, returning: (JsonReturning), absent_on_null: leaf, unique: leaf, location: leaf }
        JsonIsPredicate JsonIsPredicate { expr: node, format: (JsonFormat), item_type: leaf, unique_keys: leaf, location: leaf }
        JsonOutput JsonOutput { type_name: (TypeName), returning: (JsonReturning) }
        JsonKeyValue JsonKeyValue { key: node, value: (JsonValueExpr) }
        JsonObjectConstructor JsonObjectConstructor { exprs: nodes, output: (JsonOutput), absent_on_null: leaf, unique: leaf, location: leaf }
        JsonArrayConstructor JsonArrayConstructor { exprs: nodes, output: (JsonOutput), absent_on_null: leaf, location: leaf }
        JsonArrayQueryConstructor JsonArrayQueryConstructor { query: node, output: (JsonOutput), format: (JsonFormat), absent_on_null: leaf, location: leaf }
        JsonAggConstructor JsonAggConstructor { output: (JsonOutput), agg_filter: node, agg_order: nodes, over: (WindowDef), location: leaf }
        JsonObjectAgg JsonObjectAgg { constructor: (JsonAggConstructor), arg: (JsonKeyValue), absent_on_null: leaf, unique: leaf }
        JsonArrayAgg JsonArrayAgg { constructor: (JsonAggConstructor), arg: (JsonValueExpr), absent_on_null: leaf }
        RtepermissionInfo RtePermissionInfo { relid: leaf, inh: leaf, required_perms: leaf, check_as_user: leaf, selected_cols: leaf, inserted_cols: leaf, updated_cols: leaf }
        WindowFuncRunCondition WindowFuncRunCondition { xpr: node, opno: leaf, inputcollid: leaf, wfunc_left: leaf, arg: node }
        MergeSupportFunc MergeSupportFunc { xpr: node, msftype: leaf, msfcollid: leaf, location: leaf }
        JsonBehavior JsonBehavior { btype: leaf, expr: node, coerce: leaf, location: leaf }
        JsonExpr JsonExpr { xpr: node, op: leaf, column_name: leaf, formatted_expr: node, format: (JsonFormat), path_spec: node, returning: (JsonReturning), passing_names: nodes, passing_values: nodes, on_empty: (JsonBehavior), on_error: (JsonBehavior), use_io_coercion: leaf, use_json_coercion: leaf, wrapper: leaf, omit_quotes: leaf, collation: leaf, location: leaf }
        JsonTablePath JsonTablePath { name: leaf }
        JsonTablePathScan JsonTablePathScan { plan: node, path: (JsonTablePath), error_on_error: leaf, child: node, col_min: leaf, col_max: leaf }
        JsonTableSiblingJoin JsonTableSiblingJoin { plan: node, lplan: node, rplan: node }
        JsonArgument JsonArgument { val: (JsonValueExpr), name: leaf }
        JsonFuncExpr JsonFuncExpr { op: leaf, column_name: leaf, context_item: (JsonValueExpr), pathspec: node, passing: nodes, output: (JsonOutput), on_empty: (JsonBehavior), on_error: (JsonBehavior), wrapper: leaf, quotes: leaf, location: leaf }
        JsonTablePathSpec JsonTablePathSpec { string: node, name: leaf, name_location: leaf, location: leaf }
        JsonTable JsonTable { context_item: (JsonValueExpr), pathspec: (JsonTablePathSpec), passing: nodes, columns: nodes, on_error: (JsonBehavior), alias: (Alias), lateral: leaf, location: leaf }
        JsonTableColumn JsonTableColumn { coltype: leaf, name: leaf, type_name: (TypeName), pathspec: (JsonTablePathSpec), format: (JsonFormat), wrapper: leaf, quotes: leaf, columns: nodes, on_empty: (JsonBehavior), on_error: (JsonBehavior), location: leaf }
        JsonParseExpr JsonParseExpr { expr: (JsonValueExpr), output: (JsonOutput), unique_keys: leaf, location: leaf }
        JsonScalarExpr JsonScalarExpr { expr: node, output: (JsonOutput), location: leaf }
        JsonSerializeExpr JsonSerializeExpr { expr: (JsonValueExpr), output: (JsonOutput), location: leaf }
    }
}
