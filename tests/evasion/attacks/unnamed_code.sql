-- Code that runs although the statement does not name it, and tells in notices and errors: row security, indexes, partition keys,
-- constraints, statistics, event triggers.

--# index-insert-notice
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
INSERT INTO bystanders (id) VALUES (100)

--# index-analyze-notice
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
ANALYZE bystanders

--# index-reindex-notice
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
REINDEX TABLE bystanders

--# partition-key-notice
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE TABLE parted (id int) PARTITION BY RANGE (told(id)); CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10)
--
INSERT INTO parted VALUES (1)

--# constraint-validate-notice
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; ALTER TABLE bystanders ADD CONSTRAINT c CHECK (told(id) > 0) NOT VALID
--
ALTER TABLE bystanders VALIDATE CONSTRAINT c

--# event-trigger-notice
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE FUNCTION fires() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.told(1); END $$; CREATE EVENT TRIGGER fires ON ddl_command_end EXECUTE FUNCTION fires()
--
CREATE TABLE made (id int)

--# index-insert-unread
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN EXECUTE 'SELECT email FROM public.people WHERE id = 1' INTO t; RAISE NOTICE 'it is %', t; RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
INSERT INTO bystanders (id) VALUES (100)

--# index-analyze-unread
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN EXECUTE 'SELECT email FROM public.people WHERE id = 1' INTO t; RAISE NOTICE 'it is %', t; RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
ANALYZE bystanders

--# index-reindex-unread
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN EXECUTE 'SELECT email FROM public.people WHERE id = 1' INTO t; RAISE NOTICE 'it is %', t; RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
REINDEX TABLE bystanders

--# partition-key-unread
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN EXECUTE 'SELECT email FROM public.people WHERE id = 1' INTO t; RAISE NOTICE 'it is %', t; RETURN n; END $$; CREATE TABLE parted (id int) PARTITION BY RANGE (told(id)); CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10)
--
INSERT INTO parted VALUES (1)

--# constraint-validate-unread
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN EXECUTE 'SELECT email FROM public.people WHERE id = 1' INTO t; RAISE NOTICE 'it is %', t; RETURN n; END $$; ALTER TABLE bystanders ADD CONSTRAINT c CHECK (told(id) > 0) NOT VALID
--
ALTER TABLE bystanders VALIDATE CONSTRAINT c

--# event-trigger-unread
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN EXECUTE 'SELECT email FROM public.people WHERE id = 1' INTO t; RAISE NOTICE 'it is %', t; RETURN n; END $$; CREATE FUNCTION fires() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.told(1); END $$; CREATE EVENT TRIGGER fires ON ddl_command_end EXECUTE FUNCTION fires()
--
CREATE TABLE made (id int)

--# index-analyze-all
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
ANALYZE

--# index-vacuum-full
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
VACUUM FULL bystanders

--# index-cluster
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
CLUSTER bystanders USING bystanders_pkey

--# index-update
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
UPDATE bystanders SET id = 101 WHERE id = 1

--# index-copy
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
--! data 102
COPY bystanders (id) FROM STDIN

--# index-condition
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE INDEX ON bystanders (name) WHERE told(id) > 0
--
INSERT INTO bystanders (id) VALUES (100)

--# index-error
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN IF n > 100 THEN RAISE EXCEPTION 'it is %', (SELECT email FROM public.people WHERE id = 1); END IF; RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
INSERT INTO bystanders (id) VALUES (103)

--# index-error-of-a-cast
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN IF n > 100 THEN RETURN (SELECT email::int FROM public.people WHERE id = 1); END IF; RETURN n; END $$; CREATE INDEX ON bystanders (told(id))
--
INSERT INTO bystanders (id) VALUES (103)

--# statistics
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE STATISTICS told_of ON (told(id)), name FROM bystanders
--
ANALYZE bystanders

--# policy-notice
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; DO $$ BEGIN CREATE ROLE evasion_reader; EXCEPTION WHEN OTHERS THEN NULL; END $$; GRANT SELECT, INSERT ON bystanders, people TO evasion_reader; ALTER TABLE bystanders ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON bystanders USING (told(id) > 0)
--
SET ROLE evasion_reader
--
SELECT name FROM bystanders

--# policy-unread
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN EXECUTE 'SELECT email FROM public.people WHERE id = 1' INTO t; RAISE NOTICE 'it is %', t; RETURN n; END $$; DO $$ BEGIN CREATE ROLE evasion_reader; EXCEPTION WHEN OTHERS THEN NULL; END $$; GRANT SELECT, INSERT ON bystanders, people TO evasion_reader; ALTER TABLE bystanders ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON bystanders USING (told(id) > 0)
--
SET ROLE evasion_reader
--
SELECT name FROM bystanders

--# policy-cast
--! setup
DO $$ BEGIN CREATE ROLE evasion_reader; EXCEPTION WHEN OTHERS THEN NULL; END $$; GRANT SELECT, INSERT ON bystanders, people TO evasion_reader; ALTER TABLE bystanders ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON bystanders USING ((SELECT email::int FROM people p WHERE p.id = bystanders.id) > 0)
--
SET ROLE evasion_reader
--
SELECT name FROM bystanders

--# policy-check
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; DO $$ BEGIN CREATE ROLE evasion_reader; EXCEPTION WHEN OTHERS THEN NULL; END $$; GRANT SELECT, INSERT ON bystanders, people TO evasion_reader; ALTER TABLE bystanders ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON bystanders FOR INSERT WITH CHECK (told(id) > 0)
--
SET ROLE evasion_reader
--
INSERT INTO bystanders (id) VALUES (104)

--# policy-through-a-view
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; DO $$ BEGIN CREATE ROLE evasion_reader; EXCEPTION WHEN OTHERS THEN NULL; END $$; GRANT SELECT, INSERT ON bystanders, people TO evasion_reader; ALTER TABLE bystanders ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON bystanders USING (told(id) > 0); CREATE VIEW seen_bystanders AS SELECT id, name FROM bystanders; ALTER VIEW seen_bystanders OWNER TO evasion_reader
--
SELECT name FROM seen_bystanders

--# policy-prepared
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; DO $$ BEGIN CREATE ROLE evasion_reader; EXCEPTION WHEN OTHERS THEN NULL; END $$; GRANT SELECT, INSERT ON bystanders, people TO evasion_reader; ALTER TABLE bystanders ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON bystanders USING (told(id) > 0)
--
SET ROLE evasion_reader
--
--! parse s
SELECT name FROM bystanders
--
--! execute s

--# immutable-at-bind
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; SELECT 1
--
SELECT id FROM bystanders WHERE id = told(1)

--# domain-validate
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE DOMAIN small AS int; CREATE TABLE smalls (n small); INSERT INTO smalls VALUES (1); ALTER DOMAIN small ADD CONSTRAINT c CHECK (told(VALUE) > 0) NOT VALID
--
ALTER DOMAIN small VALIDATE CONSTRAINT c

--# column-of-a-domain
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE DOMAIN small AS int CHECK (told(VALUE) > 0)
--
ALTER TABLE bystanders ADD n small DEFAULT 1

--# attached-part
--! setup
CREATE FUNCTION told(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT email FROM public.people WHERE id = 1); RETURN n; END $$; CREATE TABLE parted (id int NOT NULL) PARTITION BY RANGE (id); ALTER TABLE parted ADD CHECK (told(id) > 0); CREATE TABLE part (id int NOT NULL); INSERT INTO part VALUES (1); ALTER TABLE part ADD CHECK (told(id) > 0) NOT VALID
--
ALTER TABLE part VALIDATE CONSTRAINT part_id_check
