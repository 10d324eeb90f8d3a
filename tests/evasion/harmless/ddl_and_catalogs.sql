-- Definitions of other tables, settings, and the catalog queries of drivers and tools.

--# create-table
CREATE TABLE things (id serial PRIMARY KEY, name text NOT NULL, at timestamptz DEFAULT now())
--
INSERT INTO things (name) VALUES ('a'), ('b') RETURNING id
--
SELECT id, name FROM things ORDER BY id

--# create-temp-table
CREATE TEMP TABLE scratch (a int, b text) ON COMMIT DROP
--
INSERT INTO scratch VALUES (1, 'x')
--
SELECT a, b FROM scratch

--# alter-table
ALTER TABLE orders ADD COLUMN remark text DEFAULT 'none'
--
SELECT id, remark FROM orders ORDER BY id

--# create-index
CREATE INDEX orders_by_item ON orders (item)
--
SELECT id FROM orders WHERE item = 'lamp' ORDER BY id

--# create-view-elsewhere
CREATE VIEW cheap AS SELECT id, price FROM orders WHERE price < 100
--
SELECT * FROM cheap ORDER BY id

--# create-schema
CREATE SCHEMA lab
--
CREATE TABLE lab.probes (id int)
--
SELECT * FROM lab.probes

--# create-type
CREATE TYPE mood AS ENUM ('fine', 'tired')
--
SELECT 'fine'::mood

--# create-sequence
CREATE SEQUENCE tickets
--
SELECT nextval('tickets')

--# comment-on
COMMENT ON TABLE orders IS 'what was bought'

--# truncate
TRUNCATE notes

--# drop-table
DROP TABLE crm.accounts

--# grant
GRANT SELECT ON orders TO PUBLIC

--# analyze
ANALYZE orders

--# vacuum
--! alone
VACUUM bystanders

--# set-and-show
SET statement_timeout = '5s'
--
SHOW statement_timeout

--# set-local
SET LOCAL work_mem = '8MB'

--# set-search-path
SET search_path = crm, public
--
SELECT title FROM accounts ORDER BY id

--# show-version
SHOW server_version

--# version
SELECT version()

--# current
SELECT current_database(), current_schema(), current_user, session_user

--# transaction-isolation
SHOW TRANSACTION ISOLATION LEVEL

--# set-application-name
SET application_name = 'report'

--# set-client-encoding
SET client_encoding = 'UTF8'

--# listen-notify
LISTEN news
--
NOTIFY news, 'hello'
--
UNLISTEN news

--# lock-table
LOCK TABLE orders IN SHARE MODE

--# discard
DEALLOCATE ALL

--# jdbc-tables
SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, c.relname AS TABLE_NAME, CASE n.nspname ~ '^pg_' OR n.nspname = 'information_schema' WHEN true THEN CASE WHEN n.nspname = 'pg_catalog' OR n.nspname = 'information_schema' THEN CASE c.relkind WHEN 'r' THEN 'SYSTEM TABLE' WHEN 'v' THEN 'SYSTEM VIEW' WHEN 'i' THEN 'SYSTEM INDEX' ELSE NULL END ELSE NULL END WHEN false THEN CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'i' THEN 'INDEX' WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END ELSE NULL END AS TABLE_TYPE, d.description AS REMARKS FROM pg_catalog.pg_namespace n, pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_description d ON (c.oid = d.objoid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass) WHERE c.relnamespace = n.oid AND n.nspname LIKE 'public' AND c.relname LIKE '%' AND c.relkind IN ('r', 'v', 'p', 'm') ORDER BY TABLE_TYPE, TABLE_SCHEM, TABLE_NAME

