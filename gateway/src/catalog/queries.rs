//! The catalog queries, for PostgreSQL 13 to 18. `$OF(column)` limits a query to the objects that are read again.

use std::collections::BTreeSet;

pub(super) const VERSION: &str =
    "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 / 10000";

pub(super) const RELATIONS: &str = "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, n.nspname IN ('pg_catalog', 'information_schema') \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE $OF(c.oid) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')";

/// Columns with their type as SQL text, whether it is a string type, and its collation if that is not the database's default. A
/// domain is written as its base type; NULL if that is a domain, too. A modifier of interval has another form in SQL and is
/// left out. Columns of the system catalogs are never written.
pub(super) const COLUMNS: &str = "SELECT a.attrelid, a.attnum, a.attname, a.atttypid, \
     CASE WHEN c.oid >= 16384 AND t.typtype <> 'd' THEN pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.typname) \
         || CASE WHEN t.oid IN (1186, 1187) THEN '' ELSE coalesce(pg_catalog.\"substring\"(pg_catalog.format_type(t.oid, \
             CASE WHEN d.typtype = 'd' THEN d.typtypmod ELSE a.atttypmod END), '[(][-0-9,]+[)]'), '') END END, \
     t.oid IN (19, 25, 1042, 1043) OR t.oid >= 16384 AND t.typname = 'citext' AND t.typtype = 'b', \
     CASE WHEN l.oid <> 100 THEN pg_catalog.quote_ident(ln.nspname) || '.' || pg_catalog.quote_ident(l.collname) END \
     FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
     JOIN pg_catalog.pg_type d ON d.oid = a.atttypid \
     JOIN pg_catalog.pg_type t ON t.oid = CASE WHEN d.typtype = 'd' THEN d.typbasetype ELSE d.oid END \
     JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace \
     LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace \
     WHERE $OF(a.attrelid) AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') ORDER BY a.attrelid, a.attnum";

/// The columns that the rules of views and tables read.
pub(super) const DEPENDENCIES: &str = "SELECT DISTINCT r.ev_class, d.refobjid, d.refobjsubid FROM pg_catalog.pg_rewrite r \
     JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid \
     WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class AND r.ev_class >= 16384 AND $OF(r.ev_class)";

/// A whole-row reference in a rule (attribute number 0 in its node tree) records no columns in pg_depend. Such a rule
/// is treated as reading all columns of every relation that it depends on.
pub(super) const WHOLE_ROWS: &str = "SELECT DISTINCT r.ev_class, a.attrelid, a.attnum FROM pg_catalog.pg_rewrite r \
     JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum > 0 AND NOT a.attisdropped \
     WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class AND r.ev_class >= 16384 AND $OF(r.ev_class) \
     AND r.ev_action::pg_catalog.text LIKE '%:varattno 0 %'";

/// Partitions and child tables with their parents.
pub(super) const PARENTS: &str = "SELECT i.inhrelid, i.inhparent FROM pg_catalog.pg_inherits i \
     JOIN pg_catalog.pg_class c ON c.oid = i.inhparent AND c.relkind IN ('r', 'p', 'f') WHERE $OF(i.inhrelid)";

/// Functions outside pg_catalog with their language, their extension, and their definition if the language can be
/// analysed.
pub(super) const FUNCTIONS: &str = "SELECT p.oid, n.nspname, p.proname, \
     CASE WHEN p.prokind = 'a' AND EXISTS (SELECT FROM pg_catalog.pg_aggregate g \
         JOIN pg_catalog.pg_proc f ON f.oid IN (g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggmtransfn, g.aggmfinalfn) \
         JOIN pg_catalog.pg_language o ON o.oid = f.prolang \
         WHERE g.aggfnoid = p.oid AND o.lanname NOT IN ('c', 'internal')) THEN 'aggregate' ELSE l.lanname END, e.extname, \
     CASE WHEN l.lanname IN ('sql', 'plpgsql') AND p.prokind IN ('f', 'w', 'p') THEN pg_catalog.pg_get_functiondef(p.oid) END \
     FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
     JOIN pg_catalog.pg_language l ON l.oid = p.prolang \
     LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e' \
     LEFT JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.oid = d.refobjid \
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND $OF(p.oid)";

pub(super) const FUNCTION_NAMES: &str = "SELECT p.oid, n.nspname, p.proname FROM pg_catalog.pg_proc p \
     JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE $OF(p.oid)";

/// Aggregates outside pg_catalog.
pub(super) const AGGREGATES: &str =
    "SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.prokind = 'a' AND p.oid >= 16384";

