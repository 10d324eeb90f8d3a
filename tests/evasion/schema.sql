-- What the tricks attack: one protected row type in a plain, a partitioned and an inherited table, and things built over it.
CREATE TYPE rank AS ENUM ('plainrank', 'obsidianrank', 'vermilionrank', 'cobaltrank');
CREATE DOMAIN handle AS text CHECK (length(VALUE) > 2);

CREATE TABLE people (
    id int PRIMARY KEY,
    name text NOT NULL,
    city text,
    email text UNIQUE,
    phone varchar(24),
    card text,
    born date,
    salary int CONSTRAINT salary_is_positive CHECK (salary > 0),
    score numeric(14, 4),
    token uuid,
    profile jsonb,
    tags text[],
    level rank,
    nick handle,
    address inet,
    photo bytea,
    seen timestamptz
);
INSERT INTO people VALUES
    (1, 'Ada', 'Oslo', 'quillona@hollowmere.example', '+44 7700 900461', '4556737586899855', '1973-09-17', 7351924, 918273.6455,
     '5ec2e700-1dea-4bad-9dee-feedfacecafe', '{"pet": "wombatino"}', '{zephyrine,marzipano}', 'obsidianrank', 'nightjarling',
     '203.0.113.219', '\xc0ffee15bad0dad5', '1997-11-23 04:05:06.789+00'),
    (2, 'Ben', 'Rome', 'brackenby@thistlewood.example', '+44 7700 900578', '4929381332664295', '1964-05-28', 6248317, 827364.5511,
     '0ddba115-c0de-4ace-8bed-decafbadbabe', '{"pet": "ocelotto"}', '{calicoon,pistachiel}', 'vermilionrank', 'foxglovian',
     '198.51.100.173', '\xdeadbea7f005ba11', '1988-02-14 09:10:11.123+00'),
    (3, 'Cleo', 'Oslo', 'marrowyn@copperfen.example', '+44 7700 900692', '4485275742308327', '1985-12-06', 5139746, 736455.4622,
     'ba5eba11-f00d-4dad-a5a5-cab1e5f1a5c0', '{"pet": "axolotlin"}', '{gossamere,tamarindo}', 'cobaltrank', 'larkspurio',
     '192.0.2.147', '\xfacade0ff1ce5eed', '2003-07-09 12:13:14.456+00');
ALTER TABLE people ALTER tags SET STATISTICS 1000;

CREATE TABLE orders (id int PRIMARY KEY, person int REFERENCES people, item text, price numeric(8, 2), placed date);
INSERT INTO orders VALUES (10, 1, 'lamp', 12.50, '2024-01-05'), (11, 1, 'desk', 250, '2024-02-06'), (12, 2, 'lamp', 12.50, '2024-03-07');
CREATE TABLE notes (id serial PRIMARY KEY, body text, number numeric, at timestamptz, extra jsonb, words text[]);
INSERT INTO notes (body) VALUES ('first note'), ('second note');

CREATE TABLE ledger (id int, email text, salary int, born date) PARTITION BY LIST (id);
CREATE TABLE ledger_odd PARTITION OF ledger FOR VALUES IN (1, 3);
CREATE TABLE ledger_rest PARTITION OF ledger DEFAULT;
INSERT INTO ledger SELECT id, email, salary, born FROM people;

CREATE TABLE animals (id int, email text, salary int);
CREATE TABLE birds (wings int) INHERITS (animals);
INSERT INTO animals SELECT id, email, salary FROM people WHERE id = 1;
INSERT INTO birds SELECT id, email, salary, 2 FROM people WHERE id > 1;

CREATE VIEW contacts AS SELECT id, email AS address, name FROM people;
CREATE VIEW contacts_of_contacts AS SELECT address AS where_to, id FROM contacts;
CREATE VIEW upper_contacts AS SELECT id, upper(email) AS loud, name FROM people;
CREATE VIEW people_rows AS SELECT p AS whole, id FROM people p;
CREATE MATERIALIZED VIEW people_kept AS SELECT id, email, salary, born FROM people;
CREATE VIEW headcount AS SELECT city, count(*) AS heads FROM people GROUP BY city;

CREATE FUNCTION email_of(person int) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM people WHERE id = person';
CREATE FUNCTION email_of_atomic(person int) RETURNS text LANGUAGE sql STABLE
    BEGIN ATOMIC SELECT email FROM people WHERE id = person; END;
CREATE FUNCTION everyone() RETURNS SETOF people LANGUAGE sql STABLE AS 'SELECT * FROM people';
CREATE FUNCTION salary_of(person int) RETURNS int LANGUAGE plpgsql STABLE SECURITY DEFINER AS
    $$ BEGIN RETURN (SELECT salary FROM people WHERE id = person); END $$;