--# jdbc-columns
SELECT * FROM (SELECT current_database() AS current_database, n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull OR (t.typtype = 'd' AND t.typnotnull) AS attnotnull, a.atttypmod, a.attlen, t.typtypmod, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS attnum, nullif(a.attidentity, '') AS attidentity, nullif(a.attgenerated, '') AS attgenerated, pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS adsrc, dsc.description, t.typbasetype, t.typtype FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON (c.relnamespace = n.oid) JOIN pg_catalog.pg_attribute a ON (a.attrelid = c.oid) JOIN pg_catalog.pg_type t ON (a.atttypid = t.oid) LEFT JOIN pg_catalog.pg_attrdef def ON (a.attrelid = def.adrelid AND a.attnum = def.adnum) LEFT JOIN pg_catalog.pg_description dsc ON (c.oid = dsc.objoid AND a.attnum = dsc.objsubid) LEFT JOIN pg_catalog.pg_class dc ON (dc.oid = dsc.classoid AND dc.relname = 'pg_class') LEFT JOIN pg_catalog.pg_namespace dn ON (dc.relnamespace = dn.oid AND dn.nspname = 'pg_catalog') WHERE c.relkind IN ('r', 'p', 'v', 'f', 'm') AND a.attnum > 0 AND NOT a.attisdropped AND c.relname LIKE 'people') c WHERE true ORDER BY nspname, c.relname, attnum

--# jdbc-primary-keys
SELECT result.table_name, result.column_name, result.key_seq, result.pk_name FROM (SELECT ct.relname AS table_name, a.attname AS column_name, (information_schema._pg_expandarray(i.indkey)).n AS key_seq, ci.relname AS pk_name, information_schema._pg_expandarray(i.indkey) AS keys, a.attnum AS a_attnum FROM pg_catalog.pg_class ct JOIN pg_catalog.pg_attribute a ON (ct.oid = a.attrelid) JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid) JOIN pg_catalog.pg_index i ON (a.attrelid = i.indrelid) JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid) WHERE true AND ct.relname = 'people' AND i.indisprimary) result WHERE result.a_attnum = (result.keys).x ORDER BY result.table_name, result.pk_name, result.key_seq

--# jdbc-type-info
SELECT t.typname, t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON (t.typnamespace = n.oid) WHERE n.nspname != 'pg_toast' AND (t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid)) ORDER BY 1 LIMIT 50

--# psycopg-type
SELECT typname AS name, oid, typarray AS array_oid, oid::regtype::text AS regtype, typdelim AS delimiter FROM pg_type t WHERE t.oid = 'rank'::regtype ORDER BY t.oid

--# psycopg-hstore-lookup
SELECT t.oid, typarray FROM pg_type t JOIN pg_namespace ns ON typnamespace = ns.oid WHERE typname = 'hstore'

--# psycopg-enum
SELECT name, oid, array_oid, array_agg(label) AS labels FROM (SELECT t.typname AS name, t.oid AS oid, t.typarray AS array_oid, e.enumlabel AS label FROM pg_type t LEFT JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.typname = 'no_such_enum' ORDER BY e.enumsortorder) x GROUP BY name, oid, array_oid

--# sqlalchemy-has-table
SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relname = 'people' AND pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p', 'f', 'v', 'm']) AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != 'pg_catalog'

--# sqlalchemy-columns
SELECT pg_catalog.pg_attribute.attname AS name, pg_catalog.format_type(pg_catalog.pg_attribute.atttypid, pg_catalog.pg_attribute.atttypmod) AS format_type, (SELECT pg_catalog.pg_get_expr(pg_catalog.pg_attrdef.adbin, pg_catalog.pg_attrdef.adrelid) AS pg_get_expr_1 FROM pg_catalog.pg_attrdef WHERE pg_catalog.pg_attrdef.adrelid = pg_catalog.pg_attribute.attrelid AND pg_catalog.pg_attrdef.adnum = pg_catalog.pg_attribute.attnum AND pg_catalog.pg_attribute.atthasdef) AS "default", pg_catalog.pg_attribute.attnotnull AS not_null, pg_catalog.pg_class.relname AS table_name FROM pg_catalog.pg_class LEFT OUTER JOIN pg_catalog.pg_attribute ON pg_catalog.pg_class.oid = pg_catalog.pg_attribute.attrelid AND pg_catalog.pg_attribute.attnum > 0 AND NOT pg_catalog.pg_attribute.attisdropped WHERE pg_catalog.pg_class.relname IN ('people', 'orders') ORDER BY pg_catalog.pg_class.relname, pg_catalog.pg_attribute.attnum

