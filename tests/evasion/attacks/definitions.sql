-- Names that change behind the gateway: rename, move, drop and create again, and shadowing on the search path.

--# rename-column
ALTER TABLE people RENAME email TO contact
--
SELECT contact FROM people

--# rename-table
ALTER TABLE people RENAME TO persons
--
SELECT email FROM persons

--# rename-table-and-column
ALTER TABLE people RENAME TO persons
--
ALTER TABLE persons RENAME email TO e
--
SELECT e FROM persons

--# rename-in-one-message
ALTER TABLE people RENAME TO persons; SELECT email FROM persons

--# set-schema
ALTER TABLE people SET SCHEMA crm
--
SELECT email FROM crm.people

--# rename-schema
ALTER SCHEMA public RENAME TO audience
--
SELECT email FROM audience.people

--# rename-view-column
ALTER VIEW contacts RENAME address TO a
--
SELECT a FROM contacts

--# rename-partition
ALTER TABLE ledger_odd RENAME TO odd
--
SELECT email FROM odd

--# type-using
ALTER TABLE birds ADD COLUMN note text
--
ALTER TABLE birds ALTER note TYPE text USING email
--
SELECT note FROM birds

--# add-generated
ALTER TABLE people ADD COLUMN g text GENERATED ALWAYS AS (upper(email)) STORED
--
SELECT g FROM people

--# add-column-default
ALTER TABLE people ADD COLUMN g text DEFAULT email_of(1)
--
SELECT g FROM people

--# create-index-expression-statistics
CREATE INDEX ON people (upper(email))
--
ANALYZE people
--
SELECT stavalues1 FROM pg_statistic WHERE stavalues1::text LIKE '%QUILLONA%'

--# rule-on-another-table
CREATE RULE answers AS ON UPDATE TO notes DO INSTEAD SELECT email FROM people
--
UPDATE notes SET body = 'x'

--# existing-rule
UPDATE letterbox SET body = 'x'

--# rule-also
CREATE RULE also AS ON INSERT TO orders DO ALSO INSERT INTO notes (body) SELECT email FROM people
--
INSERT INTO orders (id, item) VALUES (70, 'x')
--
SELECT body FROM notes

--# rule-on-people
CREATE RULE also AS ON UPDATE TO people DO ALSO INSERT INTO notes (body) VALUES (OLD.email)
--
UPDATE people SET city = 'x'
--
SELECT body FROM notes

--# trigger-on-people
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO notes (body) VALUES (OLD.email); RETURN NEW; END $$
--
CREATE TRIGGER noted AFTER UPDATE ON people FOR EACH ROW EXECUTE FUNCTION noted()
--
UPDATE people SET city = 'x'
--
SELECT body FROM notes

--# trigger-on-view
CREATE FUNCTION tell_view() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT email FROM people WHERE id = 1); RETURN NEW; END $$
--
CREATE TRIGGER told INSTEAD OF UPDATE ON headcount FOR EACH ROW EXECUTE FUNCTION tell_view()
--
UPDATE headcount SET heads = 1

--# event-trigger
CREATE FUNCTION tell_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT email FROM people WHERE id = 1); END $$
--
CREATE EVENT TRIGGER told ON ddl_command_end EXECUTE FUNCTION tell_ddl()
--
CREATE TABLE anything (id int)

--# search-path-shadows
CREATE SCHEMA attic
--
CREATE VIEW attic.headcount AS SELECT email AS city FROM public.people
--
SET search_path = attic, public
--
SELECT city FROM headcount

--# search-path-by-set-config
CREATE SCHEMA attic
--
CREATE VIEW attic.orders AS SELECT email AS item FROM public.people
--
SELECT set_config('search_path', 'attic', false)
--
SELECT item FROM orders

--# search-path-finds-people
CREATE SCHEMA attic
--
CREATE VIEW attic.p AS TABLE public.people
--
SET search_path TO attic
--
SELECT email FROM p

--# search-path-hides-people
SET search_path = crm
--
SELECT email FROM public.people

