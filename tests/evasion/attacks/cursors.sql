-- Rows from FETCH, from portals, and from statements prepared earlier.

--# cursor
DECLARE c CURSOR FOR SELECT email FROM people
--
FETCH ALL FROM c

--# cursor-renamed
DECLARE c CURSOR FOR SELECT email AS name FROM people
--
FETCH 2 FROM c

--# cursor-scroll
DECLARE c SCROLL CURSOR FOR SELECT email FROM people
--
MOVE LAST FROM c
--
FETCH PRIOR FROM c

--# cursor-absolute
DECLARE c SCROLL CURSOR FOR SELECT * FROM people
--
FETCH ABSOLUTE 2 FROM c

--# cursor-backward
DECLARE c SCROLL CURSOR FOR SELECT * FROM people
--
MOVE ALL FROM c
--
FETCH BACKWARD ALL FROM c

--# cursor-binary
DECLARE c BINARY CURSOR FOR SELECT salary, born, email FROM people
--
FETCH ALL FROM c

--# cursor-insensitive
DECLARE c INSENSITIVE CURSOR FOR SELECT email FROM people
--
FETCH NEXT FROM c

--# cursor-with-hold
--! alone
DECLARE c CURSOR WITH HOLD FOR SELECT email FROM people
--
FETCH ALL FROM c

--# cursor-held-over-a-commit
--! alone
BEGIN
--
DECLARE c CURSOR WITH HOLD FOR SELECT email, salary FROM people
--
COMMIT
--
FETCH ALL FROM c

--# cursor-of-expression
DECLARE c CURSOR FOR SELECT upper(email) FROM people
--
FETCH ALL FROM c

--# cursor-quoted
DECLARE "C c" CURSOR FOR SELECT email FROM people
--
FETCH ALL FROM "C c"

--# cursor-redeclared
DECLARE c CURSOR FOR SELECT name FROM people
--
CLOSE c
--
DECLARE c CURSOR FOR SELECT email FROM people
--
FETCH ALL FROM c

--# cursor-in-one-message
DECLARE c CURSOR FOR SELECT email FROM people; FETCH ALL FROM c

--# cursor-of-a-function
--! alone
--! setup
CREATE FUNCTION opened() RETURNS refcursor LANGUAGE plpgsql AS $$ DECLARE c refcursor := 'opened'; BEGIN OPEN c FOR SELECT email FROM people; RETURN c; END $$
--
BEGIN
--
SELECT opened()
--
FETCH ALL FROM opened

--# cursor-as-execute-portal
DECLARE c CURSOR FOR SELECT email FROM people
--
FETCH FORWARD 1 IN c

--# cursor-by-execute-message
DECLARE c CURSOR FOR SELECT name, email FROM people
--
--! portal c

--# cursor-of-expression-by-execute-message
DECLARE "C c" CURSOR FOR SELECT upper(email) FROM people
--
--! portal C c

--# cursor-held-by-execute-message
--! alone
DECLARE c CURSOR WITH HOLD FOR SELECT email FROM people
--
--! portal c

--# cursor-in-place-of-a-portal
--! bind p
SELECT name FROM people
--
CLOSE p
--
DECLARE p CURSOR FOR SELECT email FROM people
--
--! portal p

--# cursor-in-place-of-a-portal-in-one-message
--! bind p
SELECT name FROM people
--
CLOSE p; DECLARE p CURSOR FOR SELECT email FROM people
--
--! portal p

--# portal-in-place-of-a-cursor
DECLARE p CURSOR FOR SELECT name FROM people
--
CLOSE p
--
--! bind p
SELECT email FROM people
--
--! portal p

--# portal-fetched
--! bind p
SELECT email FROM people
--
FETCH ALL FROM p

--# cursor-opened-by-a-function-in-place-of-a-portal
--! alone
--! setup
CREATE FUNCTION swapped() RETURNS int LANGUAGE plpgsql AS $$ DECLARE c refcursor := 'p'; BEGIN CLOSE c; OPEN c FOR SELECT email FROM people; RETURN 1; END $$
--
BEGIN
--
--! bind p
SELECT name FROM people
--
SELECT swapped()
--
--! portal p

