//! Random DDL: a catalog that is kept up to date is the same as one that is read anew.

use gatewright_harness::{Version, soak};
use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::super::changes::How;
use super::changes::Server;

/// Statements with holes: `@t` a table, `@v` a view, `@c` a column, `@f` a function, `@d` a domain, `@s` a schema, `@n` a number.
const DDL: &[&str] = &[
    "CREATE TABLE @s.@t (a int, b text, c int)",
    "CREATE TABLE @s.@t (a int PRIMARY KEY, b @d, c int DEFAULT @n, e text GENERATED ALWAYS AS (b || 'x') STORED)",
    "CREATE TABLE @s.@t () INHERITS (@s.@t)",
    "CREATE TABLE @s.@t (a serial, b text CHECK (b <> 'x@n'), c int) PARTITION BY LIST (c)",
    "CREATE TABLE @s.@t (a int REFERENCES @s.@t ON DELETE CASCADE ON UPDATE SET NULL, b text, c int)",
    "CREATE TABLE @s.@t (a @s.@t, b text, c int)",
    "CREATE TEMP TABLE @t (a int, b text)",
    "ALTER TABLE @s.@t ATTACH PARTITION @s.@t FOR VALUES IN (@n)",
    "ALTER TABLE @s.@t DETACH PARTITION @s.@t",
    "ALTER TABLE @s.@t INHERIT @s.@t",
    "ALTER TABLE @s.@t NO INHERIT @s.@t",
    "ALTER TABLE @s.@t ADD COLUMN @c text",
    "ALTER TABLE @s.@t ADD COLUMN @c @d",
    "ALTER TABLE @s.@t ADD COLUMN @c int DEFAULT @s.@f(@n)",
    "ALTER TABLE @s.@t DROP COLUMN @c",
    "ALTER TABLE @s.@t DROP COLUMN @c CASCADE",
    "ALTER TABLE @s.@t RENAME COLUMN @c TO @c",
    "ALTER TABLE @s.@t ALTER COLUMN @c TYPE varchar(@n)",
    "ALTER TABLE @s.@t ALTER COLUMN @c SET DEFAULT @n",
    "ALTER TABLE @s.@t ALTER COLUMN @c DROP DEFAULT",
    "ALTER TABLE @s.@t ALTER COLUMN @c SET NOT NULL",
    "ALTER TABLE @s.@t ADD CHECK (@c::text <> (@s.@f(@n))::text)",
    "ALTER TABLE @s.@t ADD UNIQUE (@c)",
    "ALTER TABLE @s.@t RENAME TO @t",
    "ALTER TABLE @s.@t SET SCHEMA @s",
    "ALTER TABLE @s.@t ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE @s.@t OWNER TO CURRENT_USER",
    "CREATE UNIQUE INDEX ON @s.@t (@c)",
    "CREATE INDEX ON @s.@t ((@c || @s.@f(@n)::text))",
    "CREATE STATISTICS ON (a + @n), (b || 'x') FROM @s.@t",
    "CREATE POLICY p@n ON @s.@t USING (@c::text IN (SELECT b FROM @s.@t))",
    "DROP POLICY p@n ON @s.@t",
    "CREATE RULE r@n AS ON INSERT TO @s.@t DO ALSO INSERT INTO @s.@t (a) VALUES (1)",
    "DROP RULE r@n ON @s.@t",
    "CREATE TRIGGER g@n BEFORE INSERT ON @s.@t FOR EACH ROW WHEN (NEW.@c IS NOT NULL) EXECUTE FUNCTION @s.fires()",
    "DROP TRIGGER g@n ON @s.@t",
    "DROP TABLE @s.@t",
    "DROP TABLE @s.@t CASCADE",
    "TRUNCATE @s.@t",
    "ANALYZE @s.@t",
    "CREATE VIEW @s.@v AS SELECT * FROM @s.@t",
    "CREATE VIEW @s.@v AS SELECT a, upper(b) AS b, @s.@f(a) AS c FROM @s.@t WHERE b IN (SELECT b FROM @s.@v)",
    "CREATE OR REPLACE VIEW @s.@v AS SELECT x.a, y.b, x.c FROM @s.@t x JOIN @s.@t y USING (a)",
    "CREATE VIEW @s.@v AS SELECT t FROM @s.@t t",
    "CREATE MATERIALIZED VIEW @s.@v AS SELECT a, b FROM @s.@t",
    "ALTER VIEW @s.@v RENAME TO @v",
    "ALTER VIEW @s.@v RENAME COLUMN b TO @c",
    "DROP VIEW @s.@v",
    "DROP VIEW @s.@v CASCADE",
    "CREATE OR REPLACE FUNCTION @s.@f(x int) RETURNS text LANGUAGE sql AS 'SELECT b FROM @s.@t WHERE a = x'",
    "CREATE OR REPLACE FUNCTION @s.@f(x int) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT b FROM @s.@v LIMIT 1); END'",
    "CREATE OR REPLACE FUNCTION @s.@f(x int) RETURNS text LANGUAGE plpgsql AS 'BEGIN UPDATE @s.@t SET b = (SELECT b FROM @s.@t LIMIT 1); RETURN @s.@f(x); END'",
    "CREATE OR REPLACE FUNCTION @s.@f(x int) RETURNS text LANGUAGE sql AS 'SELECT ''x'''",
    "CREATE OR REPLACE FUNCTION @s.@f(x int) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT b FROM @s.@t WHERE a = x; END",
    "CREATE OR REPLACE FUNCTION @s.@f(x int, y @s.@t) RETURNS text LANGUAGE sql AS 'SELECT y.b FROM @t'",
    "CREATE OR REPLACE FUNCTION @s.fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO @s.@t (b) SELECT b FROM @s.@t; RETURN NEW; END'",
    "ALTER FUNCTION @s.@f(int) RENAME TO @f",
    "DROP FUNCTION @s.@f(int)",
    "DROP FUNCTION @s.@f(int) CASCADE",
    "CREATE AGGREGATE @s.agg@n (text) (SFUNC = textcat, STYPE = text)",
    "CREATE DOMAIN @d AS text CHECK (VALUE <> 'x@n')",
    "CREATE DOMAIN @d AS text CHECK (VALUE <> (SELECT public.f1(1)))",
    "ALTER DOMAIN @d ADD CONSTRAINT k@n CHECK (VALUE <> public.f@n(@n))",
    "ALTER DOMAIN @d RENAME TO @d",
    "DROP DOMAIN @d CASCADE",
    "CREATE TYPE y@n AS (a int, b @d)",
    "CREATE TYPE e@n AS ENUM ('a', 'b')",
    "ALTER TYPE e@n RENAME TO e@n",
    "DROP TYPE e@n",
    "CREATE OPERATOR @s.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)",
    "CREATE CAST (@s.@t AS text) WITH FUNCTION @s.@f(int, @s.@t)",
    "CREATE SCHEMA s@n",
    "ALTER SCHEMA s@n RENAME TO s@n",
    "CREATE ROLE role@n CREATEROLE",
    "DROP ROLE role@n",
    "VACUUM FULL pg_catalog.pg_class",
];

