//! The policy `read-only` keeps transactions of the server read-only, in whatever words a client asks for others.

use anyhow::Result;
use gatewright_harness::Version;
use gatewright_tests::raw::{self, Client};
use gatewright_tests::volatile;

use crate::world::World;

on_each_version!(
    no_statement_turns_read_only_off,
    no_startup_parameter_turns_read_only_off,
    no_built_in_function_changes_anything
);

const FUNCTIONS: &str = "
    CREATE FUNCTION off_by_set() RETURNS int LANGUAGE sql AS $$ SET default_transaction_read_only = off; SELECT 1 $$;
    CREATE FUNCTION off_by_call() RETURNS text LANGUAGE sql
        AS $$ SELECT set_config('default_transaction_read_only', 'off', false) $$;
    CREATE FUNCTION off_by_block() RETURNS int LANGUAGE plpgsql
        AS $$ BEGIN SET default_transaction_read_only = off; RETURN 1; END $$;
    CREATE FUNCTION plain() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;";

fn world(version: Version, test: &str) -> Result<World> {
    let world = World::of_version(version, test, &["read-only"], "")?;
    world.prepare(FUNCTIONS)?;
    Ok(world)
}

fn no_statement_turns_read_only_off(version: Version) -> Result<()> {
    let world = world(version, "read_only_settings")?;
    let mut client = world.client()?;
    for sql in [
        "SET default_transaction_read_only = off",
        "SET SESSION DEFAULT_TRANSACTION_READ_ONLY TO 'false'",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE",
        "BEGIN READ WRITE",
        "START TRANSACTION ISOLATION LEVEL SERIALIZABLE READ WRITE",
        "SET transaction_read_only = off",
        "SET LOCAL transaction_read_only = 0",
        "SET TRANSACTION READ WRITE",
        "SELECT set_config('default_transaction_read_only', 'off', false)",
        "SELECT pg_catalog.set_config('Default_Transaction_Read_Only', 'no', true)",
        "PREPARE p AS SELECT set_config('default_transaction_read_only', 'off', false)",
        "SELECT off_by_set()",
        "SELECT off_by_call()",
        "SELECT off_by_block()",
        "SELECT 1; SET default_transaction_read_only = off",
    ] {
        let error = raw::error(&client.query(sql)?);
        assert_eq!(error.expect(sql)[&'C'], "25006", "{sql}");
    }
    client.send(&[raw::extended("BEGIN READ WRITE", &[], 0), raw::sync()].concat())?;
    assert_eq!(
        raw::error(&client.until_ready()?).expect("a refusal")[&'C'],
        "25006"
    );
    for sql in [
        "SET default_transaction_read_only = on",
        "RESET default_transaction_read_only",
        "RESET ALL",
        "DISCARD ALL",
        "BEGIN READ ONLY",
        "COMMIT",
        "BEGIN ISOLATION LEVEL REPEATABLE READ",
        "ROLLBACK",
        "SET work_mem = '4MB'",
        "SELECT set_config('application_name', 'y', false)",
        "SELECT plain()",
    ] {
        let error = raw::error(&client.query(sql)?);
        assert!(error.is_none(), "{sql}: {error:?}");
    }
    Ok(())
}

fn no_startup_parameter_turns_read_only_off(version: Version) -> Result<()> {
    let world = world(version, "read_only_startup")?;
    let dsn = world.gateway.database(&world.direct.database)?;
    for (parameter, refused) in [
        (("options", "-c default_transaction_read_only=off"), true),
        (("options", r"-c default\_transaction_read_only=of"), true),
        (("default_transaction_read_only", "off"), true),
        (("options", "-c default_transaction_read_only=on"), false),
        (("options", "-c work_mem=4MB"), false),
    ] {
        let mut client = Client::connect_with(&dsn, &[parameter])?;
        let error = raw::error(&client.query("SELECT 1")?);
        assert_eq!(error.is_some(), refused, "{parameter:?}: {error:?}");
    }
    Ok(())
}

/// The server's own list is the measure: a function that it declares volatile is refused unless it is known to read only.
fn no_built_in_function_changes_anything(version: Version) -> Result<()> {
    let world = world(version, "read_only_functions")?;
    let mut direct = Client::connect(&world.direct)?;
    let mut client = world.client()?;
    let calls = direct.query(volatile::CALLS)?;
    let calls: Vec<_> = calls
        .iter()
        .filter(|message| message.tag == b'D')
        .map(raw::Message::cells)
        .collect();
    assert!(calls.len() > 150, "{} functions", calls.len());
    let mut wrong = Vec::new();
    for call in calls {
        let [Some(name), Some(call)] = call.as_slice() else {
            anyhow::bail!("{call:?} is no call");
        };
        let error = raw::error(&client.query(&format!("EXPLAIN SELECT {call}"))?);
        let refused = error.as_ref().is_some_and(|error| error[&'C'] == "25006");
        if !refused && !volatile::only_reads(name) {
            wrong.push(format!("{call}: {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "permitted:\n{}", wrong.join("\n"));
    Ok(())
}