--# long-statement-names-are-cut
--! parse aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaax
SELECT item FROM orders
--
--! close-statement aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaay
--
--! parse aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaz
SELECT email FROM people
--
--! execute aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaax

--# long-portal-names-are-cut
--! bind aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaax
SELECT item FROM orders
--
--! close-portal aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaay
--
--! bind aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaz
SELECT email FROM people
--
--! portal aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaax

--# long-names-are-cut-inside-a-character
--! parse aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaéx
SELECT item FROM orders
--
--! close-statement aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaéy
--
--! parse aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaéz
SELECT email FROM people
--
--! execute aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaéx

--# long-names-are-cut-and-prepared-by-sql
--! parse aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaax
SELECT item FROM orders
--
DEALLOCATE aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
--
PREPARE aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa AS SELECT email FROM people
--
--! execute aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaax

--# long-portal-names-are-cut-and-declared
--! bind aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaax
SELECT item FROM orders
--
CLOSE aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
--
DECLARE aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa CURSOR FOR SELECT email FROM people
--
--! portal aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaax

--# re-prepared-in-the-message-that-executes
PREPARE s AS SELECT item FROM orders
--
DEALLOCATE s; PREPARE s AS SELECT email FROM people; EXECUTE s

--# re-prepared-in-another-case
PREPARE s AS SELECT item FROM orders
--
DEALLOCATE ALL; PREPARE S AS SELECT email FROM people; EXECUTE "s"

--# redeclared-in-the-message-that-fetches
DECLARE c CURSOR FOR SELECT item FROM orders
--
CLOSE c; DECLARE c CURSOR FOR SELECT email FROM people; FETCH ALL FROM c

--# portal-redeclared-in-the-message-that-fetches
--! bind c
SELECT item FROM orders
--
CLOSE c; DECLARE c CURSOR FOR SELECT email FROM people; FETCH ALL FROM c

--# copied-by-execute-of-a-re-prepared-statement
PREPARE s AS SELECT item FROM orders
--
DEALLOCATE s; PREPARE s AS SELECT email FROM people; CREATE TEMP TABLE kept AS EXECUTE s; SELECT * FROM kept

--# re-prepared-in-a-pipeline
PREPARE s AS SELECT item FROM orders
--
--! pipeline
DEALLOCATE s
--&
PREPARE s AS SELECT email FROM people
--&
EXECUTE s

--# redeclared-in-a-pipeline
DECLARE c CURSOR FOR SELECT item FROM orders
--
--! pipeline
CLOSE c
--&
DECLARE c CURSOR FOR SELECT email FROM people
--&
FETCH ALL FROM c

--# re-prepared-and-executed-again
PREPARE s AS SELECT item FROM orders
--
EXECUTE s
--
DEALLOCATE s
--
PREPARE s AS SELECT email FROM people
--
EXECUTE s

--# redeclared-and-fetched-again
DECLARE c CURSOR FOR SELECT item FROM orders
--
FETCH 1 FROM c
--
CLOSE c
--
DECLARE c CURSOR FOR SELECT email FROM people
--
FETCH 1 FROM c

--# declared-twice-in-the-message-that-fetches
DECLARE c CURSOR FOR SELECT item FROM orders; CLOSE c; DECLARE c CURSOR FOR SELECT email FROM people; FETCH ALL FROM c

--# prepared-twice-in-the-message-that-executes
PREPARE s AS SELECT item FROM orders; DEALLOCATE s; PREPARE s AS SELECT upper(email) AS item FROM people; EXECUTE s

--# re-prepared-by-sql-and-executed-by-message
--! parse s
SELECT item FROM orders
--
DEALLOCATE s
--
PREPARE s AS SELECT email FROM people
--
--! execute s

--# re-prepared-in-one-message-and-executed-by-message
--! simple
--! parse s
SELECT item FROM orders
--
DEALLOCATE s; PREPARE s AS SELECT email FROM people; SELECT 1
--
--! execute s

--# re-prepared-in-a-message-that-fails
--! simple
--! alone
PREPARE s AS SELECT item FROM orders
--
DEALLOCATE s; PREPARE s AS SELECT email FROM people; SELECT 1/0
--
EXECUTE s

