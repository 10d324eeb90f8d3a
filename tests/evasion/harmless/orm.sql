-- Statements of object-relational mappers.

--# django-list
SELECT "people"."id", "people"."name", "people"."city", "people"."email" FROM "people" ORDER BY "people"."id" ASC LIMIT 21

--# django-get
SELECT "bystanders"."id", "bystanders"."name", "bystanders"."born" FROM "bystanders" WHERE "bystanders"."id" = 7 LIMIT 21

--# django-count
SELECT COUNT(*) AS "__count" FROM "people"

--# django-exists
SELECT (1) AS "a" FROM "people" WHERE "people"."city" = 'Oslo' LIMIT 1

--# django-in
SELECT "bystanders"."id", "bystanders"."name" FROM "bystanders" WHERE "bystanders"."id" IN (1, 2, 3) ORDER BY "bystanders"."name" DESC

--# django-join
SELECT "orders"."id", "orders"."item", "people"."id", "people"."name", "people"."email" FROM "orders" INNER JOIN "people" ON ("orders"."person" = "people"."id") ORDER BY "orders"."id"

--# django-left-join
SELECT "people"."id", "people"."name", COUNT("orders"."id") AS "n" FROM "people" LEFT OUTER JOIN "orders" ON ("people"."id" = "orders"."person") GROUP BY "people"."id" ORDER BY "people"."id"

--# django-icontains
SELECT "bystanders"."id" FROM "bystanders" WHERE UPPER("bystanders"."name"::text) LIKE UPPER('%AME 1%') ORDER BY 1

--# django-insert-returning
INSERT INTO "notes" ("body", "number") VALUES ('hello', 3) RETURNING "notes"."body"

--# django-insert-person
INSERT INTO "people" ("id", "name", "email", "salary") VALUES (100, 'Dee', 'dee@example.org', 10) RETURNING "people"."id"

--# django-update
UPDATE "people" SET "city" = 'Bergen' WHERE "people"."id" = 1

--# django-update-email
UPDATE "people" SET "email" = 'new@example.org' WHERE "people"."id" = 1

--# django-delete
DELETE FROM "orders" WHERE "orders"."id" IN (10)

--# django-savepoint
SAVEPOINT "s139_x1"
--
SELECT "people"."id" FROM "people" WHERE "people"."id" = 1
--
RELEASE SAVEPOINT "s139_x1"

--# django-subquery-annotation
SELECT "people"."id", (SELECT COUNT(*) FROM "orders" U0 WHERE U0."person" = ("people"."id")) AS "n" FROM "people" ORDER BY "people"."id"

--# django-prefetch
SELECT "orders"."id", "orders"."person" FROM "orders" WHERE "orders"."person" IN (1, 2) ORDER BY "orders"."id"

--# django-jsonb
SELECT "bystanders"."id" FROM "bystanders" WHERE ("bystanders"."doc" -> 'k') = '3'

--# django-select-for-update
SELECT "people"."id", "people"."email" FROM "people" WHERE "people"."id" = 1 LIMIT 21 FOR UPDATE

--# rails-find
--! with 1 | 1
SELECT "people".* FROM "people" WHERE "people"."id" = $1 LIMIT $2

--# rails-where-email
--! with quillona@hollowmere.example | 1
SELECT "people"."id", "people"."name" FROM "people" WHERE "people"."email" = $1 LIMIT $2

--# rails-pluck
SELECT "people"."name" FROM "people" ORDER BY "people"."id"

--# rails-pluck-protected
SELECT "people"."email" FROM "people" ORDER BY "people"."id"

--# rails-includes
SELECT "orders".* FROM "orders" WHERE "orders"."person" IN (1, 2, 3) ORDER BY id

--# rails-eager-load
SELECT "people"."id" AS t0_r0, "people"."name" AS t0_r1, "people"."email" AS t0_r2, "orders"."id" AS t1_r0, "orders"."item" AS t1_r1 FROM "people" LEFT OUTER JOIN "orders" ON "orders"."person" = "people"."id" ORDER BY "people"."id", "orders"."id"

--# rails-exists
SELECT 1 AS one FROM "people" WHERE "people"."name" = 'Ada' LIMIT 1