CREATE FUNCTION run_text(statement text) RETURNS SETOF text LANGUAGE plpgsql AS
    $$ BEGIN RETURN QUERY EXECUTE statement; END $$;
CREATE FUNCTION complain(value text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RAISE NOTICE 'seen: %', value; RETURN true; END $$;
CREATE FUNCTION explode(value text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'seen: %', value USING DETAIL = 'detail: ' || value, HINT = 'hint: ' || value; END $$;
CREATE FUNCTION explode_quietly(value text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING ERRCODE = '42601', MESSAGE = 'syntax: ' || value, HINT = value, COLUMN = value, TABLE = value; END $$;
CREATE FUNCTION keep(value text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO notes (body) VALUES (value); RETURN true; END $$;
CREATE FUNCTION joined(state text, value text) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(state, '') || value $$;
CREATE AGGREGATE glue(text) (SFUNC = joined, STYPE = text);
CREATE FUNCTION twice(value text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT value || value';
CREATE OPERATOR ~~> (LEFTARG = text, RIGHTARG = text, FUNCTION = joined);
CREATE PROCEDURE tell(person int) LANGUAGE plpgsql AS
    $$ BEGIN RAISE NOTICE 'email: %', (SELECT email FROM people WHERE id = person); END $$;
CREATE FUNCTION plus(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';

-- Writing a note copies an address into it.
CREATE TABLE inbox (id int, body text);
CREATE FUNCTION fill_inbox() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.body := (SELECT email FROM people WHERE id = NEW.id); RETURN NEW; END $$;
CREATE TRIGGER inbox_is_filled BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION fill_inbox();

-- A rule that answers with more than was asked.
CREATE TABLE letterbox (id int, body text);
CREATE RULE letterbox_answers AS ON UPDATE TO letterbox DO INSTEAD SELECT id, email AS body FROM people;

-- A column made of a protected one, and rows that only a child's rule protects.
CREATE TABLE members (id int, email text, handle text GENERATED ALWAYS AS (split_part(email, '@', 1)) STORED);
INSERT INTO members (id, email) SELECT id, email FROM people;
CREATE TABLE stock (id int, serial text);
CREATE TABLE rarities (origin text) INHERITS (stock);
INSERT INTO stock VALUES (1, 'plain');
INSERT INTO rarities SELECT id, email, 'found' FROM people;

-- What applications have around their tables.
CREATE TABLE stamps (id int, word text, updated timestamptz);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF TG_OP = 'INSERT' OR NEW.word IS DISTINCT FROM OLD.word THEN NEW.updated := '2024-01-01'; END IF; RETURN NEW; END $$;
CREATE TRIGGER stamps_are_touched BEFORE INSERT OR UPDATE ON stamps FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE changes (id serial, word text);
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO changes (word) VALUES (NEW.word); RETURN NULL; END $$;
CREATE TRIGGER stamps_are_noted AFTER UPDATE ON stamps FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE FUNCTION spent_by(customer int) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(price) FROM orders WHERE person = customer';
CREATE FUNCTION orders_of(customer int) RETURNS TABLE (number int, item text) LANGUAGE sql STABLE AS
    'SELECT o.id, o.item FROM orders o WHERE person = customer ORDER BY o.id';
CREATE FUNCTION initials(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    $$ DECLARE word text; made text := ''; BEGIN FOREACH word IN ARRAY string_to_array(value, ' ') LOOP made := made || left(word, 1); END LOOP; RETURN made; END $$;
CREATE FUNCTION city_of(person int) RETURNS text LANGUAGE sql STABLE AS 'SELECT city FROM people WHERE id = person';

CREATE FUNCTION rank_text(rank) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM people WHERE id = 1';
CREATE FUNCTION add_email(state text, person int) RETURNS text LANGUAGE sql STABLE AS
    $$ SELECT coalesce(state, '') || email FROM people WHERE id = person $$;

CREATE TABLE bystanders (id int PRIMARY KEY, name text, born date, amount numeric(10, 2), ref uuid, doc jsonb, tags text[], ok boolean);
INSERT INTO bystanders SELECT i, 'name ' || i, date '2000-01-01' + i, i * 1.25, md5(i::text)::uuid, jsonb_build_object('k', i), ARRAY['a' || i, 'b'], i % 2 = 0
    FROM generate_series(1, 20) AS i;
CREATE SCHEMA crm;
CREATE TABLE crm.accounts (id int PRIMARY KEY, title text, owner int);
INSERT INTO crm.accounts VALUES (1, 'Acme', 1), (2, 'Bolt', 2);
ANALYZE;
