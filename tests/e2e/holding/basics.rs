//! Yes, no, too late, and no longer wanted; with simple and extended messages.

use anyhow::{Context, Result, ensure};
use gatewright_tests::raw::{self, Client, error, tags};

use super::stage::{DELETE, Stage, detail, id};

/// A held client has its notice. Returns the id of the request.
fn noticed(client: &mut Client) -> Result<String> {
    let mut notice = client.receive()?;
    // What was sent before it is answered meanwhile.
    while matches!(notice.tag, b'1' | b'2') {
        notice = client.receive()?;
    }
    ensure!(notice.tag == b'N', "{notice:?}");
    let fields = notice.fields();
    ensure!(
        fields[&'S'] == "NOTICE" && fields[&'C'] == "01000" && fields[&'M'] == "held for approval"
    );
    ensure!(fields[&'H'].contains("Cancelling"), "{fields:?}");
    let detail = detail(&fields)?;
    for key in ["id", "url", "expires_at", "policy", "code", "reason"] {
        ensure!(detail[key].is_string(), "{key}: {detail}");
    }
    id(&detail)
}

fn simple(sql: &str) -> Vec<u8> {
    raw::query(sql)
}

fn extended(sql: &str) -> Vec<u8> {
    let messages = [
        raw::parse("", sql),
        raw::bind("", "", &[], 0),
        raw::execute("", 0),
        raw::sync(),
    ];
    messages.concat()
}

#[test]
fn a_held_query_goes_on_in_its_transaction() -> Result<()> {
    goes_on("holding_simple", simple)
}

#[test]
fn a_held_execute_goes_on_in_its_transaction() -> Result<()> {
    goes_on("holding_extended", extended)
}

fn goes_on(test: &str, message: fn(&str) -> Vec<u8>) -> Result<()> {
    let stage = Stage::start(test, &[DELETE])?;
    let mut client = stage.client()?;
    client.query("BEGIN; INSERT INTO t VALUES (10); SELECT pg_backend_pid()")?;
    client.send(&message("DELETE FROM t WHERE n > 4"))?;
    let held = noticed(&mut client)?;
    let asked = stage.api().pending("DELETE FROM t")?;
    ensure!(
        asked["id"] == held.as_str() && asked["statement"] == "DELETE FROM t WHERE n > 4",
        "{asked}"
    );
    stage.api().decide_about(&held, "approve")?;
    let answered = client.until_ready()?;
    ensure!(tags(&answered).ends_with("CZ"), "{}", tags(&answered));
    let done = answered.iter().find(|message| message.tag == b'C');
    ensure!(done.context("an end")?.text() == "DELETE 6", "{answered:?}");
    ensure!(answered.last().context("ready")?.body == b"T");
    let executed = stage.api().state(&held, "executed")?;
    ensure!(executed["outcome"]["rows"] == 6, "{executed}");
    ensure!(stage.rows()? == "9", "it is not committed");
    client.query("COMMIT")?;
    ensure!(stage.rows()? == "4");
    Ok(())
}

#[test]
fn a_rejected_statement_fails_as_if_refused_and_the_session_goes_on() -> Result<()> {
    let stage = Stage::start("holding_rejected", &[DELETE])?;
    for message in [simple, extended] {
        let mut client = stage.client()?;
        client.query("BEGIN")?;
        client.send(&message("DELETE FROM t"))?;
        let held = noticed(&mut client)?;
        stage.api().decide_about(&held, "reject")?;
        let answered = client.until_ready()?;
        let refused = error(&answered).context("an error")?;
        ensure!(
            refused[&'C'] == "42501" && refused[&'S'] == "ERROR",
            "{refused:?}"
        );
        let said = detail(&refused)?;
        ensure!(
            said["id"] == held.as_str() && said["decision"] == "rejected",
            "{said}"
        );
        ensure!(
            said["by"] == "reviewer" && said["reason"] == "reject: ticket 4711",
            "{said}"
        );
        ensure!(said["retry"] == false, "{said}");
        ensure!(answered.last().context("ready")?.body == b"E");
        client.query("ROLLBACK")?;
        ensure!(error(&client.query("SELECT 1")?).is_none());
        ensure!(stage.rows()? == "9");
    }
    Ok(())
}

