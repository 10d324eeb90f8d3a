-- Statements about open columns of a protected table, in databases with extensions that bring casts, operators and namesakes of functions.

--# with-amcheck
--! simple
--! setup
CREATE EXTENSION "amcheck" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-autoinc
--! simple
--! setup
CREATE EXTENSION "autoinc" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-bloom
--! simple
--! setup
CREATE EXTENSION "bloom" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-btree_gin
--! simple
--! setup
CREATE EXTENSION "btree_gin" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-btree_gist
--! simple
--! setup
CREATE EXTENSION "btree_gist" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-citext
--! simple
--! setup
CREATE EXTENSION "citext" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-cube
--! simple
--! setup
CREATE EXTENSION "cube" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-dict_int
--! simple
--! setup
CREATE EXTENSION "dict_int" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-dict_xsyn
--! simple
--! setup
CREATE EXTENSION "dict_xsyn" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-fuzzystrmatch
--! simple
--! setup
CREATE EXTENSION "fuzzystrmatch" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-hstore
--! simple
--! setup
CREATE EXTENSION "hstore" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-insert_username
--! simple
--! setup
CREATE EXTENSION "insert_username" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-intagg
--! simple
--! setup
CREATE EXTENSION "intagg" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-intarray
--! simple
--! setup
CREATE EXTENSION "intarray" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-isn
--! simple
--! setup
CREATE EXTENSION "isn" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-lo
--! simple
--! setup
CREATE EXTENSION "lo" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-ltree
--! simple
--! setup
CREATE EXTENSION "ltree" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-moddatetime
--! simple
--! setup
CREATE EXTENSION "moddatetime" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-pg_buffercache
--! simple
--! setup
CREATE EXTENSION "pg_buffercache" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-pg_prewarm
--! simple
--! setup
CREATE EXTENSION "pg_prewarm" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-pg_trgm
--! simple
--! setup
CREATE EXTENSION "pg_trgm" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-pg_visibility
--! simple
--! setup
CREATE EXTENSION "pg_visibility" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-pgcrypto
--! needs pgcrypto
--! simple
--! setup
CREATE EXTENSION "pgcrypto" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-pgrowlocks
--! simple
--! setup
CREATE EXTENSION "pgrowlocks" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-pgstattuple
--! simple
--! setup
CREATE EXTENSION "pgstattuple" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-refint
--! simple
--! setup
CREATE EXTENSION "refint" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-seg
--! simple
--! setup
CREATE EXTENSION "seg" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-tablefunc
--! simple
--! setup
CREATE EXTENSION "tablefunc" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-tcn
--! simple
--! setup
CREATE EXTENSION "tcn" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-tsm_system_rows
--! simple
--! setup
CREATE EXTENSION "tsm_system_rows" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-tsm_system_time
--! simple
--! setup
CREATE EXTENSION "tsm_system_time" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-unaccent
--! simple
--! setup
CREATE EXTENSION "unaccent" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-uuid-ossp
--! needs uuid-ossp
--! simple
--! setup
CREATE EXTENSION "uuid-ossp" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1

--# with-xml2
--! needs xml2
--! simple
--! setup
CREATE EXTENSION "xml2" CASCADE; ALTER TABLE people ADD ok boolean DEFAULT true, ADD ip inet DEFAULT '10.0.0.1', ADD code char(3) DEFAULT 'abc', ADD dept varchar(9) DEFAULT 'north', ADD amount numeric(9, 2) DEFAULT 12.5, ADD made timestamptz DEFAULT '2024-01-01', ADD doc jsonb DEFAULT '{"k": 1}', ADD words text[] DEFAULT '{a,b}', ADD big bigint DEFAULT 7
--
SELECT id, name, ok, ip, code, dept, amount, made, doc, words, big FROM people ORDER BY id
--
SELECT max(id), min(name), max(name), sum(id), avg(amount), count(*), max(made), array_agg(name ORDER BY name), string_agg(name, ',' ORDER BY name) FROM people
--
SELECT name FROM people WHERE name LIKE 'A%' OR name ILIKE 'b%' OR name ~ '^C' ORDER BY id
--
SELECT replace(name, 'A', 'b'), split_part(name, 'd', 1), translate(name, 'a', 'b'), strpos(name, 'd'), regexp_replace(name, 'a', 'b'), regexp_match(name, 'd') FROM people ORDER BY id
--
SELECT code || '1', ok::int, p.id::text, ip::text, name::varchar(2), amount::int, id::numeric, doc::text, made::date FROM people p ORDER BY p.id
--
SELECT id FROM people WHERE name = 'Ada' AND ok AND code = 'abc' AND ip << '10.0.0.0/8' AND amount > 1 AND id IN (1, 2) AND big = 7 AND doc @> '{}' AND words && '{a}' AND made < now()
--
SELECT lower(name), upper(code), name || city, id + 1, id % 2, -id, abs(big), length(name), round(amount), coalesce(name, 'x'), doc -> 'k', words[1], made + interval '1 day' > made FROM people ORDER BY id
--
SELECT DISTINCT dept, ok FROM people
--
SELECT p.id, p.name, o.item FROM people p JOIN orders o ON o.person = p.id WHERE p.name <> 'x' ORDER BY o.id
--
UPDATE people SET name = 'Adb', ok = false, code = 'x', ip = '10.0.0.2' WHERE id = 1
--
SELECT id, email, name FROM people WHERE id = 1
