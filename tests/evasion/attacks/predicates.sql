-- Questions about a protected value that rows, counts, order or errors answer.

--# range
--! guess 7000000 | 8000000
SELECT id FROM people WHERE salary > {guess}

--# range-less
--! guess 6000000 | 5000000
SELECT count(*) FROM people WHERE salary < {guess}

--# between
--! guess 7351924 | 7351925
SELECT id FROM people WHERE salary BETWEEN {guess} AND {guess}

--# not-equal
--! guess 7351924 | 7351925
SELECT id FROM people WHERE salary <> {guess}

--# in-list
--! guess 7351924 | 7351925
SELECT id FROM people WHERE salary IN (1, 2, {guess})

--# any-array
--! guess 7351924 | 7351925
SELECT id FROM people WHERE salary = ANY (ARRAY[1, {guess}])

--# any-array-constant
--! guess 7351924 | 7351925
SELECT id FROM people WHERE salary = ANY ('{1,{guess}}')

--# all-array
--! guess 7351924 | 7351925
SELECT id FROM people WHERE salary <> ALL (ARRAY[1, {guess}])

--# or-chain
--! guess 7351924 | 7351925
SELECT id FROM people WHERE salary = 1 OR salary = {guess}

--# not
--! guess 7351924 | 7351925
SELECT id FROM people WHERE NOT (salary = {guess})

--# like
--! guess q | z
SELECT id FROM people WHERE email LIKE '{guess}%'

--# ilike
--! guess Q | Z
SELECT id FROM people WHERE email ILIKE '{guess}%'

--# like-operator
--! guess q | z
SELECT id FROM people WHERE email ~~ '{guess}%'

--# similar-to
--! guess q | z
SELECT id FROM people WHERE email SIMILAR TO '{guess}%'

--# regular-expression
--! guess ^q | ^z
SELECT id FROM people WHERE email ~ '{guess}'

--# starts-with
--! guess q | z
SELECT id FROM people WHERE starts_with(email, '{guess}')

--# starts-with-operator
--! guess q | z
SELECT id FROM people WHERE email ^@ '{guess}'

--# substring-equality
--! guess q | z
SELECT id FROM people WHERE substr(email, 1, 1) = '{guess}'

--# left-equality
--! guess qu | zu
SELECT id FROM people WHERE left(email, 2) = '{guess}'

--# length
--! guess 27 | 99
SELECT id FROM people WHERE length(email) = {guess}

--# position
--! guess hollow | yellow
SELECT id FROM people WHERE position('{guess}' IN email) > 0

--# arithmetic
--! guess 7351924 | 7351925
SELECT id FROM people WHERE salary - {guess} = 0

--# modulo
--! guess 4 | 1
SELECT id FROM people WHERE salary % 10 = {guess} AND id = 1

--# bit-test
--! guess 4 | 1
SELECT id FROM people WHERE id = 1 AND salary & {guess} > 0

--# extract
--! guess 1973 | 1974
SELECT id FROM people WHERE extract(year FROM born) = {guess}

--# date-range
--! guess 1980-01-01 | 1950-01-01
SELECT id FROM people WHERE born < '{guess}'

--# overlaps
--! guess 1973-01-01 | 1974-01-01
SELECT id FROM people WHERE (born, born) OVERLAPS (date '{guess}', interval '1 year')

--# cast-equality
--! guess 7351924 | 7351925
SELECT id FROM people WHERE salary::text = '{guess}'

--# row-comparison
--! guess 7000000 | 8000000
SELECT id FROM people WHERE (salary, 0) > ({guess}, 0)

--# row-equality
--! guess 7351924 | 7351925
SELECT id FROM people WHERE (id, salary) = (1, {guess})

--# row-in
--! guess 7351924 | 7351925
SELECT id FROM people WHERE (id, salary) IN ((1, {guess}))

--# array-contains
--! guess zephyrine | zephyrone
SELECT id FROM people WHERE tags @> '{{guess}}'

--# array-any
--! guess zephyrine | zephyrone
SELECT id FROM people WHERE '{guess}' = ANY (tags)

