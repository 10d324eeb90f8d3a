//! A gateway whose policy wants approvals, and the person who decides.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Dsn, Gateway, GatewayCommand, Psql, Version};
use gatewright_tests::raw::{self, Client};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{guest, world};

/// Discriminants of `verb`.
pub const SELECT: u8 = 0;
pub const DELETE: u8 = 3;
pub const COPY_IN: u8 = 6;
pub const COPY_OUT: u8 = 7;
pub const CURSOR: u8 = 15;
pub const PREPARE: u8 = 16;

/// `gatewright dev` in front of a database with a table `t` of the numbers 1 to 9.
pub struct Stage {
    pub gateway: Gateway,
    pub direct: Dsn,
    pub policies: TempDir,
    settings: Option<TempDir>,
    api: Api,
}

/// The API, and the reviewer's token.
#[derive(Clone)]
pub struct Api {
    address: String,
    token: String,
}

impl Stage {
    /// Approvals are wanted for statements of these kinds.
    pub fn start(test: &str, verbs: &[u8]) -> Result<Self> {
        Self::with_limits(test, verbs, 0, 0)
    }

    /// The same; they are held for so many milliseconds, and approvals last for so many.
    pub fn with_limits(test: &str, verbs: &[u8], hold_ms: u64, valid_ms: u64) -> Result<Self> {
        Self::with_arguments(test, verbs, (hold_ms, valid_ms), &[])
    }

    /// The same with more arguments for `gatewright dev`.
    pub fn with_arguments(
        test: &str,
        verbs: &[u8],
        (hold_ms, valid_ms): (u64, u64),
        arguments: &[&str],
    ) -> Result<Self> {
        let guest = guest::asking("ask", verbs, hold_ms, valid_ms)?;
        Self::with_policy(test, &guest, arguments)
    }

    /// The same with another policy.
    pub fn with_policy(test: &str, guest: &[u8], arguments: &[&str]) -> Result<Self> {
        Self::of_version(Version::Installed, test, &[("ask", guest)], arguments)
    }

    /// The same with this version of PostgreSQL, and these policies.
    pub fn of_version(
        version: Version,
        test: &str,
        guests: &[(&str, &[u8])],
        arguments: &[&str],
    ) -> Result<Self> {
        let policies = tempfile::tempdir()?;
        for (name, guest) in guests {
            std::fs::write(policies.path().join(format!("{name}.wasm")), guest)?;
        }
        let direct = world::database_of(version, test)?;
        Psql::new(&direct)?
            .query("CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 9)")?;
        let command = GatewayCommand::dev(&world::postgres_of(version)?.dsn())
            .policies(policies.path())
            .arguments(["--api", "127.0.0.1:0"]);
        let command = arguments
            .iter()
            .fold(command, |command, argument| command.argument(argument));
        let gateway = command.start()?;
        let api = Api::of(&gateway)?;
        Ok(Stage {
            gateway,
            direct,
            policies,
            settings: None,
            api,
        })
    }

    /// The same with settings of the policy, in TOML.
    pub fn with_settings(test: &str, guest: &[u8], settings: &str) -> Result<Self> {
        let settings = format!("[ask]\n{settings}\n");
        Self::configured(Version::Installed, test, &[("ask", guest)], &settings)
    }

    /// The same with this version of PostgreSQL, these policies, and all of their settings.
    pub fn configured(
        version: Version,
        test: &str,
        guests: &[(&str, &[u8])],
        settings: &str,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, settings)?;
        let arguments = ["--settings", &file.to_string_lossy()];
        let mut stage = Self::of_version(version, test, guests, &arguments)?;
        stage.settings = Some(folder);
        Ok(stage)
    }

    pub fn dsn(&self) -> Result<Dsn> {
        self.gateway.database(&self.direct.database)
    }

    /// The same for the reviewer.
    pub fn reviewers_dsn(&self) -> Result<Dsn> {
        Ok(self.dsn()?.with_login("reviewer", &self.api.token))
    }

    pub fn client(&self) -> Result<Client> {
        Client::connect(&self.dsn()?)
    }

    /// A client that does not wait.
    pub fn impatient(&self) -> Result<Client> {
        let options = [("options", "-c gatewright.approval=return")];
        Client::connect_with(&self.dsn()?, &options)
    }

    pub fn api(&self) -> &Api {
        &self.api
    }

    /// How many rows the table has, as seen past the gateway.
    pub fn rows(&self) -> Result<String> {
        self.direct("SELECT count(*) FROM t")
    }

    pub fn direct(&self, sql: &str) -> Result<String> {
        Ok(Psql::new(&self.direct)?.query(sql)?.trim().to_owned())
    }
}

