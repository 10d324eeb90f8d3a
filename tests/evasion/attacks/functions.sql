-- Functions, procedures, DO, operators, casts and aggregates, created before or by the client.

--# function-by-message
--! call
--! with 1
email_of(int4)

--# function-created-sql
CREATE FUNCTION mine() RETURNS SETOF text LANGUAGE sql AS 'SELECT email FROM people'
--
SELECT * FROM mine()

--# function-created-atomic
CREATE FUNCTION mine() RETURNS text LANGUAGE sql RETURN (SELECT email FROM people WHERE id = 1)
--
SELECT mine()

--# function-created-plpgsql
CREATE FUNCTION mine() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT email FROM people WHERE id = 1); END $$
--
SELECT mine()

--# function-created-in-pg-temp
CREATE FUNCTION pg_temp.mine() RETURNS text LANGUAGE sql AS 'SELECT email FROM people WHERE id = 1'
--
SELECT pg_temp.mine()

--# function-shadows-a-built-in
CREATE FUNCTION public.version() RETURNS text LANGUAGE sql AS 'SELECT email FROM public.people WHERE id = 1'
--
SET search_path = public, pg_catalog
--
SELECT version()

--# function-shadows-count
CREATE FUNCTION now(text) RETURNS text LANGUAGE sql AS 'SELECT email FROM public.people WHERE id = 1'
--
SELECT now('x')

--# operator-created
CREATE FUNCTION shout(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1 || email FROM people WHERE id = 1'
--
CREATE OPERATOR ### (LEFTARG = text, RIGHTARG = text, FUNCTION = shout)
--
SELECT 'a'::text ### 'b'::text

--# operator-shadows
CREATE FUNCTION shout(text, text) RETURNS text LANGUAGE sql AS 'SELECT email FROM public.people WHERE id = 1'
--
CREATE SCHEMA odd
--
CREATE OPERATOR odd.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = shout)
--
SET search_path = odd, public, pg_catalog
--
SELECT 'a'::text || 'b'::text

--# cast-created
CREATE TYPE box_of AS (v text)
--
CREATE FUNCTION unbox(box_of) RETURNS text LANGUAGE sql AS 'SELECT email FROM people WHERE id = 1'
--
CREATE CAST (box_of AS text) WITH FUNCTION unbox(box_of)
--
SELECT ROW('x')::box_of::text

