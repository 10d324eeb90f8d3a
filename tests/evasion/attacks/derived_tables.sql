-- Subqueries, WITH, set operations, VALUES and LATERAL, which rename the column.

--# subquery
SELECT x FROM (SELECT email AS x FROM people) AS s

--# subquery-star
SELECT * FROM (SELECT * FROM people) AS s

--# three-levels
SELECT z FROM (SELECT y AS z FROM (SELECT x AS y FROM (SELECT email AS x FROM people) AS a) AS b) AS c

--# cte
WITH w AS (SELECT email AS e FROM people) SELECT e FROM w

--# cte-with-column-list
WITH w (name) AS (SELECT email FROM people) SELECT name FROM w

--# cte-of-cte
WITH a AS (SELECT * FROM people), b (p, q, r, s) AS (SELECT id, name, city, email FROM a) SELECT s FROM b

--# cte-shadows-a-table
WITH orders AS (SELECT email AS item FROM people) SELECT item FROM orders

--# cte-shadows-the-protected-table
WITH people AS (SELECT email AS name FROM public.people) SELECT name FROM people

--# cte-materialized
WITH w AS MATERIALIZED (TABLE people) SELECT email FROM w

--# cte-scoped-inside
SELECT e FROM (WITH w AS (SELECT email AS e FROM people) SELECT * FROM w) AS s

--# cte-recursive
WITH RECURSIVE w (n, e) AS (SELECT 1, email FROM people UNION ALL SELECT n + 1, e FROM w WHERE n < 2) SELECT e FROM w

--# cte-recursive-with-search
WITH RECURSIVE w (n, e) AS (SELECT 1, email FROM people UNION ALL SELECT n + 1, e FROM w WHERE n < 2)
SEARCH DEPTH FIRST BY e SET path SELECT path FROM w

--# cte-recursive-with-cycle
WITH RECURSIVE w (n, e) AS (SELECT 1, email FROM people UNION ALL SELECT n, e FROM w)
CYCLE e SET again USING path SELECT path FROM w

--# cte-that-updates
WITH w AS (UPDATE people SET name = name RETURNING email AS e) SELECT e FROM w

--# cte-that-deletes
WITH w AS (DELETE FROM people WHERE id = 3 RETURNING *) SELECT email FROM w

--# cte-that-inserts
WITH w AS (INSERT INTO notes (body) SELECT email FROM people RETURNING body) SELECT body FROM w

--# union
SELECT item FROM orders UNION SELECT email FROM people

--# union-all-first
SELECT email AS x FROM people UNION ALL SELECT item FROM orders

--# union-in-the-middle
SELECT item FROM orders UNION ALL SELECT email FROM people UNION ALL SELECT name FROM people

--# intersect
SELECT email FROM people INTERSECT SELECT email FROM people

--# except
SELECT email FROM people EXCEPT SELECT item FROM orders

--# union-of-values
VALUES ('x') UNION ALL SELECT email FROM people

--# union-of-columns-crosswise
SELECT id, name, email FROM people UNION ALL SELECT id, email, name FROM people

--# values-with-subselects
VALUES ((SELECT email FROM people LIMIT 1))

--# values-in-from
SELECT v.x FROM (VALUES ((SELECT email FROM people WHERE id = 1)), ('b')) AS v (x)

--# lateral
SELECT x.e FROM orders o, LATERAL (SELECT p.email AS e FROM people p WHERE p.id = o.person) AS x

--# lateral-outer-column
SELECT x.e FROM people p, LATERAL (SELECT p.email AS e) AS x

--# lateral-values
SELECT x.e FROM people p, LATERAL (VALUES (p.email)) AS x (e)

--# lateral-function
SELECT x FROM people p, LATERAL regexp_split_to_table(p.email, '@') AS x

--# scalar-subquery
SELECT (SELECT email FROM people WHERE id = 1)

--# correlated-scalar-subquery
SELECT o.id, (SELECT p.email FROM people p WHERE p.id = o.person) FROM orders o

--# array-of-subquery
SELECT ARRAY(SELECT email FROM people)

--# row-subquery
SELECT (SELECT ROW(email, salary) FROM people WHERE id = 1)

--# unnest-of-array-of-subquery
SELECT unnest(ARRAY(SELECT email FROM people))

--# rows-from
SELECT * FROM ROWS FROM (unnest(ARRAY(SELECT email FROM people)), generate_series(1, 3)) AS r (a, b)

--# join-of-subqueries
SELECT a.x FROM (SELECT id, email AS x FROM people) AS a JOIN (SELECT id FROM people) AS b USING (id)

--# window-over-subquery
SELECT first_value(x) OVER () FROM (SELECT email AS x FROM people) AS s

--# exists-names-nothing
SELECT email FROM people WHERE EXISTS (SELECT 1)

--# select-into-then-read
SELECT email AS body INTO TEMP t FROM people
--
SELECT body FROM t

--# subquery-in-limit
--! guess 1 | 9
SELECT id FROM bystanders LIMIT (SELECT salary % 2 + {guess} - 1 FROM people WHERE id = 2)

--# star-in-values
SELECT v.column4 || '' FROM people c, LATERAL (VALUES (c.*, 'a', 'b', 'c')) AS v

--# star-in-values-of-a-row
SELECT v.column4 || '' FROM (SELECT p AS r FROM people p) AS q, LATERAL (VALUES ((q.r).*, 'a', 'b', 'c')) AS v

--# star-in-values-after-constants
SELECT v.column5 FROM people c, LATERAL (VALUES ('x', c.*, 'a', 'b', 'c', 'd')) AS v

--# implicit-name-of-casts-and-collation
SELECT q.* FROM (SELECT 'x'::text AS "varchar") AS o, LATERAL (SELECT "varchar" FROM (SELECT ((email || '')::text COLLATE "C")::varchar FROM people) AS s) AS q

--# implicit-name-of-a-cast-of-a-cast
SELECT q.* FROM (SELECT 'x'::text AS email) AS o, LATERAL (SELECT email FROM (SELECT email::text::varchar FROM people) AS s) AS q

--# implicit-name-of-a-case
SELECT q.* FROM (SELECT 'x'::text AS email) AS o, LATERAL (SELECT email FROM (SELECT CASE WHEN id < 0 THEN '' ELSE email END FROM people) AS s) AS q

--# schema-means-the-table-not-an-alias
SELECT (SELECT (SELECT max(public.people.email || '') FROM (SELECT 'x'::text AS email) AS people LIMIT 1)) FROM public.people

--# natural-join-of-an-implicit-name
SELECT j.* FROM (SELECT 'k' AS "json_build_object", email || '' AS e FROM people) AS a NATURAL JOIN (SELECT 'k' AS "json_build_object", 2 AS n) AS b (json_build_object, n), LATERAL (SELECT e) AS j

--# star-leaves-out-the-columns-of-cycle
SELECT s.b || '' FROM (SELECT * FROM (WITH RECURSIVE w (k) AS (SELECT 1 UNION ALL SELECT k FROM w) CYCLE k SET again USING path SELECT * FROM (SELECT w.*, 'x'::text AS c1, email, 'y'::text AS c2, 'z'::text AS c3 FROM w, people) AS t) AS u) AS s (a, c, b)

--# star-leaves-out-the-columns-of-search
SELECT s.b || '' FROM (WITH RECURSIVE w (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM w WHERE k < 2) SEARCH DEPTH FIRST BY k SET seen SELECT * FROM (SELECT w.*, 'x'::text AS c1, email, 'y'::text AS c2 FROM w, people) AS t) AS s (a, c, b)
