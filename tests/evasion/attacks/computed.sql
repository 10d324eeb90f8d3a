-- What the database computes without being named: casts, defaults, checks, generated columns, conditions of triggers and
-- the triggers of tables that are written along. Also what PL/pgSQL evaluates outside of a query.

--# existing-operator-qualified
SELECT OPERATOR(public.#?#) person FROM orders

--# existing-cast
SELECT ROW(1)::staff::name

--# existing-cast-implicit-argument
SELECT namesend(ROW(1)::staff)

--# domain-check-reveals
--! guess q | z
SELECT '{guess}'::known_start

--# table-check-reveals
--! guess q | z
INSERT INTO invites VALUES (1, '{guess}')

--# table-check-reveals-by-copy
--! guess q | z
COPY (SELECT '{guess}'::known_start) TO STDOUT

--# existing-default
INSERT INTO badges (id) VALUES (1) RETURNING owner

--# existing-default-then-read
INSERT INTO badges DEFAULT VALUES
--
SELECT owner FROM badges

--# existing-default-copied
CREATE TABLE mine (LIKE badges INCLUDING DEFAULTS)
--
INSERT INTO mine (id) VALUES (1) RETURNING owner

--# existing-default-inherited
CREATE TABLE mine () INHERITS (badges)
--
INSERT INTO mine (id) VALUES (1) RETURNING owner

--# existing-default-by-copy
--! data 1
COPY badges (id) FROM STDIN
--
SELECT owner FROM badges

--# generated-by-an-existing-function
INSERT INTO passes (id) VALUES (1) RETURNING holder

--# generated-by-an-existing-function-then-read
INSERT INTO passes (id) VALUES (1)
--
SELECT holder FROM passes

--# trigger-of-a-partition
INSERT INTO days (id) VALUES (1) RETURNING body

--# trigger-of-a-partition-then-read
INSERT INTO days (id) VALUES (1)
--
SELECT body FROM days

--# trigger-under-a-view
INSERT INTO inbox_view (id) VALUES (1) RETURNING body

--# trigger-under-a-view-then-read
INSERT INTO inbox_view (id) VALUES (1)
--
SELECT body FROM inbox_view

--# trigger-on-copy
COPY inbox (id) FROM STDIN
--! data 1
--
SELECT body FROM inbox

--# trigger-of-a-cascade
DELETE FROM orders WHERE id = 10
--
SELECT body FROM notes

--# trigger-enabled-in-a-transaction
ALTER TABLE drafts ENABLE TRIGGER drafts_are_filled
--
INSERT INTO drafts (id) VALUES (1) RETURNING body

--# default-of-a-renamed-table
ALTER TABLE badges RENAME TO tray
--
INSERT INTO tray (id) VALUES (1) RETURNING owner

--# detail-of-a-caught-error
SELECT rename_person(1, NULL)

--# subscript-of-a-variable
SELECT digit_at(1)

--# default-of-a-record-variable
SELECT first_person()

--# existing-cast-by-assignment
CREATE TABLE kept (n name)
--
INSERT INTO kept VALUES (ROW(1)::staff)
--
SELECT n FROM kept

--# trigger-condition
--! guess 1 | 3
INSERT INTO perks (id) VALUES ({guess}) RETURNING body

--# generated-column-copied-by-like
CREATE TABLE tray (LIKE passes INCLUDING ALL)
--
INSERT INTO tray (id) VALUES (1) RETURNING holder

--# child-of-a-generated-column
CREATE TABLE tray () INHERITS (passes)
--
INSERT INTO tray (id) VALUES (1) RETURNING holder

--# outer-column-by-another-search-path
CREATE SCHEMA odd CREATE TABLE notes (id int)
--
INSERT INTO odd.notes VALUES (1)
--
SET search_path = odd, public
--
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)

--# deferred-trigger-fails
INSERT INTO nicknames VALUES (1, NULL)
--
SET CONSTRAINTS ALL IMMEDIATE

--# deferred-trigger-fails-at-commit
--! alone
BEGIN; INSERT INTO nicknames VALUES (1, NULL)
--
COMMIT

--# system-view-renamed
SET allow_system_table_mods = on
--
ALTER VIEW pg_stats RENAME TO numbers
--
SELECT histogram_bounds FROM pg_catalog.numbers WHERE tablename = 'people'

--# built-in-function-renamed
--! needs xml
--! alone
ALTER FUNCTION query_to_xml(text, boolean, boolean, text) RENAME TO xmlq
--
SELECT xmlq('SELECT email FROM people', true, true, '')

--# table-renamed-by-another-session-after-a-failed-lookup
--! alone
SELECT 1 FROM no_such_table
--
--! other
ALTER TABLE inbox RENAME TO tray
--
INSERT INTO tray (id) VALUES (1) RETURNING body

--# deferred-trigger-fails-after-another-statement
--! alone
--! simple
INSERT INTO nicknames VALUES (1, NULL); SELECT 1

--# deferred-trigger-fails-at-sync
--! alone
INSERT INTO nicknames VALUES (1, NULL)

--# outer-column-after-ddl-in-a-pipeline
--! alone
--! pipeline
ALTER TABLE notes DROP COLUMN body
--&
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)

--# outer-column-after-a-transaction-in-a-pipeline
--! alone
--! pipeline
BEGIN
--&
ALTER TABLE notes DROP COLUMN body
--&
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)

--# outer-column-of-a-statement-prepared-earlier
--! parse s
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)
--
ALTER TABLE notes DROP COLUMN body
--
--! execute s
