//! Gateways with a store, policies that take access grants into account, and people who ask and decide.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Dsn, Gateway, GatewayCommand, Psql, free_port};
use gatewright_tests::raw::{Client, Message, error};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::holding::stage::{Api, detail, id};
use crate::issuer::Issuer;
use crate::world;

/// Where the gateways keep what people decide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Store {
    Sqlite,
    Postgresql,
}

/// Gateways in front of a database with a table `t` of the numbers 1 to 9.
pub struct Stage {
    gateways: Vec<Served>,
    pub issuer: Issuer,
    pub direct: Dsn,
    _folder: TempDir,
}

struct Served {
    gateway: Gateway,
    port: u16,
    api_port: u16,
}

/// The settings of `approve-destructive`.
pub const ACCEPTS: &str =
    "[policy.approve-destructive.settings]\naccess_grants = \"accept\"\nwait = \"return\"\n";

impl Stage {
    pub fn start(test: &str, store: Store) -> Result<Self> {
        Self::with(test, store, 1, &["approve-destructive"], ACCEPTS)
    }

    /// The same, with another policy besides.
    pub fn with_guest(test: &str, guest: &[u8]) -> Result<Self> {
        let folder = policies(&["approve-destructive"])?;
        std::fs::write(folder.path().join("policies/ask.wasm"), guest)?;
        Self::with_folder(test, Store::Sqlite, 1, folder, ACCEPTS)
    }

    /// `count` gateways on one store, with these bundled policies and their settings.
    pub fn with(
        test: &str,
        store: Store,
        count: usize,
        names: &[&str],
        settings: &str,
    ) -> Result<Self> {
        Self::with_folder(test, store, count, policies(names)?, settings)
    }

    fn with_folder(
        test: &str,
        store: Store,
        count: usize,
        folder: TempDir,
        settings: &str,
    ) -> Result<Self> {
        let direct = world::database(test)?;
        Psql::new(&direct)?
            .query("CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 9)")?;
        let store = match store {
            Store::Sqlite => String::new(),
            Store::Postgresql => {
                let place = world::database(&format!("{test}_store"))?;
                std::fs::write(folder.path().join("store-password"), &place.password)?;
                format!(
                    "[store]\nurl = \"postgres://{}@{}:{}/{}\"\npassword_file = \"store-password\"\n",
                    place.user, place.host, place.port, place.database
                )
            }
        };
        let issuer = Issuer::start()?;
        let more = format!("{store}{settings}");
        let gateways = (0..count).map(|_| serve(folder.path(), &issuer.url, &direct, &more));
        let gateways = gateways.collect::<Result<_>>()?;
        Ok(Stage {
            gateways,
            issuer,
            direct,
            _folder: folder,
        })
    }

    pub fn client(&self, token: String) -> Result<Client> {
        self.client_of(0, token)
    }

    pub fn gateway(&mut self, gateway: usize) -> &mut Gateway {
        &mut self.gateways[gateway].gateway
    }

    /// A client of one of the gateways.
    pub fn client_of(&self, gateway: usize, token: String) -> Result<Client> {
        Client::connect(&Dsn {
            user: "ada".to_owned(),
            password: token,
            host: "127.0.0.1".to_owned(),
            port: self.gateways[gateway].port,
            database: "here".to_owned(),
            options: String::new(),
        })
    }

    pub fn ada(&self) -> Result<Client> {
        self.client(self.token("ada")?)
    }

    pub fn token(&self, subject: &str) -> Result<String> {
        self.issuer.token(subject, &["staff"])
    }

    pub fn agents_token(&self, subject: &str, agent: &str) -> Result<String> {
        self.issuer.agents_token(subject, &["staff"], agent)
    }

    /// The API of the first gateway, with this token.
    pub fn api(&self, token: String) -> Api {
        self.api_of(0, token)
    }

    pub fn api_of(&self, gateway: usize, token: String) -> Api {
        Api::at(
            &format!("127.0.0.1:{}", self.gateways[gateway].api_port),
            token,
        )
    }

    /// The API as the reviewer.
    pub fn bob(&self) -> Result<Api> {
        Ok(self.api(self.issuer.token("bob", &["dba"])?))
    }

