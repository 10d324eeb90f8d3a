-- Texts that the server reads otherwise than the gateway would: settings that change in a series of messages, and change back.

--# strings-in-one-series
--! alone
--! pipeline
SET standard_conforming_strings = off
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-by-set-config
--! alone
--! pipeline
SELECT set_config('standard_conforming_strings', 'off', false)
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-by-function
--! alone
--! setup
CREATE FUNCTION loosen() RETURNS text LANGUAGE sql AS $$ SELECT set_config('standard_conforming_strings', 'off', false) $$
--
--! pipeline
SELECT loosen()
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-by-prepared-set-config
--! alone
PREPARE loosening AS SELECT set_config('standard_conforming_strings', 'off', false)
--
--! pipeline
EXECUTE loosening
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-by-cursor
--! alone
BEGIN
--
DECLARE loosening CURSOR FOR SELECT set_config('standard_conforming_strings', 'off', false)
--
--! pipeline
FETCH loosening
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-by-explain
--! alone
--! pipeline
EXPLAIN ANALYZE SELECT set_config('standard_conforming_strings', 'off', false)
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-behind-rollback
--! alone
BEGIN; SET standard_conforming_strings = off
--
--! queries
ROLLBACK
--&
SELECT '\' AS x, lower(email) AS y FROM people --'

--# strings-behind-rollback-to
--! alone
BEGIN; SAVEPOINT before; SET standard_conforming_strings = off
--
--! queries
ROLLBACK TO before
--&
SELECT '\' AS x, lower(email) AS y FROM people --'

--# strings-behind-rollback-in-one-series
--! alone
BEGIN; SET standard_conforming_strings = off
--
--! pipeline
ROLLBACK
--&
SELECT '\' AS x, lower(email) AS y FROM people --'

--# strings-behind-commit-of-set-local
--! alone
BEGIN; SET LOCAL standard_conforming_strings = off
--
--! queries
COMMIT
--&
SELECT '\' AS x, lower(email) AS y FROM people --'

--# strings-behind-an-error
--! alone
BEGIN; SET standard_conforming_strings = off
--
--! queries
SELECT 1/0
--&
ROLLBACK
--&
SELECT '\' AS x, lower(email) AS y FROM people --'

--# strings-behind-an-error-of-one-message
--! alone
--! queries
SET standard_conforming_strings = off; SELECT 1/0
--&
SELECT '\' AS x, lower(email) AS y FROM people --'

--# strings-behind-reset
--! alone
SET standard_conforming_strings = off
--
--! queries
RESET standard_conforming_strings
--&
SELECT '\' AS x, lower(email) AS y FROM people --'

--# strings-behind-reset-all
--! alone
SET standard_conforming_strings = off
--
--! pipeline
RESET ALL
--&
SELECT '\' AS x, lower(email) AS y FROM people --'

--# strings-behind-discard-all
--! alone
SET standard_conforming_strings = off
--
--! queries
DISCARD ALL
--&
SELECT '\' AS x, lower(email) AS y FROM people --'

--# gbk-behind-rollback
--! alone
SET client_encoding = 'GBK'
--
BEGIN; SET client_encoding = 'UTF8'
--
--! queries
ROLLBACK
--&
SELECT E'衁\' , lower(email) FROM people --'

--# gbk-in-one-series
--! alone
--! pipeline
SET client_encoding = 'GBK'
--&
SELECT E'衁\' , lower(email) FROM people --'

--# gb18030-behind-rollback
--! alone
SET client_encoding = 'GB18030'
--
BEGIN; SET client_encoding = 'UTF8'
--
--! queries
ROLLBACK
--&
SELECT E'衁\' , lower(email) FROM people --'

--# sjis-behind-rollback
--! alone
SET client_encoding = 'SJIS'
--
BEGIN; SET client_encoding = 'UTF8'
--
--! queries
ROLLBACK
--&
SELECT E'衁\' , lower(email) FROM people --'

--# sjis-in-one-series
--! alone
--! pipeline
SET NAMES 'SJIS'
--&
SELECT E'衁\' , lower(email) FROM people --'

--# copy-gbk
COPY (SELECT U&'\4E57' AS a, email, U&'x\4E85y' AS b FROM people) TO STDOUT (DELIMITER '|', ENCODING 'GBK')

--# copy-gbk-csv
COPY (SELECT U&'\4E57' AS a, email, U&'x\4E85y' AS b FROM people) TO STDOUT (FORMAT csv, DELIMITER '|', ENCODING 'gbk')

--# copy-sjis-by-setting
--! alone
--! pipeline
SET client_encoding = 'SJIS'
--&
COPY (SELECT U&'\30BD' AS a, email, U&'x\30BDy' AS b FROM people) TO STDOUT (DELIMITER '|')

--# copy-gbk-by-setting-in-one-message
--! alone
--! queries
SET client_encoding = 'GBK'; COPY (SELECT U&'\4E57' AS a, email, U&'x\4E85y' AS b FROM people) TO STDOUT (DELIMITER '|')

--# strings-by-a-view-of-settings
--! alone
--! setup
CREATE VIEW dials AS SELECT name, setting FROM pg_settings
--
--! pipeline
UPDATE dials SET setting = 'off' WHERE name = 'standard_conforming_strings'
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-by-settings
--! alone
--! pipeline
UPDATE pg_settings SET setting = 'off' WHERE name = 'standard_conforming_strings'
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-by-trigger
--! alone
--! setup
CREATE TABLE sprung (id int); CREATE FUNCTION spring() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('standard_conforming_strings', 'off', false); RETURN new; END $$; CREATE TRIGGER spring BEFORE INSERT ON sprung FOR EACH ROW EXECUTE FUNCTION spring()
--
--! pipeline
INSERT INTO sprung VALUES (1)
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-by-default
--! alone
--! setup
CREATE TABLE supplied (id int, a text DEFAULT set_config('standard_conforming_strings', 'off', false))
--
--! pipeline
INSERT INTO supplied (id) VALUES (1)
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-by-set-in-a-procedure
--! alone
--! setup
CREATE PROCEDURE slip() LANGUAGE plpgsql AS $$ BEGIN SET standard_conforming_strings = off; END $$
--
--! pipeline
CALL slip()
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-by-a-function-in-a-view
--! alone
--! setup
CREATE VIEW loose AS SELECT set_config('standard_conforming_strings', 'off', false) AS was
--
--! pipeline
SELECT * FROM loose
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-by-a-cast-of-a-domain
--! alone
--! setup
CREATE DOMAIN tight AS int CHECK (set_config('standard_conforming_strings', 'off', false) = 'off')
--
--! pipeline
SELECT 1::tight
--&
SELECT '\'' , lower(email) FROM people --'

--# strings-by-an-operator
--! alone
--! setup
CREATE FUNCTION loosened(int, int) RETURNS boolean LANGUAGE sql AS $$ SELECT set_config('standard_conforming_strings', 'off', false) = 'off' $$; CREATE OPERATOR #~~# (LEFTARG = int, RIGHTARG = int, FUNCTION = loosened)
--
--! pipeline
SELECT 1 #~~# 2
--&
SELECT '\'' , lower(email) FROM people --'
