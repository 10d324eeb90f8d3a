-- The row as a single value, whose fields are not named.

--# row-by-table-name
SELECT people FROM people

--# row-by-alias
SELECT p FROM people p

--# row-as-text
SELECT people::text FROM people

--# row-cast-and-length
SELECT p::text AS id FROM people p

--# row-star-of-row
SELECT (p).* FROM people p

--# field-of-row
SELECT (p).email FROM people p

--# field-of-row-of-subquery
SELECT (s).email FROM (SELECT * FROM people) AS s

--# field-of-row-value
SELECT (r.w).email FROM (SELECT p AS w FROM people p) AS r

--# function-style-field
SELECT email(people) FROM people

--# function-style-field-of-alias
SELECT email(p), salary(p) FROM people p

--# function-as-column
SELECT p.row_to_json FROM people p

--# to-json
SELECT to_json(p) FROM people p

--# to-jsonb
SELECT to_jsonb(p) FROM people p

--# to-jsonb-field
SELECT to_jsonb(p) ->> 'email' FROM people p

--# to-jsonb-minus
SELECT to_jsonb(p) - 'name' FROM people p

--# row-to-json
SELECT row_to_json(people) FROM people

--# row-to-json-of-subquery
SELECT row_to_json(s) FROM (SELECT email, salary FROM people) AS s

--# json-agg
SELECT json_agg(p) FROM people p

--# jsonb-agg-of-row
SELECT jsonb_agg(to_jsonb(p)) FROM people p

--# array-agg-of-rows
SELECT array_agg(p) FROM people p

--# json-build-object
SELECT json_build_object('a', email, 'b', salary) FROM people

--# jsonb-build-array
SELECT jsonb_build_array(email, born) FROM people

--# jsonb-object-agg
SELECT jsonb_object_agg(id, email) FROM people

--# json-object
SELECT json_object(ARRAY['e', email]) FROM people

--# json-each-of-row
SELECT e.value FROM people p, json_each_text(row_to_json(p)) AS e

--# json-populate-record
SELECT (json_populate_record(NULL::people, row_to_json(p))).email FROM people p

--# jsonb-populate-into-another-type
SELECT (jsonb_populate_record(NULL::contacts, jsonb_build_object('address', email))).address FROM people

--# json-to-recordset
SELECT x.email FROM json_to_recordset((SELECT json_agg(p) FROM people p)) AS x (email text)

--# record-compare
--! guess 7351924 | 7351925
SELECT (id, salary) = (1, {guess}) FROM people WHERE id = 1

--# hash-of-record
--! guess quillona@hollowmere.example | someone@hollowmere.example
SELECT hash_record(ROW(email)) = hash_record(ROW('{guess}'::text)) FROM people WHERE id = 1

--# row-in-concat
SELECT concat(p) FROM people p

--# row-in-format
SELECT format('%s', p) FROM people p

--# row-concat
SELECT p || '' FROM people p

--# row-in-quote
SELECT quote_literal(p) FROM people p

--# record-out
SELECT record_out(p) FROM people p

--# record-send
SELECT record_send(p) FROM people p

--# row-through-cte
WITH w AS (SELECT p FROM people p) SELECT * FROM w

--# row-in-union
SELECT p::text FROM people p UNION SELECT name FROM people

--# row-in-array
SELECT ARRAY[p] FROM people p

--# unnest-rows
SELECT u.email FROM unnest(ARRAY(SELECT p FROM people p)) AS u

--# nested-row
SELECT ROW(p, 1) FROM people p

--# row-aggregate-max
SELECT max(p::text) FROM people p

--# row-of-join
SELECT j FROM (people JOIN orders ON people.id = person) AS j

--# row-of-join-as-json
SELECT to_json(j) FROM (people CROSS JOIN (SELECT 1 AS one) AS o) AS j

--# row-distinct
SELECT DISTINCT p FROM people p

--# row-as-argument-of-coalesce
SELECT coalesce(p, p) FROM people p

--# row-in-case
SELECT CASE WHEN true THEN p END FROM people p

--# xml-of-row
--! needs xml
SELECT xmlelement(name r, xmlforest(p.email, p.salary)) FROM people p

--# field-of-a-views-row
SELECT (whole).email FROM people_rows

--# view-of-rows
SELECT whole FROM people_rows

--# star-in-a-row
SELECT (ROW(c.*, 'a', 'b', 'c')).f4 FROM people c

--# star-of-a-field-in-a-row
SELECT (ROW((q.r).*, 'a', 'b', 'c')).f4 FROM (SELECT p AS r FROM people p) AS q

--# row-keeps-the-names-of-its-table
SELECT (q.r).email || '' FROM (SELECT c AS r FROM people c (email, a2, a3, a4)) AS q

--# row-of-a-function-keeps-its-names
SELECT (q.r).email || '' FROM (SELECT f AS r FROM everyone() f (email, a2, a3, a4)) AS q

--# row-by-its-aliases
SELECT (c).a4 || '' FROM people c (email, a2, a3, a4)

--# field-of-a-subquery-that-is-a-function
SELECT (SELECT t).concat FROM (SELECT 1 AS concat, email FROM people) t

--# field-of-a-coalesce-that-is-a-function
SELECT (coalesce(t, t)).concat FROM (SELECT 1 AS concat, email FROM people) t

--# field-of-an-element-that-is-a-function
SELECT ((ARRAY[t])[1]).concat FROM (SELECT 1 AS concat, email FROM people) t