--# pg-temp-shadows
CREATE TEMP VIEW bystanders AS SELECT email AS name FROM people
--
SELECT name FROM bystanders

--# pg-temp-by-name
CREATE TEMP TABLE x AS SELECT email FROM people
--
SELECT email FROM pg_temp.x

--# long-name-truncated
CREATE VIEW a_very_long_name_that_goes_on_and_on_and_on_and_on_and_on_until_sixty_three AS SELECT email AS x FROM people
--
SELECT x FROM a_very_long_name_that_goes_on_and_on_and_on_and_on_and_on_until_sixty_four

--# long-alias-truncated
SELECT aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggXXXX.email FROM people AS aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggYYYY

--# standard-conforming-strings-off
SET standard_conforming_strings = off
--
SELECT 'it\'s', email FROM people -- '

--# standard-conforming-strings-hides
SET standard_conforming_strings = off
--
SELECT '\'', email AS x FROM people WHERE 'a' <> '\''

--# backslash-quote-e-string
SELECT E'\'', email FROM people WHERE E'\\' <> 'x'

--# dollar-quotes
SELECT $a$ FROM orders $a$, email FROM people

--# unicode-strings
SELECT U&'\0041', email FROM people

--# client-encoding-latin1
SET client_encoding = 'LATIN1'
--
SELECT email FROM people

--# client-encoding-sjis
SET client_encoding = 'SJIS'
--
SELECT '' , email FROM people

--# client-encoding-sql-ascii
SET client_encoding = 'SQL_ASCII'
--
SELECT email FROM people

--# names
SET NAMES 'LATIN9'
--
SELECT email FROM people

--# datestyle
SET datestyle = 'German, DMY'
--
SELECT born, seen FROM people

--# bytea-output
SET bytea_output = 'escape'
--
SELECT photo FROM people

--# interval-and-floats
SET extra_float_digits = 3
--
SELECT salary, score FROM people

--# xmlbinary
SET xmlbinary = 'hex'
--
SELECT email, photo FROM people

--# comment-on-people
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE notes IS %L', (SELECT email FROM people WHERE id = 1)); END $$
--
SELECT obj_description('notes'::regclass)

--# drop-and-read-view
DROP VIEW contacts_of_contacts
--
CREATE VIEW contacts_of_contacts AS SELECT id, email AS name FROM people
--
SELECT name FROM contacts_of_contacts

--# alter-view-default
ALTER VIEW headcount ALTER heads SET DEFAULT 1
--
CREATE OR REPLACE VIEW headcount AS SELECT email AS city, 1::bigint AS heads FROM people
--
TABLE headcount

--# enum-label-from-secret
DO $$ BEGIN EXECUTE format('CREATE TYPE leak AS ENUM (%L)', (SELECT email FROM people WHERE id = 1)); END $$
--
SELECT enumlabel FROM pg_enum WHERE enumlabel LIKE '%@%'

--# column-name-from-secret
DO $$ BEGIN EXECUTE format('CREATE TABLE leak (%I int)', (SELECT email FROM people WHERE id = 1)); END $$
--
SELECT * FROM leak

--# trigger-on-another-table
INSERT INTO inbox (id) VALUES (1) RETURNING body

--# trigger-on-another-table-then-read
INSERT INTO inbox (id) VALUES (1)
--
SELECT body FROM inbox

--# generated-column
SELECT handle FROM members

--# generated-column-star
SELECT * FROM members

--# generated-column-expression
SELECT upper(handle) FROM members WHERE id = 1

--# generated-column-in-a-condition
--! guess 'quillona' | 'nobody'
SELECT id FROM members WHERE handle = {guess}

--# view-replaced
CREATE VIEW mine AS SELECT id, city FROM people
--
CREATE OR REPLACE VIEW mine AS SELECT id, email AS city FROM people
--
SELECT city FROM mine

--# view-made-of-a-computed-column
CREATE VIEW mine AS SELECT upper(email) AS city FROM people
--
SELECT city FROM mine

