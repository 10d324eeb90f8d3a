-- Names whose meaning changes within a transaction, and objects that run functions without calling them.

--# existing-aggregate
SELECT mailing(1)

--# existing-operator
SELECT #?# 1

--# computed-field
SELECT o.buyer FROM orders o

--# computed-field-of-a-table
SELECT orders.buyer FROM orders

--# computed-field-in-parentheses
SELECT (o).buyer FROM orders o

--# computed-field-of-a-subquery
SELECT ((SELECT o FROM orders o LIMIT 1)).buyer

--# computed-field-in-a-view
CREATE VIEW bought AS SELECT o.buyer AS item FROM orders o
--
SELECT item FROM bought

--# trigger-of-a-renamed-table
ALTER TABLE inbox RENAME TO tray
--
INSERT INTO tray (id) VALUES (1) RETURNING body

--# trigger-of-a-moved-table
ALTER TABLE inbox SET SCHEMA crm
--
INSERT INTO crm.inbox (id) VALUES (1) RETURNING body

--# trigger-of-a-new-partition
CREATE TABLE hours (id int, body text) PARTITION BY LIST (id)
--
ALTER TABLE hours ATTACH PARTITION inbox DEFAULT
--
INSERT INTO hours (id) VALUES (1) RETURNING body

--# namesake-renamed
SET search_path = crm
--
ALTER TABLE accounts RENAME title TO email
--
ALTER TABLE accounts RENAME TO people
--
INSERT INTO people (id, email) SELECT id + 20, email FROM public.people
--
SELECT email FROM crm.people

--# column-renamed-shows-the-outer-one
ALTER TABLE notes RENAME body TO other
--
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)

--# column-dropped-shows-the-outer-one
ALTER TABLE notes DROP COLUMN body
--
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)

--# column-dropped-in-the-same-message
ALTER TABLE notes DROP COLUMN body; SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)

--# recreated-table-shows-the-outer-column
DROP TABLE notes
--
CREATE TABLE notes (id int)
--
INSERT INTO notes VALUES (1)
--
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)

--# changed-in-place-by-merge
--! guess 7 | 4
MERGE INTO people USING (VALUES (1)) AS q (n) ON people.id = q.n WHEN MATCHED THEN UPDATE SET salary = salary / 1000000
--
SELECT id FROM people WHERE salary = {guess}

--# changed-in-place-in-with
--! guess 7 | 4
WITH w AS (UPDATE people SET salary = salary / 1000000 WHERE id = 1 RETURNING salary) SELECT 1
--
SELECT id FROM people WHERE salary = {guess}

--# order-by-distinct-on
--! shows 321
SELECT DISTINCT ON (salary) id FROM people

--# out-parameters-by-field
SELECT (contact_of(1)).mail

--# new-partition-of-a-table-with-a-trigger
CREATE TRIGGER t BEFORE INSERT ON days FOR EACH ROW EXECUTE FUNCTION fill_inbox()
--
CREATE TABLE days_two PARTITION OF days FOR VALUES IN (2)
--
INSERT INTO days_two (id) VALUES (2) RETURNING body

--# outer-column-by-a-dropped-view-column
DROP VIEW inbox_view
--
CREATE VIEW inbox_view AS SELECT id FROM orders
--
SELECT (SELECT body FROM inbox_view LIMIT 1) FROM people AS p (id, name, city, body)

--# outer-column-by-a-renamed-table
ALTER TABLE notes RENAME TO n2
--
ALTER TABLE lines RENAME TO notes
--
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)

--# outer-column-by-a-temporary-table
CREATE TEMP TABLE notes (id int)
--
INSERT INTO notes VALUES (1)
--
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)

--# temporary-table-shadows-after-commit
--! alone
BEGIN
--
CREATE TEMP TABLE notes (id int); INSERT INTO notes VALUES (1)
--
COMMIT
--
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)

--# temporary-table-shadows-in-the-transaction
--! alone
BEGIN
--
CREATE TEMP TABLE notes AS SELECT 1 AS id
--
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)

--# temporary-table-takes-a-protected-value
--! alone
BEGIN
--
CREATE TEMP TABLE scratch (v text)
--
INSERT INTO scratch SELECT email FROM people
--
SELECT v FROM scratch

--# temporary-table-of-columns-unknown
--! alone
BEGIN
--
CREATE TEMP TABLE scratch AS SELECT 1 AS one
--
SELECT s.*, (SELECT email || '' FROM people WHERE id = s.one) FROM scratch s
--
SELECT (SELECT email FROM scratch) || '' FROM people

--# temporary-view-over-people
--! alone
BEGIN
--
CREATE TEMP TABLE scratch (v text)
--
CREATE TEMP VIEW notes AS SELECT email || '' AS body FROM people
--
SELECT body FROM notes

--# temporary-table-dropped-again
--! alone
BEGIN
--
CREATE TEMP TABLE notes (id int)
--
DROP TABLE notes
--
ALTER TABLE notes DROP COLUMN body
--
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)

--# temporary-table-behind-a-function
--! setup
CREATE FUNCTION noted() RETURNS SETOF text LANGUAGE sql AS 'SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)'
--
BEGIN
--
CREATE TEMP TABLE notes AS SELECT 1 AS id
--
SELECT noted()