--# rails-counter
UPDATE "bystanders" SET "amount" = COALESCE("amount", 0) + 1 WHERE "bystanders"."id" = 4

--# rails-upsert
INSERT INTO "bystanders" ("id", "name") VALUES (1, 'n') ON CONFLICT ("id") DO UPDATE SET "name" = excluded."name" RETURNING "id"

--# rails-upsert-people
INSERT INTO "people" ("id", "name", "email") VALUES (1, 'Ada', 'ada@example.org') ON CONFLICT ("id") DO UPDATE SET "name" = excluded."name" RETURNING "id"

--# rails-advisory-lock
SELECT pg_try_advisory_lock(123456)
--
SELECT pg_advisory_unlock(123456)

--# rails-schema-migrations
SELECT to_regclass('schema_migrations')

--# sqlalchemy-select
SELECT people.id, people.name, people.email AS people_email FROM people WHERE people.id = 2

--# sqlalchemy-limit
SELECT anon_1.id, anon_1.name FROM (SELECT people.id AS id, people.name AS name FROM people ORDER BY people.id LIMIT 2) AS anon_1

--# sqlalchemy-anon-with-email
SELECT anon_1.people_id AS a, anon_1.people_email AS b FROM (SELECT people.id AS people_id, people.email AS people_email FROM people ORDER BY people.id LIMIT 2) AS anon_1

--# sqlalchemy-selectin
SELECT orders.person AS orders_person, orders.id AS orders_id FROM orders WHERE orders.person IN (1, 2, 3) ORDER BY orders.id

--# sqlalchemy-exists
SELECT EXISTS (SELECT 1 FROM people WHERE people.name = 'Ada') AS anon_1

--# sqlalchemy-window
SELECT bystanders.id, row_number() OVER (PARTITION BY bystanders.ok ORDER BY bystanders.id) AS n FROM bystanders ORDER BY bystanders.id

--# sqlalchemy-cte
WITH busy AS (SELECT orders.person AS person, count(*) AS n FROM orders GROUP BY orders.person) SELECT people.name, busy.n FROM people JOIN busy ON busy.person = people.id ORDER BY people.id

--# sqlalchemy-insertmany
INSERT INTO notes (body) SELECT p0::VARCHAR FROM (VALUES ('a', 0), ('b', 1)) AS imp_sen(p0, sen_counter) ORDER BY sen_counter RETURNING notes.body

--# sqlalchemy-update-returning
UPDATE people SET city = 'Turin' WHERE people.id = 2 RETURNING people.id, people.city

--# prisma-find-many
SELECT "public"."people"."id", "public"."people"."name", "public"."people"."email" FROM "public"."people" WHERE 1=1 ORDER BY "public"."people"."id" ASC OFFSET 0

--# prisma-find-unique
--! with 1 | 1 | 0
SELECT "public"."people"."id", "public"."people"."name" FROM "public"."people" WHERE ("public"."people"."id" = $1::int AND 1=1) LIMIT $2 OFFSET $3

--# prisma-relation
SELECT "t0"."id", "t0"."item" FROM "public"."orders" AS "t0" LEFT JOIN "public"."people" AS "j0" ON ("j0"."id" = "t0"."person") WHERE ("j0"."city" = 'Oslo') ORDER BY "t0"."id"

--# prisma-aggregate
SELECT COUNT(*), AVG("amount"), MAX("amount") FROM (SELECT "public"."bystanders"."amount" FROM "public"."bystanders" WHERE 1=1 OFFSET 0) AS "sub"

--# hibernate-select
select p1_0.id,p1_0.city,p1_0.email,p1_0.name from people p1_0 where p1_0.id=1

--# hibernate-join-fetch
select o1_0.id,o1_0.item,p1_0.id,p1_0.name from orders o1_0 join people p1_0 on p1_0.id=o1_0.person order by o1_0.id

--# hibernate-page
select b1_0.id,b1_0.name from bystanders b1_0 order by b1_0.name offset 5 rows fetch first 5 rows only

--# hibernate-sequence
--! alone
select nextval('notes_id_seq')

--# hibernate-optimistic-update
update bystanders set name='x' where id=3 and ref is not null

--# ef-core-select
SELECT p."id", p."name", p."email" FROM "people" AS p WHERE p."city" = 'Oslo' ORDER BY p."id" LIMIT 2

