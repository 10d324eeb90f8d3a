-- Statements of people and BI tools: joins, aggregates, windows, mixed columns.

--# star-with-masks
SELECT * FROM people ORDER BY id

--# star-of-a-view-without-secrets
SELECT * FROM headcount ORDER BY city

--# mixed-columns
SELECT id, name, email, city, salary FROM people ORDER BY id

--# count
SELECT count(*) FROM people

--# count-by-city
SELECT city, count(*) FROM people GROUP BY city ORDER BY city

--# count-distinct-city
SELECT count(DISTINCT city) FROM people

--# upper-of-an-unprotected-column
SELECT upper(name) FROM people ORDER BY id

--# concatenation-of-unprotected-columns
SELECT name || ' in ' || city FROM people ORDER BY id

--# case-of-unprotected-columns
SELECT CASE WHEN city = 'Oslo' THEN name ELSE 'elsewhere' END FROM people ORDER BY id

--# expression-beside-a-masked-column
SELECT lower(name), email FROM people ORDER BY id

--# arithmetic-beside-a-masked-column
SELECT id * 10, salary FROM people ORDER BY id

--# join-and-sum
SELECT people.name, sum(orders.price) FROM people JOIN orders ON orders.person = people.id GROUP BY people.name ORDER BY 1

--# join-mixed
SELECT o.id, o.item, p.name, p.email FROM orders o JOIN people p ON p.id = o.person ORDER BY o.id

--# left-join-null
SELECT p.id, o.item FROM people p LEFT JOIN orders o ON o.person = p.id ORDER BY 1, 2

--# subquery-in-where
SELECT name FROM people WHERE id IN (SELECT person FROM orders) ORDER BY 1

--# exists
SELECT name FROM people p WHERE EXISTS (SELECT 1 FROM orders o WHERE o.person = p.id) ORDER BY 1

--# not-exists
SELECT name FROM people p WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.person = p.id)

--# cte
WITH oslo AS (SELECT id, name FROM people WHERE city = 'Oslo') SELECT * FROM oslo ORDER BY id

--# cte-with-masked
WITH oslo AS (SELECT id, name, email FROM people WHERE city = 'Oslo') SELECT * FROM oslo ORDER BY id

--# recursive-cte
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n

--# union
SELECT name FROM people UNION SELECT name FROM bystanders WHERE id < 3 ORDER BY 1

--# window-rank
SELECT name, rank() OVER (ORDER BY name) FROM people ORDER BY 1

--# window-running-sum
SELECT id, sum(price) OVER (ORDER BY id) FROM orders ORDER BY id

--# grouping-sets
SELECT city, name, count(*) FROM people GROUP BY GROUPING SETS ((city), (name), ()) ORDER BY 1, 2

--# rollup
SELECT item, placed, sum(price) FROM orders GROUP BY ROLLUP (item, placed) ORDER BY 1, 2

--# distinct-unprotected
SELECT DISTINCT city FROM people ORDER BY 1

--# order-by-position
SELECT name, city FROM people ORDER BY 2, 1

--# limit-offset
SELECT id, email FROM people ORDER BY id LIMIT 1 OFFSET 1

--# filter-on-equality
SELECT id, name FROM people WHERE email = 'quillona@hollowmere.example'

--# filter-on-unprotected-range
SELECT id, name FROM people WHERE id > 1 ORDER BY id

--# date-trunc
SELECT date_trunc('month', placed) AS month, sum(price) FROM orders GROUP BY 1 ORDER BY 1

--# date-arithmetic
SELECT id, placed + 30 FROM orders ORDER BY id

--# percentiles
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FROM orders

--# string-agg
SELECT string_agg(name, ', ' ORDER BY name) FROM people

--# array-agg
SELECT city, array_agg(id ORDER BY id) FROM people GROUP BY city ORDER BY 1

--# json-agg-of-unprotected
SELECT json_agg(json_build_object('id', id, 'name', name) ORDER BY id) FROM people

--# row-to-json-of-other
SELECT row_to_json(o) FROM orders o ORDER BY id

--# generate-series
SELECT d::date FROM generate_series('2024-01-01'::date, '2024-01-03', '1 day') AS d

--# lateral
SELECT p.name, x.item FROM people p, LATERAL (SELECT item FROM orders o WHERE o.person = p.id ORDER BY id LIMIT 1) AS x ORDER BY 1

--# values
VALUES (1, 'a'), (2, 'b')

--# arrays-and-json
SELECT id, tags[1], doc ->> 'k' FROM bystanders ORDER BY id LIMIT 3

--# null-safe
SELECT coalesce(name, 'none') FROM people ORDER BY id

--# constants-beside
SELECT 1 AS one, 'x' AS x, now() IS NOT NULL AS t, name FROM people ORDER BY id

--# tableau-probe
SELECT 1 AS "one" FROM "public"."people" "people" LIMIT 1

--# tableau-sum
SELECT "orders"."item" AS "item", SUM("orders"."price") AS "sum:price:ok" FROM "public"."orders" "orders" GROUP BY 1 ORDER BY 1

--# metabase-count-by-month
SELECT DATE_TRUNC('month', "public"."orders"."placed") AS "placed", COUNT(*) AS "count" FROM "public"."orders" GROUP BY DATE_TRUNC('month', "public"."orders"."placed") ORDER BY DATE_TRUNC('month', "public"."orders"."placed") ASC

--# metabase-preview
SELECT "public"."people"."id" AS "id", "public"."people"."name" AS "name", "public"."people"."email" AS "email" FROM "public"."people" ORDER BY "public"."people"."id" LIMIT 2000

