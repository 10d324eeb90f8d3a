-- Names that mean a protected table although the gateway may think that they mean another: search_path set, undone, restored, and set by code.

--# set-and-rolled-back
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
BEGIN
--
SET search_path = fake
--
ROLLBACK
--
SELECT email || '' FROM people

--# set-and-rolled-back-to
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
BEGIN
--
SAVEPOINT s
--
SET search_path = fake
--
ROLLBACK TO s
--
COMMIT
--
SELECT email || '' FROM people

--# set-and-rolled-back-to-inside
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
BEGIN
--
SAVEPOINT s
--
SET search_path = fake
--
ROLLBACK TO s
--
SELECT email || '' FROM people

--# set-and-failed
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
BEGIN
--
SET search_path = fake
--
SELECT 1/0
--
ROLLBACK
--
SELECT email || '' FROM people

--# set-and-failed-commit
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
BEGIN
--
SET search_path = fake
--
SELECT 1/0
--
COMMIT
--
SELECT email || '' FROM people

--# set-local-and-committed
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
BEGIN
--
SET LOCAL search_path = fake
--
COMMIT
--
SELECT email || '' FROM people

--# set-local-outside
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET LOCAL search_path = fake
--
SELECT email || '' FROM people

--# set-local-by-set-config
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
BEGIN
--
SELECT set_config('search_path', 'fake', true)
--
END
--
SELECT email || '' FROM people

--# set-local-by-set-config-alone
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SELECT set_config('search_path', 'fake', true)
--
SELECT email || '' FROM people

--# set-local-under-chain
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
BEGIN
--
SET LOCAL search_path = fake
--
COMMIT AND CHAIN
--
SELECT email || '' FROM people

--# set-and-failed-together
--! simple
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake; SELECT 1/0
--
SELECT email || '' FROM people

--# set-twice-rolled-back-between
--! simple
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
BEGIN; SET search_path = fake; ROLLBACK; SET search_path = public
--
SELECT email || '' FROM people

--# set-and-reset-in-one-message
--! simple
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake; RESET search_path; SELECT email || '' FROM people

--# local-ends-in-one-message
--! simple
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
BEGIN; SET LOCAL search_path = fake; COMMIT; SELECT email || '' FROM people

--# path-by-reset
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
RESET search_path
--
SELECT email || '' FROM people

--# path-by-reset-all
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
RESET ALL
--
SELECT email || '' FROM people

--# path-by-discard-all
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
DISCARD ALL
--
SELECT email || '' FROM people

--# path-by-default
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
SET search_path TO DEFAULT
--
SELECT email || '' FROM people

--# path-by-set-schema
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
SET SCHEMA 'public'
--
SELECT email || '' FROM people

--# path-by-set-session
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
SET SESSION search_path = 'public'
--
SELECT email || '' FROM people

--# path-by-quoted-name
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
SET "Search_Path" = 'public'
--
SELECT email || '' FROM people

--# path-by-set-config
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
SELECT set_config('search_path', 'public', false)
--
SELECT email || '' FROM people

--# path-by-set-config-in-capitals
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
SELECT pg_catalog.set_config('SEARCH_PATH', 'public', false)
--
SELECT email || '' FROM people

--# path-by-set-config-twice
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
SELECT set_config('search_path', 'fake', false), set_config('search_path', 'public', false)
--
SELECT email || '' FROM people

--# path-by-set-config-inside
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
SELECT length(set_config('search_path', 'public', false))
--
SELECT email || '' FROM people

--# path-by-set-config-of-a-row
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
SELECT set_config(n, 'public', false) FROM (VALUES ('search_path')) v (n)
--
SELECT email || '' FROM people

--# path-by-set-config-in-case
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
SELECT CASE WHEN true THEN set_config('search_path', 'public', false) END
--
SELECT email || '' FROM people

--# path-by-set-config-in-with
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
WITH w AS MATERIALIZED (SELECT set_config('search_path', 'public', false)) SELECT * FROM w
--
SELECT email || '' FROM people

--# path-by-set-config-nested
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
SELECT set_config('search_path', set_config('search_path', 'public', false), false)
--
SELECT email || '' FROM people

--# path-by-set-config-in-copy
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
COPY (SELECT set_config('search_path', 'public', false)) TO STDOUT
--
SELECT email || '' FROM people

--# path-by-set-config-in-insert
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
INSERT INTO public.notes (body) SELECT set_config('search_path', 'public', false)
--
SELECT email || '' FROM people

--# path-by-set-config-explained
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
EXPLAIN ANALYZE SELECT set_config('search_path', 'public', false)
--
SELECT email || '' FROM people

