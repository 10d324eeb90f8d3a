//! COPY, cursors, portals that are read in parts, PREPARE and EXECUTE, and functions called by message.

use anyhow::{Context, Result, ensure};
use gatewright_tests::raw::{self, error, tags};

use super::stage::{COPY_IN, COPY_OUT, CURSOR, PREPARE, SELECT, Stage, run, until_held};

#[test]
fn copies_begin_once_they_are_approved() -> Result<()> {
    let stage = Stage::start("holding_copy", &[COPY_IN, COPY_OUT])?;
    let mut client = stage.client()?;
    let data = [raw::message(b'd', &[b"100\n"]), raw::message(b'c', &[])].concat();
    client.send(&raw::query("COPY t FROM STDIN"))?;
    let (_, held) = until_held(&mut client)?;
    stage.api().decide_about(&held, "approve")?;
    ensure!(client.receive()?.tag == b'G');
    client.send(&data)?;
    ensure!(tags(&client.until_ready()?) == "CZ");
    stage.api().state(&held, "executed")?;

    // The data was sent ahead.
    client.send(&[run("COPY t FROM STDIN"), data.clone(), raw::sync()].concat())?;
    let (_, held) = until_held(&mut client)?;
    stage.api().decide_about(&held, "approve")?;
    ensure!(tags(&client.until_ready()?).ends_with("GCZ"));
    ensure!(stage.rows()? == "11");

    // Of one that is rejected the data is ignored.
    client.send(&[run("COPY t FROM STDIN"), data, raw::sync()].concat())?;
    let (_, held) = until_held(&mut client)?;
    stage.api().decide_about(&held, "reject")?;
    ensure!(tags(&client.until_ready()?).ends_with("EZ"));
    ensure!(stage.rows()? == "11");

    client.send(&raw::query("COPY t TO STDOUT"))?;
    let (_, held) = until_held(&mut client)?;
    stage.api().decide_about(&held, "approve")?;
    let copied = tags(&client.until_ready()?);
    ensure!(
        copied.starts_with("Hd") && copied.ends_with("cCZ"),
        "{copied}"
    );
    Ok(())
}

#[test]
fn cursors_and_prepared_statements_are_shown_with_what_they_name() -> Result<()> {
    let stage = Stage::start("holding_named", &[CURSOR, PREPARE])?;
    let mut client = stage.client()?;
    client.query("BEGIN")?;
    for (sql, shown) in [
        ("DECLARE c CURSOR FOR SELECT n FROM t ORDER BY n", ""),
        ("FETCH 2 FROM c", "DECLARE c CURSOR FOR SELECT n FROM t"),
        ("PREPARE p AS SELECT n FROM t WHERE n = $1", ""),
        ("EXECUTE p (3)", "PREPARE p AS SELECT n FROM t WHERE n = $1"),
    ] {
        client.send(&raw::query(sql))?;
        let (_, held) = until_held(&mut client)?;
        let asked = stage.api().request(&held)?;
        let statement = asked["statement"].as_str().context("a statement")?;
        ensure!(
            statement.starts_with(sql) && statement.contains(shown),
            "{asked}"
        );
        stage.api().decide_about(&held, "approve")?;
        ensure!(error(&client.until_ready()?).is_none());
        stage.api().state(&held, "executed")?;
    }
    Ok(())
}

#[test]
fn a_portal_that_is_read_in_parts_needs_one_approval() -> Result<()> {
    let stage = Stage::start("holding_portal", &[SELECT])?;
    let mut client = stage.client()?;
    let part = || [raw::execute("", 4), raw::flush()].concat();
    client.send(&raw::query("BEGIN"))?;
    client.until_ready()?;
    let bound = [
        raw::parse("", "SELECT n FROM t"),
        raw::bind("", "", &[], 0),
        part(),
    ];
    client.send(&bound.concat())?;
    let (mut seen, held) = until_held(&mut client)?;
    stage.api().decide_about(&held, "approve")?;
    for expected in ["12DDDDs", "DDDDs", "DC"] {
        while !seen.ends_with(['s', 'C']) {
            seen.push(char::from(client.receive()?.tag));
        }
        ensure!(std::mem::take(&mut seen) == expected);
        client.send(&part())?;
    }
    ensure!(client.receive()?.tag == b'C');
    client.send(&raw::sync())?;
    client.until_ready()?;
    ensure!(stage.api().all()?.len() == 1);
    stage.api().state(&held, "executed")?;
    Ok(())
}

/// Its arguments cannot be shown.
#[test]
fn a_function_called_by_message_is_refused() -> Result<()> {
    let stage = Stage::start("holding_call", &[SELECT])?;
    let mut client = stage.client()?;
    // abs(int4)
    let call = raw::message(
        b'F',
        &[
            &1397_u32.to_be_bytes(),
            &[0, 0, 0, 1, 0, 0, 0, 1],
            b"7",
            &[0, 0],
        ],
    );
    client.send(&call)?;
    let refused = error(&client.until_ready()?).context("an error")?;
    ensure!(
        refused[&'C'] == "42501" && refused[&'D'].contains("approval-of-call"),
        "{refused:?}"
    );
    ensure!(stage.api().all()?.is_empty());
    Ok(())
}