--# sqlalchemy-unique-constraints
SELECT attr.conname, array_agg(attr.attname ORDER BY attr.ord) FROM (SELECT con.conrelid, con.conname, con.ord, a.attname FROM pg_catalog.pg_attribute a JOIN (SELECT conrelid, conname, unnest(conkey) AS attnum, generate_subscripts(conkey, 1) AS ord FROM pg_catalog.pg_constraint WHERE contype = 'u' AND conrelid = 'people'::regclass) AS con ON a.attnum = con.attnum AND a.attrelid = con.conrelid) AS attr GROUP BY attr.conname

--# sqlalchemy-standard-conforming
show standard_conforming_strings

--# sqlalchemy-foreign-keys
SELECT r.conname, pg_catalog.pg_get_constraintdef(r.oid, true) AS condef FROM pg_catalog.pg_constraint r WHERE r.conrelid = 'orders'::regclass AND r.contype = 'f' ORDER BY 1

--# django-introspect-tables
SELECT c.relname, CASE WHEN c.relispartition THEN 'p' WHEN c.relkind IN ('m', 'v') THEN 'v' ELSE 't' END, obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v') AND n.nspname NOT IN ('pg_catalog', 'pg_toast') AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1

--# django-introspect-columns
SELECT a.attname AS column_name, NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)) AS is_nullable, pg_get_expr(ad.adbin, ad.adrelid) AS column_default, CASE WHEN collname = 'default' THEN NULL ELSE collname END AS collation, a.attidentity != '' AS is_autofield, col_description(a.attrelid, a.attnum) AS column_comment FROM pg_attribute a LEFT JOIN pg_attrdef ad ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum LEFT JOIN pg_collation co ON a.attcollation = co.oid JOIN pg_type t ON a.atttypid = t.oid JOIN pg_class c ON a.attrelid = c.oid JOIN pg_namespace n ON c.relnamespace = n.oid WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v') AND c.relname = 'people' AND n.nspname NOT IN ('pg_catalog', 'pg_toast') AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY a.attnum

--# django-sequences
SELECT s.relname AS sequence_name, a.attname AS colname FROM pg_class s JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass JOIN pg_attribute a ON d.refobjid = a.attrelid AND d.refobjsubid = a.attnum JOIN pg_class tbl ON tbl.oid = d.refobjid WHERE tbl.relname = 'notes'

--# rails-columns
SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull, a.atttypid, a.atttypmod, c.collname, col_description(a.attrelid, a.attnum) AS comment, attidentity AS identity, attgenerated as attgenerated FROM pg_attribute a LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum LEFT JOIN pg_type t ON a.atttypid = t.oid LEFT JOIN pg_collation c ON a.attcollation = c.oid AND a.attcollation <> t.typcollation WHERE a.attrelid = '"people"'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum

--# rails-type-map
SELECT t.oid, t.typname, t.typelem, t.typdelim, t.typinput, r.rngsubtype, t.typtype, t.typbasetype FROM pg_type as t LEFT JOIN pg_range as r ON oid = rngtypid WHERE t.typname IN ('int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'numeric', 'bool') ORDER BY 1

--# rails-primary-key
SELECT a.attname FROM (SELECT indrelid, indkey, generate_subscripts(indkey, 1) idx FROM pg_index WHERE indrelid = '"people"'::regclass AND indisprimary) i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[i.idx] ORDER BY i.idx

--# rails-indexes
SELECT distinct i.relname, d.indisunique, d.indkey, pg_get_indexdef(d.indexrelid) FROM pg_class t INNER JOIN pg_index d ON t.oid = d.indrelid INNER JOIN pg_class i ON d.indexrelid = i.oid LEFT JOIN pg_namespace n ON n.oid = t.relnamespace WHERE i.relkind IN ('i', 'I') AND d.indisprimary = 'f' AND t.relname = 'people' AND n.nspname = ANY (current_schemas(false)) ORDER BY i.relname

--# rails-min-messages
SET client_min_messages TO 'warning'

--# information-schema-columns
SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position

--# information-schema-tables
SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2

--# information-schema-constraints
SELECT tc.constraint_name, tc.table_name, kcu.column_name FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage kcu ON tc.constraint_name = kcu.constraint_name WHERE tc.table_name = 'orders' ORDER BY 1, 3

--# information-schema-views
SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = 'public' ORDER BY 1

--# information-schema-routines
SELECT routine_name, data_type FROM information_schema.routines WHERE routine_schema = 'public' ORDER BY 1, 2

--# pg-indexes
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'people' ORDER BY 1

--# pg-tables
SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'public' ORDER BY 1

--# pg-views
SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1

--# pg-settings
SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'max_connections', 'TimeZone') ORDER BY 1

