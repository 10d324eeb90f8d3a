//! The parts of every kind of node, as PostgreSQL's headers declare them, without positions in the text.
//!
//! A test compares this table with the fields that `pg_raw_parse` generates from the headers, over PostgreSQL's grammar: a
//! field that a new version adds is not overlooked.

use pg_raw_parse::const_val::ConstValue;
use pg_raw_parse::list::{CastNodeList, NodeList};
use pg_raw_parse::{Node, nodes};

use crate::c::CreateForeignTableStmt;

/// One field of a node.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'a> {
    /// A number, flag or enum value.
    Number(i64),
    Text(Option<&'a str>),
    /// A constant of the text; `None` for NULL.
    Constant(Option<ConstValue<'a>>),
    /// [`Node::None`] if the field is empty.
    Node(Node<'a>),
    List(&'a NodeList),
}

trait Field<'a> {
    fn part(self) -> Part<'a>;
}

impl<'a> Field<'a> for Option<&'a str> {
    fn part(self) -> Part<'a> {
        Part::Text(self)
    }
}

impl<'a> Field<'a> for Option<ConstValue<'a>> {
    fn part(self) -> Part<'a> {
        Part::Constant(self)
    }
}

impl<'a> Field<'a> for Node<'a> {
    fn part(self) -> Part<'a> {
        Part::Node(self)
    }
}

impl<'a> Field<'a> for &'a NodeList {
    fn part(self) -> Part<'a> {
        Part::List(self)
    }
}

impl<'a, T> Field<'a> for &'a CastNodeList<T> {
    fn part(self) -> Part<'a> {
        Part::List(crate::c::untyped(self))
    }
}

macro_rules! fields_of_nodes {
    ($($kind:ident),* $(,)?) => {
        $(impl<'a> Field<'a> for Option<&'a nodes::$kind> {
            fn part(self) -> Part<'a> {
                Part::Node(self.into())
            }
        })*
    };
}

fields_of_nodes! {
    Alias, Bitmapset, CTECycleClause, CTESearchClause, CollateClause, FromExpr, FuncCall, FuncExpr, GrantStmt,
    InferClause, IntoClause, JsonAggConstructor, JsonBehavior, JsonFormat, JsonKeyValue, JsonOutput,
    JsonReturning, JsonTablePathSpec, JsonValueExpr, ObjectWithArgs, OnConflictClause, OnConflictExpr,
    PartitionBoundSpec, PartitionSpec, PublicationTable, Query, RangeVar, ReturningClause, RoleSpec,
    SelectStmt, String, TableFunc, TableSampleClause, TypeName, VariableSetStmt, WindowDef, WithClause
}

