//! `gatewright serve` with approvals in a file: what outlives the process, and what its configuration says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Dsn, Gateway, GatewayCommand, Psql, free_port};
use gatewright_tests::raw::{self, Client, error};
use tempfile::TempDir;

use super::stage::{Api, DELETE, detail, id, until_held};
use crate::issuer::Issuer;
use crate::world::eventually;
use crate::{guest, world};

pub struct Deployed {
    pub gateway: Gateway,
    issuer: Issuer,
    direct: Dsn,
    port: u16,
    api_port: u16,
    folder: TempDir,
}

impl Deployed {
    /// `keys`: of `[approvals]`; tables may follow them.
    pub fn start(test: &str, keys: &str) -> Result<Self> {
        Self::with_pool(test, keys, "")
    }

    /// `pool`: of `[[database]]`.
    fn with_pool(test: &str, keys: &str, pool: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let policies = folder.path().join("policies");
        std::fs::create_dir(&policies)?;
        std::fs::write(
            policies.join("ask.wasm"),
            guest::asking("ask", &[DELETE], 0, 0)?,
        )?;
        let direct = world::database(test)?;
        Psql::new(&direct)?
            .query("CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 9)")?;
        let issuer = Issuer::start()?;
        let (port, api_port) = (free_port()?, free_port()?);
        let config = format!(
            r#"
[listen]
address = "127.0.0.1:{port}"
cleartext_password = "loopback"

[[issuer]]
url = "{url}"
audience = "gatewright"
clock_skew = "0s"

[[database]]
name = "here"
host = "127.0.0.1:{server}"
dbname = "{name}"
tls = "disable"
{pool}

[[grant]]
groups = ["staff"]
databases = ["here"]
role = "{user}"
password = "{password}"

[policies]
directory = "policies"

[approvals]
people = ["{url}"]
reviewers = ["dba"]
{keys}

[api]
address = "127.0.0.1:{api_port}"
"#,
            url = issuer.url,
            server = world::postgres()?.port(),
            name = direct.database,
            user = direct.user,
            password = direct.password,
        );
        std::fs::write(folder.path().join("gatewright.toml"), config)?;
        let gateway = serve(&folder, port)?;
        Ok(Deployed {
            gateway,
            issuer,
            direct,
            port,
            api_port,
            folder,
        })
    }

    fn client(&self, token: String) -> Result<Client> {
        self.client_with(token, &[])
    }

    fn client_with(&self, token: String, parameters: &[(&str, &str)]) -> Result<Client> {
        Client::connect_with(&self.dsn_with(token), parameters)
    }

    fn dsn_with(&self, token: String) -> Dsn {
        Dsn {
            user: "ada".to_owned(),
            password: token,
            host: "127.0.0.1".to_owned(),
            port: self.port,
            database: "here".to_owned(),
            options: String::new(),
        }
    }

    /// For the same person as [`Deployed::ada`].
    pub fn dsn(&self) -> Result<Dsn> {
        Ok(self.dsn_with(self.issuer.token("ada", &["staff"])?))
    }

    pub fn ada(&self) -> Result<Client> {
        self.client(self.issuer.token("ada", &["staff"])?)
    }

    /// As a reviewer.
    pub fn api(&self) -> Result<Api> {
        let token = self.issuer.token("bob", &["dba"])?;
        Ok(Api::at(&format!("127.0.0.1:{}", self.api_port), token))
    }

    /// Kills the gateway and starts it again.
    pub fn restart(&mut self) -> Result<()> {
        self.gateway.process().signal("KILL")?;
        self.gateway.process_mut().wait(Duration::from_secs(30))?;
        self.gateway = serve(&self.folder, self.port)?;
        Ok(())
    }

    /// Has the gateway read its configuration again, with a change.
    pub fn reload(&self, was: &str, is: &str) -> Result<()> {
        let path = self.folder.path().join("gatewright.toml");
        let text = std::fs::read_to_string(&path)?;
        ensure!(text.contains(was), "{text}");
        std::fs::write(&path, text.replace(was, is))?;
        self.gateway.process().signal("HUP")
    }

