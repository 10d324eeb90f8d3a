-- Everything but rows: statistics, plans, activity, XML by query, other servers, files, large objects, notifications.

--# pg-stats
SELECT tablename, attname, most_common_vals, histogram_bounds FROM pg_stats WHERE tablename = 'people'

--# pg-stats-qualified
SELECT histogram_bounds FROM pg_catalog.pg_stats WHERE attname = 'email'

--# pg-stats-star
TABLE pg_stats

--# pg-statistic
SELECT stavalues1, stavalues2, stavalues3 FROM pg_statistic WHERE starelid = 'people'::regclass

--# pg-statistic-row
SELECT s FROM pg_statistic s

--# pg-statistic-cast
SELECT stavalues1::text::text[] FROM pg_statistic WHERE starelid = 'people'::regclass

--# pg-stats-view
CREATE VIEW peek AS SELECT histogram_bounds::text AS h FROM pg_stats WHERE attname = 'email'
--
SELECT h FROM peek

--# pg-stats-copy
COPY (SELECT histogram_bounds FROM pg_stats) TO STDOUT

--# extended-statistics
CREATE STATISTICS both_of (mcv) ON email, salary FROM people
--
ANALYZE people
--
SELECT most_common_vals FROM pg_stats_ext
--
SELECT histogram_bounds FROM pg_stats WHERE attname = 'email'

--# extended-statistics-data
CREATE STATISTICS both_of (mcv) ON (upper(email)), salary FROM people
--
ANALYZE people
--
SELECT m.* FROM pg_statistic_ext_data, pg_mcv_list_items(stxdmcv) m
--
SELECT histogram_bounds FROM pg_stats_ext_exprs
--
TABLE pg_stats_ext

--# toast
--! alone
--! setup
ALTER TABLE people DROP CONSTRAINT people_email_key; ALTER TABLE people ALTER email SET STORAGE EXTERNAL; UPDATE people SET email = repeat(email, 200); DO $$ BEGIN EXECUTE 'CREATE VIEW hidden AS SELECT * FROM ' || (SELECT reltoastrelid::regclass FROM pg_class WHERE relname = 'people'); END $$
--
SELECT chunk_data FROM hidden

--# explain-constant
EXPLAIN SELECT * FROM bystanders WHERE name = email_of_immutable_constant()
--
CREATE FUNCTION fixed() RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT email FROM people WHERE id = 1 $$
--
CREATE FUNCTION fixed2() RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT email FROM people WHERE id = 1); END $$
--
EXPLAIN SELECT * FROM bystanders WHERE name = fixed2()

--# explain-analyze-filter
--! guess 7000000 | 8000000
EXPLAIN (ANALYZE, TIMING off, COSTS off, SUMMARY off) SELECT id FROM people WHERE salary > {guess}

--# explain-estimate
--! guess 7000000 | 8000000
EXPLAIN SELECT * FROM people WHERE salary > {guess}

--# explain-json
--! guess q% | z%
EXPLAIN (ANALYZE, FORMAT json, TIMING off, BUFFERS off, SUMMARY off) SELECT id FROM people WHERE email LIKE '{guess}'

--# explain-verbose-function
CREATE FUNCTION fixed() RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT email FROM people WHERE id = 1); END $$
--
EXPLAIN (VERBOSE) SELECT fixed()

--# explain-executes
EXPLAIN (ANALYZE, COSTS off) INSERT INTO notes (body) SELECT email FROM people
--
SELECT body FROM notes

--# explain-create-table
EXPLAIN ANALYZE CREATE TABLE copied AS SELECT email FROM people
--
SELECT email FROM copied

--# activity
--! alone
--! other
SELECT 1 WHERE 'quillona@hollowmere.example' = 'x'
--
SELECT query FROM pg_stat_activity

--# query-to-xml
--! needs xml
SELECT query_to_xml('SELECT email FROM people', true, true, '')

--# query-to-xml-hidden
--! needs xml
SELECT query_to_xml(convert_from('\x5441424c452070656f706c65', 'UTF8'), true, true, '')

--# query-to-xml-and-schema
--! needs xml
SELECT query_to_xml_and_xmlschema('SELECT email FROM people', true, true, '')

--# table-to-xml
--! needs xml
SELECT table_to_xml('people', true, true, '')

--# table-to-xml-by-number
--! needs xml
SELECT table_to_xml(('peo' || 'ple')::regclass, true, true, '')

--# schema-to-xml
--! needs xml
SELECT schema_to_xml('public', true, true, '')

--# database-to-xml
--! needs xml
SELECT database_to_xml(true, true, '')