--# json-contains
--! guess wombatino | wombatone
SELECT id FROM people WHERE profile @> '{"pet": "{guess}"}'

--# json-field
--! guess wombatino | wombatone
SELECT id FROM people WHERE profile ->> 'pet' = '{guess}'

--# json-path
--! guess wombatino | wombatone
SELECT id FROM people WHERE profile @? '$.pet ? (@ == "{guess}")'

--# json-key
--! guess pet | dog
SELECT id FROM people WHERE profile ? '{guess}'

--# inet-contains
--! guess 203.0.113.0 | 204.0.113.0
SELECT id FROM people WHERE address << '{guess}/24'

--# text-search
--! guess quillona | quillone
SELECT id FROM people WHERE to_tsvector('simple', replace(email, '@', ' ')) @@ to_tsquery('simple', '{guess}')

--# whole-row-like
--! guess quillona | quillone
SELECT id FROM people WHERE people::text LIKE '%{guess}%'

--# whole-row-json
--! guess quillona@hollowmere.example | quillone@hollowmere.example
SELECT id FROM people p WHERE to_jsonb(p) ->> 'email' = '{guess}'

--# order-by
--! shows 321
SELECT id FROM people ORDER BY salary

--# order-by-expression
--! shows 321
SELECT id FROM people ORDER BY salary + 0

--# order-by-alias
--! shows 1t3t2t
SELECT id, email IS NOT NULL FROM people ORDER BY email DESC

--# order-by-case
--! guess 7000000 | 8000000
SELECT id FROM people ORDER BY CASE WHEN salary > {guess} THEN id * 10 ELSE id END

--# window-order
--! shows 132231
SELECT id, row_number() OVER (ORDER BY salary) FROM people ORDER BY id

--# window-rank
--! shows 132231
SELECT id, rank() OVER w FROM people WINDOW w AS (ORDER BY salary) ORDER BY id

--# aggregate-order
--! shows {3,2,1}
SELECT array_agg(id ORDER BY salary) FROM people

--# distinct-on-order
--! shows Oslo3Rome2
SELECT DISTINCT ON (city) city, id FROM people ORDER BY city, salary

--# join-with-numbers
SELECT n FROM generate_series(7351900, 7351950) AS n JOIN people ON salary = n

--# join-on-where
SELECT n FROM generate_series(7351900, 7351950) AS n, people WHERE salary = n

--# in-subquery-with-numbers
SELECT n FROM generate_series(7351900, 7351950) AS n WHERE n IN (SELECT salary FROM people)

--# exists-with-numbers
SELECT n FROM generate_series(7351900, 7351950) AS n WHERE EXISTS (SELECT 1 FROM people WHERE salary = n)

--# intersect-with-numbers
SELECT n FROM generate_series(7351900, 7351950) AS n INTERSECT SELECT salary FROM people

--# join-with-dates
SELECT d::date FROM generate_series('1973-09-01'::timestamp, '1973-09-30', '1 day') AS d JOIN people ON born = d::date

--# natural-join-probes
SELECT salary FROM people NATURAL JOIN (SELECT 7351924 AS salary) AS s

--# using-probes
SELECT s.salary AS n, s.x FROM people JOIN (SELECT n AS salary, n AS x FROM generate_series(7351900, 7351950) AS n) AS s USING (salary)

--# having
--! guess 7000000 | 8000000
SELECT city FROM people GROUP BY city HAVING max(salary) > {guess}

--# count-filter
--! guess 7000000 | 8000000
SELECT count(*) FILTER (WHERE salary > {guess}) FROM people

--# count-case
--! guess q | z
SELECT count(CASE WHEN email LIKE '{guess}%' THEN 1 END) FROM people

--# count-nullif
--! guess 7351924 | 7351925
SELECT count(nullif(salary, {guess})) FROM people

--# exists
--! guess 7000000 | 8000000
SELECT 1 WHERE EXISTS (SELECT 1 FROM people WHERE salary > {guess})