/// Hands the table to a macro: for each kind of node its numbers, then its other fields.
macro_rules! table {
    ($macro:ident, $($argument:ident),*) => {
        $macro! { $($argument),*;
            Bitmapset { nwords;  }
            Alias {; aliasname, colnames }
            RangeVar { inh, relpersistence; catalogname, schemaname, relname, alias }
            TableFunc { functype, ordinalitycol; ns_uris, ns_names, docexpr, rowexpr, colnames, colexprs, coldefexprs, colvalexprs, passingvalexprs, notnulls, plan }
            IntoClause { on_commit, skip_data; rel, col_names, access_method, options, table_space_name, view_query }
            Param { paramkind, paramid, paramtype, paramtypmod, paramcollid;  }
            Aggref { aggfnoid, aggtype, aggcollid, inputcollid, aggtranstype, aggstar, aggvariadic, aggkind, aggpresorted, agglevelsup, aggsplit, aggno, aggtransno; aggargtypes, aggdirectargs, args, aggorder, aggdistinct, aggfilter }
            GroupingFunc { agglevelsup; args, refs, cols }
            WindowFunc { winfnoid, wintype, wincollid, inputcollid, winref, winstar, winagg; args, aggfilter, run_condition }
            WindowFuncRunCondition { opno, inputcollid, wfunc_left; arg }
            MergeSupportFunc { msftype, msfcollid;  }
            SubscriptingRef { refcontainertype, refelemtype, refrestype, reftypmod, refcollid; refupperindexpr, reflowerindexpr, refexpr, refassgnexpr }
            FuncExpr { funcid, funcresulttype, funcretset, funcvariadic, funcformat, funccollid, inputcollid; args }
            NamedArgExpr { argnumber; arg, name }
            OpExpr { opno, opfuncid, opresulttype, opretset, opcollid, inputcollid; args }
            ScalarArrayOpExpr { opno, opfuncid, hashfuncid, negfuncid, use_or, inputcollid; args }
            BoolExpr { boolop; args }
            SubLink { sub_link_type, sub_link_id; testexpr, oper_name, subselect }
            SubPlan { sub_link_type, plan_id, first_col_type, first_col_typmod, first_col_collation, use_hash_table, unknown_eq_false, parallel_safe, startup_cost, per_call_cost; testexpr, param_ids, plan_name, set_param, par_param, args }
            AlternativeSubPlan {; subplans }
            FieldSelect { fieldnum, resulttype, resulttypmod, resultcollid; arg }
            FieldStore { resulttype; arg, newvals }
            CoerceViaIO { resulttype, resultcollid, coerceformat; arg }
            ArrayCoerceExpr { resulttype, resulttypmod, resultcollid, coerceformat; arg, elemexpr }
            ConvertRowtypeExpr { resulttype, convertformat; arg }
            CollateExpr { coll_oid; arg }
            CaseExpr { casetype, casecollid; arg, args, defresult }
            CaseWhen {; expr, result }
            CaseTestExpr { type_id, type_mod, collation;  }
            ArrayExpr { array_typeid, array_collid, element_typeid, multidims; elements }
            RowExpr { row_typeid, row_format; args, colnames }
            RowCompareExpr { cmptype; largs, rargs }
            CoalesceExpr { coalescetype, coalescecollid; args }
            MinMaxExpr { minmaxtype, minmaxcollid, inputcollid, op; args }
            SQLValueFunction { op, type_, typmod;  }
            XmlExpr { op, xmloption, indent, type_, typmod; name, named_args, arg_names, args }
            JsonFormat { format_type, encoding;  }
            JsonReturning { typid, typmod; format }
            JsonValueExpr {; raw_expr, formatted_expr, format }
            JsonConstructorExpr { type_, absent_on_null, unique; args, func, coercion, returning }
            JsonIsPredicate { item_type, unique_keys; expr, format }
            JsonBehavior { btype, coerce; expr }
            JsonExpr { op, use_io_coercion, use_json_coercion, wrapper, omit_quotes, collation; column_name, formatted_expr, format, path_spec, returning, passing_names, passing_values, on_empty, on_error }
            NullTest { nulltesttype, argisrow; arg }
            BooleanTest { booltesttype; arg }
            MergeAction { match_kind, command_type, override_; qual, target_list, update_colnos }
            CoerceToDomain { resulttype, resulttypmod, resultcollid, coercionformat; arg }
            CoerceToDomainValue { type_id, type_mod, collation;  }
            SetToDefault { type_id, type_mod, collation;  }
            CurrentOfExpr { cvarno, cursor_param; cursor_name }
            NextValueExpr { seqid, type_id;  }
            InferenceElem { infercollid, inferopclass; expr }
            ReturningExpr { retlevelsup, retold; retexpr }
            TargetEntry { resno, ressortgroupref, resorigtbl, resorigcol, resjunk; expr, resname }
            RangeTblRef { rtindex;  }
            JoinExpr { jointype, is_natural, rtindex; larg, rarg, using_clause, join_using_alias, quals, alias }
            FromExpr {; fromlist, quals }
            OnConflictExpr { action, constraint, excl_rel_index; arbiter_elems, arbiter_where, on_conflict_set, on_conflict_where, excl_rel_tlist }
            Integer { ival;  }
            Float {; fval }
            Boolean { boolval;  }
            String {; sval }
            BitString {; bsval }
            Query { command_type, query_source, query_id, can_set_tag, result_relation, has_aggs, has_window_funcs, has_target_sr_fs, has_sub_links, has_distinct_on, has_recursive, has_modifying_cte, has_for_update, has_row_security, has_group_rte, is_return, merge_target_relation, override_, group_distinct, limit_option; utility_stmt, cte_list, rtable, rteperminfos, jointree, merge_action_list, merge_join_condition, target_list, on_conflict, returning_old_alias, returning_new_alias, returning_list, group_clause, grouping_sets, having_qual, window_clause, distinct_clause, sort_clause, limit_offset, limit_count, row_marks, set_operations, constraint_deps, with_check_options }
            TypeName { type_oid, setof, pct_type, typemod; names, typmods, array_bounds }
            ColumnRef {; fields }
            ParamRef { number;  }
            A_Expr { kind; name, lexpr, rexpr }
            A_Const { isnull; val }
            TypeCast {; arg, type_name }
            CollateClause {; arg, collname }
            RoleSpec { roletype; rolename }
            FuncCall { agg_within_group, agg_star, agg_distinct, func_variadic, funcformat; funcname, args, agg_order, agg_filter, over }
            A_Star {;  }
            A_Indices { is_slice; lidx, uidx }
            A_Indirection {; arg, indirection }
            A_ArrayExpr {; elements }
            ResTarget {; name, indirection, val }
            MultiAssignRef { colno, ncolumns; source }
            SortBy { sortby_dir, sortby_nulls; node, use_op }
            WindowDef { frame_options; name, refname, partition_clause, order_clause, start_offset, end_offset }
            RangeSubselect { lateral; subquery, alias }
            RangeFunction { lateral, ordinality, is_rowsfrom; functions, alias, coldeflist }
            RangeTableFunc { lateral; docexpr, rowexpr, namespaces, columns, alias }
            RangeTableFuncCol { for_ordinality, is_not_null; colname, type_name, colexpr, coldefexpr }
            RangeTableSample {; relation, method, args, repeatable }
            ColumnDef { inhcount, is_local, is_not_null, is_from_type, storage, identity, generated, coll_oid; colname, type_name, compression, storage_name, raw_default, cooked_default, identity_sequence, coll_clause, constraints, fdwoptions }
            TableLikeClause { options, relation_oid; relation }
            IndexElem { ordering, nulls_ordering; name, expr, indexcolname, collation, opclass, opclassopts }
            DefElem { defaction; defnamespace, defname, arg }
            LockingClause { strength, wait_policy; locked_rels }
            XmlSerialize { xmloption, indent; expr, type_name }
            PartitionElem {; name, expr, collation, opclass }
            PartitionSpec { strategy; part_params }
            PartitionBoundSpec { strategy, is_default, modulus, remainder; listdatums, lowerdatums, upperdatums }
            PartitionRangeDatum { kind; value }
            PartitionCmd { concurrent; name, bound }
            RangeTblEntry { rtekind, relid, inh, relkind, rellockmode, perminfoindex, security_barrier, jointype, joinmergedcols, funcordinality, ctelevelsup, self_reference, enrtuples, lateral, in_from_cl; alias, eref, tablesample, subquery, joinaliasvars, joinleftcols, joinrightcols, join_using_alias, functions, tablefunc, values_lists, ctename, coltypes, enrname, groupexprs, security_quals }
            RTEPermissionInfo { relid, inh, required_perms, check_as_user; selected_cols, inserted_cols, updated_cols }
            RangeTblFunction { funccolcount; funcexpr, funccolnames, funcparams }
            TableSampleClause { tsmhandler; args, repeatable }
            WithCheckOption { kind, cascaded; relname, polname, qual }
            SortGroupClause { tle_sort_group_ref, eqop, sortop, reverse_sort, nulls_first, hashable;  }
            GroupingSet { kind; content }
            WindowClause { frame_options, start_in_range_func, end_in_range_func, in_range_coll, in_range_asc, in_range_nulls_first, winref, copied_order; name, refname, partition_clause, order_clause, start_offset, end_offset }
            RowMarkClause { rti, strength, wait_policy, pushed_down;  }
            WithClause { recursive; ctes }
            InferClause {; index_elems, where_clause, conname }
            OnConflictClause { action; infer, target_list, where_clause }
            CTESearchClause { search_breadth_first; search_col_list, search_seq_column }
            CTECycleClause { cycle_mark_type, cycle_mark_typmod, cycle_mark_collation, cycle_mark_neop; cycle_col_list, cycle_mark_column, cycle_mark_value, cycle_mark_default, cycle_path_column }
            CommonTableExpr { ctematerialized, cterecursive, cterefcount; ctename, aliascolnames, ctequery, search_clause, cycle_clause, ctecolnames }
            MergeWhenClause { match_kind, command_type, override_; condition, target_list, values }
            ReturningOption { option; value }
            ReturningClause {; options, exprs }
            TriggerTransition { is_new, is_table; name }
            JsonOutput {; type_name, returning }
            JsonArgument {; val, name }
            JsonFuncExpr { op, wrapper, quotes; column_name, context_item, pathspec, passing, output, on_empty, on_error }
            JsonTablePathSpec {; string, name }
            JsonTable { lateral; context_item, pathspec, passing, columns, on_error, alias }
            JsonTableColumn { coltype, wrapper, quotes; name, type_name, pathspec, format, columns, on_empty, on_error }
            JsonKeyValue {; key, value }
            JsonParseExpr { unique_keys; expr, output }
            JsonScalarExpr {; expr, output }
            JsonSerializeExpr {; expr, output }
            JsonObjectConstructor { absent_on_null, unique; exprs, output }
            JsonArrayConstructor { absent_on_null; exprs, output }
            JsonArrayQueryConstructor { absent_on_null; query, output, format }
            JsonAggConstructor {; output, agg_filter, agg_order, over }
            JsonObjectAgg { absent_on_null, unique; constructor, arg }
            JsonArrayAgg { absent_on_null; constructor, arg }
            RawStmt {; stmt }
            InsertStmt { override_; relation, cols, select_stmt, on_conflict_clause, returning_clause, with_clause }
            DeleteStmt {; relation, using_clause, where_clause, returning_clause, with_clause }
            UpdateStmt {; relation, target_list, where_clause, from_clause, returning_clause, with_clause }
            MergeStmt {; relation, source_relation, join_condition, merge_when_clauses, returning_clause, with_clause }
            SelectStmt { group_distinct, limit_option, op, all; distinct_clause, into_clause, target_list, from_clause, where_clause, group_clause, having_clause, window_clause, values_lists, sort_clause, limit_offset, limit_count, locking_clause, with_clause, larg, rarg }
            SetOperationStmt { op, all; larg, rarg, col_types, group_clauses }
            ReturnStmt {; returnval }
            PLAssignStmt { nnames; name, indirection, val }
            CreateSchemaStmt { if_not_exists; schemaname, authrole, schema_elts }
            AlterTableStmt { objtype, missing_ok; relation, cmds }
            AlterTableCmd { subtype, num, behavior, missing_ok, recurse; name, newowner, def }
            ATAlterConstraint { alter_enforceability, is_enforced, alter_deferrability, deferrable, initdeferred, alter_inheritability, noinherit; conname }
            ReplicaIdentityStmt { identity_type; name }
            AlterCollationStmt {; collname }
            AlterDomainStmt { subtype, behavior, missing_ok; type_name, name, def }
            GrantStmt { is_grant, targtype, objtype, grant_option, behavior; objects, privileges, grantees, grantor }
            ObjectWithArgs { args_unspecified; objname, objargs, objfuncargs }
            AccessPriv {; priv_name, cols }
            GrantRoleStmt { is_grant, behavior; granted_roles, grantee_roles, opt, grantor }
            AlterDefaultPrivilegesStmt {; options, action }
            CopyStmt { is_from, is_program; relation, query, attlist, filename, options, where_clause }
            VariableSetStmt { kind, jumble_args, is_local; name, args }
            VariableShowStmt {; name }
            CreateStmt { oncommit, if_not_exists; relation, table_elts, inh_relations, partbound, partspec, of_typename, constraints, nnconstraints, options, tablespacename, access_method }
            Constraint { contype, deferrable, initdeferred, is_enforced, skip_validation, initially_valid, is_no_inherit, generated_when, generated_kind, nulls_not_distinct, without_overlaps, reset_default_tblspc, fk_with_period, pk_with_period, fk_matchtype, fk_upd_action, fk_del_action, old_pktable_oid; conname, raw_expr, cooked_expr, keys, including, exclusions, options, indexname, indexspace, access_method, where_clause, pktable, fk_attrs, pk_attrs, fk_del_set_cols, old_conpfeqop }
            CreateTableSpaceStmt {; tablespacename, owner, location, options }
            DropTableSpaceStmt { missing_ok; tablespacename }
            AlterTableSpaceOptionsStmt { is_reset; tablespacename, options }
            AlterTableMoveAllStmt { objtype, nowait; orig_tablespacename, roles, new_tablespacename }
            CreateExtensionStmt { if_not_exists; extname, options }
            AlterExtensionStmt {; extname, options }
            AlterExtensionContentsStmt { action, objtype; extname, object }
            CreateFdwStmt {; fdwname, func_options, options }
            AlterFdwStmt {; fdwname, func_options, options }
            CreateForeignServerStmt { if_not_exists; servername, servertype, version, fdwname, options }
            AlterForeignServerStmt { has_version; servername, version, options }
            CreateUserMappingStmt { if_not_exists; user, servername, options }
            AlterUserMappingStmt {; user, servername, options }
            DropUserMappingStmt { missing_ok; user, servername }
            ImportForeignSchemaStmt { list_type; server_name, remote_schema, local_schema, table_list, options }
            CreatePolicyStmt { permissive; policy_name, table, cmd_name, roles, qual, with_check }
            AlterPolicyStmt {; policy_name, table, roles, qual, with_check }
            CreateAmStmt { amtype; amname, handler_name }
            CreateTrigStmt { replace, isconstraint, row, timing, events, deferrable, initdeferred; trigname, relation, funcname, args, columns, when_clause, transition_rels, constrrel }
            CreateEventTrigStmt {; trigname, eventname, whenclause, funcname }
            AlterEventTrigStmt { tgenabled; trigname }
            CreatePLangStmt { replace, pltrusted; plname, plhandler, plinline, plvalidator }
            CreateRoleStmt { stmt_type; role, options }
            AlterRoleStmt { action; role, options }
            AlterRoleSetStmt {; role, database, setstmt }
            DropRoleStmt { missing_ok; roles }
            CreateSeqStmt { owner_id, for_identity, if_not_exists; sequence, options }
            AlterSeqStmt { for_identity, missing_ok; sequence, options }
            DefineStmt { kind, oldstyle, if_not_exists, replace; defnames, args, definition }
            CreateDomainStmt {; domainname, type_name, coll_clause, constraints }
            CreateOpClassStmt { is_default; opclassname, opfamilyname, amname, datatype, items }
            CreateOpClassItem { itemtype, number; name, order_family, class_args, storedtype }
            CreateOpFamilyStmt {; opfamilyname, amname }
            AlterOpFamilyStmt { is_drop; opfamilyname, amname, items }
            DropStmt { remove_type, behavior, missing_ok, concurrent; objects }
            TruncateStmt { restart_seqs, behavior; relations }
            CommentStmt { objtype; object, comment }
            SecLabelStmt { objtype; object, provider, label }
            DeclareCursorStmt { options; portalname, query }
            ClosePortalStmt {; portalname }
            FetchStmt { direction, how_many, ismove; portalname }
            IndexStmt { index_oid, old_number, old_create_subid, old_first_relfilelocator_subid, unique, nulls_not_distinct, primary, isconstraint, iswithoutoverlaps, deferrable, initdeferred, transformed, concurrent, if_not_exists, reset_default_tblspc; idxname, relation, access_method, table_space, index_params, index_including_params, options, where_clause, exclude_op_names, idxcomment }
            CreateStatsStmt { transformed, if_not_exists; defnames, stat_types, exprs, relations, stxcomment }
            StatsElem {; name, expr }
            AlterStatsStmt { missing_ok; defnames, stxstattarget }
            CreateFunctionStmt { is_procedure, replace; funcname, parameters, return_type, options, sql_body }
            FunctionParameter { mode; name, arg_type, defexpr }
            AlterFunctionStmt { objtype; func, actions }
            DoStmt {; args }
            InlineCodeBlock { lang_oid, lang_is_trusted, atomic; source_text }
            CallStmt {; funccall, funcexpr, outargs }
            CallContext { atomic;  }
            RenameStmt { rename_type, relation_type, behavior, missing_ok; relation, object, subname, newname }
            AlterObjectDependsStmt { object_type, remove; relation, object, extname }
            AlterObjectSchemaStmt { object_type, missing_ok; relation, object, newschema }
            AlterOwnerStmt { object_type; relation, object, newowner }
            AlterOperatorStmt {; opername, options }
            AlterTypeStmt {; type_name, options }
            RuleStmt { event, instead, replace; relation, rulename, where_clause, actions }
            NotifyStmt {; conditionname, payload }
            ListenStmt {; conditionname }
            UnlistenStmt {; conditionname }
            TransactionStmt { kind, chain; options, savepoint_name, gid }
            CompositeTypeStmt {; typevar, coldeflist }
            CreateEnumStmt {; type_name, vals }
            CreateRangeStmt {; type_name, params }
            AlterEnumStmt { new_val_is_after, skip_if_new_val_exists; type_name, old_val, new_val, new_val_neighbor }
            ViewStmt { replace, with_check_option; view, aliases, query, options }
            LoadStmt {; filename }
            CreatedbStmt {; dbname, options }
            AlterDatabaseStmt {; dbname, options }
            AlterDatabaseRefreshCollStmt {; dbname }
            AlterDatabaseSetStmt {; dbname, setstmt }
            DropdbStmt { missing_ok; dbname, options }
            AlterSystemStmt {; setstmt }
            ClusterStmt {; relation, indexname, params }
            VacuumStmt { is_vacuumcmd; options, rels }
            VacuumRelation { oid; relation, va_cols }
            ExplainStmt {; query, options }
            CreateTableAsStmt { objtype, is_select_into, if_not_exists; query, into }
            RefreshMatViewStmt { concurrent, skip_data; relation }
            CheckPointStmt {;  }
            DiscardStmt { target;  }
            LockStmt { mode, nowait; relations }
            ConstraintsSetStmt { deferred; constraints }
            ReindexStmt { kind; relation, name, params }
            CreateConversionStmt { def; conversion_name, for_encoding_name, to_encoding_name, func_name }
            CreateCastStmt { context, inout; sourcetype, targettype, func }
            CreateTransformStmt { replace; type_name, lang, fromsql, tosql }
            PrepareStmt {; name, argtypes, query }
            ExecuteStmt {; name, params }
            DeallocateStmt { isall; name }
            DropOwnedStmt { behavior; roles }
            ReassignOwnedStmt {; roles, newrole }
            AlterTSDictionaryStmt {; dictname, options }
            AlterTSConfigurationStmt { kind, override_, replace, missing_ok; cfgname, tokentype, dicts }
            PublicationTable {; relation, where_clause, columns }
            PublicationObjSpec { pubobjtype; name, pubtable }
            CreatePublicationStmt { for_all_tables; pubname, options, pubobjects }
            AlterPublicationStmt { for_all_tables, action; pubname, options, pubobjects }
            CreateSubscriptionStmt {; subname, conninfo, publication, options }
            AlterSubscriptionStmt { kind; subname, conninfo, publication, options }
            DropSubscriptionStmt { missing_ok, behavior; subname }
        }
    };
}