--# view-of-a-view-made-here
CREATE VIEW mine AS SELECT address FROM contacts
--
CREATE VIEW ours AS SELECT reverse(address) AS x FROM mine
--
SELECT x FROM ours

--# materialized-view-made-here
CREATE MATERIALIZED VIEW mine AS SELECT salary FROM people
--
SELECT salary FROM mine

--# trigger-made-in-a-transaction
BEGIN
--
CREATE TRIGGER mine BEFORE INSERT ON letterbox FOR EACH ROW EXECUTE FUNCTION fill_inbox()
--
INSERT INTO letterbox (id) VALUES (1) RETURNING body

--# trigger-made-in-the-same-message
CREATE TRIGGER mine BEFORE INSERT ON letterbox FOR EACH ROW EXECUTE FUNCTION fill_inbox(); INSERT INTO letterbox (id) VALUES (1) RETURNING body

--# function-renamed-in-a-transaction
BEGIN
--
ALTER FUNCTION email_of(int) RENAME TO harmless
--
SELECT harmless(1)

--# function-renamed-to-a-built-in-name
BEGIN
--
ALTER FUNCTION email_of(int) RENAME TO chr
--
SELECT public.chr(1)

--# function-moved-in-a-transaction
BEGIN
--
ALTER FUNCTION email_of(int) SET SCHEMA crm
--
SELECT crm.email_of(1)

--# operator-made-in-a-transaction
BEGIN
--
CREATE OPERATOR ### (RIGHTARG = int, FUNCTION = email_of)
--
SELECT ### 1

--# cast-made-in-a-transaction
BEGIN
--
CREATE CAST (rank AS text) WITH FUNCTION rank_text(rank)
--
SELECT 'plainrank'::rank::text

--# aggregate-made-in-a-transaction
BEGIN
--
CREATE AGGREGATE leaking (int) (SFUNC = add_email, STYPE = text)
--
SELECT leaking(1)

--# view-renamed-in-a-transaction
BEGIN
--
ALTER VIEW contacts RENAME TO others
--
SELECT address FROM others

--# foreign-key-tests-for-a-value
--! guess 'quillona@hollowmere.example' | 'zz@nowhere.example'
CREATE TABLE guesses (email text REFERENCES people (email))
--
INSERT INTO guesses VALUES ({guess})

--# foreign-key-follows-a-value
CREATE TABLE guesses (email text REFERENCES people (email) ON UPDATE CASCADE)
--
INSERT INTO guesses VALUES ('quillona@hollowmere.example')
--
UPDATE people SET email = 'x' || email WHERE id = 1
--
SELECT email FROM guesses

--# foreign-key-on-a-primary-key-that-is-protected
--! setup
ALTER TABLE members ADD PRIMARY KEY (email)
--
--! guess 'quillona@hollowmere.example' | 'zz@nowhere.example'
CREATE TABLE guesses (email text REFERENCES members)
--
INSERT INTO guesses VALUES ({guess})

--# index-counts-what-its-condition-finds
--! alone
--! guess 'q%' | 'zz%'
CREATE INDEX found ON people (id) WHERE email LIKE {guess}
--
SELECT reltuples FROM pg_class WHERE relname = 'found'

--# index-that-fails-for-a-value
--! guess 'q%' | 'zz%'
CREATE INDEX found ON people ((CASE WHEN email LIKE {guess} THEN 1 / (id - id) ELSE 1 END))

--# index-of-the-row
CREATE INDEX found ON people ((people::text))
--
SELECT stavalues1::text FROM pg_statistic

--# block-guesses
--! guess 'q%' | 'zz%'
DO $$ BEGIN IF EXISTS (SELECT 1 FROM people WHERE email LIKE {guess}) THEN INSERT INTO notes (body) VALUES ('yes'); END IF; END $$
--
SELECT count(*) FROM notes

--# block-copies-a-row
DO $$ DECLARE one record; BEGIN FOR one IN SELECT * FROM people LOOP INSERT INTO notes (body) VALUES (one.email); END LOOP; END $$
--
SELECT body FROM notes