--# subquery-filter
--! guess 7000000 | 8000000
SELECT id FROM people WHERE id IN (SELECT id FROM people WHERE salary > {guess})

--# star-filter
--! guess 7000000 | 8000000
SELECT id FROM (SELECT * FROM people) AS q WHERE q.salary > {guess}

--# view-filter
--! guess q | z
SELECT id FROM contacts WHERE address LIKE '{guess}%'

--# view-order
--! shows AdaCleoBen
SELECT name FROM contacts ORDER BY address DESC

--# renamed-by-alias-list
--! guess 7000000 | 8000000
SELECT a FROM people AS p (a, b, c, d, e, f, g, h) WHERE h > {guess}

--# lateral-filter
--! guess 7000000 | 8000000
SELECT p.id FROM people p, LATERAL (SELECT 1 WHERE p.salary > {guess}) AS x

--# function-style-filter
--! guess 7000000 | 8000000
SELECT id FROM people p WHERE salary(p) > {guess}

--# field-of-row-filter
--! guess 7000000 | 8000000
SELECT id FROM people p WHERE (p).salary > {guess}

--# limit-by-secret
--! guess 7351922 | 7351923
SELECT id FROM bystanders ORDER BY id LIMIT (SELECT salary - {guess} FROM people WHERE id = 1)

--# offset-by-secret
--! guess 7351922 | 7351923
SELECT id FROM bystanders ORDER BY id OFFSET (SELECT salary - {guess} FROM people WHERE id = 1)

--# series-by-secret
--! guess 7351922 | 7351923
SELECT n FROM generate_series(1, (SELECT salary - {guess} FROM people WHERE id = 1)) AS n

--# series-lateral
--! guess 7351922 | 7351923
SELECT n FROM people, generate_series(1, salary - {guess}) AS n WHERE id = 1

--# tablesample-repeatable
--! guess 7351924 | 7351925
SELECT count(*) FROM bystanders TABLESAMPLE BERNOULLI ((SELECT CASE WHEN salary = {guess} THEN 100 ELSE 0 END FROM people WHERE id = 1))

--# update-filter
--! guess 7000000 | 8000000
UPDATE people SET city = 'x' WHERE salary > {guess}

--# delete-filter
--! guess 7000000 | 8000000
DELETE FROM orders USING people WHERE people.id = person AND salary > {guess}

--# update-other-filter
--! guess 7000000 | 8000000
UPDATE bystanders SET name = 'x' WHERE id IN (SELECT id FROM people WHERE salary > {guess})

--# insert-filter
--! guess 7000000 | 8000000
INSERT INTO notes (body) SELECT name FROM people WHERE salary > {guess}

--# select-into-filter
--! guess 7000000 | 8000000
CREATE TEMP TABLE t AS SELECT id FROM people WHERE salary > {guess}

--# cursor-filter
--! guess 7000000 | 8000000
DECLARE c CURSOR FOR SELECT id FROM people WHERE salary > {guess}
--
FETCH ALL FROM c

--# prepared-filter
--! guess 7000000 | 8000000
PREPARE s AS SELECT id FROM people WHERE salary > {guess}
--
EXECUTE s

--# copy-filter
--! guess 7000000 | 8000000
COPY (SELECT id FROM people WHERE salary > {guess}) TO STDOUT

--# parameter-filter
--! guess 7000000 | 8000000
--! with q%
SELECT id FROM people WHERE email LIKE $1 AND salary > {guess}

--# range-of-partition
--! guess 7000000 | 8000000
SELECT id FROM ledger_odd WHERE salary > {guess}

--# range-of-child
--! guess 6000000 | 8000000
SELECT id FROM birds WHERE salary > {guess}

--# coalesce-equality
--! guess 7351924 | 7351925
SELECT id FROM people WHERE coalesce(salary, 0) = {guess}

--# greatest-equality
--! guess 7351920 | 8000000
SELECT id FROM people WHERE greatest(salary, {guess}) = salary AND id = 1

--# is-true
--! guess 7000000 | 8000000
SELECT id FROM people WHERE (salary > {guess}) IS TRUE

