//! Many statements are held at one time, and others go on.

use anyhow::{Result, ensure};
use gatewright_tests::raw::{self, Client, error, tags};

use super::stage::{DELETE, Stage, until_held};

/// Of each identity: more wait at no time.
const EACH: usize = 100;

#[test]
fn two_hundred_are_held_while_others_go_on() -> Result<()> {
    let stage = Stage::start("holding_many", &[DELETE])?;
    let mut held: Vec<(Client, String)> = Vec::new();
    for dsn in [stage.dsn()?, stage.reviewers_dsn()?] {
        for number in 0..EACH {
            let mut client = Client::connect(&dsn)?;
            client.send(&raw::query(&format!(
                "DELETE FROM t WHERE n = {}",
                number + 100
            )))?;
            let (_, id) = until_held(&mut client)?;
            held.push((client, id));
        }
    }
    let refused = {
        let mut client = stage.client()?;
        client.query("BEGIN")?;
        let answered = client.query("DELETE FROM t")?;
        error(&answered)
    };
    ensure!(refused.is_some_and(|refused| refused[&'C'] == "53400"));
    let mut other = stage.client()?;
    for _ in 0..20 {
        ensure!(error(&other.query("INSERT INTO t VALUES (50)")?).is_none());
    }
    ensure!(stage.rows()? == "29");
    // Those of the reviewer nobody here may approve.
    for (client, id) in held.iter_mut().take(EACH) {
        stage.api().decide_about(id, "approve")?;
        let answered = client.until_ready()?;
        // They may have been told again that they wait.
        ensure!(tags(&answered).trim_start_matches('N') == "CZ");
    }
    Ok(())
}