--# path-by-do-sets
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
DO $$ BEGIN SET search_path = public; END $$
--
SELECT email || '' FROM people

--# path-by-do-performs
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
DO $$ BEGIN PERFORM set_config('search_path', 'public', false); END $$
--
SELECT email || '' FROM people

--# path-by-do-executes
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
DO $$ BEGIN EXECUTE 'SET search_path' || ' = public'; END $$
--
SELECT email || '' FROM people

--# path-by-settings-view
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
UPDATE pg_settings SET setting = 'public' WHERE name = 'search_path'
--
SELECT email || '' FROM people

--# path-not-set
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SELECT set_config('search_path', 'fake', false) WHERE false
--
SELECT email || '' FROM people

--# path-not-set-by-limit
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SELECT set_config('search_path', 'fake', false) LIMIT 0
--
SELECT email || '' FROM people

--# path-not-set-in-case
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SELECT CASE WHEN false THEN set_config('search_path', 'fake', false) END
--
SELECT email || '' FROM people

--# function-performs
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
--! setup
CREATE FUNCTION public.go_public() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN PERFORM set_config('search_path', 'public', false); RETURN 'x'; END $f$; CREATE TABLE public.goes (id int); CREATE FUNCTION public.goes() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM set_config('search_path', 'public', false); RETURN NEW; END $f$; CREATE TRIGGER t BEFORE INSERT ON public.goes FOR EACH ROW EXECUTE FUNCTION public.goes(); CREATE VIEW public.going AS SELECT public.go_public() AS x
--
SET search_path = fake
--
SELECT public.go_public()
--
SELECT email || '' FROM people

--# function-sets
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
--! setup
CREATE FUNCTION public.go_public() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN SET search_path = public; RETURN 'x'; END $f$; CREATE TABLE public.goes (id int); CREATE FUNCTION public.goes() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM set_config('search_path', 'public', false); RETURN NEW; END $f$; CREATE TRIGGER t BEFORE INSERT ON public.goes FOR EACH ROW EXECUTE FUNCTION public.goes(); CREATE VIEW public.going AS SELECT public.go_public() AS x
--
SET search_path = fake
--
SELECT public.go_public()
--
SELECT email || '' FROM people

--# function-selects
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
--! setup
CREATE FUNCTION public.go_public() RETURNS text LANGUAGE sql AS $f$ SELECT set_config('search_path', 'public', false) $f$; CREATE TABLE public.goes (id int); CREATE FUNCTION public.goes() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM set_config('search_path', 'public', false); RETURN NEW; END $f$; CREATE TRIGGER t BEFORE INSERT ON public.goes FOR EACH ROW EXECUTE FUNCTION public.goes(); CREATE VIEW public.going AS SELECT public.go_public() AS x
--
SET search_path = fake
--
SELECT public.go_public()
--
SELECT email || '' FROM people

--# function-computes
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
--! setup
CREATE FUNCTION public.go_public() RETURNS text LANGUAGE sql AS $f$ SELECT set_config('search_path', 'pub' || 'lic', false) $f$; CREATE TABLE public.goes (id int); CREATE FUNCTION public.goes() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM set_config('search_path', 'public', false); RETURN NEW; END $f$; CREATE TRIGGER t BEFORE INSERT ON public.goes FOR EACH ROW EXECUTE FUNCTION public.goes(); CREATE VIEW public.going AS SELECT public.go_public() AS x
--
SET search_path = fake
--
SELECT public.go_public()
--
SELECT email || '' FROM people

--# function-in-a-view
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
--! setup
CREATE FUNCTION public.go_public() RETURNS text LANGUAGE sql AS $f$ SELECT set_config('search_path', 'pub' || 'lic', false) $f$; CREATE TABLE public.goes (id int); CREATE FUNCTION public.goes() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM set_config('search_path', 'public', false); RETURN NEW; END $f$; CREATE TRIGGER t BEFORE INSERT ON public.goes FOR EACH ROW EXECUTE FUNCTION public.goes(); CREATE VIEW public.going AS SELECT public.go_public() AS x
--
SET search_path = fake
--
SELECT * FROM public.going
--
SELECT email || '' FROM people

--# function-in-a-trigger
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
--! setup
CREATE FUNCTION public.go_public() RETURNS text LANGUAGE sql AS $f$ SELECT 'x'::text $f$; CREATE TABLE public.goes (id int); CREATE FUNCTION public.goes() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM set_config('search_path', 'public', false); RETURN NEW; END $f$; CREATE TRIGGER t BEFORE INSERT ON public.goes FOR EACH ROW EXECUTE FUNCTION public.goes(); CREATE VIEW public.going AS SELECT public.go_public() AS x
--
SET search_path = fake
--
INSERT INTO public.goes VALUES (1)
--
SELECT email || '' FROM people