struct Random(TestRunner);

impl Random {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Random(TestRunner::new_with_rng(Config::default(), rng))
    }

    fn below(&mut self, limit: usize) -> usize {
        let tree = any::<u32>().new_tree(&mut self.0).expect("a number");
        tree.current() as usize % limit
    }

    fn statement(&mut self, kinds: &[&str]) -> String {
        let mut parts = kinds[self.below(kinds.len())].split('@');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let number = self.below(6);
            let name = match part.as_bytes().first() {
                Some(b't') => format!("t{number}"),
                Some(b'v') => format!("v{number}"),
                Some(b'c') => ["a", "b", "c", "d", "e", "x"][number].to_owned(),
                Some(b'f') => format!("f{}", number % 4),
                Some(b'd') => format!("d{}", number % 3),
                Some(b's') => {
                    ["public", "public", "public", "public", "s0", "s1"][number].to_owned()
                }
                _ => (number + 1).to_string(),
            };
            text.push_str(&name);
            text.push_str(part.get(1..).unwrap_or_default());
        }
        text
    }
}

fn follow(version: Version) {
    let (seed, steps) = (soak::seed().unwrap_or(1), soak::cases(50) as usize);
    let server = Server::start(version);
    server.run("CREATE SCHEMA s0; CREATE SCHEMA s1; CREATE TABLE t1 (a int, b text, c int); CREATE TABLE t2 (a int, b text, c int)");
    let (kept, mut random) = (server.handle(), Random::new(seed));
    let mut done = Vec::new();
    let (mut succeeded, mut incremental) = (0, 0);
    let is_lasting = |text: &&&str| {
        !["TEMP ", "DOMAIN ", "TYPE y", "TYPE e"]
            .iter()
            .any(|word| text.contains(word))
    };
    let lasting: Vec<&str> = DDL.iter().filter(is_lasting).copied().collect();
    server.runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls)
            .await
            .expect("a connection");
        tokio::spawn(connection);
        kept.refresh().await.expect("a catalog");
        for _ in 0..steps {
            // A check sees neither temporary tables nor at once what happens to types.
            let checked = random.below(2) == 0;
            let kinds = if checked { &lasting[..] } else { DDL };
            for _ in 0..=random.below(3) {
                let statement = random.statement(kinds);
                let outcome = client.batch_execute(&statement).await;
                succeeded += usize::from(outcome.is_ok());
                if outcome.is_ok() {
                    done.push(statement);
                }
            }
            let rows = async || {
                let mut watch = kept.watch.lock().await;
                watch.as_mut().map_or(0, |watch| watch.service().rows())
            };
            let before = rows().await;
            if checked {
                kept.check().await.expect("a check");
            } else {
                let mut watch = kept.watch.lock().await;
                kept.read(&mut watch, How::Changes)
                    .await
                    .expect("a catalog");
            }
            incremental += usize::from(rows().await.wrapping_sub(before) < 2000);
            let anew = server.handle();
            anew.refresh().await.expect("a catalog");
            let difference = kept.current().differs_from(&anew.current());
            let last = done.iter().rev().take(6).collect::<Vec<_>>();
            assert!(
                difference.is_none(),
                "seed {seed}: {difference:?} after {last:#?}"
            );
        }
    });
    assert!(
        succeeded > steps / 3,
        "{succeeded} statements of {steps} steps"
    );
    assert!(
        incremental > steps / 3,
        "{incremental} of {steps} reads were of changes"
    );
}

#[test]
fn changes_are_what_a_whole_read_shows_on_the_installed_postgresql() {
    follow(Version::Installed);
}

#[test]
fn changes_are_what_a_whole_read_shows_on_postgresql_18() {
    follow(Version::Eighteen);
}
