-- What the attacks target: protected columns in a plain, a partitioned and an inherited table, and objects on top of them.
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

-- A trigger that copies an address into the written row.
CREATE TABLE inbox (id int, body text);
CREATE FUNCTION fill_inbox() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.body := (SELECT email FROM people WHERE id = NEW.id); RETURN NEW; END $$;
CREATE TRIGGER inbox_is_filled BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION fill_inbox();

-- A rule that returns more than was asked for.
CREATE TABLE letterbox (id int, body text);
CREATE RULE letterbox_answers AS ON UPDATE TO letterbox DO INSTEAD SELECT id, email AS body FROM people;

-- A column generated from a protected one, and rows protected only by a rule on the child.
CREATE TABLE members (id int, email text, handle text GENERATED ALWAYS AS (split_part(email, '@', 1)) STORED);
INSERT INTO members (id, email) SELECT id, email FROM people;
CREATE TABLE stock (id int, serial text);
CREATE TABLE rarities (origin text) INHERITS (stock);
INSERT INTO stock VALUES (1, 'plain');
INSERT INTO rarities SELECT id, email, 'found' FROM people;

-- Triggers and functions as applications have them.
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

-- Existing objects that call functions other than by name.
CREATE AGGREGATE mailing(int) (SFUNC = add_email, STYPE = text);
CREATE OPERATOR #?# (RIGHTARG = int, FUNCTION = email_of);
CREATE TYPE staff AS (id int);
CREATE FUNCTION staff_name(staff) RETURNS name LANGUAGE sql STABLE AS 'SELECT email::name FROM people WHERE id = ($1).id';
CREATE CAST (staff AS name) WITH FUNCTION staff_name(staff) AS IMPLICIT;
CREATE FUNCTION buyer(orders) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM people WHERE id = ($1).person';
CREATE FUNCTION is_known_start(value text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT 1 FROM people WHERE starts_with(email, value))';
CREATE DOMAIN known_start AS text CHECK (is_known_start(VALUE));
CREATE TABLE invites (id int, start text CHECK (is_known_start(start)));
CREATE TABLE badges (id int, owner text DEFAULT email_of(1));
CREATE FUNCTION holder_of(person int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT email FROM people WHERE id = person';
CREATE TABLE passes (id int, holder text GENERATED ALWAYS AS (holder_of(id)) STORED);
CREATE TABLE days (id int, body text) PARTITION BY LIST (id);
CREATE TABLE days_one PARTITION OF days FOR VALUES IN (1);
CREATE TRIGGER one_is_filled BEFORE INSERT ON days_one FOR EACH ROW EXECUTE FUNCTION fill_inbox();
CREATE VIEW inbox_view AS SELECT id, body FROM inbox;
CREATE TABLE drafts (id int, body text);
CREATE TRIGGER drafts_are_filled BEFORE INSERT ON drafts FOR EACH ROW EXECUTE FUNCTION fill_inbox();
ALTER TABLE drafts DISABLE TRIGGER drafts_are_filled;
CREATE TABLE lines (id int, number int REFERENCES orders ON DELETE CASCADE);
INSERT INTO lines VALUES (1, 10), (2, 12);
CREATE FUNCTION note_line() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO notes (body) SELECT email FROM people WHERE id = OLD.id; RETURN NULL; END $$;
CREATE TRIGGER lines_are_noted AFTER DELETE ON lines FOR EACH ROW EXECUTE FUNCTION note_line();
CREATE FUNCTION rename_person(person int, wanted text) RETURNS text LANGUAGE plpgsql AS
    $$ DECLARE why text; BEGIN UPDATE people SET name = wanted WHERE id = person; RETURN 'renamed';
       EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL; RETURN why; END $$;
CREATE FUNCTION digit_at(place int) RETURNS text LANGUAGE plpgsql STABLE AS
    $$ DECLARE marks text[] := '{}'; BEGIN marks[(SELECT salary FROM people ORDER BY id LIMIT 1)] := 'x'; RETURN marks::text; END $$;
CREATE FUNCTION first_person() RETURNS text LANGUAGE plpgsql STABLE AS
    $$ DECLARE one record := (SELECT p FROM people p ORDER BY id LIMIT 1); BEGIN RETURN one.email; END $$;
CREATE FUNCTION by_cursor(person int) RETURNS text LANGUAGE plpgsql STABLE AS
    $$ DECLARE found_one CURSOR (wanted int) FOR SELECT email FROM people WHERE id = wanted; made text := ''; BEGIN
       FOR one IN found_one(person) LOOP made := made || one.email; END LOOP; RETURN made; END $$;
CREATE FUNCTION renamed_person() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN UPDATE people SET name = NEW.word WHERE id = NEW.id; RETURN NULL; END $$;
CREATE TABLE nicknames (id int, word text);
CREATE CONSTRAINT TRIGGER people_are_renamed AFTER INSERT ON nicknames DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renamed_person();
CREATE FUNCTION mark_perk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.body := 'marked'; RETURN NEW; END $$;
CREATE TABLE perks (id int, body text);
CREATE TRIGGER perks_are_marked BEFORE INSERT ON perks FOR EACH ROW WHEN (salary_of(NEW.id) > 7000000) EXECUTE FUNCTION mark_perk();
CREATE FUNCTION contact_of(person int, OUT mail text, OUT pay int) LANGUAGE sql STABLE AS 'SELECT email, salary FROM people WHERE id = person';
CREATE FUNCTION mails_of(VARIADIC wanted int[]) RETURNS text[] LANGUAGE sql STABLE AS 'SELECT array_agg(email) FROM people WHERE id = ANY (wanted)';
CREATE FUNCTION mail_or(other anyelement, person int DEFAULT 1) RETURNS anyelement LANGUAGE sql STABLE AS 'SELECT email FROM people WHERE id = person';
CREATE FUNCTION open_people(opened refcursor) RETURNS refcursor LANGUAGE plpgsql AS $$ BEGIN OPEN opened FOR SELECT email FROM people; RETURN opened; END $$;
CREATE VIEW marked_people AS SELECT id, salary AS pay, set_config('app.seen', 'yes', true) AS mark FROM people;
CREATE FUNCTION top_pay(person int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN 0; END';
CREATE VIEW pays AS SELECT id, salary AS pay, top_pay(id) AS top FROM people;
CREATE OR REPLACE FUNCTION top_pay(person int) RETURNS int LANGUAGE plpgsql STABLE AS
    $$ BEGIN IF person IS NULL THEN RETURN (SELECT max(pay) FROM pays); END IF; RETURN 0; END $$;
CREATE FUNCTION crm.salary_of(person int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0';
ANALYZE;
