-- User-defined operators, casts and orderings, and values changed in place.

--# changed-in-place-and-compared
--! guess 7 | 4
UPDATE people SET salary = salary / 1000000 WHERE id = 1
--
SELECT id FROM people WHERE salary = {guess}

--# changed-in-place-for-the-mask-of-addresses
UPDATE people SET email = 'x@' || (email::bytea)::text
--
SELECT email FROM people

--# changed-in-place-by-case
--! guess q | z
UPDATE people SET phone = CASE WHEN email > '{guess}' THEN '11' ELSE '22' END WHERE id = 1
--
SELECT phone FROM people

--# changed-in-place-by-case-of-itself
--! guess 7000000 | 8000000
UPDATE people SET salary = CASE WHEN salary > {guess} THEN 1 ELSE 2 END WHERE id = 1
--
SELECT id FROM people WHERE salary = 1

--# changed-in-place-to-null
--! guess 7000000 | 8000000
UPDATE people SET salary = CASE WHEN salary > {guess} THEN NULL ELSE 1 END WHERE id = 1
--
SELECT id FROM people WHERE salary IS NULL

--# changed-in-place-by-conflict
--! guess 7 | 4
INSERT INTO people (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET salary = people.salary / 1000000
--
SELECT id FROM people WHERE salary = {guess}

--# check-of-a-column-changed-in-place
--! guess 7000000 | 8000000
UPDATE people SET salary = salary - {guess} WHERE id = 1

--# equality-with-a-user-defined-operator
--! guess q | z
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = starts_with)
--
SET search_path = public, pg_catalog
--
SELECT id FROM people WHERE email = '{guess}'

--# equality-with-a-user-defined-operator-on-numbers
--! guess 7000000 | 8000000
CREATE SCHEMA odd
--
CREATE OPERATOR odd.= (LEFTARG = int, RIGHTARG = int, FUNCTION = int4gt)
--
SET search_path = odd, public, pg_catalog
--
SELECT id FROM people WHERE salary = {guess}

--# equality-with-a-user-defined-operator-on-another-type
--! guess q | z
CREATE FUNCTION like_name(text, name) RETURNS boolean RETURN starts_with($1, $2::text)
--
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = name, FUNCTION = like_name)
--
SET search_path = public, pg_catalog
--
SELECT id FROM people WHERE email = '{guess}'::name

--# equality-by-an-implicit-cast
--! guess 113 | 122
CREATE CAST (text AS integer) WITH FUNCTION ascii(text) AS IMPLICIT
--
SELECT id FROM people WHERE email = {guess}

--# equality-by-an-implicit-cast-to-length
--! guess 27 | 26
CREATE CAST (text AS integer) WITH FUNCTION length(text) AS IMPLICIT
--
SELECT id FROM people WHERE email = {guess}

--# operator-over-a-sender
CREATE SEQUENCE counter
--
CREATE OPERATOR <<<! (LEFTARG = regclass, RIGHTARG = bigint, FUNCTION = setval)
--
UPDATE people SET salary = ('counter'::regclass <<<! salary::bigint)::int WHERE id = 1
--
SELECT last_value FROM counter

--# operator-over-a-writing-function
CREATE OPERATOR <!> (RIGHTARG = text, FUNCTION = keep)
--
UPDATE people SET email = CASE WHEN <!> email THEN email END
--
SELECT body FROM notes

--# operator-over-a-function-that-runs-text
CREATE OPERATOR <?> (RIGHTARG = text, FUNCTION = ts_stat)
--
SELECT <?> 'SELECT to_tsvector(''simple'', replace(email, ''@'', '' '')) FROM people'

--# order-by-grouping
--! shows 321
SET enable_hashagg = off
--
SELECT max(id) FROM people GROUP BY salary

--# order-by-distinct
--! shows 321
SET enable_hashagg = off
--
SELECT id FROM (SELECT DISTINCT salary, id FROM people) q

--# text-in-another-encoding
SET client_encoding TO 'LATIN1'
--
SELECT email AS "é" FROM people

--# text-in-another-encoding-by-name
SET NAMES 'WIN1252'
--
SELECT 'é', email FROM people

--# text-without-an-encoding
SET client_encoding TO 'SQL_ASCII'
--
SELECT 'é', email, salary FROM people

--# copied-in-another-encoding
SET client_encoding TO 'LATIN1'
--
COPY (SELECT 'é', email FROM people) TO STDOUT
