//! `mask-content` in a running gateway: values are masked by their form in every format that can carry them.

use anyhow::{Context, Result, ensure};
use gatewright_harness::Psql;
use tokio_postgres::NoTls;
use tokio_postgres::types::{FromSql, Type};

use crate::world::World;

const TABLE: &str = "CREATE EXTENSION IF NOT EXISTS citext; CREATE EXTENSION IF NOT EXISTS hstore; CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE DOMAIN remark AS text;
    CREATE TABLE letters (id int, body text, short varchar(40), doc jsonb, words text[], folded citext, amount bigint, at date);
    INSERT INTO letters VALUES (1, 'write to ada@example.com or +44 7700 900461', '4111 1111 1111 1111',
        '{\"mail\": \"ada@example.com\", \"card\": 4111111111111111}', '{ada@example.com,plain}', 'Ada@Example.com', 4111111111111111, '2024-01-05'),
        (2, 'nothing to see', 'plain', '{\"n\": 1}', '{a,b}', 'plain', 7, '2024-01-06'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL);";

/// No output may contain any of these.
const SECRETS: [&str; 4] = ["ada@", "Ada@", "900461", "4111 1111"];

fn world(test: &str, settings: &str) -> Result<World> {
    let world = World::with_policies(test, &["mask-content"], settings)?;
    world.prepare(TABLE)?;
    Ok(world)
}

