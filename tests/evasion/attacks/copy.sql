-- COPY TO STDOUT in every format and with every option.

--# copy-table
COPY people TO STDOUT

--# copy-columns
COPY people (email) TO STDOUT

--# copy-columns-shuffled
COPY people (salary, name, email) TO STDOUT

--# copy-query
COPY (SELECT email AS e FROM people) TO STDOUT

--# copy-table-command
COPY (TABLE people) TO STDOUT

--# copy-values
COPY (VALUES ((SELECT email FROM people WHERE id = 1))) TO STDOUT

--# copy-with
COPY (WITH w AS (SELECT email AS e FROM people) SELECT * FROM w) TO STDOUT

--# copy-expression
COPY (SELECT upper(email) FROM people) TO STDOUT

--# copy-row
COPY (SELECT p FROM people p) TO STDOUT

--# copy-json
COPY (SELECT row_to_json(p) FROM people p) TO STDOUT

--# copy-returning
COPY (UPDATE people SET name = name RETURNING email) TO STDOUT

--# copy-delete-returning
COPY (DELETE FROM people WHERE id = 3 RETURNING *) TO STDOUT

--# copy-csv
COPY people TO STDOUT (FORMAT csv)

--# copy-csv-header
COPY people TO STDOUT (FORMAT csv, HEADER)

--# copy-csv-force-quote
COPY people TO STDOUT (FORMAT csv, FORCE_QUOTE *)

--# copy-csv-force-quote-columns
COPY people TO STDOUT (FORMAT csv, FORCE_QUOTE (email, salary))

--# copy-csv-quote
COPY people TO STDOUT (FORMAT csv, QUOTE '''', ESCAPE '|', FORCE_QUOTE *)

--# copy-csv-delimiter-in-value
COPY people TO STDOUT (FORMAT csv, DELIMITER 'o')

--# copy-csv-quote-in-value
COPY people TO STDOUT (FORMAT csv, QUOTE 'o')

--# copy-csv-escape-in-value
COPY people TO STDOUT (FORMAT csv, ESCAPE 'l', FORCE_QUOTE *)

--# copy-text-delimiter
COPY people TO STDOUT (DELIMITER '@')

--# copy-text-delimiter-letter
COPY people TO STDOUT (DELIMITER E'\x01')

--# copy-text-null
COPY people TO STDOUT (NULL '***')

--# copy-text-header
COPY people TO STDOUT (HEADER)

--# copy-text-header-false
COPY people TO STDOUT (HEADER false)

--# copy-binary
COPY people TO STDOUT (FORMAT binary)

--# copy-binary-columns
COPY people (salary, born, score, token, address, seen, photo) TO STDOUT (FORMAT binary)

--# copy-binary-query
COPY (SELECT salary AS x FROM people) TO STDOUT (FORMAT binary)

--# copy-old-syntax
COPY people TO STDOUT DELIMITER ';'

--# copy-old-binary
COPY BINARY people TO STDOUT

--# copy-old-csv
COPY people TO STDOUT CSV HEADER QUOTE '"' FORCE QUOTE email

--# copy-encoding
COPY people TO STDOUT (ENCODING 'LATIN1')

--# copy-encoding-sjis
COPY people TO STDOUT (ENCODING 'SJIS')

--# copy-partition
COPY ledger_odd TO STDOUT

--# copy-child
COPY birds TO STDOUT

--# copy-matview
COPY (SELECT * FROM people_kept) TO STDOUT

--# copy-view-query
COPY (SELECT * FROM contacts) TO STDOUT

--# copy-twice-in-one-message
COPY (SELECT name FROM people) TO STDOUT; COPY (SELECT email FROM people) TO STDOUT

--# copy-from-then-to
--! data 9
CREATE TEMP TABLE t (id int, body text DEFAULT email_of(1))
--
--! data 9
COPY t (id) FROM STDIN
--
COPY t TO STDOUT