--# block-copies-by-a-function
DO $$ BEGIN INSERT INTO notes (body) SELECT email_of(1); END $$
--
SELECT body FROM notes

--# block-fails-for-a-value
--! guess 'q%' | 'zz%'
DO $$ BEGIN PERFORM 1 / (CASE WHEN email LIKE {guess} THEN 0 ELSE 1 END) FROM people; END $$

--# block-raises-a-view
DO $$ BEGIN RAISE NOTICE '%', (SELECT string_agg(address, ',') FROM contacts); END $$

--# function-replaced-under-a-trigger
BEGIN
--
CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.word := (SELECT email FROM people WHERE id = NEW.id); RETURN NEW; END $$
--
INSERT INTO stamps (id, word) VALUES (1, 'x') RETURNING word

--# function-in-other-strings
SET standard_conforming_strings = off
--
CREATE FUNCTION told() RETURNS SETOF text LANGUAGE sql AS 'SELECT \'\' || email FROM people --'
--
SELECT told()

--# function-of-a-row-of-people
CREATE FUNCTION told(people) RETURNS text LANGUAGE sql AS 'SELECT $1.email'
--
SELECT p.told FROM people p

--# function-beside-an-open-transaction
BEGIN
--
CREATE FUNCTION told() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT x.v FROM later x; END $$
--
CREATE TEMP VIEW later AS SELECT email AS v FROM people
--
SELECT told()

--# null-behind-a-condition
--! guess 'q%' | 'zz%'
SELECT id, e IS NULL FROM (SELECT id, CASE WHEN email LIKE {guess} THEN 1 END AS e FROM people) s ORDER BY id

--# null-behind-a-join
--! guess 'q%' | 'zz%'
SELECT o.id, p.email IS NULL FROM orders o LEFT JOIN people p ON p.id = o.person AND p.email LIKE {guess} ORDER BY o.id

--# null-behind-nullif
--! guess 'quillona@hollowmere.example' | 'zz'
SELECT id, e IS NULL FROM (SELECT id, nullif(email, {guess}) AS e FROM people) s ORDER BY id

--# null-behind-a-subquery
--! guess 'q%' | 'zz%'
SELECT id, (SELECT p.email FROM people p WHERE p.id = o.person AND p.email LIKE {guess}) IS NULL FROM orders o ORDER BY id

--# itself-from-another-row-of-a-child
UPDATE stock SET serial = r.serial FROM rarities r
--
SELECT serial FROM ONLY stock

--# drop-cascade-uncovers
--! setup
CREATE SCHEMA veil; CREATE TABLE veil.people (id int, email text)
--
SET search_path = veil, public
--
DROP TABLE veil.people CASCADE
--
SELECT email || '' FROM people

--# trigger-function-replaced-on-people
--! setup
CREATE FUNCTION stamped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; CREATE TRIGGER stamps BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION stamped()
--
CREATE OR REPLACE FUNCTION stamped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO notes (body) VALUES (NEW.email); RETURN NEW; END $$
--
UPDATE people SET name = 'x' WHERE id = 1
--
SELECT body FROM notes

--# check-function-replaced-on-people
--! setup
CREATE FUNCTION proper(text) RETURNS boolean LANGUAGE sql AS 'SELECT true'; ALTER TABLE people ADD CHECK (proper(email))
--
CREATE OR REPLACE FUNCTION proper(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO notes (body) VALUES ($1); RETURN true; END $$
--
UPDATE people SET name = 'x' WHERE id = 1
--
SELECT body FROM notes

--# overload-that-a-function-prefers
--! setup
CREATE FUNCTION helper(text) RETURNS text LANGUAGE sql AS 'SELECT ''x''::text'; CREATE FUNCTION helped() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(helper(phone)) FROM people); END $$
--
CREATE FUNCTION helper(varchar) RETURNS text LANGUAGE sql AS 'SELECT $1::text'
--
SELECT helped()