--# settings-behind-a-view
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
--! setup
CREATE VIEW public.knobs AS SELECT * FROM pg_settings
--
SET search_path = fake
--
UPDATE public.knobs SET setting = 'public' WHERE name = 'search_path'
--
SELECT email || '' FROM people

--# prepared-set-config
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
PREPARE p AS SELECT set_config('search_path', 'public', false)
--
SET search_path = fake
--
EXECUTE p
--
SELECT email || '' FROM people

--# prepared-set-config-explained
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
PREPARE p AS SELECT set_config('search_path', 'public', false)
--
SET search_path = fake
--
EXPLAIN ANALYZE EXECUTE p
--
SELECT email || '' FROM people

--# cursor-sets-config
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
BEGIN
--
DECLARE c CURSOR FOR SELECT set_config('search_path', 'public', false)
--
FETCH c
--
SELECT email || '' FROM people

--# cursor-held-sets-config
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
BEGIN
--
DECLARE c CURSOR WITH HOLD FOR SELECT set_config('search_path', 'public', false)
--
COMMIT
--
SELECT email || '' FROM people

--# prepared-with-another-path
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
PREPARE p AS SELECT email || '' FROM people
--
SET search_path = public
--
EXECUTE p

--# parsed-with-another-path
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
--! parse s
SELECT email || '' FROM people
--
SET search_path = public
--
--! execute s

--# parsed-and-executed-by-name
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
--! parse s
SELECT email || '' FROM people
--
SET search_path = public
--
EXECUTE s

--# parsed-and-rolled-back
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
BEGIN
--
SET search_path = fake
--
--! parse s
SELECT email || '' FROM people
--
ROLLBACK
--
--! execute s

--# pipelined-local
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
--! pipeline
SET LOCAL search_path = fake
--&
RESET search_path
--&
SELECT email || '' FROM people

--# pipelined-set
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
--! pipeline
SET search_path = public
--&
SELECT email || '' FROM people

--# hidden-table-dropped
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake, public
--
--! other
DROP TABLE fake.people
--
SELECT email || '' FROM people

--# hidden-schema-renamed
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake, public
--
--! other
ALTER SCHEMA fake RENAME TO faked
--
SELECT email || '' FROM people

--# schema-renamed-into-the-path
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
--! other
ALTER SCHEMA fake RENAME TO faked; ALTER SCHEMA public RENAME TO fake
--
SELECT email || '' FROM people

--# schema-renamed-in-the-transaction
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
BEGIN
--
ALTER SCHEMA fake RENAME TO faked
--
ALTER SCHEMA public RENAME TO fake
--
SELECT email || '' FROM people

--# table-moved-into-the-path
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
--! other
DROP TABLE fake.people; ALTER TABLE public.people SET SCHEMA fake
--
SELECT email || '' FROM people

--# table-moved-in-the-transaction
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = fake
--
BEGIN
--
DROP TABLE fake.people
--
ALTER TABLE public.people SET SCHEMA fake
--
SELECT email || '' FROM people

--# function-with-the-callers-path
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
--! setup
CREATE FUNCTION public.reads() RETURNS SETOF text LANGUAGE sql AS 'SELECT email FROM people'
--
SET search_path = public
--
SELECT public.reads()

--# function-with-its-own-path
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
--! setup
CREATE FUNCTION public.reads() RETURNS SETOF text LANGUAGE sql SET search_path = public AS 'SELECT email FROM people'
--
SET search_path = fake
--
SELECT public.reads()

--# function-with-the-path-of-the-role
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
--! setup
CREATE FUNCTION public.reads() RETURNS SETOF text LANGUAGE plpgsql SET search_path = "$user", public AS 'BEGIN RETURN QUERY SELECT email FROM people; END'
--
SET search_path = fake
--
SELECT public.reads()

--# function-shadows
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
--! setup
CREATE FUNCTION fake.secret_of(int) RETURNS text LANGUAGE sql AS 'SELECT ''x''::text'; CREATE FUNCTION public.secret_of(int) RETURNS text LANGUAGE sql AS 'SELECT email FROM public.people WHERE id = $1'
--
SET search_path = public
--
SELECT secret_of(1) || ''

--# path-names-nothing
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = nowhere
--
RESET search_path
--
SELECT email || '' FROM people

--# path-with-a-long-name
--! setup
CREATE SCHEMA fake; CREATE TABLE fake.people (id int, email text, name text); INSERT INTO fake.people VALUES (1, 'nobody', 'Nobody')
--
SET search_path = 'pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp', public
--
SELECT email || '' FROM people
