-- Everyday statements beside protected columns: definitions, housekeeping, blocks, comparisons, and how tools build tables.

--# itself-beside-a-child
--! alone
UPDATE animals SET email = email WHERE id = 1
--
UPDATE ledger SET email = email WHERE id = 1
--
UPDATE people SET email = email, name = 'Ada L' WHERE id = 1

--# function-on-its-arguments
CREATE FUNCTION next_one(i int) RETURNS int LANGUAGE sql AS 'SELECT i + 1'
--
CREATE FUNCTION next_two(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN i + 2; END $$

--# function-beside-people
--! alone
CREATE FUNCTION next_one(i int) RETURNS int LANGUAGE sql AS 'SELECT i + 1'
--
SELECT id, next_one(id), name FROM people ORDER BY id
--
CREATE FUNCTION city_name(i int) RETURNS text LANGUAGE sql AS 'SELECT city FROM people WHERE id = i'
--
SELECT city_name(1)

--# in-one
SELECT id FROM people WHERE email IN ('quillona@hollowmere.example')

--# missing
SELECT id, email IS NULL AS missing, email IS NOT NULL AS present FROM people ORDER BY id

--# vacuum-analyze
--! alone
VACUUM ANALYZE people
--
VACUUM people
--
ANALYZE people

--# foreign-key
--! alone
CREATE TABLE visits (id int PRIMARY KEY, person int REFERENCES people (id), at date)
--
INSERT INTO visits VALUES (1, 1, '2024-01-01')
--
ALTER TABLE notes ADD COLUMN person int REFERENCES people
--
SELECT v.id, p.name FROM visits v JOIN people p ON p.id = v.person

--# index-on-an-open-column
--! alone
CREATE INDEX people_by_name ON people (name)
--
CREATE INDEX CONCURRENTLY people_by_city ON people (city, name)
--
SELECT id FROM people WHERE name = 'Ada'
--
DROP INDEX people_by_name

--# block
--! alone
DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM people; UPDATE people SET city = 'Bergen' WHERE id = 1; END $$
--
DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM orders WHERE id = 99) THEN INSERT INTO orders VALUES (99, 1, 'rug', 3, '2024-01-01'); END IF; END $$
--
SELECT city FROM people WHERE id = 1

--# dbt
--! alone
drop table if exists "mart" cascade
--
create view "mart_view" as select id, name, city from people
--
drop view if exists "mart_view" cascade
--
create table "mart" as select id, name, city from people
--
select name from mart order by id

--# dbt-in-one-transaction
--! alone
begin
--
create view "mart__tmp" as select id, name, city from people
--
alter view "mart__tmp" rename to "mart"
--
drop view if exists "mart__backup" cascade
--
commit
--
select * from mart order by id

--# dbt-temporary
--! alone
begin
--
create temporary table "mart__tmp" as (select id, name, city from people)
--
create temporary table "mart__more" (id int)
--
insert into "mart__more" select id from people
--
delete from notes using "mart__tmp" t where t.id = notes.id and t.id > 1
--
select p.id, p.name from people p order by p.id
--
commit

--# drop-view-again
--! alone
create view v as select id from people
--
drop view v
--
drop table if exists nothing_here cascade

--# pg-dump-setting
SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'
--
SELECT id, name FROM people ORDER BY id
