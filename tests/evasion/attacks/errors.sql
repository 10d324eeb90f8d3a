-- Values in the text of errors: casts, constraints, RAISE, arithmetic.

--# cast-to-int
SELECT email::int FROM people

--# cast-to-date
SELECT email::date FROM people

--# cast-to-uuid
SELECT card::uuid FROM people

--# cast-to-inet
SELECT email::inet FROM people

--# cast-to-json
SELECT email::json FROM people

--# cast-to-jsonb
SELECT email::jsonb FROM people

--# cast-to-xml
--! needs xml
SELECT ('<' || email)::xml FROM people

--# cast-to-enum
SELECT nick::text::rank FROM people

--# cast-to-bool
SELECT email::bool FROM people

--# cast-to-regclass
SELECT email::regclass FROM people

--# cast-to-regproc
SELECT email::regproc FROM people

--# cast-to-regtype
SELECT nick::text::regtype FROM people

--# cast-to-regrole
SELECT nick::text::regrole FROM people

--# cast-to-point
SELECT email::point FROM people

--# cast-to-interval
SELECT email::interval FROM people

--# cast-to-array
SELECT email::int[] FROM people

--# cast-to-tsquery
SELECT (email || ' & (')::tsquery FROM people

--# cast-to-pg-lsn
SELECT email::pg_lsn FROM people

--# cast-in-where
SELECT id FROM people WHERE email::int = 1

--# cast-in-order
SELECT id FROM people ORDER BY email::int

--# cast-in-join
SELECT people.id FROM people JOIN orders ON email::int = orders.id

--# cast-in-limit
SELECT id FROM bystanders LIMIT (SELECT email::int FROM people WHERE id = 1)

--# cast-in-subquery-without-output
SELECT 1 WHERE EXISTS (SELECT 1 FROM people WHERE email::int > 0)

--# cast-in-group
SELECT count(*) FROM people GROUP BY email::int

--# cast-in-window
SELECT count(*) OVER (PARTITION BY email::int) FROM people

--# cast-in-having
SELECT 1 FROM people HAVING max(email)::int > 0

--# cast-in-returning
UPDATE people SET name = name RETURNING email::int

--# cast-in-set
UPDATE people SET salary = email::int

--# cast-of-row
SELECT people::text::int FROM people

--# overflow
SELECT (salary::text || salary::text)::int FROM people

--# numeric-overflow-detail
SELECT (score::text || ' is it')::numeric FROM people

--# out-of-range-date
SELECT (born::text || ' 25:61')::timestamp FROM people

--# to-number
--! shows "quil"
SELECT to_date(email, 'YYYY') FROM people

--# to-timestamp
--! shows value "qu"
SELECT to_timestamp(email, 'HH24') FROM people

--# regexp-from-the-column
--! shows invalid regular expression
SELECT 'x' ~ ('(' || email) FROM people

--# encode-name
SELECT encode('x', email) FROM people

--# convert-name
SELECT convert_from('x', email) FROM people

--# time-zone-name
SELECT now() AT TIME ZONE email FROM people

--# date-field
SELECT extract(epoch FROM now()), date_trunc(email, now()) FROM people

--# setting-name
SELECT current_setting(email) FROM people

--# set-config-name
SELECT set_config(email, 'x', true) FROM people

--# has-privilege-name
SELECT has_table_privilege(email, 'SELECT') FROM people

--# to-regclass-of-invalid
SELECT nextval(email) FROM people

--# text-search-configuration
SELECT to_tsvector(email::regconfig, 'x') FROM people

--# json-populate
SELECT * FROM people p, json_populate_record(NULL::orders, json_build_object('id', p.email))

--# enum-in
SELECT enum_in(email::cstring, 'rank'::regtype) FROM people

--# array-subscript-text
SELECT ('{1,2}'::int[])[email::int] FROM people

--# raise-in-a-function
SELECT explode(email) FROM people

--# raise-in-where
SELECT id FROM people WHERE explode(email)

--# raise-as-syntax-error
SELECT explode_quietly(email) FROM people

--# raise-with-scalar-subquery
SELECT explode((SELECT email FROM people WHERE id = 1))

--# do-raise
DO $$ BEGIN RAISE EXCEPTION '%', (SELECT email FROM people WHERE id = 1); END $$

--# do-assert
DO $$ BEGIN ASSERT false, (SELECT email FROM people WHERE id = 1); END $$

--# check-violation-detail
UPDATE people SET salary = -1 WHERE id = 1

--# not-null-violation-detail
UPDATE people SET name = NULL WHERE id = 1

--# insert-unique-detail
INSERT INTO people (id, name, email) SELECT 77, 'x', email FROM people

--# update-unique-detail
UPDATE people SET email = (SELECT email FROM people WHERE id = 1) WHERE id = 2

--# unique-index-on-expression
CREATE UNIQUE INDEX ON people ((1)) 
--
CREATE UNIQUE INDEX ON ledger_odd ((left(email, 0)))
--
INSERT INTO people (id, name, email) VALUES (78, 'x', 'quillona@hollowmere.example')
--
UPDATE people SET id = 2 WHERE id = 1
--
UPDATE people SET name = NULL WHERE id = 2

--# insert-default-violates
INSERT INTO people (id, name, salary) SELECT id + 100, NULL, salary FROM people

