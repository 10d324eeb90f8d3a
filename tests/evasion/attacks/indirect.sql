-- Objects that the catalog does not show yet or that share a name, other ways to call a function, and updates in place.

--# computed-field-called
SELECT buyer(o) FROM orders o

--# rule-of-a-renamed-table
ALTER TABLE letterbox RENAME TO tray
--
UPDATE tray SET body = 'x'

--# trigger-made-in-a-schema
CREATE SCHEMA mine CREATE TABLE tray (id int, body text) CREATE TRIGGER t BEFORE INSERT ON tray FOR EACH ROW EXECUTE FUNCTION public.fill_inbox()
--
INSERT INTO mine.tray (id) VALUES (1) RETURNING body

--# cursor-with-an-argument
SELECT by_cursor(1)

--# changed-in-place-by-case
--! guess q | z
UPDATE people SET phone = CASE WHEN email > '{guess}' THEN '11' ELSE '22' END WHERE id = 1
--
SELECT phone FROM people

--# temporary-namesake
CREATE TEMP TABLE people AS SELECT email FROM public.people
--
SELECT email FROM pg_temp.people

--# temporary-namesake-view
CREATE TEMP VIEW people AS SELECT email FROM public.people
--
SELECT email FROM pg_temp.people

--# temporary-namesake-filled
CREATE TEMP TABLE people (id int, name text, email text)
--
INSERT INTO people (email) SELECT email FROM public.people
--
SELECT email FROM pg_temp.people

--# namesake-by-search-path
SET search_path = crm, public
--
CREATE TABLE people AS SELECT email FROM public.people
--
SELECT email FROM crm.people

--# namesake-updated
CREATE TEMP TABLE people (id int, email text)
--
INSERT INTO people (id) VALUES (1)
--
UPDATE people SET email = q.email FROM public.people q
--
SELECT email FROM pg_temp.people

--# count-of-a-derived-case
--! guess 7000000 | 8000000
SELECT count(x) FROM (SELECT CASE WHEN salary > {guess} THEN 1 END AS x FROM people) q

--# unused-set-of-a-subquery
--! guess 7000000 | 8000000
SELECT 1 FROM (SELECT id, generate_series(1, salary - {guess}) AS n FROM people WHERE id = 1 OFFSET 0) q LIMIT 3

--# aggregate-over-an-existing-function-and-null
--! guess q | z
SELECT count(nullif(left(email_of(id), 1) = '{guess}', false)) FROM bystanders

--# cluster
CLUSTER people USING people_email_key
--
SELECT id FROM people
--! shows 231

--# changed-in-place-for-a-part
--! guess 45 | 46
UPDATE people SET card = CASE WHEN card > '{guess}' THEN '11' ELSE '22' END WHERE id = 1
--
SELECT card FROM people

--# changed-in-place-by-a-view
--! guess q | z
UPDATE contacts SET address = CASE WHEN address > '{guess}' THEN 'x' ELSE 'y' END WHERE id = 1
--
SELECT id FROM people WHERE email = 'x'

--# order-by-rollup
--! shows 321
SET enable_hashagg = off
--
SELECT max(id) FROM people GROUP BY GROUPING SETS ((salary))

--# order-of-a-matview
--! shows 321
SET enable_hashagg = off
--
SELECT max(id) FROM people_kept GROUP BY salary

--# out-parameters
SELECT mail FROM contact_of(1)

--# out-parameters-as-a-row
SELECT contact_of(1)

--# out-parameters-by-star
SELECT (contact_of(1)).*

--# out-parameter-in-notation
SELECT mail(contact_of(1))

--# variadic
SELECT mails_of(1, 2)

--# variadic-array
SELECT mails_of(VARIADIC ARRAY[1, 2])

--# variadic-unnested
SELECT unnest(mails_of(1))

--# polymorphic-existing
SELECT mail_or('x'::text)

--# polymorphic-by-name
SELECT mail_or(person => 2, other => 'x'::text)

--# refcursor
SELECT open_people('c')
--
FETCH ALL FROM c

--# refcursor-hidden-in-a-count
SELECT count(*) FROM (SELECT open_people('c') OFFSET 0) q
--
FETCH ALL FROM c

--# refcursor-hidden-in-a-subquery
SELECT 1 FROM (SELECT open_people('c') OFFSET 0) q
--
FETCH ALL FROM c

--# refcursor-in-from
SELECT 1 FROM open_people('c')
--
FETCH ALL FROM c

--# refcursor-by-operator
CREATE OPERATOR <#!> (RIGHTARG = refcursor, FUNCTION = open_people)
--
SELECT <#!> 'c'::refcursor
--
FETCH ALL FROM c

--# refcursor-of-pl-by-message
SELECT open_people('c'); FETCH ALL FROM c

--# view-with-a-setting-filter
--! guess 7000000 | 8000000
SELECT id FROM marked_people WHERE pay > {guess}

--# view-that-calls-itself-filter
--! guess 7000000 | 8000000
SELECT id FROM pays WHERE pay > {guess}

--# view-that-calls-itself
SELECT pay FROM pays

--# namesake-of-a-function
SET search_path = crm, public
--
SELECT public.salary_of(1)

--# aggregate-over-a-built-in-that-reads-files
CREATE AGGREGATE reading (text) (SFUNC = textcat, STYPE = text, FINALFUNC = pg_read_file, INITCOND = '')
--
SELECT left(reading('postgresql.conf'), 80)
--! shows configuration file

--# renamed-in-a-transaction-and-committed
--! alone
BEGIN
--
ALTER TABLE inbox RENAME TO tray
--
COMMIT
--
INSERT INTO tray (id) VALUES (1) RETURNING body

--# outer-column-by-a-temporary-table-committed
--! alone
CREATE TEMP TABLE notes (id int)
--
INSERT INTO notes VALUES (1)
--
SELECT (SELECT body FROM notes LIMIT 1) FROM people AS p (id, name, city, body)
