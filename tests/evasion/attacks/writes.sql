-- Protected values written where they are not masked, and what writing returns.

--# insert-select
INSERT INTO notes (body) SELECT email FROM people
--
SELECT body FROM notes

--# insert-select-renamed
INSERT INTO notes (number) SELECT salary AS x FROM people
--
SELECT number FROM notes

--# insert-values-subselect
INSERT INTO notes (body) VALUES ((SELECT email FROM people WHERE id = 1))
--
TABLE notes

--# insert-returning
INSERT INTO notes (body) SELECT email FROM people RETURNING body

--# insert-with
WITH w AS (SELECT email FROM people) INSERT INTO notes (body) SELECT * FROM w RETURNING *

--# insert-conflict-update
INSERT INTO people (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = people.email RETURNING name

--# insert-conflict-update-unprotected
INSERT INTO people (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = people.card
--
SELECT city FROM people

--# insert-conflict-where
--! guess q | z
INSERT INTO people (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'y' WHERE people.email LIKE '{guess}%' RETURNING id

--# insert-conflict-returning
INSERT INTO people (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'y' RETURNING email, salary

--# insert-into-itself
INSERT INTO people (id, name) SELECT id + 10, email FROM people
--
SELECT name FROM people

--# insert-view
INSERT INTO contacts (id, name, address) SELECT id + 10, address, address FROM contacts
--
SELECT name FROM contacts

--# update-name
UPDATE people SET name = email
--
SELECT name FROM people

--# update-name-returning
UPDATE people SET name = email RETURNING name

--# update-row
UPDATE people SET (name, city) = (email, card)
--
SELECT name, city FROM people

--# update-from-subselect
UPDATE people SET (name, city) = (SELECT email, card FROM people q WHERE q.id = people.id)
--
SELECT name, city FROM people

--# update-other-from
UPDATE orders SET item = email FROM people WHERE people.id = person RETURNING item

--# update-other-subselect
UPDATE orders SET item = (SELECT email FROM people WHERE id = person)
--
SELECT item FROM orders

--# update-case
UPDATE people SET name = CASE WHEN salary > 7000000 THEN 'more' ELSE 'less' END
--! shows more
--
SELECT name FROM people

--# update-expression
UPDATE people SET city = upper(email)
--
SELECT city FROM people

--# update-concatenated
UPDATE people SET name = name || email
--
SELECT name FROM people

--# update-array
UPDATE people SET tags[1] = email
--
UPDATE people SET name = tags[1]
--
SELECT name FROM people

--# update-returning
UPDATE people SET city = city RETURNING *

--# update-returning-expression
UPDATE people SET city = city RETURNING lower(email)

--# update-returning-row
UPDATE people SET city = city RETURNING people

--# update-returning-join
UPDATE orders SET item = item FROM people WHERE people.id = person RETURNING people.*

--# update-count
--! guess 7000000 | 8000000
UPDATE people SET city = city WHERE salary > {guess}

--# update-view
UPDATE contacts SET name = address
--
SELECT name FROM contacts

--# update-view-base
UPDATE contacts SET name = address
--
SELECT name FROM people

--# delete-returning
DELETE FROM people WHERE id = 3 RETURNING *

--# delete-returning-alias
DELETE FROM people AS p WHERE p.id = 3 RETURNING p.email AS name

--# delete-using-returning
DELETE FROM orders USING people WHERE people.id = person RETURNING email

--# delete-count
--! guess m | z
DELETE FROM people WHERE id = 3 AND email LIKE '{guess}%'

--# merge-insert
MERGE INTO notes USING people ON notes.id = people.id + 900 WHEN NOT MATCHED THEN INSERT (id, body) VALUES (people.id + 900, email)
--
SELECT body FROM notes

--# merge-update
MERGE INTO orders USING people ON people.id = person WHEN MATCHED THEN UPDATE SET item = email
--
SELECT item FROM orders

--# merge-into-itself
MERGE INTO people USING (SELECT id, email AS e FROM people) AS q ON q.id = people.id WHEN MATCHED THEN UPDATE SET name = e
--
SELECT name FROM people

--# merge-condition
--! guess 7000000 | 8000000
MERGE INTO bystanders USING people ON bystanders.id = people.id WHEN MATCHED AND salary > {guess} THEN UPDATE SET name = 'x'

--# create-table-as
CREATE TABLE copied AS SELECT * FROM people
--
SELECT email FROM copied

--# create-table-as-renamed
CREATE TABLE copied AS SELECT email AS x FROM people
--
SELECT x FROM copied

--# create-table-as-columns
CREATE TABLE copied (a, b) AS SELECT email, salary FROM people
--
TABLE copied

--# create-table-as-table
CREATE TABLE copied AS TABLE people
--
TABLE copied

--# create-table-as-values
CREATE TABLE copied AS VALUES ((SELECT email FROM people WHERE id = 1))
--
TABLE copied

--# create-unlogged-if-not-exists
CREATE UNLOGGED TABLE IF NOT EXISTS copied AS SELECT upper(email) AS e FROM people
--
TABLE copied

--# create-temp-table-as
CREATE TEMP TABLE copied AS SELECT email FROM people
--
SELECT * FROM copied

--# create-temp-shadows
CREATE TEMP TABLE orders AS SELECT email AS item FROM people
--
SELECT item FROM orders

--# temp-filled-in-one-message
CREATE TEMP TABLE copied (e text); INSERT INTO copied SELECT email FROM people; SELECT * FROM copied

--# select-into
SELECT email INTO copied FROM people
--
SELECT * FROM copied

--# select-into-temp
SELECT email AS x INTO TEMPORARY copied FROM people
--
SELECT x FROM copied

--# create-matview
CREATE MATERIALIZED VIEW kept AS SELECT email AS x FROM people
--
SELECT x FROM kept

--# refresh-matview
CREATE MATERIALIZED VIEW kept AS SELECT email AS x FROM people WITH NO DATA
--
REFRESH MATERIALIZED VIEW kept
--
TABLE kept

--# existing-matview
SELECT email AS x FROM people_kept

--# create-view
CREATE VIEW seen_by_me AS SELECT email AS x FROM people
--
SELECT x FROM seen_by_me

--# create-temp-view
CREATE TEMP VIEW seen_by_me (x) AS SELECT email FROM people
--
SELECT x FROM seen_by_me

--# create-recursive-view
CREATE RECURSIVE VIEW seen_by_me (x) AS SELECT email FROM people UNION ALL SELECT 'x' FROM seen_by_me WHERE false
--
SELECT x FROM seen_by_me

--# replace-view
CREATE OR REPLACE VIEW headcount AS SELECT email AS city, 1::bigint AS heads FROM people
--
SELECT city FROM headcount

--# view-of-expression
CREATE VIEW seen_by_me AS SELECT reverse(email) AS x FROM people
--
SELECT x FROM seen_by_me

--# existing-view
SELECT address FROM contacts

--# existing-view-of-view
SELECT where_to FROM contacts_of_contacts

--# existing-view-of-expression
SELECT loud FROM upper_contacts

--# view-row
SELECT c FROM contacts c

--# view-json
SELECT to_jsonb(c) FROM contacts c

--# view-aggregate
SELECT max(address) FROM contacts

--# matview-row
SELECT k FROM people_kept k

--# matview-expression
SELECT upper(email) FROM people_kept

--# inserted-by-default
CREATE TABLE copied (id int, e text DEFAULT 'x')
--
INSERT INTO copied SELECT id, email FROM people
--
SELECT e FROM copied

--# generated-column-of-target
CREATE TABLE copied (e text, g text GENERATED ALWAYS AS (e || '!') STORED)
--
INSERT INTO copied (e) SELECT email FROM people RETURNING g

--# partition-attached
CREATE TABLE parts (LIKE people) PARTITION BY LIST (id)
--
CREATE TABLE part_one (LIKE people)
--
INSERT INTO part_one SELECT * FROM people WHERE id = 1
--
ALTER TABLE parts ATTACH PARTITION part_one FOR VALUES IN (1)
--
SELECT email FROM parts

--# like-including-all
CREATE TABLE copied (LIKE people INCLUDING ALL)
--
INSERT INTO copied TABLE people
--
SELECT email FROM copied

--# inherits-from-people
CREATE TABLE more_people () INHERITS (people)
--
INSERT INTO more_people (id, name, email) SELECT 50, 'x', email FROM people WHERE id = 1
--
SELECT email FROM more_people

--# created-and-filled-later
CREATE TABLE kept AS SELECT id, city FROM people
--
UPDATE kept SET city = email FROM people WHERE people.id = kept.id
--
SELECT city FROM kept

--# prepared-insert
PREPARE p AS INSERT INTO notes (body) SELECT email FROM people
--
EXECUTE p
--
SELECT body FROM notes

--# prepared-insert-of-an-argument
PREPARE p (text) AS INSERT INTO notes (body) VALUES ($1)
--
EXECUTE p (email_of(1))
--
SELECT body FROM notes

--# created-from-a-prepared-statement
PREPARE p AS SELECT email FROM people
--
CREATE TABLE kept AS EXECUTE p
--
SELECT email FROM kept

--# deleted-and-stored
WITH gone AS (DELETE FROM members RETURNING email) INSERT INTO notes (body) SELECT email FROM gone
--
SELECT body FROM notes

--# assigned-from-a-joined-table
UPDATE orders SET item = p.email FROM people p WHERE p.id = orders.person
--
SELECT item FROM orders

--# stored-by-a-function
SELECT keep(email) FROM people
--
SELECT body FROM notes

--# stored-by-a-function-from-a-function
SELECT keep(email_of(1))
--
SELECT body FROM notes

--# assigned-by-conflict
INSERT INTO orders (id, item) VALUES (10, 'x') ON CONFLICT (id) DO UPDATE SET item = (SELECT email FROM people WHERE id = 1)
--
SELECT item FROM orders

--# merged-from-protected
MERGE INTO notes n USING people p ON n.id = p.id WHEN MATCHED THEN UPDATE SET body = p.email
--
SELECT body FROM notes

--# update-several-from-a-star
UPDATE notes SET (number, body) = ROW(h.*) FROM (SELECT 1::numeric AS a, email AS b FROM people WHERE id = 1) AS h WHERE notes.id = 1 RETURNING notes.body

--# update-several-from-a-star-and-read-later
BEGIN
--
UPDATE notes SET (number, body) = ROW(h.*) FROM (SELECT 1::numeric AS a, email AS b FROM people WHERE id = 1) AS h WHERE notes.id = 1
--
SELECT body FROM notes
--
ROLLBACK

--# insert-values-with-a-star
INSERT INTO notes (number, body, id) SELECT v.column1, v.column2, 77 FROM (SELECT 1::numeric AS a, email AS b FROM people WHERE id = 1) AS h, LATERAL (VALUES (h.*, 'x')) AS v RETURNING body