--# create-unique-index-detail
CREATE TEMP TABLE t AS SELECT email FROM people UNION ALL SELECT email FROM people
--
CREATE UNIQUE INDEX ON t (email)

--# index-on-expression
CREATE INDEX ON people ((email::int))

--# alter-type-using
ALTER TABLE animals ALTER email TYPE int USING email::int

--# add-check-constraint
ALTER TABLE people ADD CONSTRAINT c CHECK (email::int > 0)

--# add-foreign-key-detail
ALTER TABLE people ADD FOREIGN KEY (salary) REFERENCES orders (id)

--# foreign-key-insert-detail
INSERT INTO orders (id, person) SELECT 90, salary FROM people WHERE id = 1

--# exclusion-detail
ALTER TABLE people ADD EXCLUDE USING btree (city WITH =, (left(email, 0)) WITH =)
--
CREATE UNIQUE INDEX ON people (city, (length(email) * 0 + salary * 0), (email IS NULL), (upper(email) || 'x'))
--
UPDATE people SET name = NULL

--# add-generated-column
ALTER TABLE people ADD COLUMN g int GENERATED ALWAYS AS (email::int) STORED

--# domain-check
CREATE DOMAIN short AS text CHECK (length(VALUE) < 2 AND explode(VALUE))
--
SELECT email::short FROM people
--
DO $$ BEGIN PERFORM explode(email) FROM people; END $$

--# partition-detail
CREATE TEMP TABLE parts (email text) PARTITION BY LIST (email)
--
INSERT INTO parts SELECT email FROM people

--# merge-fails
MERGE INTO orders USING people ON orders.id = people.salary WHEN NOT MATCHED THEN INSERT (id, person) VALUES (salary, salary)

--# on-conflict-twice
INSERT INTO people (id, name, email) VALUES (1, NULL, 'x') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.email::int::text
--
UPDATE people SET name = NULL WHERE id = 1

--# trigger-raises
UPDATE people SET salary = 0

--# copy-in-unique
--! data 1\tx
COPY people (id, email) FROM STDIN
--
UPDATE people SET name = NULL

--# error-context
DO $$ BEGIN EXECUTE 'SELECT ' || quote_ident((SELECT email FROM people WHERE id = 1)); END $$

--# error-in-second-statement
SELECT 1; SELECT email::int FROM people

--# query-to-xml-error
SELECT query_to_xml((SELECT email FROM people WHERE id = 1), true, true, '')

--# xmlparse-context
--! needs xml
SELECT xmlparse(DOCUMENT email) FROM people

--# error-after-rows
SELECT id, name, CASE WHEN id = 3 THEN email::int END FROM people

--# view-error
SELECT * FROM contacts WHERE address::int = 1

--# view-column-error
SELECT address::int FROM contacts

--# lower-of-range
SELECT int4range(salary, 0) FROM people
--
SELECT daterange(born, '1900-01-01') FROM people
--
SELECT email::int FROM people

--# prepared-bind-error
--! with x
SELECT id FROM people WHERE email::int = length($1)

--# declare-then-fetch-error
DECLARE c CURSOR FOR SELECT email::int FROM people
--
FETCH 1 FROM c

--# division-by-guess
--! guess 7351924 | 7351925
SELECT 1 / (salary - {guess}) > 0 FROM people WHERE id = 1

--# raise-as-syntax-error-in-where
SELECT id FROM people WHERE explode_quietly(email)

--# division-in-where
--! guess 7351924 | 7351925
SELECT id FROM people WHERE id = 1 AND 1 / (salary - {guess}) > 5

--# error-if-case
--! guess q | z
SELECT count(*) FROM people WHERE id = 1 AND 1 / (CASE WHEN email LIKE '{guess}%' THEN 0 ELSE 1 END) > 5

--# sqrt-of-difference
--! guess 7000000 | 8000000
SELECT id FROM people WHERE id = 1 AND sqrt(salary - {guess}) < 0

--# sql-function-error
SELECT email_of(1)::int

--# error-of-a-dropped-column
--! guess 'q%' | 'z%'
WITH m AS MATERIALIZED (SELECT 1 / (CASE WHEN email LIKE {guess} THEN 0 ELSE 1 END) AS z FROM people) SELECT 1 FROM m

--# error-of-a-dropped-column-by-distinct
--! guess 7351924 | 7351925
SELECT s.id FROM (SELECT DISTINCT id, 1 / (salary - {guess}) AS z FROM people) AS s

--# error-guarded-by-a-case
--! guess 'q%' | 'z%'
WITH m AS MATERIALIZED (SELECT CASE WHEN email LIKE {guess} THEN 1 / (id - id) END AS z FROM people) SELECT 1 FROM m

--# error-of-a-dropped-cast
--! guess 7 | 8
WITH m AS MATERIALIZED (SELECT (CASE WHEN left(card, 1) = '4' AND salary > {guess}000000 THEN 'x' ELSE '1' END)::int AS z FROM people WHERE id = 1) SELECT 1 FROM m

--# error-of-a-dropped-value
--! guess 7351924 | 7351925
SELECT p.id FROM people p, LATERAL (VALUES (1 / (p.salary - {guess})), (2) OFFSET 0) AS v

--# error-of-a-dropped-set-operation
--! guess 7351924 | 7351925
SELECT 1 FROM (SELECT 1 / (salary - {guess}) AS z FROM people UNION SELECT 5) AS s