#[test]
fn a_statement_about_which_nobody_decides_fails_when_its_time_is_over() -> Result<()> {
    let stage = Stage::with_limits("holding_expired", &[DELETE], 300, 0)?;
    for message in [simple, extended] {
        let mut client = stage.client()?;
        client.send(&message("DELETE FROM t"))?;
        let held = noticed(&mut client)?;
        let answered = client.until_ready()?;
        let refused = error(&answered).context("an error")?;
        let said = detail(&refused)?;
        ensure!(
            said["decision"] == "expired" && said["retry"] == true,
            "{said}"
        );
        stage.api().state(&held, "expired")?;
        ensure!(error(&client.query("SELECT 1")?).is_none());
    }
    ensure!(stage.rows()? == "9");
    Ok(())
}

#[test]
fn a_cancel_request_withdraws_what_is_held() -> Result<()> {
    let stage = Stage::start("holding_cancelled", &[DELETE])?;
    for message in [simple, extended] {
        let mut client = stage.client()?;
        client.send(&message("DELETE FROM t"))?;
        let held = noticed(&mut client)?;
        cancel(&stage, &client)?;
        let answered = client.until_ready()?;
        let refused = error(&answered).context("an error")?;
        ensure!(refused[&'C'] == "57014", "{refused:?}");
        let request = stage.api().state(&held, "withdrawn")?;
        ensure!(request["outcome"]["ended"] == "cancelled", "{request}");
        ensure!(error(&client.query("SELECT 1")?).is_none());
    }
    ensure!(stage.rows()? == "9");
    Ok(())
}

fn cancel(stage: &Stage, client: &Client) -> Result<()> {
    use std::io::{Read, Write};
    let dsn = stage.dsn()?;
    let mut stream = std::net::TcpStream::connect((dsn.host.as_str(), dsn.port))?;
    let length = u32::try_from(8 + client.key.len())?;
    let code = 80_877_102_u32;
    stream.write_all(
        &[
            &length.to_be_bytes(),
            &code.to_be_bytes(),
            client.key.as_slice(),
        ]
        .concat(),
    )?;
    // The gateway closes the connection once it has taken note.
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}

/// How a client leaves; what is returned is kept open.
type Leave = fn(Client) -> Result<Option<Client>>;

/// Whatever way a client leaves, what it left does not run, although somebody agrees.
#[test]
fn what_a_client_leaves_never_runs() -> Result<()> {
    let stage = Stage::start("holding_left", &[DELETE])?;
    let ways: [Leave; 3] = [
        |client| {
            drop(client);
            Ok(None)
        },
        |client| {
            client.stream().shutdown(std::net::Shutdown::Write)?;
            Ok(Some(client))
        },
        |client| {
            // With unread bytes, closing resets.
            drop(client);
            Ok(None)
        },
    ];
    for (number, leave) in ways.into_iter().enumerate() {
        for message in [simple, extended] {
            let mut client = stage.client()?;
            client.send(&message("DELETE FROM t"))?;
            let held = match number {
                2 => id(&stage.api().pending("DELETE FROM t")?)?,
                _ => noticed(&mut client)?,
            };
            let _kept = leave(client)?;
            let request = stage.api().state(&held, "withdrawn")?;
            ensure!(request["outcome"]["ended"] == "client left", "{request}");
            ensure!(stage.api().decide_about(&held, "approve").is_err());
        }
    }
    ensure!(stage.rows()? == "9");
    Ok(())
}

/// The server's own error of a statement that was approved.
#[test]
fn a_statement_that_fails_once_approved_is_told_with_its_error() -> Result<()> {
    let stage = Stage::start("holding_fails", &[DELETE])?;
    for message in [simple, extended] {
        let mut client = stage.client()?;
        client.send(&message("DELETE FROM t WHERE n / 0 = 1"))?;
        let held = noticed(&mut client)?;
        stage.api().decide_about(&held, "approve")?;
        let failed = error(&client.until_ready()?).context("an error")?;
        ensure!(failed[&'C'] == "22012", "{failed:?}");
        let request = stage.api().state(&held, "failed")?;
        ensure!(request["outcome"]["sqlstate"] == "22012", "{request}");
    }
    Ok(())
}
