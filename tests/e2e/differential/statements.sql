\set VERBOSITY verbose
\pset null '(null)'
-- definitions
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TYPE pair AS (a integer, b text);
CREATE TABLE t (id serial PRIMARY KEY, name text NOT NULL, price numeric(10, 2), born date, state mood, tags text[], doc jsonb);
CREATE TABLE child (id integer REFERENCES t (id) ON DELETE CASCADE, note varchar(20), UNIQUE (id, note));
CREATE INDEX ON t (name);
CREATE VIEW cheap AS SELECT id, name FROM t WHERE price < 10;
CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n * 2';
CREATE FUNCTION shout(word text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'shouting %', word USING DETAIL = 'a detail', HINT = 'a hint'; RETURN upper(word); END $$;
CREATE TABLE IF NOT EXISTS t (id integer);
CREATE SCHEMA other CREATE TABLE inner_table (x integer);
-- writing
INSERT INTO t (name, price, born, state, tags, doc) VALUES ('apple', 1.50, '2001-02-03', 'happy', '{a,b}', '{"k": [1, null]}'), ('pear', 12, NULL, 'ok', NULL, NULL);
INSERT INTO t (name, price) SELECT 'bulk ' || i, i FROM generate_series(1, 50) AS i RETURNING id, name;
INSERT INTO t (id, name) VALUES (1, 'again') ON CONFLICT (id) DO UPDATE SET price = 2 RETURNING *;
INSERT INTO t (id, name) VALUES (1, 'clash');
INSERT INTO t (name) VALUES (NULL);
UPDATE t SET price = price + 1 WHERE id < 4 RETURNING id, price;
UPDATE t SET state = 'terrible' WHERE id = 1;
DELETE FROM t WHERE id > 45 RETURNING id;
MERGE INTO t USING (VALUES (2, 'merged'), (999, 'new')) AS s (id, name) ON t.id = s.id WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, s.name);
INSERT INTO child VALUES (1, 'first'), (12345, 'no parent');
INSERT INTO child VALUES (1, 'a note that is too long for its column');
WITH gone AS (DELETE FROM t WHERE id = 999 RETURNING name), added AS (INSERT INTO t (name) SELECT name FROM gone RETURNING id) SELECT count(*) FROM added;
-- reading
SELECT * FROM t ORDER BY id LIMIT 3;
SELECT name, price, rank() OVER (ORDER BY price DESC NULLS LAST) FROM t WHERE id < 6 ORDER BY id;
SELECT state, count(*), array_agg(name ORDER BY name) FROM t GROUP BY ROLLUP (state) ORDER BY state NULLS LAST LIMIT 5;
SELECT t.name, c.note FROM t LEFT JOIN child AS c USING (id) WHERE t.id < 3 ORDER BY 1;
WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT * FROM n;
SELECT * FROM cheap ORDER BY id LIMIT 2;
SELECT 1 AS one UNION SELECT 2 UNION ALL SELECT 3 ORDER BY one;
SELECT t FROM t WHERE id = 1;
SELECT row_to_json(t) FROM t WHERE id = 1;
SELECT doc -> 'k' -> 0, doc @> '{"k": []}' FROM t WHERE id = 1;
TABLE child;
VALUES (1, 'x'), (2, NULL);
SELECT ssn END FROM (VALUES ('alias called end')) AS v (ssn);
SELECT 1::int2, 2::int8, 1.5::float4, 'NaN'::float8, 'Infinity'::float8, 1e100::numeric, true, 'x'::char(3), '\xdeadbeef'::bytea;
SELECT '2024-02-29'::date, '12:34:56.789'::time, '12:34+02'::timetz, 'infinity'::timestamptz, '2024-01-01 00:00:00.000001'::timestamp, '1 year 2 mons -3 days 04:05:06'::interval;
SELECT '00000000-0000-0000-0000-000000000001'::uuid, '192.168.0.0/24'::cidr, '::1'::inet, '08:00:2b:01:02:03'::macaddr, B'101', '(1,2)'::point, '[1,5)'::int4range, '{[1,2],[5,6]}'::int4multirange, '12.34'::money;
SELECT ROW(1, 'a')::pair, ARRAY[[1, 2], [3, NULL]], ARRAY[ROW(1, 'x')::pair], 5::positive, 'fat cat'::tsvector, '<a/>'::xml, 't'::regclass, NULL::void;
SELECT E'tab\there', U&'d\0061t\+000061', $tag$dollar 'quoted'$tag$, 'Grüße 🦀', '', 'a' /* comment /* nested */ */ 'b' IS NULL;
SELECT '' ;
SELECT repeat('x', 100000) = repeat('x', 100000), length(repeat('long ', 200000));
SELECT FROM t WHERE id < 4;
SELECT generate_series(1, 3), unnest(ARRAY['a', 'b']);
-- several statements in one message
SELECT 'first' \; SELECT 1 / 0 \; SELECT 'never';
CREATE TEMP TABLE multi (x integer) \; INSERT INTO multi VALUES (1), (2) \; SELECT sum(x) FROM multi;
SELECT 1 \; \; SELECT 2;
;
-- errors
SELECT 1 / 0;
SELECT * FROM no_such_table;
SELECT no_such_column FROM t;
SELEKT 1;
SELECT 'unterminated;
';
SELECT 0::positive;
SELECT 'abc'::integer;
SELECT twice('x', 'y');
DO $$ BEGIN RAISE EXCEPTION 'own error' USING ERRCODE = 'XX123', DETAIL = 'd', HINT = 'h', COLUMN = 'c', TABLE = 't', SCHEMA = 's', CONSTRAINT = 'k', DATATYPE = 'y'; END $$;
DO $$ BEGIN RAISE WARNING 'only a warning'; RAISE INFO 'and an info'; END $$;
SELECT shout('quiet');
-- transactions
BEGIN;
INSERT INTO t (name) VALUES ('in transaction');
SAVEPOINT s1;
INSERT INTO t (name) VALUES (NULL);
SELECT 'aborted';
ROLLBACK TO SAVEPOINT s1;
SELECT 'alive again';
RELEASE SAVEPOINT s1;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SHOW transaction_isolation;
DELETE FROM t;
COMMIT AND CHAIN;
ROLLBACK;
COMMIT;
BEGIN; PREPARE TRANSACTION 'two_phase';
COMMIT PREPARED 'two_phase';
BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; ROLLBACK;
-- cursors
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, name FROM t ORDER BY id;
FETCH 2 FROM c;
MOVE 3 IN c;
FETCH BACKWARD 1 FROM c;
FETCH ABSOLUTE 1 FROM c;
FETCH ALL FROM c \; CLOSE c;
FETCH 1 FROM c;
ROLLBACK;
DECLARE held CURSOR WITH HOLD FOR VALUES (1), (2);
FETCH ALL FROM held;
CLOSE ALL;
\set FETCH_COUNT 7
SELECT id, name FROM t ORDER BY id;
\unset FETCH_COUNT
-- prepared by SQL
PREPARE by_id (integer) AS SELECT name FROM t WHERE id = $1;
EXECUTE by_id (1);
EXECUTE by_id ('x');
SELECT name, statement, parameter_types FROM pg_prepared_statements;
DEALLOCATE by_id;
EXECUTE by_id (1);
-- copy
COPY (SELECT id, name, price FROM t WHERE id < 4 ORDER BY id) TO STDOUT;
COPY (SELECT id, name, NULL FROM t WHERE id < 4 ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER, FORCE_QUOTE *);
COPY child FROM STDIN;
2	from stdin
3	\N
\.
COPY child (id, note) FROM STDIN WITH (FORMAT csv);
4,"quoted ""note"""
\.
COPY child FROM STDIN;
not a number	x
\.
TABLE child;
COPY no_such_table TO STDOUT;
\copy (SELECT name FROM t WHERE id = 1) TO STDOUT
-- notifications
LISTEN channel;
NOTIFY channel, 'payload';
SELECT pg_notify('channel', 'second');
UNLISTEN *;
-- settings and explain
SET search_path TO other, public;
SELECT * FROM inner_table;
SHOW search_path;
RESET search_path;
SET LOCAL work_mem TO '1MB';
SET datestyle TO 'German';
SELECT '2024-12-31'::date;
SET client_encoding TO 'LATIN1';
SELECT 'caf' || chr(233);
SET client_encoding TO 'UTF8';
SET application_name TO 'renamed';
SHOW application_name;
SET standard_conforming_strings TO off;
SELECT 'a\'b';
RESET ALL;
SET ROLE NONE;
EXPLAIN (COSTS OFF) SELECT * FROM t WHERE id = 1;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT json) SELECT 1;
SELECT name, price FROM t WHERE id = 1 \gdesc
SELECT 'wide' AS a, 'format' AS b \gx
SELECT name AS v FROM t WHERE id = 1 \gset
\echo :v
-- the rest
CALL no_such_procedure();
CREATE PROCEDURE done(INOUT x integer) LANGUAGE plpgsql AS $$ BEGIN x := x + 1; COMMIT; END $$;
CALL done(41);
COMMENT ON TABLE t IS 'it''s a table';
GRANT SELECT ON t TO PUBLIC;
ALTER TABLE t ADD COLUMN extra integer DEFAULT 7, DROP COLUMN doc;
SELECT id, extra FROM t ORDER BY id LIMIT 1;
VACUUM t;
ANALYZE t;
TRUNCATE child;
DISCARD ALL;
DROP VIEW cheap;
DROP TABLE t;
DROP TABLE t CASCADE;
DROP TABLE IF EXISTS t;
SELECT 'end of the script';