--# cursor-to-xml
--! needs xml
DECLARE c CURSOR FOR SELECT email FROM people
--
SELECT cursor_to_xml('c', 10, true, true, '')

--# xpath-of-query-to-xml
--! needs xml
SELECT (xpath('//email/text()', query_to_xml('TABLE people', true, false, '')))[1]

--# xmltable-of-query-to-xml
--! needs xml
SELECT x.* FROM XMLTABLE('//row' PASSING query_to_xml('TABLE people', true, false, '') COLUMNS email text) AS x

--# ts-stat
SELECT word FROM ts_stat('SELECT to_tsvector(''simple'', split_part(email, ''@'', 1)) FROM people')

--# ts-rewrite
SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, to_tsquery(''simple'', split_part(email, ''@'', 1)) FROM people WHERE id = 1')

--# crosstab
--! setup
CREATE EXTENSION tablefunc
--
SELECT * FROM crosstab('SELECT id, ''e'', email FROM people ORDER BY 1') AS c (id int, e text)

--# hstore
--! setup
CREATE EXTENSION hstore
--
SELECT hstore(p) FROM people p

--# hstore-each
--! setup
CREATE EXTENSION hstore
--
SELECT (each(hstore(p))).value FROM people p

--# hstore-populate
--! setup
CREATE EXTENSION hstore
--
SELECT (populate_record(NULL::contacts, hstore('address', email))).address FROM people

--# citext
--! setup
CREATE EXTENSION citext
--
SELECT email::citext FROM people

--# ltree
--! setup
CREATE EXTENSION ltree
--
SELECT split_part(email, '@', 1)::ltree FROM people

--# intarray
--! setup
CREATE EXTENSION intarray
--
SELECT ARRAY[salary] + 1 FROM people

--# pgcrypto-armor
--! needs pgcrypto
--! setup
CREATE EXTENSION pgcrypto
--
SELECT armor(email::bytea), digest(email, 'sha256') FROM people

--# unaccent
--! setup
CREATE EXTENSION unaccent
--
SELECT unaccent(email) FROM people

--# trigrams
--! setup
CREATE EXTENSION pg_trgm
--! shows "  q"
--
SELECT show_trgm(email)::text FROM people

--# similarity
--! guess quillona@hollowmere.example | zzz
--! setup
CREATE EXTENSION pg_trgm
--
SELECT id FROM people WHERE similarity(email, '{guess}') > 0.9

--# xpath-table
--! needs xml2
--! setup
CREATE EXTENSION xml2; CREATE TABLE documents AS SELECT id, ('<a>' || email || '</a>') AS doc FROM people; CREATE VIEW shelf AS SELECT id, '<a>' || email || '</a>' AS doc FROM people
--
SELECT * FROM xpath_table('id', 'doc', 'shelf', '/a', 'true') AS t (id int, a text)

--# pageinspect
--! setup
CREATE EXTENSION pageinspect
--
SELECT get_raw_page('people', 0)

--# pageinspect-tuples
--! setup
CREATE EXTENSION pageinspect
--
SELECT t_data FROM heap_page_items(get_raw_page('people', 0))

--# pageinspect-index
--! shows 71 75 69 6c 6c 6f
--! setup
CREATE EXTENSION pageinspect
--
SELECT data FROM bt_page_items('people_email_key', 1)

--# file-copy
--! alone
COPY people TO '/tmp/gatewright-evasion-people.txt'
--
CREATE TABLE back (line text)
--
COPY back FROM '/tmp/gatewright-evasion-people.txt' (DELIMITER E'\x01')
--
SELECT line FROM back

--# file-read
--! alone
COPY (SELECT email FROM people) TO '/tmp/gatewright-evasion-read.txt'
--
SELECT pg_read_file('/tmp/gatewright-evasion-read.txt')

--# file-read-binary
--! alone
COPY (SELECT email FROM people) TO '/tmp/gatewright-evasion-binary.txt'
--
SELECT pg_read_binary_file('/tmp/gatewright-evasion-binary.txt')

--# program
--! alone
COPY people TO PROGRAM 'cat > /tmp/gatewright-evasion-program.txt'
--
SELECT pg_read_file('/tmp/gatewright-evasion-program.txt')

--# program-into-table
--! alone
CREATE TABLE lines (line text)
--
COPY (SELECT email FROM people) TO PROGRAM 'cat > /tmp/gatewright-evasion-lines.txt'
--
COPY lines FROM PROGRAM 'cat /tmp/gatewright-evasion-lines.txt'
--
SELECT line FROM lines

--# table-file-itself
CHECKPOINT
--
SELECT pg_read_binary_file(pg_relation_filepath('people'))

