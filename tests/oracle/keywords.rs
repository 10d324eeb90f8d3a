//! Words that are keywords in some versions: every word of every server, as a name in every place where a name can be.

use std::collections::BTreeSet;

use anyhow::Result;
use gatewright_harness::{Postgres, PostgresSettings, Psql, Version};

use crate::counts::Counts;
use crate::server::Server;
use crate::{Case, judge, report};

/// `%` is the word, quoted where it defines something.
const PLACES: [&str; 30] = [
    "SELECT % FROM words",
    "SELECT w.% || '' FROM words w",
    "SELECT % || '' FROM (SELECT email AS \"%\" FROM customers) s",
    "SELECT s.* FROM (SELECT %, 1 AS n FROM words) s",
    "SELECT s.\"%\" FROM (SELECT % FROM words) s",
    "SELECT email % FROM customers",
    "SELECT s.\"%\" FROM (SELECT email % FROM customers) s",
    "SELECT s.\"%\" FROM (SELECT email AS % FROM customers) s",
    "SELECT %(email) FROM customers",
    "SELECT %(email, email) FROM customers",
    "SELECT %('x', email) FROM customers",
    "SELECT %() FROM customers",
    "SELECT public.%(email) FROM customers",
    "SELECT s.\"%\" FROM (SELECT %(email) FROM customers) s",
    "SELECT id FROM customers WHERE %(email) = 'x'",
    "SELECT f.% FROM customers, %(email) AS f",
    "SELECT * FROM customers c, LATERAL %(c.email)",
    "SELECT %.email FROM customers AS %",
    "SELECT %.email FROM customers %",
    "SELECT (%).email FROM customers AS \"%\"",
    "SELECT % FROM customers AS \"%\"",
    "SELECT s.% FROM customers AS s (n, %)",
    "WITH % AS (SELECT email FROM customers) SELECT email FROM %",
    "SELECT email::% FROM customers",
    "SELECT CAST(email AS %) FROM customers",
    "SELECT % 'x', email FROM customers",
    "SELECT count(*) OVER % FROM customers WINDOW % AS (ORDER BY email)",
    "UPDATE words SET % = 'x' RETURNING %",
    "INSERT INTO words (%) SELECT email FROM customers RETURNING %",
    "SELECT a.email FROM customers a JOIN customers b USING (email) AS % ORDER BY %.email",
];

#[tokio::test]
async fn words_are_read_as_the_servers_version_reads_them() -> Result<()> {
    let mut servers = Vec::new();
    let mut words = BTreeSet::new();
    for version in Version::ALL {
        let settings = PostgresSettings::default()
            .version(version)
            .set("log_statement", "none");
        let postgres = Postgres::start_with(&settings)?;
        let database = postgres.create_database("words")?;
        let known = Psql::new(&database)?.query("SELECT word FROM pg_get_keywords()")?;
        words.extend(known.lines().map(str::to_owned));
        servers.push((version, postgres, database));
    }
    for (version, _postgres, database) in &servers {
        Psql::new(database)?.query(&schema(&words))?;
        let server = Server::connect(database).await?;
        let cases = words.iter().flat_map(|word| {
            PLACES.iter().map(move |place| Case {
                name: word.clone(),
                text: place.replace('%', word),
            })
        });
        let mut counts = Counts::default();
        let failures = judge(&server, cases.collect(), &mut counts).await?;
        report(&format!("words on {version:?}"), &counts, &failures)?;
    }
    Ok(())
}

/// A column, functions and a type of each name.
fn schema(words: &BTreeSet<String>) -> String {
    let mut sql = "CREATE TABLE customers (id int PRIMARY KEY, email text);\n".to_owned();
    let columns: Vec<String> = words
        .iter()
        .map(|word| format!("\"{word}\" text"))
        .collect();
    sql += &format!("CREATE TABLE words ({});\n", columns.join(", "));
    for word in words {
        sql += &format!(
            "CREATE FUNCTION \"{word}\"(text) RETURNS text LANGUAGE sql AS 'SELECT $1 || max(email) FROM customers';\n"
        );
        sql += &format!(
            "CREATE FUNCTION \"{word}\"(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1 || max(email) FROM customers';\n"
        );
        sql += &format!(
            "CREATE FUNCTION \"{word}\"() RETURNS text LANGUAGE sql AS 'SELECT max(email) FROM customers';\n"
        );
        if word != "customers" {
            sql += &format!("CREATE DOMAIN \"{word}\" AS text;\n");
        }
    }
    sql
}
