//! pg_dump and pg_restore: a dump through the gateway equals a direct dump, and a database restored through the gateway
//! equals the original.

use std::process::Command;

use anyhow::{Result, ensure};
use gatewright_harness::{Dsn, GatewayCommand, Postgres, PostgresSettings, Psql, Version, locate};

const SCHEMA: &str = "
    CREATE SCHEMA shop;
    CREATE TYPE shop.mood AS ENUM ('sad', 'happy');
    CREATE DOMAIN shop.address AS text CHECK (VALUE LIKE '%@%');
    CREATE TABLE shop.customer (id serial PRIMARY KEY, name text NOT NULL DEFAULT 'x', mail shop.address, mood shop.mood,
        doc jsonb, at timestamptz, raw bytea, total numeric(12, 2) GENERATED ALWAYS AS (id * 1.5) STORED);
    INSERT INTO shop.customer (name, mail, mood, doc, at, raw) SELECT 'name' || i || E'\\ttab', 'a@b', 'happy', '{\"a\": [1]}',
        '2024-01-01 00:00+00', '\\x00ff' FROM generate_series(1, 500) AS i;
    CREATE TABLE shop.line (customer int REFERENCES shop.customer, n int) PARTITION BY RANGE (n);
    CREATE TABLE shop.line_1 PARTITION OF shop.line FOR VALUES FROM (0) TO (100);
    CREATE TABLE shop.line_2 PARTITION OF shop.line FOR VALUES FROM (100) TO (200);
    INSERT INTO shop.line SELECT 1 + i % 500, i FROM generate_series(0, 199) AS i;
    CREATE INDEX ON shop.customer (lower(name));
    CREATE VIEW shop.happy AS SELECT id, name FROM shop.customer WHERE mood = 'happy';
    CREATE MATERIALIZED VIEW shop.sums AS SELECT customer, sum(n) AS n FROM shop.line GROUP BY customer;
    CREATE FUNCTION shop.double(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
    CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := now(); RETURN NEW; END';
    CREATE TRIGGER touch BEFORE UPDATE ON shop.customer FOR EACH ROW EXECUTE FUNCTION shop.touch();
    COMMENT ON TABLE shop.customer IS 'it''s \"quoted\"';
    SELECT lo_from_bytea(4711, '\\xdeadbeef');";

on_each_version!(a_dump_through_the_gateway_equals_a_direct_dump);

fn a_dump_through_the_gateway_equals_a_direct_dump(version: Version) -> Result<()> {
    let server = Postgres::start_with(&PostgresSettings::default().version(version))?;
    let gateway = GatewayCommand::dev(&server.dsn()).start()?;
    let direct = server.create_database("shop")?;
    Psql::new(&direct)?.version(version)?.query(SCHEMA)?;
    let through = gateway.database("shop")?;

    let plain = dump(version, &direct, &[])?;
    assert!(plain.contains("name500") && plain.contains("deadbeef") && plain.contains("line_2"));
    assert_eq!(plain, dump(version, &through, &[])?);
    let inserts = ["--inserts", "--rows-per-insert=50"];
    assert_eq!(
        dump(version, &direct, &inserts)?,
        dump(version, &through, &inserts)?
    );

    let folder = tempfile::tempdir()?;
    for format in ["custom", "directory"] {
        let file = folder.path().join(format).display().to_string();
        let jobs = if format == "directory" {
            "--jobs=2"
        } else {
            "--jobs=1"
        };
        let into = format!("--file={file}");
        run(
            version,
            "pg_dump",
            &through,
            &[&format!("--format={format}"), &into, jobs],
        )?;
        let copy = server.create_database(&format!("from_{format}"))?;
        let target = gateway.database(&copy.database)?;
        run(
            version,
            "pg_restore",
            &target,
            &["--exit-on-error", "--jobs=2", &file],
        )?;
        assert_eq!(plain, dump(version, &copy, &[])?, "restored from {format}");
    }
    Ok(())
}

on_each_version!(a_masked_dump_can_be_loaded);

/// The view computes on a protected column, and the trigger's function reads one.
const MASKED: &str = "
    CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email text UNIQUE, born date);
    INSERT INTO customers SELECT i, 'name ' || i, 'quill' || i || '@hollow.example', '1990-01-01' FROM generate_series(1, 50) AS i;
    CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, item text);
    INSERT INTO orders SELECT i, i, 'lamp' FROM generate_series(1, 50) AS i;
    CREATE VIEW loud AS SELECT id, upper(email) AS email FROM customers;
    CREATE FUNCTION email_of(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM public.customers WHERE id = $1';
    CREATE INDEX ON customers (lower(email));";

fn a_masked_dump_can_be_loaded(version: Version) -> Result<()> {
    let server = Postgres::start_with(&PostgresSettings::default().version(version))?;
    let policies = tempfile::tempdir()?;
    let bundled = locate::target_directory().join("policies/mask-columns.wasm");
    std::fs::copy(bundled, policies.path().join("mask-columns.wasm"))?;
    let settings = policies.path().join("settings.toml");
    let columns = r#"columns = [{ column = "public.customers.email", method = "hash" }, { column = "public.customers.born", method = "null" }]"#;
    std::fs::write(&settings, format!("[mask-columns]\n{columns}\n"))?;
    let gateway = GatewayCommand::dev(&server.dsn())
        .policies(policies.path())
        .settings(&settings)
        .start()?;
    let direct = server.create_database("shop")?;
    Psql::new(&direct)?.version(version)?.query(MASKED)?;
    let through = gateway.database("shop")?;
    for (name, arguments) in [("copy", &[][..]), ("inserts", &["--inserts"])] {
        let text = run(version, "pg_dump", &through, arguments)?;
        assert!(!text.contains("quill"), "{name}: {text}");
        assert!(
            text.contains("name 50") && text.contains("CREATE VIEW public.loud"),
            "{name}"
        );
        let copy = server.create_database(name)?;
        let file = policies.path().join(name);
        std::fs::write(&file, &text)?;
        let file = format!("--file={}", file.display());
        run(
            version,
            "psql",
            &copy,
            &["--set=ON_ERROR_STOP=1", "--quiet", &file],
        )?;
        let found = Psql::new(&copy)?.version(version)?;
        let found =
            found.query("SELECT count(*), count(born) FROM customers JOIN orders USING (id)")?;
        assert_eq!(found.trim(), "50|0", "{name}");
    }
    Ok(())
}

/// The text of a dump, without the random key that newer versions write.
fn dump(version: Version, dsn: &Dsn, arguments: &[&str]) -> Result<String> {
    let text = run(version, "pg_dump", dsn, arguments)?;
    let kept = text
        .lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    Ok(kept.collect::<Vec<_>>().join("\n"))
}

fn run(version: Version, program: &str, dsn: &Dsn, arguments: &[&str]) -> Result<String> {
    let output = Command::new(version.client(program)?)
        .args(["--host", &dsn.host, "--port", &dsn.port.to_string()])
        .args(["--username", &dsn.user, "--dbname", &dsn.database])
        .args(arguments)
        .env("PGPASSWORD", &dsn.password)
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {arguments:?}: {errors}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
