//! Statements of clients that do not wait: refused with the id of the request, and run when they are sent again once approved.

use anyhow::{Context, Result, ensure};
use gatewright_tests::raw::{Client, Message, error};

use super::stage::{DELETE, Stage, detail, id};

/// The id in the refusal of a statement that needs approval.
fn returned(answered: &[Message]) -> Result<String> {
    let refused = error(answered).with_context(|| format!("{answered:?}"))?;
    ensure!(
        refused[&'C'] == "42501" && refused[&'M'] == "this statement needs approval",
        "{refused:?}"
    );
    let said = detail(&refused)?;
    ensure!(
        said["decision"] == "pending" && said["retry"] == true && said["url"].is_string(),
        "{said}"
    );
    id(&said)
}

#[test]
fn the_same_statement_runs_once_when_it_is_sent_again() -> Result<()> {
    let stage = Stage::start("returned_once", &[DELETE])?;
    let statement = "DELETE FROM t WHERE n > 5";
    let first = returned(&stage.impatient()?.query(statement)?)?;
    let mut client = stage.impatient()?;
    ensure!(returned(&client.query(statement)?)? == first);
    stage.api().decide_about(&first, "approve")?;
    // What differs in anything is another request.
    let others = [
        "DELETE FROM t WHERE n > 4",
        "DELETE FROM t WHERE n > 5 ",
        "delete FROM t WHERE n > 5",
    ];
    for other in others {
        ensure!(returned(&client.query(other)?)? != first, "{other}");
    }
    let options = "-c gatewright.approval=return";
    for parameters in [
        [(
            "options",
            "-c gatewright.approval=return -c search_path=pg_catalog,public",
        )],
        [(
            "options",
            "-c gatewright.approval=return -c datestyle=German",
        )],
    ] {
        let mut other = Client::connect_with(&stage.dsn()?, &parameters)?;
        ensure!(
            returned(&other.query(statement)?)? != first,
            "{parameters:?}"
        );
    }
    let mut reviewer = Client::connect_with(&stage.reviewers_dsn()?, &[("options", options)])?;
    ensure!(returned(&reviewer.query(statement)?)? != first);
    // One that waits is not let through by an approval of one that does not: it is the same statement.
    ensure!(stage.rows()? == "9");
    let done = client.query(statement)?;
    ensure!(error(&done).is_none() && stage.rows()? == "5", "{done:?}");
    let end = stage.api().state(&first, "executed")?;
    ensure!(end["outcome"]["sqlstate"].is_null(), "{end}");
    ensure!(returned(&client.query(statement)?)? != first);
    Ok(())
}

#[test]
fn an_application_says_so_in_its_name() -> Result<()> {
    let stage = Stage::start("returned_name", &[DELETE])?;
    let name = [("application_name", "job gatewright.approval=return")];
    let mut client = Client::connect_with(&stage.dsn()?, &name)?;
    returned(&client.query("DELETE FROM t")?)?;
    ensure!(error(&client.query("SELECT 1")?).is_none());
    Ok(())
}

#[test]
fn an_approval_that_was_not_used_in_time_is_none() -> Result<()> {
    let stage = Stage::with_limits("returned_late", &[DELETE], 0, 1)?;
    let mut client = stage.impatient()?;
    let first = returned(&client.query("DELETE FROM t")?)?;
    stage.api().decide_about(&first, "approve")?;
    stage.api().state(&first, "expired")?;
    ensure!(returned(&client.query("DELETE FROM t")?)? != first);
    ensure!(stage.rows()? == "9");
    Ok(())
}

/// Where it is not certain what names mean, nobody could tell later whether they mean the same.
#[test]
fn a_search_path_that_is_not_certain_is_no_ground_for_an_approval() -> Result<()> {
    let stage = Stage::start("returned_path", &[DELETE])?;
    let mut client = stage.impatient()?;
    client.query("BEGIN; SET LOCAL search_path TO public")?;
    let refused = error(&client.query("DELETE FROM t")?).context("an error")?;
    ensure!(
        refused[&'D'].contains("approval-search-path"),
        "{refused:?}"
    );
    client.query("ROLLBACK")?;
    Ok(())
}