--# large-object-in-two-steps
SELECT lo_from_bytea(778899, (SELECT email::bytea FROM people WHERE id = 1))
--
SELECT lo_get(778899)

--# large-object-catalog
SELECT lo_from_bytea(0, email::bytea) FROM people
--
SELECT data FROM pg_largeobject

--# large-object-import
--! alone
COPY (SELECT email FROM people) TO '/tmp/gatewright-evasion-import.txt'
--
SELECT lo_import('/tmp/gatewright-evasion-import.txt', 667788)
--
SELECT lo_get(667788)

--# notify-function
--! alone
LISTEN leak
--
SELECT pg_notify('leak', email) FROM people

--# notify-other-listens
--! alone
--! other
LISTEN leak
--
SELECT pg_notify('leak', (SELECT email FROM people WHERE id = 1))

--# notify-channel
--! alone
DO $$ BEGIN EXECUTE 'LISTEN ' || quote_ident((SELECT email FROM people WHERE id = 1)); END $$
--
SELECT pg_listening_channels()

--# notify-in-a-view
--! alone
LISTEN leak
--
SELECT count(*) FROM (SELECT pg_notify('leak', email) FROM people OFFSET 0) AS s

--# dblink
--! setup
CREATE EXTENSION dblink
--
SELECT * FROM dblink('host=' || split_part(current_setting('unix_socket_directories'), ',', 1) || ' port=' || current_setting('port') || ' dbname=' || current_database() || ' user=postgres password=x', 'SELECT email FROM people') AS t (e text)
--
SELECT query_to_xml('TABLE people', true, true, '')

--# foreign-data-wrapper
--! setup
CREATE EXTENSION file_fdw; COPY people TO '/tmp/gatewright-evasion-fdw.txt'; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE outside (line text) SERVER files OPTIONS (filename '/tmp/gatewright-evasion-fdw.txt', delimiter E'\x01'); CREATE VIEW inside AS SELECT email, line FROM people CROSS JOIN outside
--
SELECT email FROM inside

--# foreign-table-made
--! alone
--! setup
CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw
--
COPY people TO '/tmp/gatewright-evasion-made.txt'
--
CREATE FOREIGN TABLE outside (line text) SERVER files OPTIONS (filename '/tmp/gatewright-evasion-made.txt', delimiter E'\x01')
--
SELECT line FROM outside

--# logical-decoding
--! alone
SET synchronous_commit = on
--
SELECT pg_create_logical_replication_slot('leak_' || (SELECT oid FROM pg_database WHERE datname = current_database()), 'test_decoding')
--
UPDATE people SET city = 'x'
--
SELECT data FROM pg_logical_slot_peek_changes('leak_' || (SELECT oid FROM pg_database WHERE datname = current_database()), NULL, NULL)
--
SELECT pg_drop_replication_slot('leak_' || (SELECT oid FROM pg_database WHERE datname = current_database()))

--# view-definition-constant
DO $$ BEGIN EXECUTE format('CREATE VIEW leak AS SELECT %L AS v', (SELECT email FROM people WHERE id = 1)); END $$
--
SELECT pg_get_viewdef('leak'::regclass)

--# default-constant
DO $$ BEGIN EXECUTE format('ALTER TABLE notes ALTER body SET DEFAULT %L', (SELECT email FROM people WHERE id = 1)); END $$
--
SELECT column_default FROM information_schema.columns WHERE table_name = 'notes'

--# check-constant
DO $$ BEGIN EXECUTE format('ALTER TABLE notes ADD CHECK (body <> %L)', (SELECT email FROM people WHERE id = 1)); END $$
--
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'notes'::regclass

--# partition-bound-constant
DO $$ BEGIN EXECUTE format('CREATE TABLE pb (e text) PARTITION BY LIST (e); CREATE TABLE pb1 PARTITION OF pb FOR VALUES IN (%L)', (SELECT email FROM people WHERE id = 1)); END $$
--
SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'pb1'

--# currtid-and-friends
SELECT row_to_json(p) FROM people p WHERE ctid = '(0,1)'

--# pg-input-output
SELECT int4out(salary), textsend(email) FROM people

--# sampled-by-analyze-verbose
ANALYZE VERBOSE people
--
SELECT histogram_bounds FROM pg_stats WHERE tablename = 'people'

--# two-statements-second-reads
SELECT 1; SELECT email FROM people

--# three-statements
SELECT name FROM people; UPDATE people SET city = 'x' RETURNING email; SELECT salary FROM people

--# begin-commit-in-one-message
--! alone
BEGIN; SELECT email FROM people; COMMIT

--# error-then-more
SELECT name FROM no_such; SELECT email FROM people
--
SELECT email FROM people