/// Functions that a FunctionCall message can name (`fetch_fp_info`).
pub(super) const CALLABLE: &str = "SELECT p.oid, n.nspname, p.proname, p.pronargs FROM pg_catalog.pg_proc p \
     JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind = 'f' AND NOT p.proretset AND $OF(p.oid)";

/// Names that a call without a schema may refer to: functions in pg_catalog, and types used as conversion functions.
pub(super) const BUILT_IN: &str = "SELECT p.proname FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace \
     UNION SELECT t.typname FROM pg_catalog.pg_type t WHERE t.typtype <> 'c' AND t.typelem = 0";

/// View definitions. Names outside pg_catalog are qualified, because the connection's search path contains only
/// pg_catalog.
pub(super) const VIEWS: &str = "SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid) FROM pg_catalog.pg_class c \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE $OF(c.oid) AND c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')";

/// Column defaults and the expressions of generated columns.
pub(super) const DEFAULTS: &str = "SELECT d.adrelid, d.adnum, pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attgenerated <> '' \
     FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE $OF(d.adrelid)";

/// Columns that are unique and NOT NULL, and whether they are the primary key.
pub(super) const UNIQUE: &str = "SELECT i.indrelid, i.indkey[0], i.indisprimary FROM pg_catalog.pg_index i \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
     WHERE $OF(i.indrelid) AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indnkeyatts = 1 AND i.indpred IS NULL AND a.attnotnull";

pub(super) const CHECKS: &str = "SELECT c.conrelid, pg_catalog.pg_get_expr(c.conbin, c.conrelid) FROM pg_catalog.pg_constraint c \
     WHERE c.contype = 'c' AND c.conrelid <> 0 AND $OF(c.conrelid)";

/// Check constraints and defaults of domains, for every type that contains a value of the domain: domains over it,
/// arrays, ranges and composite types.
pub(super) const DOMAINS: &str = "WITH RECURSIVE parts (part, whole) AS ( \
         SELECT t.typbasetype, t.oid FROM pg_catalog.pg_type t WHERE t.typbasetype >= 16384 \
         UNION ALL SELECT t.typelem, t.oid FROM pg_catalog.pg_type t WHERE t.typelem >= 16384 AND t.typcategory = 'A' \
         UNION ALL SELECT r.rngsubtype, r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngsubtype >= 16384 \
         UNION ALL SELECT a.atttypid, c.reltype FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
             WHERE a.atttypid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped AND c.reltype <> 0), \
     holds (typ, domain) AS ( \
         SELECT t.oid, t.oid FROM pg_catalog.pg_type t WHERE t.typtype = 'd' AND t.oid >= 16384 \
         UNION SELECT p.whole, h.domain FROM holds h JOIN parts p ON p.part = h.typ) \
     SELECT t.oid, t.typname, pg_catalog.pg_get_expr(c.conbin, 0) FROM holds h JOIN pg_catalog.pg_type t ON t.oid = h.typ \
     JOIN pg_catalog.pg_constraint c ON c.contypid = h.domain AND c.contype = 'c' \
     UNION SELECT t.oid, t.typname, pg_catalog.pg_get_expr(d.typdefaultbin, 0) FROM holds h JOIN pg_catalog.pg_type t ON t.oid = h.typ \
     JOIN pg_catalog.pg_type d ON d.oid = h.domain AND d.typdefaultbin IS NOT NULL ORDER BY 1, 3";

/// Foreign keys whose ON UPDATE or ON DELETE action writes to the referencing table.
pub(super) const CASCADES: &str = "SELECT c.confrelid, c.conrelid, c.confupdtype, c.confdeltype, \
     pg_catalog.array_to_string(c.confkey, ' ') FROM pg_catalog.pg_constraint c \
     WHERE $OF(c.conrelid) AND c.contype = 'f' AND (c.confupdtype IN ('c', 'n', 'd') OR c.confdeltype IN ('c', 'n', 'd'))";

/// Operators with a user-defined function: their schema and name, and the function's.
pub(super) const OPERATORS: &str = "SELECT DISTINCT s.nspname, o.oprname, n.nspname, p.proname FROM pg_catalog.pg_operator o \
     JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')";

/// Casts with a user-defined function: target type, source type, whether it is implicit or an assignment cast, and the
/// function.
pub(super) const CASTS: &str = "SELECT t.typname, s.oid, s.typname, c.castcontext IN ('i', 'a'), n.nspname, p.proname \
     FROM pg_catalog.pg_cast c JOIN pg_catalog.pg_type t ON t.oid = c.casttarget JOIN pg_catalog.pg_type s ON s.oid = c.castsource \
     JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')";