--# bound-before-it-is-re-prepared
PREPARE p AS SELECT item FROM orders
--
--! bind q
EXECUTE p
--
DEALLOCATE p
--
PREPARE p AS SELECT email AS item FROM people
--
--! portal q

--# bound-before-it-is-re-parsed
--! parse p
SELECT item FROM orders
--
--! bind q
EXECUTE p
--
--! close-statement p
--
--! parse p
SELECT email FROM people
--
--! portal q

--# bound-before-it-is-redeclared
DECLARE c CURSOR FOR SELECT item FROM orders
--
--! bind q
FETCH ALL FROM c
--
CLOSE c
--
DECLARE c CURSOR FOR SELECT email AS item FROM people
--
--! portal q

--# bound-before-its-portal-is-rebound
--! bind c
SELECT item FROM orders
--
--! bind q
FETCH ALL FROM c
--
--! close-portal c
--
--! bind c
SELECT email FROM people
--
--! portal q

--# table-bound-before-it-is-re-prepared
PREPARE p AS SELECT item FROM orders
--
--! bind q
CREATE TEMP TABLE kept AS EXECUTE p
--
DEALLOCATE p
--
PREPARE p AS SELECT email AS item FROM people
--
--! portal q
--
SELECT * FROM kept

--# function-replaced-between-bind-and-execute
--! alone
CREATE FUNCTION pick() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'x'; END $$
--
BEGIN
--
--! bind q
SELECT pick()
--
CREATE OR REPLACE FUNCTION pick() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT email FROM people WHERE id = 1); END $$
--
--! portal q

--# sql-function-replaced-between-bind-and-execute
--! alone
CREATE FUNCTION pick() RETURNS text LANGUAGE sql VOLATILE SET work_mem = '1MB' AS $$ SELECT 'x' $$
--
BEGIN
--
--! bind q
SELECT pick()
--
CREATE OR REPLACE FUNCTION pick() RETURNS text LANGUAGE sql VOLATILE SET work_mem = '1MB' AS $$ SELECT email FROM people WHERE id = 1 $$
--
--! portal q

--# function-replaced-in-the-message-that-calls
--! alone
CREATE FUNCTION pick() RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$
--
CREATE OR REPLACE FUNCTION pick() RETURNS text LANGUAGE sql AS $$ SELECT email FROM people WHERE id = 1 $$; SELECT pick()

--# function-replaced-in-the-transaction-that-calls
--! alone
CREATE FUNCTION pick() RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$
--
--! parse s
SELECT pick()
--
BEGIN
--
CREATE OR REPLACE FUNCTION pick() RETURNS text LANGUAGE sql AS $$ SELECT email FROM people WHERE id = 1 $$
--
--! execute s
--
SELECT pick()

--# view-replaced-in-the-message-that-reads
--! alone
CREATE VIEW picked AS SELECT item AS it FROM orders
--
CREATE OR REPLACE VIEW picked AS SELECT email AS it FROM people; SELECT it FROM picked

--# view-replaced-between-bind-and-execute
--! alone
CREATE VIEW picked AS SELECT item AS it FROM orders
--
BEGIN
--
--! bind q
SELECT it FROM picked
--
CREATE OR REPLACE VIEW picked AS SELECT email AS it FROM people
--
--! portal q
--
--! bind r
SELECT it FROM picked
--
--! portal r

--# trigger-made-between-bind-and-execute
--! alone
CREATE TABLE seen_by (it text)
--
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.it := 'x'; RETURN NEW; END $$
--
CREATE TRIGGER noted BEFORE INSERT ON seen_by FOR EACH ROW EXECUTE FUNCTION noted()
--
BEGIN
--
--! bind q
INSERT INTO seen_by VALUES ('y') RETURNING it
--
CREATE OR REPLACE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.it := (SELECT email FROM people WHERE id = 1); RETURN NEW; END $$
--
--! portal q

--# expression-redeclared
DECLARE c CURSOR FOR SELECT upper(item) AS x FROM orders
--
CLOSE c
--
DECLARE c CURSOR FOR SELECT upper(email) AS x FROM people
--
FETCH ALL FROM c