--# pg-database
SELECT datname, pg_encoding_to_char(encoding) FROM pg_database WHERE datname LIKE 'template%' ORDER BY 1

--# table-size
SELECT pg_relation_size('orders') >= 0, pg_total_relation_size('people') > 0

--# estimated-rows
SELECT relname, reltuples::bigint FROM pg_class WHERE relname IN ('people', 'orders') ORDER BY 1

--# pg-dump-functions
SELECT p.proname, p.prosrc, pg_catalog.pg_get_function_arguments(p.oid) FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'public'::regnamespace ORDER BY 1, 3

--# pg-dump-dependencies
SELECT classid::regclass::text, refclassid::regclass::text, deptype, count(*) FROM pg_catalog.pg_depend WHERE deptype = 'n' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3

--# pg-dump-constraints
SELECT conname, pg_catalog.pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint WHERE conrelid = 'people'::regclass ORDER BY 1

--# pg-dump-triggers
SELECT t.tgname, pg_catalog.pg_get_triggerdef(t.oid, false) FROM pg_catalog.pg_trigger t WHERE NOT tgisinternal ORDER BY 1

--# pg-dump-attributes
SELECT a.attnum, a.attname, a.atttypmod, a.attstattarget, a.attstorage, t.typstorage, a.attnotnull, a.atthasdef, a.attisdropped FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_type t ON a.atttypid = t.oid WHERE a.attrelid = 'people'::regclass AND a.attnum > 0 ORDER BY a.attnum

--# pg-locks
SELECT count(*) >= 0 FROM pg_locks

--# stat-user-tables
SELECT relname FROM pg_stat_user_tables WHERE relname = 'orders'

--# dbeaver-schemas
SELECT n.oid > 0, n.nspname, d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = n.oid AND d.objsubid = 0 AND d.classoid = 'pg_namespace'::regclass WHERE n.nspname = 'public' ORDER BY nspname

--# dbeaver-search-path
SHOW search_path

--# datagrip-keepalive
SELECT 'keep alive'

--# pgadmin-table
SELECT rel.relname AS name, (SELECT count(*) FROM pg_trigger WHERE tgrelid = rel.oid AND tgisinternal = FALSE) AS triggercount, (SELECT count(1) FROM pg_inherits WHERE inhrelid = rel.oid) AS is_inherits FROM pg_class rel WHERE rel.relkind IN ('r', 's', 't', 'p') AND rel.relnamespace = 'public'::regnamespace ORDER BY rel.relname

--# npgsql-types
SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid FROM (SELECT typ.oid, typ.typnamespace, typ.typname, typ.typtype, typ.typrelid, typ.typnotnull, typ.relkind, elemtyp.oid AS elemtypoid FROM (SELECT typ.oid, typnamespace, typname, typrelid, typnotnull, relkind, typelem AS elemoid, CASE WHEN proc.proname = 'array_recv' THEN 'a' ELSE typ.typtype END AS typtype FROM pg_type AS typ LEFT JOIN pg_class AS cls ON (cls.oid = typ.typrelid) LEFT JOIN pg_proc AS proc ON proc.oid = typ.typreceive) AS typ LEFT JOIN pg_type AS elemtyp ON elemtyp.oid = typ.elemoid) AS t JOIN pg_namespace AS ns ON (ns.oid = typnamespace) WHERE t.typname = 'int4' OR t.typname = '_int4' ORDER BY 3

--# prisma-introspect-enums
SELECT t.typname AS name, n.nspname AS namespace FROM pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = 'public' AND t.typtype = 'e' ORDER BY 1

--# quote-ident
SELECT quote_ident('a b'), format('%I', 'x')

--# extensions
SELECT extname FROM pg_extension ORDER BY 1

--# roles
SELECT rolname, rolsuper FROM pg_roles WHERE rolname = 'postgres'