impl Api {
    pub fn at(address: &str, token: String) -> Self {
        Api {
            address: address.to_owned(),
            token,
        }
    }

    fn of(gateway: &Gateway) -> Result<Self> {
        let line = gateway.approvals()?;
        let address = line.url.strip_prefix("http://").context("plain HTTP")?;
        Ok(Api {
            address: address.to_owned(),
            token: line.token,
        })
    }

    /// Waits for a request that is pending and whose statement contains the text.
    pub fn pending(&self, text: &str) -> Result<Value> {
        self.find(|request| {
            request["state"] == "pending"
                && request["statement"]
                    .as_str()
                    .is_some_and(|statement| statement.contains(text))
        })
        .with_context(|| format!("no request for {text}"))
    }

    /// Waits until the request is in this state, and returns it.
    pub fn state(&self, id: &str, state: &str) -> Result<Value> {
        self.find(|request| request["id"] == id && request["state"] == state)
            .with_context(|| format!("{id} does not become {state}: {:?}", self.request(id)))
    }

    pub fn request(&self, id: &str) -> Result<Value> {
        self.call("GET", &format!("/v1/requests/{id}"), None)
    }

    /// What ran without waiting for reviewers and was not reviewed.
    pub fn to_review(&self) -> Result<Vec<Value>> {
        let page = self.call("GET", "/v1/requests?review=due", None)?;
        let requests = page["requests"].as_array();
        Ok(requests.with_context(|| page.to_string())?.clone())
    }

    pub fn all(&self) -> Result<Vec<Value>> {
        let page = self.call("GET", "/v1/requests?limit=100", None)?;
        let requests = page["requests"].as_array();
        Ok(requests.with_context(|| page.to_string())?.clone())
    }

    /// Waits for the request of this statement, and decides about it.
    pub fn decide(&self, text: &str, what: &str) -> Result<String> {
        let id = id(&self.pending(text)?)?;
        self.decide_about(&id, what)?;
        Ok(id)
    }

    pub fn decide_about(&self, id: &str, what: &str) -> Result<()> {
        self.decide_with(id, what, json!({}))
    }

    /// The same with more in the body.
    pub fn decide_with(&self, id: &str, what: &str, mut body: Value) -> Result<()> {
        body["reason"] = format!("{what}: ticket 4711").into();
        let path = format!("/v1/requests/{id}/{what}");
        let decided = self.call("POST", &path, Some(body))?;
        ensure!(decided["id"] == id, "{decided}");
        Ok(())
    }

    fn find(&self, is_it: impl Fn(&Value) -> bool) -> Result<Value> {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(found) = self.all()?.into_iter().find(&is_it) {
                return Ok(found);
            }
            ensure!(Instant::now() < patience, "not among {:?}", self.all()?);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the API answers, also where that is an error.
    pub fn call(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value> {
        let mut stream = TcpStream::connect(&self.address)?;
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
        serde_json::from_str(body.unwrap_or_default()).with_context(|| answer.clone())
    }
}

pub fn id(request: &Value) -> Result<String> {
    Ok(request["id"].as_str().context("an id")?.to_owned())
}

/// The DETAIL of an error or notice.
pub fn detail(fields: &std::collections::HashMap<char, String>) -> Result<Value> {
    let detail = fields.get(&'D').context("no DETAIL")?;
    serde_json::from_str(detail).with_context(|| detail.clone())
}

/// Reads up to the notice that the statement is held. Returns what came before, and the id of the request.
pub fn until_held(client: &mut Client) -> Result<(String, String)> {
    let mut before = String::new();
    loop {
        let message = client.receive()?;
        if message.tag == b'N' {
            let fields = message.fields();
            ensure!(fields[&'M'] == "held for approval", "{fields:?}");
            return Ok((before, id(&detail(&fields)?)?));
        }
        ensure!(message.tag != b'E', "{:?}", message.fields());
        before.push(char::from(message.tag));
    }
}

/// The messages of one statement, without Sync.
pub fn run(sql: &str) -> Vec<u8> {
    let messages = [
        raw::parse("", sql),
        raw::bind("", "", &[], 0),
        raw::execute("", 0),
    ];
    messages.concat()
}