--# expression-redeclared-in-one-message
DECLARE c CURSOR FOR SELECT upper(item) AS x FROM orders
--
CLOSE c; DECLARE c CURSOR FOR SELECT upper(email) AS x FROM people; FETCH ALL FROM c

--# expression-redeclared-by-execute-message
DECLARE c CURSOR FOR SELECT upper(item) AS x FROM orders
--
CLOSE c
--
DECLARE c CURSOR FOR SELECT upper(email) AS x FROM people
--
--! portal c

--# expression-bound-in-place-of-a-cursor
DECLARE c CURSOR FOR SELECT upper(item) AS x FROM orders
--
CLOSE c
--
--! bind c
SELECT upper(email) AS x FROM people
--
FETCH ALL FROM c

--# constant-redeclared
DECLARE c CURSOR FOR SELECT 'x'::text AS x
--
CLOSE c
--
DECLARE c CURSOR FOR SELECT email || '' AS x FROM people
--
FETCH ALL FROM c

--# union-redeclared
DECLARE c CURSOR FOR SELECT item FROM orders UNION ALL SELECT item FROM orders
--
CLOSE c
--
DECLARE c CURSOR FOR SELECT email AS item FROM people UNION ALL SELECT email FROM people
--
FETCH ALL FROM c

--# where-current-of
DECLARE c CURSOR FOR SELECT * FROM people FOR UPDATE
--
FETCH 1 FROM c
--
UPDATE people SET name = name WHERE CURRENT OF c RETURNING email

--# prepare-execute
PREPARE s AS SELECT email FROM people
--
EXECUTE s

--# prepare-with-parameter
PREPARE s (int) AS SELECT email, salary FROM people WHERE id = $1
--
EXECUTE s (1)

--# prepare-expression
PREPARE s AS SELECT upper(email) FROM people
--
EXECUTE s

--# prepare-quoted
PREPARE "S s" AS SELECT email FROM people
--
EXECUTE "S s"

--# prepare-in-one-message
PREPARE s AS SELECT email FROM people; EXECUTE s

--# execute-twice-in-one-message
PREPARE s AS SELECT email FROM people
--
EXECUTE s; EXECUTE s

--# prepare-then-rename
PREPARE s AS SELECT item FROM orders
--
ALTER TABLE orders RENAME TO orders_before
--
CREATE VIEW orders AS SELECT email AS item FROM people
--
EXECUTE s

--# parse-once-execute-often
--! parse s
SELECT email FROM people
--
--! execute s
--
--! execute s

--# parse-and-execute-by-sql
--! parse s
SELECT email FROM people
--
EXECUTE s

--# prepare-by-sql-execute-by-message
PREPARE s AS SELECT email FROM people
--
--! execute s

--# parse-with-text-parameter
--! with 1
SELECT email FROM people WHERE id = $1

--# parse-again-under-the-same-name
--! parse s
SELECT name FROM people
--
DEALLOCATE s
--
--! parse s
SELECT email FROM people
--
--! execute s

--# prepared-over-ddl
--! parse s
SELECT body FROM letterbox
--
DROP RULE letterbox_answers ON letterbox
--
DROP TABLE letterbox
--
CREATE VIEW letterbox AS SELECT id, email AS body FROM people
--
--! execute s

--# prepared-over-search-path
CREATE SCHEMA attic
--
CREATE VIEW attic.bystanders AS SELECT email AS name FROM public.people
--
--! parse s
SELECT name FROM bystanders
--
SET search_path = attic, public
--
--! execute s

--# create-table-as-execute
PREPARE s AS SELECT email FROM people
--
CREATE TEMP TABLE t AS EXECUTE s
--
SELECT * FROM t

--# explain-execute
PREPARE s (text) AS SELECT 1 FROM people WHERE email = $1
--
EXPLAIN (COSTS off) EXECUTE s ((SELECT email FROM people WHERE id = 1))
--
SELECT email FROM people

--# execute-with-secret-argument
PREPARE s (text) AS SELECT $1
--
EXECUTE s (email_of(1))

--# bind-parameter-function
--! with 1
SELECT email_of($1::int)
