-- Statements, portals and cursors that mean something else by the time they run: names were changed since they were made.

--# prepared-then-renamed
--! alone
CREATE TABLE mine (e text); INSERT INTO mine VALUES ('mine')
--
PREPARE p AS SELECT (SELECT e FROM mine) FROM (SELECT email || '' AS e FROM people) o
--
ALTER TABLE mine RENAME e TO f
--
EXECUTE p

--# prepared-and-renamed-in-one-message
--! alone
--! simple
CREATE TABLE mine (e text); INSERT INTO mine VALUES ('mine')
--
PREPARE p AS SELECT (SELECT e FROM mine) FROM (SELECT email || '' AS e FROM people) o; ALTER TABLE mine RENAME e TO f; EXECUTE p

--# prepared-then-renamed-then-together
--! alone
CREATE TABLE mine (e text); INSERT INTO mine VALUES ('mine')
--
PREPARE p AS SELECT (SELECT e FROM mine) FROM (SELECT email || '' AS e FROM people) o
--
--! queries
ALTER TABLE mine RENAME e TO f
--&
EXECUTE p

--# prepared-then-renamed-in-one-series
--! alone
CREATE TABLE mine (e text); INSERT INTO mine VALUES ('mine')
--
PREPARE p AS SELECT (SELECT e FROM mine) FROM (SELECT email || '' AS e FROM people) o
--
--! pipeline
ALTER TABLE mine RENAME e TO f
--&
EXECUTE p

--# prepared-then-renamed-elsewhere
--! alone
CREATE TABLE mine (e text); INSERT INTO mine VALUES ('mine')
--
PREPARE p AS SELECT (SELECT e FROM mine) FROM (SELECT email || '' AS e FROM people) o
--
--! other
ALTER TABLE mine RENAME e TO f
--
--! other
SELECT 1
--
EXECUTE p

--# parsed-then-renamed
--! alone
CREATE TABLE mine (e text); INSERT INTO mine VALUES ('mine')
--
--! parse p
SELECT (SELECT e FROM mine) FROM (SELECT email || '' AS e FROM people) o
--
ALTER TABLE mine RENAME e TO f
--
--! execute p

--# parsed-then-renamed-then-executed-by-name
--! alone
CREATE TABLE mine (e text); INSERT INTO mine VALUES ('mine')
--
--! parse p
SELECT (SELECT e FROM mine) FROM (SELECT email || '' AS e FROM people) o
--
ALTER TABLE mine RENAME e TO f
--
EXECUTE p

--# prepared-call-of-a-function-then-replaced
--! alone
CREATE FUNCTION told(int) RETURNS text LANGUAGE sql AS $$ SELECT 'harmless' $$
--
PREPARE p AS SELECT told(1)
--
CREATE OR REPLACE FUNCTION told(int) RETURNS text LANGUAGE sql AS $$ SELECT email || '' FROM people WHERE id = $1 $$
--
EXECUTE p

--# prepared-call-of-a-function-then-replaced-elsewhere
--! alone
CREATE FUNCTION told(int) RETURNS text LANGUAGE sql AS $$ SELECT 'harmless' $$
--
PREPARE p AS SELECT told(1)
--
--! other
CREATE OR REPLACE FUNCTION told(int) RETURNS text LANGUAGE sql AS $$ SELECT email || '' FROM people WHERE id = $1 $$
--
EXECUTE p

--# prepared-view-then-replaced
--! alone
CREATE VIEW told AS SELECT 'harmless'::text AS word
--
PREPARE p AS SELECT word || '!' FROM told
--
CREATE OR REPLACE VIEW told AS SELECT email AS word FROM people
--
EXECUTE p

--# parsed-call-of-a-function-then-replaced
--! alone
CREATE FUNCTION told(int) RETURNS text LANGUAGE sql AS $$ SELECT 'harmless' $$
--
--! parse p
SELECT told(1)
--
CREATE OR REPLACE FUNCTION told(int) RETURNS text LANGUAGE sql AS $$ SELECT email || '' FROM people WHERE id = $1 $$
--
--! execute p

--# cursor-of-a-function-replaced-in-its-transaction
--! alone
CREATE FUNCTION told(int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'harmless'; END $$
--
BEGIN
--
DECLARE c CURSOR FOR SELECT told(g) FROM generate_series(1, 3) g
--
CREATE OR REPLACE FUNCTION told(int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT email || '' FROM people WHERE id = $1); END $$
--
FETCH ALL FROM c

--# held-cursor-of-a-function-replaced
--! alone
CREATE FUNCTION told(int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'harmless'; END $$
--
BEGIN
--
DECLARE c CURSOR WITH HOLD FOR SELECT told(g) FROM generate_series(1, 3) g
--
CREATE OR REPLACE FUNCTION told(int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT email || '' FROM people WHERE id = $1); END $$
--
COMMIT
--
FETCH ALL FROM c

--# portal-of-a-function-replaced-in-its-transaction
--! alone
CREATE FUNCTION told(int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'harmless'; END $$
--
BEGIN
--
--! bind c
SELECT told(g) FROM generate_series(1, 3) g
--
CREATE OR REPLACE FUNCTION told(int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT email || '' FROM people WHERE id = $1); END $$
--
--! portal c