--# metabase-joined-alias
SELECT "public"."orders"."id" AS "id", "People"."name" AS "People__name" FROM "public"."orders" LEFT JOIN "public"."people" AS "People" ON "public"."orders"."person" = "People"."id" ORDER BY 1

--# superset-virtual
SELECT city AS city, COUNT(*) AS count FROM (SELECT id, city FROM people) AS virtual_table GROUP BY city ORDER BY count DESC, city LIMIT 1000

--# powerbi-nested
select "_"."id", "_"."name" from (select "rows"."id", "rows"."name" from (select "id", "name" from "public"."people" "$Table") "rows") "_" order by 1 limit 1001

--# looker-derived
WITH d AS (SELECT person, MIN(placed) AS first FROM orders GROUP BY 1) SELECT DATE(d.first) AS f, COUNT(DISTINCT d.person) FROM d GROUP BY 1 ORDER BY 1 LIMIT 500

--# grafana-time
SELECT placed AS "time", price AS value FROM orders WHERE placed BETWEEN '2024-01-01' AND '2024-12-31' ORDER BY 1

--# copy-out-masked
COPY people TO STDOUT (FORMAT csv, HEADER)

--# copy-out-other
COPY orders TO STDOUT

--# copy-query
COPY (SELECT id, name FROM people ORDER BY id) TO STDOUT

--# copy-in
--! data 50\tx\t2024-01-01\t1
COPY bystanders (id, name, born, amount) FROM STDIN

--# explain-other
EXPLAIN (COSTS OFF) SELECT * FROM orders WHERE id = 10

--# cursor
DECLARE c CURSOR FOR SELECT id, name, email FROM people ORDER BY id
--
FETCH 2 FROM c
--
CLOSE c

--# prepared
PREPARE s (int) AS SELECT id, email FROM people WHERE id = $1
--
EXECUTE s (2)

--# several-in-one-message
--! simple
SELECT 1; SELECT name FROM people ORDER BY id; SELECT 2

--# syntax-error
SELEC 1

--# unknown-table
SELECT * FROM no_such_table

--# unknown-column
SELECT no_such_column FROM people

--# division-by-zero
SELECT 1 / 0

--# unique-violation-elsewhere
INSERT INTO orders (id, person, item) VALUES (10, 1, 'again')

--# foreign-key-violation
INSERT INTO orders (id, person, item) VALUES (99, 77, 'nobody')

--# cast-error-elsewhere
SELECT 'abc'::int

--# matview-without-secrets
SELECT city, heads FROM headcount ORDER BY 1

--# view-with-masked-column
SELECT id, address, name FROM contacts ORDER BY id

--# partition-parent
SELECT id, email FROM ledger ORDER BY id

--# sql-function-of-unprotected
SELECT plus(1, 2), plus(id, 1) FROM orders ORDER BY id

--# tablesample
SELECT count(*) >= 0 FROM bystanders TABLESAMPLE SYSTEM (50)

--# for-update-skip-locked
SELECT id FROM orders ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED

--# merge-elsewhere
MERGE INTO bystanders b USING (VALUES (1, 'z')) AS v (id, name) ON b.id = v.id WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (v.id, v.name)

--# insert-select-elsewhere
INSERT INTO notes (body) SELECT item FROM orders

--# update-from
UPDATE orders SET item = b.name FROM bystanders b WHERE b.id = orders.person RETURNING orders.id

--# update-join-people
UPDATE orders SET item = 'for ' || p.name FROM people p WHERE p.id = orders.person AND p.city = 'Rome'

--# delete-using
DELETE FROM orders USING people p WHERE p.id = orders.person AND p.city = 'Rome'

--# create-table-as-unprotected
CREATE TABLE cities AS SELECT city, count(*) AS n FROM people GROUP BY city
--
SELECT * FROM cities ORDER BY city

--# function-in-sql
SELECT spent_by(1)

--# function-in-sql-over-a-table
SELECT name, spent_by(id) FROM people ORDER BY id

--# function-with-columns
SELECT number, item FROM orders_of(1)

--# function-with-columns-star
SELECT * FROM orders_of(1)

--# function-in-plpgsql
SELECT initials(name), initials('a b c') FROM bystanders ORDER BY id

--# function-of-an-unprotected-column
SELECT initials(name), city_of(id) FROM people ORDER BY id

--# view-with-a-computed-protected-column-beside
SELECT id, name FROM upper_contacts ORDER BY id

--# expression-over-a-view
SELECT upper(name), id * 2 FROM contacts ORDER BY id

--# trigger-that-stamps
INSERT INTO stamps (id, word) VALUES (1, 'a'), (2, 'b') RETURNING id, updated
--
UPDATE stamps SET word = 'c' WHERE id = 1
--
SELECT id, word, updated FROM stamps ORDER BY id

--# trigger-that-notes-changes
INSERT INTO stamps (id, word) VALUES (1, 'a')
--
UPDATE stamps SET word = 'c' WHERE id = 1
--
SELECT word FROM changes

--# function-that-writes
SELECT keep('a constant')
--
SELECT body FROM notes WHERE body = 'a constant'

--# view-made-of-unprotected-columns
CREATE VIEW mine AS SELECT id, city FROM people
--
SELECT * FROM mine ORDER BY id

--# parent-and-children
SELECT id FROM stock ORDER BY id

--# generated-columns-neighbour
SELECT id, email FROM members ORDER BY id

--# user-defined-operator
SELECT name ~~> '!' FROM bystanders ORDER BY id