--# aggregate-created
CREATE FUNCTION add_mail(text, int) RETURNS text LANGUAGE sql AS 'SELECT coalesce($1, '''') || email FROM people WHERE id = $2'
--
CREATE AGGREGATE mails (int) (SFUNC = add_mail, STYPE = text)
--
SELECT mails(id) FROM bystanders WHERE id < 3

--# domain-check-calls
CREATE FUNCTION peek(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT email FROM people WHERE id = 1); RETURN true; END $$
--
CREATE DOMAIN peeking AS text CHECK (peek(VALUE))
--
SELECT 'x'::peeking

--# do-notice
DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM people LOOP RAISE NOTICE '%', r; END LOOP; END $$

--# do-warning
DO $$ BEGIN RAISE WARNING '%', (SELECT salary FROM people WHERE id = 1); END $$

--# do-info
SET client_min_messages = error
--
DO $$ BEGIN RAISE INFO '%', (SELECT email FROM people WHERE id = 1); END $$

--# do-notify
--! alone
LISTEN leak
--
DO $$ BEGIN PERFORM pg_notify('leak', (SELECT email FROM people WHERE id = 1)); END $$

--# do-set-config
DO $$ BEGIN PERFORM set_config('my.secret', (SELECT email FROM people WHERE id = 1), false); END $$
--
SHOW my.secret

--# do-copies
DO $$ BEGIN INSERT INTO notes (body) SELECT email FROM people; END $$
--
SELECT body FROM notes

--# do-executes
DO $$ BEGIN EXECUTE convert_from('\x435245415445205441424c452074204153205441424c452070656f706c65'::bytea, 'UTF8'); END $$
--
SELECT * FROM t

--# do-application-name
--! alone
DO $$ BEGIN PERFORM set_config('application_name', (SELECT split_part(email, '@', 1) FROM people WHERE id = 1), false); END $$

--# call-procedure
CALL tell(1)

--# call-created
CREATE PROCEDURE mine(INOUT v text) LANGUAGE plpgsql AS $$ BEGIN v := (SELECT email FROM people WHERE id = 1); END $$
--
CALL mine(NULL)

--# function-with-out-parameters
CREATE FUNCTION mine(OUT a text, OUT b int) LANGUAGE sql AS 'SELECT email, salary FROM people WHERE id = 1'
--
SELECT a, b FROM mine()

--# function-with-default
CREATE FUNCTION mine(a text DEFAULT (SELECT 'x')) RETURNS text LANGUAGE sql AS 'SELECT a'
--
CREATE FUNCTION mine2(a text DEFAULT email_of(1)) RETURNS text LANGUAGE sql AS 'SELECT a'
--
SELECT mine2()

--# polymorphic
CREATE FUNCTION same(anyelement) RETURNS anyelement LANGUAGE sql AS 'SELECT $1'
--
SELECT same(email) FROM people

--# function-of-a-row
CREATE FUNCTION mail_of(people) RETURNS text LANGUAGE sql AS 'SELECT $1.email'
--
SELECT mail_of(p) FROM people p

--# function-as-attribute
CREATE FUNCTION mail_of(people) RETURNS text LANGUAGE sql AS 'SELECT $1.email'
--
SELECT p.mail_of FROM people p

--# notice-in-where
SELECT id FROM people WHERE complain(email)

--# notice-of-scalar-subquery
SELECT complain((SELECT email FROM people WHERE id = 1))

--# stored-by-a-function-then-read
SELECT keep(email) FROM people
--
SELECT body FROM notes

--# stored-by-a-function-in-where
SELECT 1 FROM people WHERE keep(email)
--
SELECT body FROM notes

--# index-on-function
--! until 16
CREATE FUNCTION peek(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT email FROM people WHERE id = 1); RETURN 1; END $$
--
CREATE INDEX ON bystanders (peek(id))

--# index-on-function-that-names-a-schema
CREATE FUNCTION peek(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT email FROM public.people WHERE id = 1); RETURN 1; END $$
--
CREATE INDEX ON bystanders (peek(id))

--# policy-of-a-table
CREATE FUNCTION peek() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT email FROM people WHERE id = 1); RETURN true; END $$
--
ALTER TABLE bystanders ADD CHECK (peek())

--# generated-by-function
CREATE TABLE made (id int, leak text GENERATED ALWAYS AS (email_of_now(id)) STORED)
--
CREATE FUNCTION email_of_now(int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT email FROM people WHERE id = $1'
--
CREATE TABLE made (id int, leak text GENERATED ALWAYS AS (email_of_now(id)) STORED)
--
INSERT INTO made VALUES (1) RETURNING leak

--# sequence-carries
--! alone
SELECT setval('notes_id_seq', (SELECT salary FROM people WHERE id = 1))
--
SELECT last_value FROM notes_id_seq

--# nextval-carries
--! alone
SELECT setval('notes_id_seq', salary) FROM people WHERE id = 1
--
SELECT nextval('notes_id_seq')

--# currval-carries
--! alone
SELECT setval('notes_id_seq', salary) FROM people WHERE id = 1
--
SELECT currval('notes_id_seq'), lastval()

--# alter-sequence-carries
--! alone
DO $$ BEGIN EXECUTE 'ALTER SEQUENCE notes_id_seq RESTART ' || (SELECT salary FROM people WHERE id = 1); END $$
--
SELECT nextval('notes_id_seq')

--# advisory-lock-carries
SELECT pg_advisory_lock(salary) FROM people
--
SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()

--# set-config-carries
SELECT set_config('my.secret', email, false) FROM people WHERE id = 1
--
SELECT current_setting('my.secret')

--# set-config-subquery
SELECT set_config('my.secret', (SELECT email FROM people WHERE id = 1), false)
--
SHOW my.secret

--# application-name-shows
--! alone
SELECT set_config('application_name', split_part((SELECT email FROM people WHERE id = 1), '@', 1), false)

--# sql-function
SELECT email_of(1)

--# sql-function-atomic
SELECT email_of_atomic(1)

--# sql-function-set
SELECT * FROM everyone()

--# sql-function-set-field
SELECT (everyone()).email

--# sql-function-star
SELECT (everyone()).*

--# plpgsql-function
SELECT salary_of(1)

--# plpgsql-runs-text
SELECT run_text('SELECT email FROM people')

--# plpgsql-runs-hidden-text
SELECT run_text(convert_from(decode('53454c45435420656d61696c2046524f4d2070656f706c65', 'hex'), 'UTF8'))

--# function-in-from
SELECT * FROM run_text('SELECT email FROM people') AS r

--# function-in-where
--! guess 7000000 | 8000000
SELECT id FROM bystanders WHERE salary_of(1) > {guess}

--# function-in-limit
--! guess 7351920 | 7351921
SELECT id FROM bystanders ORDER BY id LIMIT salary_of(1) - {guess}

--# function-in-values
VALUES (email_of(1))

--# function-in-insert
INSERT INTO notes (body) VALUES (email_of(1)) RETURNING body

--# function-in-update
UPDATE notes SET body = email_of(2) RETURNING body

--# function-in-copy
COPY (SELECT email_of(1)) TO STDOUT

--# function-qualified
SELECT public.email_of(1)

--# function-quoted
SELECT "email_of"(1)

--# function-named-arguments
SELECT email_of(person => 1)

--# default-of-a-column
ALTER TABLE bystanders ADD COLUMN leak text DEFAULT email_of(1)
--
SELECT leak FROM bystanders

--# function-of-a-value-as-a-field
--! setup
CREATE FUNCTION mail_in(city text) RETURNS text LANGUAGE sql STABLE AS 'SELECT max(email) FROM people p WHERE p.city = $1'
--
SELECT (p.city).mail_in FROM people p

--# function-of-a-scalar-item-as-a-field
--! setup
CREATE FUNCTION mail_of(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM people WHERE id = $1'
--
SELECT n.mail_of FROM generate_series(1, 3) AS n

--# dropped-function-of-a-row
--! setup
CREATE FUNCTION starts_with_q(people) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1 / (CASE WHEN $1.email LIKE ''q%'' THEN 0 ELSE 1 END)'
--! shows 22012
--
WITH m AS MATERIALIZED (SELECT p.starts_with_q FROM people p) SELECT 1 FROM m
