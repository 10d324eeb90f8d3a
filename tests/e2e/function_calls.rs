//! FunctionCall messages are judged by what the function does, as a SELECT of it would be.

use std::collections::HashMap;

use anyhow::{Context, Result};
use gatewright_harness::{Psql, Version};
use gatewright_tests::raw::{self, Client, message};

use crate::world::World;

on_each_version!(
    a_call_is_judged_as_a_select_of_the_function,
    a_call_that_could_show_a_protected_column_is_refused
);

const SCHEMA: &str = "
    CREATE TABLE people (id int, email text);
    INSERT INTO people VALUES (1, 'ada@example.com');
    CREATE FUNCTION plain(int) RETURNS int LANGUAGE sql AS $$ SELECT $1 + 1 $$;
    CREATE FUNCTION how_many() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM people $$;
    CREATE FUNCTION writes(int) RETURNS int LANGUAGE sql AS $$ DELETE FROM people WHERE id = $1; SELECT $1 $$;
    CREATE FUNCTION off() RETURNS text LANGUAGE sql AS $$ SELECT set_config('default_transaction_read_only', 'off', false) $$;
    CREATE FUNCTION email_of(int) RETURNS text LANGUAGE sql AS $$ SELECT email FROM people WHERE id = $1 $$;
    CREATE FUNCTION guess(int) RETURNS bool LANGUAGE sql AS $$ SELECT email LIKE 'a%' FROM people WHERE id = $1 $$;
    CREATE FUNCTION \"Odd \"\"name\"(int) RETURNS int LANGUAGE sql AS $$ SELECT $1 $$;";

fn call(
    world: &World,
    client: &mut Client,
    signature: &str,
    arguments: &[&str],
) -> Result<Option<HashMap<char, String>>> {
    let sql = format!("SELECT '{signature}'::regprocedure::oid");
    let number: u32 = Psql::new(&world.direct)?.query(&sql)?.trim().parse()?;
    let mut body = number.to_be_bytes().to_vec();
    body.extend_from_slice(&[0, 0]);
    body.extend_from_slice(&u16::try_from(arguments.len())?.to_be_bytes());
    for value in arguments {
        body.extend_from_slice(&u32::try_from(value.len())?.to_be_bytes());
        body.extend_from_slice(value.as_bytes());
    }
    body.extend_from_slice(&[0, 0]);
    client.send(&message(b'F', &[&body]))?;
    let replies = client.until_ready()?;
    match raw::error(&replies) {
        Some(error) => Ok(Some(error)),
        None => {
            let told = raw::tags(&replies);
            anyhow::ensure!(told == "VZ", "{told}");
            Ok(None)
        }
    }
}

fn a_call_is_judged_as_a_select_of_the_function(version: Version) -> Result<()> {
    let world = World::of_version(version, "calls", &["read-only"], "")?;
    world.prepare(SCHEMA)?;
    let mut client = world.client()?;
    for (signature, arguments) in [
        ("plain(int)", &["41"][..]),
        ("how_many()", &[]),
        ("\"Odd \"\"name\"(int)", &["1"]),
        ("pg_catalog.md5(text)", &["ABC"]),
        ("pg_catalog.abs(int)", &["-1"]),
    ] {
        let error = call(&world, &mut client, signature, arguments)?;
        assert!(error.is_none(), "{signature}: {error:?}");
    }
    for (signature, arguments) in [
        ("writes(int)", &["1"][..]),
        ("off()", &[]),
        (
            "pg_catalog.set_config(text, text, bool)",
            &["work_mem", "1MB", "f"],
        ),
        ("pg_catalog.lo_creat(int)", &["-1"]),
        ("pg_catalog.txid_current()", &[]),
    ] {
        let error = call(&world, &mut client, signature, arguments)?.context(signature)?;
        assert_eq!(error[&'C'], "25006", "{signature}: {error:?}");
    }
    assert_eq!(world.prepare("SELECT count(*) FROM people")?, "1");
    Ok(())
}

fn a_call_that_could_show_a_protected_column_is_refused(version: Version) -> Result<()> {
    let settings =
        "[mask-columns]\ncolumns = [{ column = \"public.people.email\", method = \"redact\" }]\n";
    let world = World::of_version(version, "calls_masked", &["mask-columns"], settings)?;
    world.prepare(SCHEMA)?;
    let mut client = world.client()?;
    for signature in [
        "email_of(int)",
        "guess(int)",
        "pg_catalog.query_to_xml(text, bool, bool, text)",
    ] {
        let arguments: &[&str] = match signature.contains("xml") {
            true => &["SELECT email FROM people", "t", "t", ""],
            false => &["1"],
        };
        let error = call(&world, &mut client, signature, arguments)?.context(signature)?;
        assert!(
            ["42501", "0A000"].contains(&error[&'C'].as_str()),
            "{signature}: {error:?}"
        );
        assert!(
            !error.values().any(|text| text.contains("ada@")),
            "{error:?}"
        );
    }
    let error = call(&world, &mut client, "plain(int)", &["1"])?;
    assert!(error.is_none(), "{error:?}");
    Ok(())
}
