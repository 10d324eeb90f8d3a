-- The column under another name, or under another name of its table.

--# alias
SELECT email AS name FROM people

--# alias-of-an-unprotected-column
SELECT email AS city, city AS email FROM people

--# alias-without-as
SELECT email whatever FROM people

--# quoted-alias
SELECT email AS "id" FROM people

--# table-alias
SELECT p.email FROM people AS p

--# column-list-of-an-alias
SELECT c FROM people AS p (a, b, x, c)

--# column-list-swaps-names
SELECT q.name FROM people AS q (id, email, city, name)

--# star
SELECT * FROM people

--# star-of-alias
SELECT p.* FROM people p

--# star-twice
SELECT *, * FROM people

--# schema-qualified
SELECT public.people.email FROM public.people

--# database-qualified
SELECT p.email FROM public.people AS p, LATERAL (SELECT 1) AS x

--# quoted-names
SELECT "email" FROM "public"."people"

--# folded-names
SELECT EMAIL, "people".SALARY FROM PUBLIC.PEOPLE

--# unicode-identifier
SELECT U&"\0065mail" FROM people

--# unicode-identifier-other-escape
SELECT U&"em!0061il" UESCAPE '!' FROM U&"peopl\0065"

--# unicode-six-digits
SELECT U&"\+000065mail" FROM people

--# comments-between
SELECT/**/email/* from orders */FROM/* -- */people--

--# nested-comments
SELECT /* /* name */ */ email FROM people

--# newline-and-tabs
SELECT
	email
FROM

people

--# table-command
TABLE people

--# only
SELECT email FROM ONLY people

--# with-star
SELECT email FROM people *

--# tablesample
SELECT email FROM people TABLESAMPLE BERNOULLI (100)

--# for-update
SELECT email FROM people FOR UPDATE

--# distinct
SELECT DISTINCT email FROM people

--# distinct-on
SELECT DISTINCT ON (id) id, email FROM people

--# keyword-as-column-alias
SELECT email AS "select" FROM people

--# end-as-alias
SELECT email END FROM people

--# and-as-quoted-alias
SELECT email "AND" FROM people

--# limit-one
SELECT email FROM people LIMIT 1 OFFSET 1

--# fetch-first
SELECT email FROM people ORDER BY id FETCH FIRST 2 ROWS WITH TIES

--# unnamed-join
SELECT email FROM (people JOIN orders ON people.id = person)

--# aliased-join
SELECT j.email FROM (people JOIN orders ON people.id = person) AS j

--# join-with-column-list
SELECT j.d FROM (people CROSS JOIN (SELECT 1) AS one) AS j (a, b, c, d)

--# natural-join
SELECT email FROM people NATURAL JOIN (SELECT 1 AS id) AS one

--# self-natural-join
SELECT * FROM people NATURAL JOIN ledger

--# using-alias
SELECT u.id, people.email FROM people JOIN bystanders USING (id) AS u

--# full-join
SELECT coalesce(a.id, b.id), a.email FROM people a FULL JOIN people b ON a.id = b.id + 1

--# cross-join
SELECT a.email, b.salary FROM people a, people b
