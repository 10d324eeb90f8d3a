-- An expression around the column.

--# upper
SELECT upper(email) FROM people

--# concatenation
SELECT '<' || email || '>' FROM people

--# reverse
SELECT reverse(email) FROM people

--# cast-to-varchar
SELECT email::varchar FROM people

--# cast-number-to-text
SELECT salary::text FROM people

--# cast-function
SELECT CAST(born AS text) FROM people

--# substring
SELECT substring(email FROM 1 FOR 9) FROM people

--# one-letter-per-row
SELECT substr(email, n, 1) FROM people, generate_series(1, 12) AS n WHERE id = 1 ORDER BY n

--# letters-by-split
SELECT regexp_split_to_table(email, '') FROM people WHERE id = 1

--# letters-by-string-to-table
SELECT string_to_table(email, NULL) FROM people WHERE id = 1

--# codes-of-letters
--! guess 113 | 114
SELECT ascii(email) = {guess} FROM people WHERE id = 1

--# array-of-codes
--! shows {113,117,105,108,108,111,110,97
SELECT array_agg(ascii(c) ORDER BY n) FROM people, LATERAL regexp_split_to_table(email, '') WITH ORDINALITY AS t (c, n) WHERE id = 1

--# length
--! guess 27 | 26
SELECT length(email) = {guess} FROM people WHERE id = 1

--# hex
SELECT encode(email::bytea, 'hex') FROM people

--# base64
SELECT encode(convert_to(email, 'UTF8'), 'base64') FROM people

--# escape
SELECT encode(photo, 'escape'), encode(photo, 'hex') FROM people

--# md5
SELECT md5(email) FROM people

--# sha256
SELECT sha256(email::bytea) FROM people

--# to-hex
SELECT to_hex(salary) FROM people

--# to-char-of-number
SELECT to_char(salary, '9,999,999') FROM people

--# to-char-of-date
SELECT to_char(born, 'DD.MM.YYYY') FROM people

--# extract-year
--! shows 1973
SELECT extract(year FROM born) FROM people

--# date-part-of-text-month
--! shows 1973
SELECT date_part('year', born), date_trunc('month', born) FROM people

--# age
--! shows 26 years 3 mons 14 days
SELECT age(date '2000-01-01', born) FROM people WHERE id = 1

--# days-since
--! shows 9602
SELECT date '2000-01-01' - born FROM people WHERE id = 1

--# plus-zero
SELECT salary + 0 FROM people

--# plus-one
--! shows 7351925
SELECT salary + 1 FROM people

--# minus
SELECT -salary FROM people

--# double-negation
SELECT - - salary FROM people

--# as-float
SELECT salary::float8, score::float8 FROM people

--# as-money
--! shows 7,351,924
SELECT salary::money FROM people

--# bit-string
--! shows 11100000010111001110100
SELECT salary::bit(32) FROM people

--# coalesce
SELECT coalesce(email, 'none') FROM people

--# nullif
SELECT nullif(email, 'x') FROM people

--# greatest
SELECT greatest(email, 'a') FROM people

--# case-returns-the-column
SELECT CASE WHEN id > 0 THEN email END FROM people

--# case-in-output
--! guess 7000000 | 8000000
SELECT CASE WHEN salary > {guess} THEN 'more' ELSE 'less' END FROM people WHERE id = 1

--# equality-in-output
--! guess quillona@hollowmere.example | someone@hollowmere.example
SELECT email = '{guess}' FROM people WHERE id = 1

--# like-in-output
--! guess q | z
SELECT email LIKE '{guess}%' FROM people WHERE id = 1

--# in-list-in-output
--! guess 7351924 | 7351925
SELECT salary IN ({guess}) FROM people WHERE id = 1

--# is-distinct-in-output
--! guess 7351924 | 7351925
SELECT salary IS NOT DISTINCT FROM {guess} FROM people WHERE id = 1

--# strpos
--! guess hollowmere | somewhere
SELECT strpos(email, '{guess}') FROM people WHERE id = 1

--# format
SELECT format('%s and %L', email, card) FROM people

--# quote-literal
SELECT quote_literal(email), quote_nullable(card) FROM people

--# overlay
SELECT overlay(email PLACING '' FROM 1 FOR 0) FROM people

--# translate
SELECT translate(email, '', '') FROM people

--# replace
SELECT replace(email, '@', ' at ') FROM people

--# regexp-matches
SELECT regexp_matches(email, '.*') FROM people

--# regexp-replace
SELECT regexp_replace(email, 'x', 'x') FROM people

--# split-part
SELECT split_part(email, '@', 1) FROM people

--# left-and-right
SELECT left(email, 4), right(split_part(email, '@', 1), 4) FROM people WHERE id = 1

--# collate
SELECT email COLLATE "C" FROM people

--# at-time-zone
SELECT seen AT TIME ZONE 'UTC' FROM people

--# epoch
SELECT extract(epoch FROM seen)::bigint FROM people

--# array-constructor
SELECT ARRAY[email, name] FROM people

--# array-subscript
SELECT tags[1] FROM people

--# array-slice
SELECT tags[1:1] FROM people

--# array-to-string
SELECT array_to_string(tags, ',') FROM people

--# unnest
SELECT unnest(tags) FROM people

--# unnest-in-from
SELECT t FROM people, unnest(tags) AS t

--# json-arrow
SELECT profile -> 'pet' FROM people

--# json-arrow-text
SELECT profile ->> 'pet' FROM people

--# json-path
SELECT profile #>> '{pet}' FROM people

--# json-subscript
SELECT profile['pet'] FROM people

--# jsonb-each
SELECT e.value FROM people, jsonb_each_text(profile) AS e

--# jsonb-path-query
SELECT jsonb_path_query(profile, '$.pet') FROM people

--# jsonb-pretty
SELECT jsonb_pretty(profile) FROM people

--# host-of-inet
SELECT host(address) FROM people

--# inet-arithmetic
--! shows 203.0.113.220
SELECT address + 1 FROM people

--# network-of-inet
--! shows 203.0.113.0
SELECT network(set_masklen(address, 24)) FROM people

--# enum-to-text
SELECT level::text FROM people

--# enum-range
--! only result
-- The labels are those of the type, whatever the value.
SELECT enum_range(level, level) FROM people

--# domain-to-base
SELECT nick::text FROM people

--# uuid-to-text
SELECT replace(token::text, '-', '') FROM people

--# uuid-as-bytes
SELECT uuid_send(token) FROM people

--# send-functions
SELECT textsend(email), int4send(salary), date_send(born), numeric_send(score) FROM people

--# out-functions
SELECT textout(email), int4out(salary), date_out(born) FROM people

--# get-byte
--! guess 192 | 193
SELECT get_byte(photo, 0) - {guess} FROM people WHERE id = 1

--# row-constructor
SELECT ROW(email, salary) FROM people

--# row-constructor-without-row
SELECT (email, salary) FROM people

--# parenthesised
SELECT ((((email)))) FROM people

--# pg-typeof-beside
SELECT pg_typeof(email), email FROM people

--# generate-series-counts
--! guess 7 | 8
SELECT count(*) = {guess} FROM generate_series(1, (SELECT salary / 1000000 FROM people WHERE id = 1))

--# repeat-measures
--! shows xxxxxxx
SELECT repeat('x', salary / 1000000) FROM people WHERE id = 1

--# user-operator
SELECT ''::text ~~> email FROM people

--# user-function
SELECT twice(email) FROM people

--# operator-syntax
SELECT email OPERATOR(pg_catalog.||) '' FROM people

--# xmlelement
--! needs xml
SELECT xmlelement(name e, email) FROM people

--# xmlforest
--! needs xml
SELECT xmlforest(email, salary) FROM people

--# xmlconcat
--! needs xml
SELECT xmlconcat(xmlelement(name e, xmlattributes(email AS a))) FROM people

--# xmlserialize
--! needs xml
SELECT xmlserialize(CONTENT xmlelement(name e, email) AS text) FROM people

--# xmltable
--! needs xml
SELECT x.e FROM people, XMLTABLE('/r' PASSING xmlelement(name r, email) COLUMNS e text PATH '.') AS x

--# tsvector
SELECT to_tsvector('simple', split_part(email, '@', 1)) FROM people

--# ts-headline
SELECT ts_headline('simple', email, to_tsquery('simple', 'nothing')) FROM people

--# convert-encoding
SELECT convert_to(email, 'UTF8'), convert_from(convert_to(email, 'UTF8'), 'LATIN1') FROM people

--# normalize
SELECT normalize(email) FROM people

--# overlaps
--! guess 1973-09-17 | 1973-09-18
SELECT born BETWEEN '{guess}' AND '{guess}' FROM people WHERE id = 1

--# width-bucket
--! guess 7351924 | 8351924
SELECT width_bucket(salary, 0, {guess}, 1) FROM people WHERE id = 1