    pub fn rows(&self) -> Result<String> {
        let counted = Psql::new(&self.direct)?.query("SELECT count(*) FROM t")?;
        Ok(counted.trim().to_owned())
    }
}

fn serve(folder: &TempDir, port: u16) -> Result<Gateway> {
    let config = folder.path().join("gatewright.toml");
    GatewayCommand::serve(&config).ready_at(port).start()
}

#[test]
fn what_was_held_when_the_gateway_died_is_withdrawn_when_it_is_back() -> Result<()> {
    let mut deployed = Deployed::start("holding_restart", "")?;
    let mut client = deployed.ada()?;
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut client)?;
    deployed.restart()?;
    ensure!(client.receive().is_err());
    deployed.api()?.state(&held, "withdrawn")?;
    ensure!(deployed.rows()? == "9");
    Ok(())
}

#[test]
fn a_gateway_that_stops_tells_the_store_first() -> Result<()> {
    let mut deployed = Deployed::start("holding_stopped", "")?;
    let mut client = deployed.ada()?;
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut client)?;
    deployed.gateway.process().signal("TERM")?;
    let status = deployed
        .gateway
        .process_mut()
        .wait(Duration::from_secs(30))?;
    ensure!(status.success(), "{status}");
    deployed.gateway = serve(&deployed.folder, deployed.port)?;
    let request = deployed.api()?.state(&held, "withdrawn")?;
    ensure!(
        request["outcome"]["ended"] == "gateway stopped",
        "{request}"
    );
    Ok(())
}

#[test]
fn a_client_is_told_again_and_again() -> Result<()> {
    let deployed = Deployed::start("holding_reminded", "notice_interval = \"100ms\"")?;
    let mut client = deployed.ada()?;
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut client)?;
    for _ in 0..3 {
        let (before, again) = until_held(&mut client)?;
        ensure!(before.is_empty() && again == held);
    }
    deployed.api()?.decide_about(&held, "approve")?;
    ensure!(error(&client.until_ready()?).is_none());
    ensure!(deployed.rows()? == "0");
    Ok(())
}

/// Only for people in the groups, never quietly, and reviewed by somebody else.
#[test]
fn who_breaks_the_glass_does_not_wait() -> Result<()> {
    let deployed = Deployed::start("holding_break_glass", "break_glass = [\"sre\"]")?;
    let option = [("options", "-c gatewright.break_glass=outage\\ 42")];
    let issuer = &deployed.issuer;
    for (token, option, code) in [
        (issuer.token("eve", &["staff"])?, option, "break-glass"),
        (
            issuer.agents_token("ada", &["staff", "sre"], "helper")?,
            option,
            "break-glass",
        ),
        (
            issuer.token("ada", &["staff", "sre"])?,
            [("options", "-c gatewright.break_glass=")],
            "break-glass-justification",
        ),
    ] {
        let mut client = deployed.client_with(token, &option)?;
        let refused = error(&client.query("DELETE FROM t")?).context("it is not refused")?;
        ensure!(detail(&refused)?["code"] == code, "{refused:?}");
    }
    ensure!(deployed.api()?.all()?.is_empty() && deployed.rows()? == "9");
    let token = issuer.token("ada", &["staff", "sre"])?;
    let mut ada = deployed.client_with(token, &option)?;
    ensure!(error(&ada.query("DELETE FROM t WHERE n < 4")?).is_none());
    ensure!(deployed.rows()? == "6");
    let api = deployed.api()?;
    eventually("it is to be reviewed", || Ok(!api.to_review()?.is_empty()))?;
    let due = api.to_review()?;
    ensure!(due.len() == 1 && due[0]["state"] == "executed", "{due:?}");
    let broken = &due[0]["break_glass"];
    ensure!(broken["justification"] == "outage 42", "{broken}");
    ensure!(due[0]["decided_by"] == "ada", "{due:?}");
    let log = deployed.gateway.log()?;
    ensure!(log.contains("somebody broke the glass"), "{log}");
    api.decide_about(&id(&due[0])?, "review")?;
    ensure!(api.to_review()?.is_empty());
    let request = api.request(&id(&due[0])?)?;
    ensure!(request["break_glass"]["reviewed_by"] == "bob", "{request}");
    Ok(())
}

