//! What a grant lifts, for whom, and until when.

use anyhow::{Context, Result, ensure};
use gatewright_tests::raw::{self, Client, Message, error};
use serde_json::json;

use super::stage::{
    Stage, Store, asked, decide, decided, for_t, is_free, needs_approval, runs, shown,
};
use crate::guest;
use crate::holding::stage::{DELETE, detail, until_held};
use crate::world::eventually;

const STATEMENT: &str = "DELETE FROM t";

/// Runs a prepared statement in a transaction that is taken back.
fn run_prepared(client: &mut Client, name: &str) -> Result<Vec<Message>> {
    let begun = client.query("BEGIN")?;
    ensure!(error(&begun).is_none(), "{begun:?}");
    let run = [
        raw::bind("", name, &[], 0),
        raw::execute("", 0),
        raw::sync(),
    ];
    client.send(&run.concat())?;
    let answered = client.until_ready()?;
    client.query("ROLLBACK")?;
    Ok(answered)
}

#[test]
fn a_grant_lifts_what_needs_approval_until_it_is_revoked_with_sqlite() -> Result<()> {
    until_it_is_revoked("grants_sqlite", Store::Sqlite)
}

#[test]
fn a_grant_lifts_what_needs_approval_until_it_is_revoked_with_postgresql() -> Result<()> {
    until_it_is_revoked("grants_postgresql", Store::Postgresql)
}

fn until_it_is_revoked(test: &str, store: Store) -> Result<()> {
    let stage = Stage::start(test, store)?;
    let mut client = stage.ada()?;
    let refused = needs_approval(&client.query(STATEMENT)?)?;
    // Access is asked for with the id of what was refused.
    let ada = stage.api(stage.token("ada")?);
    let statement = refused["statement"].as_str().context("an id")?;
    let by_id =
        json!({ "from_statement": statement, "duration_seconds": 3600, "reason": "ticket 4711" });
    let grant = asked(&ada, &by_id)?;
    let asked_for = shown(&ada, &grant)?;
    ensure!(
        asked_for["tables"] == json!([{ "schema": "public", "name": "t", "verbs": ["delete"] }])
            && asked_for["databases"] == json!(["here"])
            && asked_for["statement_id"] == statement,
        "{asked_for}"
    );
    // Nothing has changed yet, and neither she nor an agent decides.
    needs_approval(&client.query(STATEMENT)?)?;
    for (token, code) in [
        (stage.issuer.token("ada", &["dba"])?, "requester"),
        (
            stage.issuer.agents_token("bob", &["dba"], "helper")?,
            "not-a-person",
        ),
        (stage.token("eve")?, "not-found"),
    ] {
        let answer = decided(&stage.api(token), &grant, "approve")?;
        ensure!(answer["code"] == code, "{answer}");
    }
    let approved = decide(&stage.bob()?, &grant, "approve")?;
    ensure!(approved["state"] == "approved", "{approved}");
    client.send(&[raw::parse("s", STATEMENT), raw::sync()].concat())?;
    ensure!(error(&client.until_ready()?).is_none());
    for _ in 0..2 {
        runs(&mut client, STATEMENT)?;
        let answered = run_prepared(&mut client, "s")?;
        ensure!(error(&answered).is_none(), "{answered:?}");
    }
    // It covers what it names, and nothing else.
    needs_approval(&client.query("TRUNCATE t")?)?;
    needs_approval(&client.query("UPDATE t SET n = 1")?)?;
    let revoked = decide(&stage.bob()?, &grant, "revoke")?;
    ensure!(revoked["state"] == "revoked", "{revoked}");
    // The statement that was prepared before, and the text that was judged before.
    needs_approval(&run_prepared(&mut client, "s")?)?;
    needs_approval(&client.query(STATEMENT)?)?;
    let late = decided(&stage.bob()?, &grant, "revoke")?;
    ensure!(
        late["code"] == "state" && late["state"] == "revoked",
        "{late}"
    );
    Ok(())
}

#[test]
fn a_grant_ends_by_itself() -> Result<()> {
    let stage = Stage::start("grants_expiry", Store::Sqlite)?;
    let ada = stage.api(stage.token("ada")?);
    let grant = stage.granted(&ada, &for_t(&["delete"], 2))?;
    let mut client = stage.ada()?;
    eventually("the grant has ended", || {
        Ok(!is_free(&mut client, STATEMENT)?)
    })?;
    eventually("the store knows", || {
        Ok(shown(&ada, &grant)?["state"] == "expired")
    })
}

