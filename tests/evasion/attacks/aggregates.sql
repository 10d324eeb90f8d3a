-- Aggregates, windows and groups.

--# max
SELECT max(email) FROM people

--# min-of-number
SELECT min(salary), max(salary) FROM people

--# sum
--! shows 18739987
SELECT sum(salary) FROM people

--# sum-of-one
SELECT sum(salary) FROM people GROUP BY id

--# avg-of-one
SELECT avg(salary) FROM people WHERE id = 1

--# string-agg
SELECT string_agg(email, ',') FROM people

--# string-agg-of-letters
SELECT string_agg(c, '') FROM (SELECT regexp_split_to_table(email, '') AS c FROM people WHERE id = 1) AS s

--# array-agg
SELECT array_agg(salary) FROM people

--# xmlagg
--! needs xml
SELECT xmlagg(xmlelement(name e, email)) FROM people

--# mode
SELECT mode() WITHIN GROUP (ORDER BY email) FROM people

--# percentile
SELECT percentile_disc(0) WITHIN GROUP (ORDER BY salary) FROM people

--# bit-or
SELECT bit_or(salary) FROM people WHERE id = 1

--# user-aggregate
SELECT glue(email) FROM people

--# aggregate-filter
SELECT max(email) FILTER (WHERE id = 2) FROM people

--# aggregate-as-window
SELECT max(email) OVER (PARTITION BY id) FROM people

--# lag
SELECT lag(email) OVER (ORDER BY id) FROM people

--# lead
SELECT lead(salary, 1, 0) OVER (ORDER BY id) FROM people

--# first-value
SELECT first_value(email) OVER w FROM people WINDOW w AS (ORDER BY id)

--# nth-value
SELECT nth_value(email, 2) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM people

--# group-by
SELECT email, count(*) FROM people GROUP BY email

--# group-by-position
SELECT email AS x FROM people GROUP BY 1

--# grouping-sets
SELECT email, city FROM people GROUP BY GROUPING SETS ((email), (city))

--# rollup
SELECT salary, email FROM people GROUP BY ROLLUP (salary, email)

--# cube
SELECT born FROM people GROUP BY CUBE (born)

--# group-by-expression
SELECT upper(email) FROM people GROUP BY upper(email)

--# having
SELECT max(salary) FROM people GROUP BY city HAVING count(*) > 0

--# regression
SELECT regr_intercept(salary, id) FROM people WHERE id IN (1)
--
SELECT covar_pop(salary, 1), stddev(salary), max(salary) FROM people WHERE id = 1

--# bool-and
--! guess 7351924 | 7351925
SELECT bool_and(salary >= {guess}) FROM people WHERE id = 1

--# range-agg
SELECT range_agg(int4range(salary, salary + 1)) FROM people

--# json-agg-ordered
SELECT json_agg(email ORDER BY id) FROM people

--# array-agg-distinct
SELECT array_agg(DISTINCT email) FROM people

--# count-of-a-condition
--! guess 7351924 | 7351925
SELECT count(*) FILTER (WHERE salary = {guess}) FROM people

--# count-of-case
--! guess q% | z%
SELECT count(CASE WHEN email LIKE '{guess}' THEN 1 END) FROM people

--# row-number-by-secret
--! shows 112332
SELECT id, row_number() OVER (ORDER BY email DESC) FROM people ORDER BY id