/// Extensions whose C functions depend only on their arguments: they access no tables, files or other servers.
pub(super) const PLAIN_EXTENSIONS: [&str; 22] = [
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "intagg",
    "intarray",
    "isn",
    "ltree",
    "pg_trgm",
    "pgcrypto",
    "postgis",
    "postgis_raster",
    "seg",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
    "vector",
    "bloom",
];

/// Triggers, including disabled ones, which a transaction can enable before the catalog shows it. A trigger with a WHEN
/// condition has its definition.
pub(super) const TRIGGERS: &str = "SELECT t.tgrelid, t.tgtype, n.nspname, p.proname, \
     CASE WHEN t.tgqual IS NOT NULL THEN pg_catalog.pg_get_triggerdef(t.oid) END FROM pg_catalog.pg_trigger t \
     JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
     WHERE (NOT t.tgisinternal OR t.tgparentid <> 0) AND $OF(t.tgrelid)";

/// Expressions that run on accesses to a relation although nothing names them: of row security policies, indexes and partition keys.
pub(super) const UNNAMED: &str = "SELECT p.polrelid, pg_catalog.pg_get_expr(p.polqual, p.polrelid) FROM pg_catalog.pg_policy p WHERE p.polqual IS NOT NULL AND $OF(p.polrelid) \
     UNION ALL SELECT p.polrelid, pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) FROM pg_catalog.pg_policy p WHERE p.polwithcheck IS NOT NULL AND $OF(p.polrelid) \
     UNION ALL SELECT i.indrelid, pg_catalog.pg_get_expr(i.indexprs, i.indrelid) FROM pg_catalog.pg_index i WHERE i.indexprs IS NOT NULL AND $OF(i.indrelid) \
     UNION ALL SELECT i.indrelid, pg_catalog.pg_get_expr(i.indpred, i.indrelid) FROM pg_catalog.pg_index i WHERE i.indpred IS NOT NULL AND $OF(i.indrelid) \
     UNION ALL SELECT k.partrelid, pg_catalog.pg_get_expr(k.partexprs, k.partrelid) FROM pg_catalog.pg_partitioned_table k WHERE k.partexprs IS NOT NULL AND $OF(k.partrelid)";

/// The same of extended statistics, which have none before PostgreSQL 14.
pub(super) const UNNAMED_STATISTICS: &str = "SELECT s.stxrelid, pg_catalog.pg_get_expr(s.stxexprs, s.stxrelid) FROM pg_catalog.pg_statistic_ext s \
     WHERE s.stxexprs IS NOT NULL AND $OF(s.stxrelid)";

/// The functions of event triggers, which run with DDL.
pub(super) const EVENT_TRIGGERS: &str = "SELECT DISTINCT n.nspname, p.proname FROM pg_catalog.pg_event_trigger e \
     JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE e.evtenabled <> 'D'";

/// Relations with rules other than the SELECT rules of views.
pub(super) const RULES: &str = "SELECT DISTINCT r.ev_class FROM pg_catalog.pg_rewrite r \
     WHERE r.ev_type <> '1' AND r.ev_enabled <> 'D' AND r.ev_class >= 16384 AND $OF(r.ev_class)";

/// Type names, without user-defined composite and array types except arrays of enums and base types.
pub(super) const TYPES: &str = "SELECT t.oid, pg_catalog.format_type(t.oid, NULL) FROM pg_catalog.pg_type t WHERE t.typtype <> 'c' AND t.typelem = 0 \
     OR t.oid < 16384 OR t.typelem IN (SELECT e.oid FROM pg_catalog.pg_type e WHERE e.oid >= 16384 AND e.typtype IN ('b', 'e') AND e.typelem = 0)";

/// Roles that can change to another role, by SET ROLE or by first granting themselves membership. A membership without
/// the SET and ADMIN options (PostgreSQL 16 and later) does not allow this itself, but inherited memberships may.
/// Superusers are excluded, because they have all privileges anyway.
pub(super) const CHANGEABLE_ROLES: &str = "WITH RECURSIVE edges AS (SELECT m.member, m.roleid, m.admin_option \
         OR coalesce((pg_catalog.to_jsonb(m) ->> 'set_option')::pg_catalog.bool, true) AS opens FROM pg_catalog.pg_auth_members m), \
     reach AS (SELECT member, roleid, opens FROM edges UNION SELECT r.member, e.roleid, e.opens FROM reach r JOIN edges e ON e.member = r.roleid) \
     SELECT a.rolname FROM pg_catalog.pg_roles a WHERE NOT a.rolsuper AND (a.rolcreaterole OR EXISTS (SELECT FROM reach r \
         WHERE r.opens AND r.member = a.oid))";