/// Nobody waits for people who are away; what they decide all the same counts.
#[test]
fn outside_of_hours_statements_are_returned() -> Result<()> {
    let days = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 86_400;
    // The first of January 1970 was a Thursday.
    let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let later = names[usize::try_from((days + 3) % 7)?];
    let deployed = Deployed::start("holding_hours", &format!("hours = \"{later} 00:00-24:00\""))?;
    let mut client = deployed.ada()?;
    let refused = error(&client.query("DELETE FROM t")?).context("it is not refused")?;
    let said = detail(&refused)?;
    ensure!(said["decision"] == "pending", "{said}");
    ensure!(said["reviewers_from"].is_string(), "{said}");
    ensure!(
        refused[&'H'].starts_with("Reviewers decide from "),
        "{refused:?}"
    );
    let asked = id(&said)?;
    deployed.api()?.decide_about(&asked, "approve")?;
    ensure!(error(&client.query("DELETE FROM t")?).is_none());
    deployed.api()?.state(&asked, "executed")?;
    ensure!(deployed.rows()? == "0");
    Ok(())
}

/// An approval is for the agent too, and never for the person behind it.
#[test]
fn what_agents_send_may_be_returned() -> Result<()> {
    let deployed = Deployed::start("returned_agents", "agents = \"return\"")?;
    let agents = |agent| deployed.issuer.agents_token("ada", &["staff"], agent);
    let returned = |client: &mut Client| {
        let refused = error(&client.query("DELETE FROM t")?).context("it is not refused")?;
        id(&detail(&refused)?)
    };
    let mut agent = deployed.client(agents("helper")?)?;
    let first = returned(&mut agent)?;
    let request = deployed.api()?.request(&first)?;
    ensure!(
        request["requester"]["agent"] == "helper" && request["wait"] == "return",
        "{request}"
    );
    deployed.api()?.decide_about(&first, "approve")?;
    ensure!(returned(&mut deployed.client(agents("other")?)?)? != first);
    // Ada herself waits.
    let mut ada = deployed.ada()?;
    ada.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut ada)?;
    ensure!(held != first);
    ensure!(deployed.rows()? == "9");
    ensure!(error(&agent.query("DELETE FROM t")?).is_none());
    deployed.api()?.state(&first, "executed")?;
    ensure!(deployed.rows()? == "0");
    Ok(())
}

/// The token of the session's login ends while a statement is held.
#[test]
fn the_end_of_a_token_withdraws_what_is_held() -> Result<()> {
    let deployed = Deployed::start("holding_token", "")?;
    let token = deployed
        .issuer
        .token_for("ada", &["staff"], "gatewright", 8)?;
    let mut client = deployed.client(token)?;
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut client)?;
    let request = deployed.api()?.state(&held, "withdrawn")?;
    ensure!(request["outcome"]["ended"] == "session ended", "{request}");
    let fatal = client.receive()?;
    ensure!(fatal.fields()[&'C'] == "28000", "{fatal:?}");
    Ok(())
}

/// Notices that come while another session has the pool's only connection do not wait for it.
#[test]
fn who_is_told_again_needs_no_connection_of_a_pool() -> Result<()> {
    let deployed = Deployed::with_pool(
        "holding_pool_wait",
        "notice_interval = \"100ms\"",
        "pool = \"transaction\"\npool_size = 1\npool_wait = \"300ms\"",
    )?;
    let mut client = deployed.ada()?;
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut client)?;
    let mut other = deployed.ada()?;
    ensure!(error(&other.query("BEGIN; INSERT INTO t VALUES (50)")?).is_none());
    // Longer than anybody may wait for the connection.
    for _ in 0..10 {
        let (before, again) = until_held(&mut client)?;
        ensure!(before.is_empty() && again == held);
    }
    ensure!(error(&other.query("COMMIT")?).is_none());
    deployed.api()?.decide_about(&held, "approve")?;
    ensure!(error(&client.until_ready()?).is_none());
    ensure!(deployed.rows()? == "0");
    Ok(())
}