/// The bytes of a value of any type.
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(
        _: &Type,
        raw: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn hidden(text: &str) -> Result<()> {
    let shown = SECRETS.iter().find(|secret| text.contains(**secret));
    ensure!(shown.is_none(), "{shown:?} is shown: {text}");
    Ok(())
}

#[test]
fn text_json_and_arrays_are_masked_in_place() -> Result<()> {
    let world = world("content_text", "")?;
    let psql = Psql::new(&world.dsn()?)?;
    let all = psql.query("SELECT * FROM letters ORDER BY id")?;
    hidden(&all)?;
    ensure!(
        all == "1|write to [email] or [phone]|[card]|{\"card\": \"[card]\", \"mail\": \"[email]\"}|{[email],plain}|[email]|4111111111111111|2024-01-05\n\
                2|nothing to see|plain|{\"n\": 1}|{a,b}|plain|7|2024-01-06\n3|||||||",
        "{all}"
    );
    for copy in ["TEXT", "CSV", "CSV, HEADER, DELIMITER ';', QUOTE ''''"] {
        let copied = psql.query(&format!("COPY letters TO STDOUT WITH (FORMAT {copy})"))?;
        hidden(&copied)?;
        ensure!(
            copied.contains("[email]") && copied.contains("nothing to see"),
            "{copied}"
        );
    }
    hidden(
        &psql.query("SELECT body || ' ' || short, upper(body), row_to_json(l) FROM letters l")?,
    )?;
    hidden(&psql.query("UPDATE letters SET id = id RETURNING *")?)?;
    Ok(())
}

#[test]
fn escaped_values_are_masked_in_their_decoded_form() -> Result<()> {
    let world = world("content_escapes", "")?;
    let psql = Psql::new(&world.dsn()?)?;
    for (value, expected) in [
        (r#"{"a": "ada\u0040example.com"}"#, r#"{"a": "[email]"}"#),
        (
            r#"{"a": "to\n4111 1111 1111 1111"}"#,
            r#"{"a": "to\n[card]"}"#,
        ),
        (
            r#"{"a": "to\nada@example.com\n"}"#,
            r#"{"a": "to\n[email]\n"}"#,
        ),
    ] {
        let masked = psql.query(&format!("SELECT '{value}'::json"))?;
        ensure!(masked == expected, "{value}: {masked}");
    }
    Ok(())
}

/// A value that may contain text and has no form that the gateway can read becomes NULL, even inside another value.
#[test]
fn unreadable_rows_and_types_become_null() -> Result<()> {
    let world = world("content_types", "")?;
    let psql = Psql::new(&world.dsn()?)?;
    for value in [
        "l",
        "row(l.body)",
        "hstore('mail', l.body)",
        "ARRAY[l.folded]",
        "ARRAY[l.body::remark]",
        "ARRAY[l]",
        "jsonb_build_object('key', '-----BEGIN PRIVATE KEY-----')",
        "xmlelement(name a, l.body)",
        "textout(l.body)",
        "'ada@example.com'::tsvector",
        "'ada@example.com'::refcursor",
        "(SELECT array_agg(f.folded) FROM letters f WHERE f.id = l.id)",
    ] {
        let shown = psql.query(&format!("SELECT {value}, 'x' FROM letters l WHERE id = 1"))?;
        hidden(&shown)?;
        ensure!(shown == "|x", "{value}: {shown}");
    }
    let others =
        psql.query("SELECT 'glad'::mood, ARRAY['glad'::mood], '{1}'::int[], '(1,2)'::point")?;
    ensure!(psql.query("SELECT '<a>plain</a>'::xml")? == "<a>plain</a>");
    ensure!(others == "glad|{glad}|{1}|(1,2)", "{others}");
    Ok(())
}

#[tokio::test]
async fn binary_results_are_masked() -> Result<()> {
    let world = world("content_binary", "")?;
    let (client, connection) = tokio_postgres::connect(&world.dsn()?.url(), NoTls).await?;
    let connection = tokio::spawn(connection);
    let rows = client
        .query(
            "SELECT body, words, folded, 'glad'::mood, ARRAY['glad'::mood], l, id FROM letters l ORDER BY id",
            &[],
        )
        .await?;
    let first = rows.first().context("a row")?;
    let (body, words, folded): (&str, Vec<String>, &str) =
        (first.get(0), first.get(1), first.get(2));
    ensure!(
        body == "write to [email] or [phone]"
            && words == ["[email]", "plain"]
            && folded == "[email]",
        "{body} {words:?} {folded}"
    );
    // Enums contain no user data. A value that may contain text and cannot be read is NULL.
    let (mood, moods, whole): (Raw, Raw, Option<Raw>) = (first.get(3), first.get(4), first.get(5));
    ensure!(mood.0 == b"glad" && moods.0.ends_with(b"glad") && whole.is_none());
    ensure!(
        rows.last()
            .context("a row")?
            .get::<_, Option<&str>>(0)
            .is_none()
    );
    drop(client);
    connection.await??;
    Ok(())
}

#[test]
fn settings_control_the_action() -> Result<()> {
    let settings = "[mask-content]\nnumbers = true\ndefault_action = \"partial\"\nignore_columns = [\"public.letters.short\"]\n\
        [mask-content.detectors.phone]\nenabled = false\n[mask-content.detectors.email]\nthreshold = 2\n";
    let world = world("content_settings", settings)?;
    let psql = Psql::new(&world.dsn()?)?;
    let first = psql.query("SELECT body, short, amount FROM letters WHERE id = 1")?;
    // A masked number is not a number, so it becomes NULL. One address in a column is below the threshold.
    ensure!(
        first == "write to ada@example.com or +44 7700 900461|4111 1111 1111 1111|",
        "{first}"
    );
    let two =
        psql.query("SELECT body FROM letters WHERE id = 1 UNION ALL SELECT 'to bob@example.com'")?;
    ensure!(
        two == "write to a***@example.com or +44 7700 900461\nto b***@example.com",
        "{two}"
    );
    // Each batch is counted separately.
    let fetched = psql.query(
        "BEGIN; DECLARE c CURSOR FOR SELECT body FROM letters WHERE id = 1 UNION ALL SELECT 'to bob@example.com'; FETCH 1 FROM c; FETCH 1 FROM c; COMMIT",
    )?;
    ensure!(
        fetched.contains("ada@example.com") && fetched.contains("bob@example.com"),
        "{fetched}"
    );
    Ok(())
}

#[test]
fn a_refused_result_leaves_the_connection_usable() -> Result<()> {
    let settings = "[mask-content.detectors.card]\naction = \"refuse\"\n";
    let world = world("content_refuse", settings)?;
    let mut client = world.client()?;
    let refused = client.query("SELECT short FROM letters")?;
    let error = refused
        .iter()
        .find(|message| message.tag == b'E')
        .context("an error")?;
    ensure!(
        error.fields()[&'C'] == "42501" && error.fields()[&'M'].contains("card"),
        "{:?}",
        error.fields()
    );
    let fine = client.query("SELECT id FROM letters")?;
    ensure!(fine.iter().all(|message| message.tag != b'E'));
    Ok(())
}

#[test]
fn the_stricter_of_two_masks_applies() -> Result<()> {
    let settings =
        "[mask-columns]\ncolumns = [{ column = \"public.letters.body\", method = \"null\" }]\n";
    let world = World::with_policies("content_both", &["mask-columns", "mask-content"], settings)?;
    world.prepare(TABLE)?;
    let answer = Psql::new(&world.dsn()?)?.query("SELECT body, short FROM letters WHERE id = 1")?;
    ensure!(answer == "|[card]", "{answer}");
    Ok(())
}