macro_rules! visit_parts {
    ($node:ident, $visit:ident; $($kind:ident { $($number:ident),* ; $($field:ident),* })*) => {
        match $node {
            $(Node::$kind(node) => {
                let _ = node;
                $($visit(Part::Number(node.$number as i64));)*
                $($visit(node.$field().part());)*
            })*
            Node::NodeList(list) => $visit(Part::List(list)),
            Node::None => {}
            Node::Invalid(_) => parts_of_foreign_table($node, $visit),
        }
    };
}

/// Calls `visit` for each field of the node: numbers first, then the others in the order of the declaration.
#[allow(clippy::unnecessary_cast)]
pub(crate) fn parts<'a>(node: Node<'a>, visit: &mut dyn FnMut(Part<'a>)) {
    table!(visit_parts, node, visit)
}

/// The only node of a parse tree that is no kind of its own in `pg_raw_parse`.
fn parts_of_foreign_table<'a>(node: Node<'a>, visit: &mut dyn FnMut(Part<'a>)) {
    if let Some(create) = CreateForeignTableStmt::of(node) {
        visit(Part::Node(Node::CreateStmt(create.base())));
        visit(Part::Text(create.servername()));
        if let Some(options) = create.options() {
            visit(Part::List(options));
        }
    }
}

/// Calls `visit` for each direct child, in the order of the fields. Lists count as their elements, and empty elements are
/// left out.
pub fn children<'a>(node: Node<'a>, visit: &mut dyn FnMut(Node<'a>)) {
    parts(node, &mut |part| match part {
        Part::Number(_) | Part::Text(_) | Part::Constant(_) => {}
        Part::Node(Node::None) => {}
        Part::Node(child) => visit(child),
        Part::List(list) => {
            let present = list.iter().filter(|child| !matches!(child, Node::None));
            present.for_each(&mut *visit);
        }
    });
}

#[cfg(test)]
macro_rules! name_parts {
    (; $($kind:ident { $($number:ident),* ; $($field:ident),* })*) => {
        vec![$((stringify!($kind), vec![$(stringify!($number),)* $(stringify!($field),)*])),*]
    };
}

/// The table itself: the kinds of nodes and their fields.
#[cfg(test)]
pub(crate) fn names() -> Vec<(&'static str, Vec<&'static str>)> {
    table!(name_parts,)
}