--# statements-of-others
--! alone
--! other
SELECT 1 WHERE 'quillona@hollowmere.example' = 'x'
--
SELECT pg_stat_get_backend_activity(backend) FROM pg_stat_get_backend_idset() AS backend

--# activity-function
--! alone
--! other
SELECT 1 WHERE 'quillona@hollowmere.example' = 'x'
--
SELECT query FROM pg_stat_get_activity(NULL)

--# activity-row
--! alone
--! other
SELECT 1 WHERE 'quillona@hollowmere.example' = 'x'
--
SELECT a::text FROM pg_stat_activity a

--# activity-star
--! alone
--! other
SELECT 1 WHERE 'quillona@hollowmere.example' = 'x'
--
TABLE pg_stat_activity

--# notified-by-others
--! alone
LISTEN heard
--
--! direct
SELECT pg_notify('heard', email) FROM people

--# notified-by-a-trigger-of-others
--! setup
CREATE FUNCTION cry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('heard', NEW.email); RETURN NEW; END $$; CREATE TRIGGER people_cry BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION cry()
--
LISTEN "heard"
--
--! direct
UPDATE people SET name = name WHERE id = 1

--# notified-on-a-quoted-channel
--! alone
LISTEN "News"
--
--! direct
SELECT pg_notify('News', email) FROM people

--# missing-value
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; ALTER TABLE animals ALTER email DROP DEFAULT
--
SELECT attmissingval FROM pg_attribute WHERE attrelid = 'animals'::regclass AND attname = 'email'

--# missing-value-star
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; ALTER TABLE animals ALTER email DROP DEFAULT
--
SELECT * FROM pg_attribute WHERE attrelid = 'animals'::regclass AND attname = 'email'

--# missing-value-text
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; ALTER TABLE animals ALTER email DROP DEFAULT
--
SELECT attmissingval::text || '' FROM pg_catalog.pg_attribute WHERE attrelid = 'animals'::regclass AND attname = 'email'

--# missing-value-case
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; ALTER TABLE animals ALTER email DROP DEFAULT
--
SELECT attname, CASE WHEN a.atthasmissing THEN a.attmissingval END AS m FROM pg_attribute a WHERE attrelid = 'animals'::regclass

--# missing-value-row
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; ALTER TABLE animals ALTER email DROP DEFAULT
--
SELECT a FROM pg_attribute a WHERE attrelid = 'animals'::regclass

--# missing-value-json
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; ALTER TABLE animals ALTER email DROP DEFAULT
--
SELECT to_jsonb(a) FROM pg_attribute a WHERE attrelid = 'animals'::regclass

--# missing-value-view
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; ALTER TABLE animals ALTER email DROP DEFAULT
--
CREATE VIEW peek AS SELECT attmissingval::text AS m FROM pg_attribute WHERE attrelid = 'animals'::regclass
--
SELECT m FROM peek

--# missing-value-view-there
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; CREATE VIEW peek AS SELECT upper(attmissingval::text) AS m, lower(attmissingval::text) AS n FROM pg_attribute WHERE attrelid = 'animals'::regclass
--
SELECT n FROM peek WHERE m IS NOT NULL

--# missing-value-copy
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; ALTER TABLE animals ALTER email DROP DEFAULT
--
COPY (SELECT attmissingval FROM pg_attribute WHERE attrelid = 'animals'::regclass) TO STDOUT

--# missing-value-kept
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; ALTER TABLE animals ALTER email DROP DEFAULT
--
CREATE TABLE kept AS SELECT attmissingval::text AS m FROM pg_attribute WHERE attrelid = 'animals'::regclass
--
SELECT m FROM kept

--# missing-value-inserted
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; ALTER TABLE animals ALTER email DROP DEFAULT
--
INSERT INTO notes (body) SELECT attmissingval::text FROM pg_attribute WHERE attrelid = 'animals'::regclass
--
SELECT body FROM notes

--# missing-value-guessed
--! guess {quillona% | {zuillona%
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; ALTER TABLE animals ALTER email DROP DEFAULT
--
SELECT count(*) FROM pg_attribute WHERE attrelid = 'animals'::regclass AND attmissingval::text LIKE '{guess}'

--# missing-value-cursor
--! setup
ALTER TABLE animals DROP COLUMN email; ALTER TABLE animals ADD COLUMN email text DEFAULT 'quillona@hollowmere.example'; ALTER TABLE animals ALTER email DROP DEFAULT
--
BEGIN
--
DECLARE c CURSOR FOR SELECT attmissingval FROM pg_attribute WHERE attrelid = 'animals'::regclass
--
FETCH ALL FROM c