/// What depends on these relations or on their row types: the relation or function whose definition names one of them (`NULL`: something
/// whose dependence on a table is not foreseen here). The server prints definitions with the names that objects have now.
pub(super) const DEPENDENTS: &str = "WITH kin AS (SELECT c.oid AS rel, t.oid AS typ, t.typarray AS arr FROM pg_catalog.pg_class c \
         LEFT JOIN pg_catalog.pg_type t ON t.oid = c.reltype WHERE $OF(c.oid)), \
     used AS (SELECT d.classid, d.objid FROM pg_catalog.pg_depend d JOIN kin k ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
             AND d.refobjid = k.rel \
         UNION SELECT d.classid, d.objid FROM pg_catalog.pg_depend d JOIN kin k ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass \
             AND d.refobjid = k.typ \
         UNION SELECT d.classid, d.objid FROM pg_catalog.pg_depend d JOIN kin k ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass \
             AND d.refobjid = k.arr AND k.arr <> 0) \
     SELECT 'relation', coalesce(i.indrelid, u.objid) FROM used u LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = u.objid \
         WHERE u.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
     UNION SELECT 'relation', r.ev_class FROM used u JOIN pg_catalog.pg_rewrite r ON r.oid = u.objid \
         WHERE u.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass \
     UNION SELECT 'relation', a.adrelid FROM used u JOIN pg_catalog.pg_attrdef a ON a.oid = u.objid \
         WHERE u.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass \
     UNION SELECT 'relation', t.tgrelid FROM used u JOIN pg_catalog.pg_trigger t ON t.oid = u.objid \
         WHERE u.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass \
     UNION SELECT 'relation', p.polrelid FROM used u JOIN pg_catalog.pg_policy p ON p.oid = u.objid \
         WHERE u.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass \
     UNION SELECT 'relation', s.stxrelid FROM used u JOIN pg_catalog.pg_statistic_ext s ON s.oid = u.objid \
         WHERE u.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass \
     UNION SELECT CASE WHEN n.conrelid <> 0 THEN 'relation' END, n.conrelid FROM used u JOIN pg_catalog.pg_constraint n ON n.oid = u.objid \
         WHERE u.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass \
     UNION SELECT 'function', u.objid FROM used u WHERE u.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass \
     UNION SELECT NULL, u.objid FROM used u WHERE u.classid NOT IN ('pg_catalog.pg_class'::pg_catalog.regclass, \
         'pg_catalog.pg_rewrite'::pg_catalog.regclass, 'pg_catalog.pg_attrdef'::pg_catalog.regclass, \
         'pg_catalog.pg_trigger'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass, \
         'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, 'pg_catalog.pg_constraint'::pg_catalog.regclass, \
         'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_publication_rel'::pg_catalog.regclass) \
         AND NOT (u.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND EXISTS (SELECT FROM kin k WHERE u.objid IN (k.typ, k.arr)))";

/// The query for these objects only; `None`: for all.
pub(super) fn of(query: &str, oids: Option<&BTreeSet<u32>>) -> String {
    let list = oids.map(|oids| {
        let oids: Vec<String> = oids.iter().map(u32::to_string).collect();
        format!("'{{{}}}'::pg_catalog.oid[]", oids.join(","))
    });
    limited(query, |column| match &list {
        Some(list) => format!("{column} = ANY ({list})"),
        None => "true".to_owned(),
    })
}

/// The query with each `$OF(column)` replaced by a condition on the column.
pub(super) fn limited(query: &str, condition: impl Fn(&str) -> String) -> String {
    let mut parts = query.split("$OF(");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (column, rest) = part.split_once(')').unwrap_or((part, ""));
        text.push_str(&condition(column));
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_limited_to_objects() {
        let query = "SELECT FROM a WHERE $OF(a.oid) AND b UNION SELECT FROM c WHERE $OF(c.oid)";
        assert_eq!(
            of(query, Some(&BTreeSet::from([3, 1]))),
            "SELECT FROM a WHERE a.oid = ANY ('{1,3}'::pg_catalog.oid[]) AND b UNION SELECT FROM c WHERE c.oid = ANY ('{1,3}'::pg_catalog.oid[])"
        );
        assert_eq!(
            of(query, None),
            "SELECT FROM a WHERE true AND b UNION SELECT FROM c WHERE true"
        );
    }
}
