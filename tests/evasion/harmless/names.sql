-- Names that mean a table which is not protected, though another of the same name in a schema that the session does not look in is.

--# path-of-a-tenant
--! setup
CREATE SCHEMA hr; CREATE TABLE hr.orders (id int PRIMARY KEY, item text, secret text, labels text[]); CREATE SCHEMA tenant; CREATE TABLE tenant.people (id int PRIMARY KEY, name text, email text, labels text[]); INSERT INTO tenant.people VALUES (1, 'Tia', 'tia@tenant', '{a,b}'); CREATE FUNCTION tenant.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN 'x'; END $$; CREATE TABLE hr.people (id int)
--
SET search_path = tenant
--
SELECT p.name, upper(p.email) FROM people p
--
SELECT name FROM people WHERE email LIKE 't%'

--# path-of-a-tenant-locally
--! setup
CREATE SCHEMA hr; CREATE TABLE hr.orders (id int PRIMARY KEY, item text, secret text, labels text[]); CREATE SCHEMA tenant; CREATE TABLE tenant.people (id int PRIMARY KEY, name text, email text, labels text[]); INSERT INTO tenant.people VALUES (1, 'Tia', 'tia@tenant', '{a,b}'); CREATE FUNCTION tenant.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN 'x'; END $$; CREATE TABLE hr.people (id int)
--
BEGIN
--
SET LOCAL search_path = tenant
--
SELECT p.name, upper(p.email) FROM people p
--
COMMIT

--# path-of-a-tenant-by-set-config
--! setup
CREATE SCHEMA hr; CREATE TABLE hr.orders (id int PRIMARY KEY, item text, secret text, labels text[]); CREATE SCHEMA tenant; CREATE TABLE tenant.people (id int PRIMARY KEY, name text, email text, labels text[]); INSERT INTO tenant.people VALUES (1, 'Tia', 'tia@tenant', '{a,b}'); CREATE FUNCTION tenant.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN 'x'; END $$; CREATE TABLE hr.people (id int)
--
SELECT set_config('search_path', 'tenant', false)
--
SELECT p.name, upper(p.email) FROM people p

--# path-of-a-tenant-in-one-transaction
--! setup
CREATE SCHEMA hr; CREATE TABLE hr.orders (id int PRIMARY KEY, item text, secret text, labels text[]); CREATE SCHEMA tenant; CREATE TABLE tenant.people (id int PRIMARY KEY, name text, email text, labels text[]); INSERT INTO tenant.people VALUES (1, 'Tia', 'tia@tenant', '{a,b}'); CREATE FUNCTION tenant.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN 'x'; END $$; CREATE TABLE hr.people (id int)
--
BEGIN
--
SET search_path = 'tenant'
--
SELECT max(email) FROM people
--
ROLLBACK
--
BEGIN
--
SET search_path = tenant
--
SELECT max(email) FROM people
--
COMMIT
--
SELECT min(email) FROM people

--# namesake-elsewhere
--! setup
CREATE SCHEMA hr; CREATE TABLE hr.orders (id int PRIMARY KEY, item text, secret text, labels text[]); CREATE SCHEMA tenant; CREATE TABLE tenant.people (id int PRIMARY KEY, name text, email text, labels text[]); INSERT INTO tenant.people VALUES (1, 'Tia', 'tia@tenant', '{a,b}'); CREATE FUNCTION tenant.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN 'x'; END $$; CREATE TABLE hr.people (id int)
--
SELECT p.name, upper(p.city), lower(p.city) FROM people p ORDER BY p.id

--# namesake-with-unnest
--! setup
CREATE SCHEMA hr; CREATE TABLE hr.orders (id int PRIMARY KEY, item text, secret text, labels text[]); CREATE SCHEMA tenant; CREATE TABLE tenant.people (id int PRIMARY KEY, name text, email text, labels text[]); INSERT INTO tenant.people VALUES (1, 'Tia', 'tia@tenant', '{a,b}'); CREATE FUNCTION tenant.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN 'x'; END $$; CREATE TABLE hr.people (id int)
--
SET search_path = tenant
--
SELECT p.name, label FROM people p, unnest(p.labels) label

--# namesake-and-upsert
--! setup
CREATE SCHEMA hr; CREATE TABLE hr.orders (id int PRIMARY KEY, item text, secret text, labels text[]); CREATE SCHEMA tenant; CREATE TABLE tenant.people (id int PRIMARY KEY, name text, email text, labels text[]); INSERT INTO tenant.people VALUES (1, 'Tia', 'tia@tenant', '{a,b}'); CREATE FUNCTION tenant.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN 'x'; END $$; CREATE TABLE hr.people (id int)
--
SET search_path = tenant
--
INSERT INTO people (id, name) VALUES (1, 'Tim') ON CONFLICT (id) DO UPDATE SET name = excluded.name
--
SELECT id, name FROM people

--# namesake-and-upsert-in-public
--! setup
CREATE SCHEMA hr; CREATE TABLE hr.orders (id int PRIMARY KEY, item text, secret text, labels text[]); CREATE SCHEMA tenant; CREATE TABLE tenant.people (id int PRIMARY KEY, name text, email text, labels text[]); INSERT INTO tenant.people VALUES (1, 'Tia', 'tia@tenant', '{a,b}'); CREATE FUNCTION tenant.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN 'x'; END $$; CREATE TABLE hr.people (id int)
--
INSERT INTO orders (id, item) VALUES (10, 'chair') ON CONFLICT (id) DO UPDATE SET item = excluded.item
--
SELECT o.id, upper(o.item) FROM orders o ORDER BY o.id

--# namesake-of-a-function
--! setup
CREATE SCHEMA hr; CREATE TABLE hr.orders (id int PRIMARY KEY, item text, secret text, labels text[]); CREATE SCHEMA tenant; CREATE TABLE tenant.people (id int PRIMARY KEY, name text, email text, labels text[]); INSERT INTO tenant.people VALUES (1, 'Tia', 'tia@tenant', '{a,b}'); CREATE FUNCTION tenant.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN 'x'; END $$; CREATE TABLE hr.people (id int)
--
SELECT lower(city), name FROM people ORDER BY id

--# prepared-for-a-tenant
--! setup
CREATE SCHEMA hr; CREATE TABLE hr.orders (id int PRIMARY KEY, item text, secret text, labels text[]); CREATE SCHEMA tenant; CREATE TABLE tenant.people (id int PRIMARY KEY, name text, email text, labels text[]); INSERT INTO tenant.people VALUES (1, 'Tia', 'tia@tenant', '{a,b}'); CREATE FUNCTION tenant.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN 'x'; END $$; CREATE TABLE hr.people (id int)
--
SET search_path = tenant
--
--! parse s
SELECT upper(email) FROM people
--
--! execute s
--
SET search_path = hr, tenant
--
SET search_path = tenant
--
--! execute s

--# function-of-a-tenant
--! setup
CREATE SCHEMA tenant; CREATE TABLE tenant.people (id int, email text); INSERT INTO tenant.people VALUES (1, 'tia'); CREATE FUNCTION mails() RETURNS SETOF text LANGUAGE sql SET search_path = tenant AS 'SELECT upper(email) FROM people'; CREATE FUNCTION mails2() RETURNS text LANGUAGE plpgsql SET search_path = tenant, pg_temp AS $$ BEGIN RETURN (SELECT upper(email) FROM people); END $$
--
SELECT mails()
--
SELECT mails2()