--# case-in-where
--! guess 7000000 | 8000000
SELECT id FROM people WHERE CASE WHEN salary > {guess} THEN true ELSE false END

--# symmetric-between
--! guess 7351924 | 7351925
SELECT id FROM people WHERE salary BETWEEN SYMMETRIC {guess} AND {guess}

--# group-by-condition
--! guess 7000000 | 8000000
SELECT count(*) FROM people GROUP BY salary > {guess}

--# distinct-condition
--! guess 7000000 | 8000000
SELECT count(*) FROM (SELECT DISTINCT salary > {guess} FROM people) AS s

--# partial-index
--! guess 6000000 | 7000000
CREATE UNIQUE INDEX ON people ((1)) WHERE salary < {guess}

--# add-check
--! guess 8000000 | 7000000
ALTER TABLE people ADD CHECK (salary < {guess})

--# merge-on
--! guess 7351924 | 7351925
MERGE INTO people USING (VALUES ({guess})) AS v (n) ON salary = n WHEN MATCHED THEN UPDATE SET city = 'x'

--# conflict-where
--! guess 7000000 | 8000000
INSERT INTO people (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = 'y' WHERE people.salary > {guess}

--# row-lock
--! guess 7000000 | 8000000
SELECT id FROM people WHERE salary > {guess} FOR UPDATE

--# set-operation-union
--! guess 7351924 | 7351925
SELECT count(*) FROM (SELECT id, salary FROM people UNION SELECT 1, {guess}) AS s

--# set-operation-series
--! guess 7300000 | 7400000
SELECT count(*) FROM (SELECT salary FROM people INTERSECT SELECT generate_series({guess}, {guess} + 60000)) AS s

--# set-operation-except
--! guess 7351924 | 7351925
SELECT count(*) FROM (SELECT {guess} EXCEPT SELECT salary FROM people) AS s

--# union-divides
--! guess 7351924 | 7351925
SELECT id FROM (SELECT id, 1 / (salary - {guess}) FROM people UNION SELECT 1, 2) AS s

--# derived-filter
--! guess 7000000 | 8000000
SELECT id FROM (SELECT id, salary AS s FROM people) AS q WHERE s > {guess}

--# cte-filter
--! guess 7000000 | 8000000
WITH q AS (SELECT id, salary AS s FROM people) SELECT id FROM q WHERE s > {guess}

--# derived-order
--! shows 321
SELECT id FROM (SELECT id, salary AS s FROM people) AS q ORDER BY s

--# order-by-an-index
--! shows 231
SET enable_seqscan = off
--
SET enable_bitmapscan = off
--
SELECT id FROM people WHERE email IS NOT NULL

--# order-by-an-index-of-a-cursor
--! shows 231
SET enable_seqscan = off
--
SET enable_bitmapscan = off
--
DECLARE c CURSOR FOR SELECT id FROM people WHERE email IS NOT NULL
--
FETCH ALL FROM c

--# laundered-by-an-equation
--! guess 'q%' | 'z%'
SELECT s.id FROM (SELECT id, email LIKE {guess} AS e FROM people) AS s WHERE e UNION ALL SELECT id FROM people WHERE email = ''

--# laundered-by-an-equation-in-a-subquery
--! guess 'q%' | 'z%'
SELECT s.id FROM (SELECT id, email LIKE {guess} AS e FROM people) AS s WHERE e AND EXISTS (SELECT 1 FROM people WHERE email IS NULL) IS NOT NULL

--# equation-of-a-computed-column
--! guess 'q' | 'z'
SELECT s.id FROM (SELECT id, left(email, 1) AS email FROM people) AS s WHERE email = {guess}

--# not-null-of-a-derived-column
--! guess 'q%' | 'z%'
SELECT s.id FROM (SELECT id, CASE WHEN email LIKE {guess} THEN 1 END AS email FROM people) AS s WHERE email IS NOT NULL

--# two-guesses-by-union
--! guess 'quillona@hollowmere.example' | 'nobody@hollowmere.example'
SELECT 1 FROM people WHERE email = 'a' UNION ALL SELECT 2 FROM people WHERE email = {guess}

--# two-guesses-by-subqueries
--! guess 'quillona@hollowmere.example' | 'nobody@hollowmere.example'
SELECT EXISTS (SELECT 1 FROM people WHERE email = 'a'), EXISTS (SELECT 1 FROM people p WHERE p.email = {guess})

--# many-guesses-by-conflict
--! guess 'quillona@hollowmere.example' | 'nobody@hollowmere.example'
INSERT INTO people (id, name, email) VALUES (901, 'x', {guess}), (902, 'y', 'other@hollowmere.example') ON CONFLICT (email) DO NOTHING RETURNING id

--# many-guesses-by-any-conflict
--! guess 'quillona@hollowmere.example' | 'nobody@hollowmere.example'
INSERT INTO people (id, name, email) VALUES (901, 'x', {guess}), (902, 'y', 'other@hollowmere.example') ON CONFLICT DO NOTHING RETURNING id

--# many-guesses-by-conflict-of-a-query
--! guess 'quillona@hollowmere.example' | 'nobody@hollowmere.example'
INSERT INTO people (id, name, email) SELECT 900 + n, 'x', CASE n WHEN 1 THEN {guess} ELSE 'other@hollowmere.example' END FROM generate_series(1, 2) AS n ON CONFLICT (email) DO NOTHING RETURNING id

--# intersect-over-a-renamed-column
--! guess 'quillona@hollowmere.example' | 'nobody@hollowmere.example'
SELECT 1 FROM (SELECT x FROM (SELECT email AS x FROM people) AS s INTERSECT SELECT * FROM (VALUES ('a'), ({guess})) AS v) AS t

--# except-over-a-renamed-column
--! guess 'quillona@hollowmere.example' | 'nobody@hollowmere.example'
SELECT count(*) FROM (SELECT * FROM (VALUES ('a'), ({guess})) AS v EXCEPT SELECT x FROM (SELECT email AS x FROM people) AS s) AS t

--# tablesample-through-a-cte
--! guess 'q%' | 'z%'
WITH w AS (SELECT email AS e FROM people WHERE id = 1) SELECT count(*) FROM bystanders TABLESAMPLE BERNOULLI ((SELECT CASE WHEN e LIKE {guess} THEN 100 ELSE 0 END FROM w))

--# xmltable-path-of-a-renamed-column
--! needs xml
--! guess 'q%' | 'z%'
SELECT 1 FROM (SELECT email AS e FROM people WHERE id = 1) AS s, XMLTABLE('/r' PASSING xml '<r><a>1</a></r>' COLUMNS a int PATH (CASE WHEN s.e LIKE {guess} THEN 'a' ELSE 'b' END)) AS x WHERE x.a = 1

--# own-count-is-no-count
--! setup
CREATE FUNCTION count(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1 LIKE 'q%' $$
--! shows itisso
--
SELECT repeat('it', 1) || 'isso' FROM people WHERE count(email)

--# filter-by-an-operator-that-reads
--! setup
CREATE FUNCTION mail_starts(person int, start text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT email LIKE start FROM people WHERE id = person'; CREATE OPERATOR ~?~ (LEFTARG = int, RIGHTARG = text, FUNCTION = mail_starts)
--! shows itisso
--
SELECT repeat('it', 1) || 'isso' FROM people WHERE id ~?~ 'q%'

--# error-of-returning-in-with
--! guess 7351924 | 7351925
WITH m AS (UPDATE people SET name = name RETURNING 1 / (salary - {guess}) AS z) SELECT 1

--# many-guesses-by-conflict-in-a-view
--! setup
CREATE VIEW addresses AS SELECT id AS number, name AS called, email AS address FROM people
--! shows 90211902
--
INSERT INTO addresses (number, called, address) VALUES (901, 'x', 'quillona@hollowmere.example'), (90211902, 'y', 'other@hollowmere.example') ON CONFLICT (address) DO NOTHING RETURNING number