#[test]
fn whoever_holds_it_can_give_it_back() -> Result<()> {
    let stage = Stage::start("grants_withdrawn", Store::Sqlite)?;
    let ada = stage.api(stage.token("ada")?);
    let grant = stage.granted(&ada, &for_t(&["delete"], 3600))?;
    let mut client = stage.ada()?;
    runs(&mut client, STATEMENT)?;
    let withdrawn = decide(&ada, &grant, "withdraw")?;
    ensure!(withdrawn["state"] == "withdrawn", "{withdrawn}");
    needs_approval(&client.query(STATEMENT)?)?;
    Ok(())
}

#[test]
fn a_persons_grant_is_not_their_agents_and_an_agents_not_the_persons() -> Result<()> {
    let stage = Stage::start("grants_agents", Store::Sqlite)?;
    let agent = || stage.agents_token("ada", "helper");
    let mut people = stage.ada()?;
    let mut agents = stage.client(agent()?)?;
    let ada = stage.api(stage.token("ada")?);
    let hers = stage.granted(&ada, &for_t(&["delete"], 3600))?;
    runs(&mut people, STATEMENT)?;
    needs_approval(&agents.query(STATEMENT)?)?;
    decide(&stage.bob()?, &hers, "revoke")?;
    stage.granted(&stage.api(agent()?), &for_t(&["delete"], 3600))?;
    needs_approval(&people.query(STATEMENT)?)?;
    runs(&mut agents, STATEMENT)?;
    let mut other = stage.client(stage.agents_token("ada", "other")?)?;
    needs_approval(&other.query(STATEMENT)?)?;
    // She asks for it by name.
    let mut for_other = for_t(&["delete"], 3600);
    for_other["agent"] = "other".into();
    stage.granted(&ada, &for_other)?;
    runs(&mut other, STATEMENT)?;
    needs_approval(&people.query(STATEMENT)?)?;
    // Of other subjects' sessions nothing has changed.
    needs_approval(&stage.client(stage.token("eve")?)?.query(STATEMENT)?)?;
    Ok(())
}

#[test]
fn a_grant_lifts_what_deny_list_refuses() -> Result<()> {
    let settings = "[policy.deny-list.settings]\naccess_grants = \"accept\"\n";
    let stage = Stage::with("grants_denied", Store::Sqlite, 1, &["deny-list"], settings)?;
    let mut client = stage.ada()?;
    let refused = error(&client.query("TRUNCATE t")?).context("it ran")?;
    let refused = detail(&refused)?;
    ensure!(refused["code"] == "command", "{refused}");
    let by_id =
        json!({ "from_statement": refused["decision"], "duration_seconds": 60, "reason": "r" });
    // It is nobody else's to ask for.
    let eves = stage.api(stage.token("eve")?);
    let unknown = eves.call("POST", "/v1/grants", Some(by_id.clone()))?;
    ensure!(unknown["code"] == "unknown-statement", "{unknown}");
    stage.granted(&stage.api(stage.token("ada")?), &by_id)?;
    runs(&mut client, "TRUNCATE t")?;
    let refused = error(&client.query("DROP TABLE t")?).context("it ran")?;
    ensure!(detail(&refused)?["code"] == "command", "{refused:?}");
    Ok(())
}

/// The grant that lifted one policy's requirement is gone when another policy's is met.
#[test]
fn what_is_approved_is_judged_again_where_a_grant_has_ended() -> Result<()> {
    let stage = Stage::with_guest("grants_held", &guest::asking("ask", &[DELETE], 0, 0)?)?;
    let mut client = stage.ada()?;
    let ada = stage.api(stage.token("ada")?);
    let grant = stage.granted(&ada, &for_t(&["delete"], 3600))?;
    client.send(&raw::query(STATEMENT))?;
    let (_, held) = until_held(&mut client)?;
    decide(&stage.bob()?, &grant, "revoke")?;
    stage.bob()?.decide_about(&held, "approve")?;
    let refused = error(&client.until_ready()?).context("it ran")?;
    ensure!(
        detail(&refused)?["code"] == "approval-changed",
        "{refused:?}"
    );
    Ok(())
}