--# ef-core-any
SELECT EXISTS (SELECT 1 FROM "people" AS p WHERE p."id" = 1)

--# ef-core-left-join-lateral
SELECT p."id", t."item" FROM "people" AS p LEFT JOIN LATERAL (SELECT o."item" FROM "orders" AS o WHERE p."id" = o."person" ORDER BY o."id" LIMIT 1) AS t ON TRUE ORDER BY p."id"

--# ef-core-insert
INSERT INTO "notes" ("body", "at") VALUES ('e', TIMESTAMPTZ '2024-01-01T00:00:00Z') RETURNING "body"

--# gorm-soft-delete
SELECT * FROM "bystanders" WHERE name = 'name 3' AND "bystanders"."ok" IS NOT NULL ORDER BY "bystanders"."id" LIMIT 1

--# typeorm-select
SELECT "Person"."id" AS "Person_id", "Person"."email" AS "Person_email" FROM "people" "Person" WHERE ( ("Person"."id" = 1) ) LIMIT 1

--# typeorm-pagination
SELECT DISTINCT "distinctAlias"."Person_id" AS "ids_Person_id" FROM (SELECT "Person"."id" AS "Person_id", "Person"."name" AS "Person_name" FROM "people" "Person") "distinctAlias" ORDER BY "Person_id" ASC LIMIT 2

--# sequelize-find-all
SELECT "id", "name", "email" FROM "people" AS "person" WHERE "person"."city" = 'Oslo' ORDER BY "person"."id"

--# sequelize-include
SELECT "person".*, "orders"."id" AS "orders.id", "orders"."item" AS "orders.item" FROM (SELECT "person"."id", "person"."name" FROM "people" AS "person" ORDER BY "person"."id" LIMIT 2) AS "person" LEFT OUTER JOIN "orders" AS "orders" ON "person"."id" = "orders"."person" ORDER BY 1, 3

--# sequelize-find-and-count
SELECT count("person"."id") AS "count" FROM "people" AS "person"

--# ecto-select
SELECT p0."id", p0."name", p0."email" FROM "people" AS p0 WHERE (p0."id" = ANY('{1,2}'))

--# ecto-preload
SELECT o0."id", o0."item", o0."person", o0."person" FROM "orders" AS o0 WHERE (o0."person" = ANY('{1,2}')) ORDER BY o0."person", o0."id"

--# diesel-select
SELECT "people"."id", "people"."name" FROM "people" WHERE (("people"."id" = 1) AND ("people"."city" IS NOT NULL))

--# sqlx-fetch
--! with 1
select id, name, email from people where id = $1::int4

--# jooq-multiset
select p.id, (select coalesce(jsonb_agg(jsonb_build_array(v.v0, v.v1)), jsonb_build_array()) from (select o.id as v0, o.item as v1 from orders as o where o.person = p.id order by o.id) as v) as orders from people as p order by p.id

--# knex-first
select * from "orders" where "person" = 1 order by "id" asc limit 1

--# is-null-on-protected
SELECT id FROM people WHERE email IS NOT NULL ORDER BY id

--# psqlodbc-declare-and-fetch
--! simple
BEGIN; declare "SQL_CUR0x55" cursor with hold for SELECT id, name, email FROM people ORDER BY id; fetch 2 in "SQL_CUR0x55"
--
fetch 2 in "SQL_CUR0x55"
--
close "SQL_CUR0x55"; COMMIT

--# prepared-and-executed-in-one-message
--! alone
--! simple
PREPARE listed AS SELECT id, email FROM people ORDER BY id; EXECUTE listed; DEALLOCATE listed

--# text-in-latin1
SET client_encoding = 'LATIN1'
--
SELECT 'é' AS "é", name, length('é') FROM people WHERE name <> 'é' ORDER BY id
--
SELECT name FROM people WHERE name = 'Ünïcode'

--# text-in-latin9
SET client_encoding = 'iso-8859-15'
--
SELECT 'é' AS word, id, item FROM orders ORDER BY id

--# unicode-by-its-old-name
SET client_encoding = 'UNICODE'
--
SELECT 'é' AS "é", email FROM people ORDER BY id