    /// Bob approves what is asked for. Returns its id.
    pub fn granted(&self, asker: &Api, body: &Value) -> Result<String> {
        let grant = asked(asker, body)?;
        decide(&self.bob()?, &grant, "approve")?;
        Ok(grant)
    }
}

/// A folder for a configuration, with bundled policies in it.
fn policies(names: &[&str]) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let directory = folder.path().join("policies");
    std::fs::create_dir(&directory)?;
    for name in names {
        std::fs::copy(
            world::bundled(name)?,
            directory.join(format!("{name}.wasm")),
        )?;
    }
    Ok(folder)
}

fn serve(folder: &Path, issuer: &str, direct: &Dsn, more: &str) -> Result<Served> {
    let (port, api_port) = (free_port()?, free_port()?);
    let config = format!(
        r#"
[listen]
address = "127.0.0.1:{port}"
cleartext_password = "loopback"

[[issuer]]
url = "{issuer}"
audience = "gatewright"
clock_skew = "0s"

[[database]]
name = "here"
host = "127.0.0.1:{server}"
dbname = "{name}"
tls = "disable"

[[grant]]
groups = ["staff"]
databases = ["here"]
role = "{user}"
password = "{password}"

[policies]
directory = "policies"

[approvals]
people = ["{issuer}"]
reviewers = ["dba"]

[api]
address = "127.0.0.1:{api_port}"
{more}"#,
        server = direct.port,
        name = direct.database,
        user = direct.user,
        password = direct.password,
    );
    let path = folder.join(format!("gatewright-{port}.toml"));
    std::fs::write(&path, config)?;
    let gateway = GatewayCommand::serve(&path).ready_at(port).start()?;
    Ok(Served {
        gateway,
        port,
        api_port,
    })
}

/// What is asked for: to do this to the table `t` for so many seconds.
pub fn for_t(verbs: &[&str], seconds: u64) -> Value {
    json!({
        "databases": ["here"],
        "tables": [{ "schema": "public", "name": "t", "verbs": verbs }],
        "duration_seconds": seconds,
        "reason": "ticket 4711",
    })
}

/// Asks. Returns the id of the grant.
pub fn asked(api: &Api, body: &Value) -> Result<String> {
    let grant = api.call("POST", "/v1/grants", Some(body.clone()))?;
    ensure!(grant["state"] == "pending", "{grant}");
    id(&grant)
}

/// Decides. Returns the grant as it is then.
pub fn decide(api: &Api, grant: &str, what: &str) -> Result<Value> {
    let decided = decided(api, grant, what)?;
    ensure!(decided["id"] == grant, "{decided}");
    Ok(decided)
}

/// What the API answers to a decision, also where that is an error.
pub fn decided(api: &Api, grant: &str, what: &str) -> Result<Value> {
    let path = format!("/v1/grants/{grant}/{what}");
    api.call("POST", &path, Some(json!({ "reason": what })))
}

pub fn shown(api: &Api, grant: &str) -> Result<Value> {
    api.call("GET", &format!("/v1/grants/{grant}"), None)
}

/// Runs a statement that must run, and takes it back.
pub fn runs(client: &mut Client, sql: &str) -> Result<()> {
    let answered = client.query(&format!("BEGIN; {sql}; ROLLBACK"))?;
    ensure!(error(&answered).is_none(), "{sql}: {:?}", error(&answered));
    Ok(())
}

/// The DETAIL of the refusal of a statement that needs approval.
pub fn needs_approval(answered: &[Message]) -> Result<Value> {
    let refused = error(answered).with_context(|| format!("it ran: {answered:?}"))?;
    ensure!(
        refused[&'M'] == "this statement needs approval",
        "{refused:?}"
    );
    detail(&refused)
}

/// Whether it runs; it is taken back.
pub fn is_free(client: &mut Client, sql: &str) -> Result<bool> {
    let answered = client.query(&format!("BEGIN; {sql}; ROLLBACK"))?;
    if error(&answered).is_none() {
        return Ok(true);
    }
    needs_approval(&answered)?;
    // The whole message was refused before its BEGIN ran.
    Ok(false)
}
