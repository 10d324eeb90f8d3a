//! A person at the console of `gatewright serve`, in headless Chromium and with a real provider, decides about statements: one of psql that
//! the gateway holds, and others that another gateway holds: this process, which shares the store.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result, bail, ensure};
use gatewright::approvals::{
    Approvals, Binding, Change, Draft, Effect, EffectFound, EffectRow, EffectRows, Finished,
    Outcome, Parameter, ParameterValue, Shown, Submitted, Withdrawal,
};
use gatewright::store::StoreSettings;
use gatewright_contract::{Approval, RequestId};
use gatewright_harness::{Psql, free_port, locate};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::approvals::{self, beside};
use crate::people::fixture::{Fixture, success_output, text};
use crate::world::bundled;

struct Stage {
    fixture: Fixture,
    url: String,
    runtime: Handle,
    approvals: Approvals,
    /// A client of the gateway, while it runs.
    psql: Mutex<Option<Child>>,
}

impl Stage {
    fn start(test: &str) -> Result<Self> {
        let port = free_port()?;
        let url = format!("https://localhost:{port}");
        let client = json!({
            "client_id": "gatewright-console",
            "client_secret": "of the console",
            "redirect_uris": [format!("{url}/callback")],
        });
        let settings = json!({ "webClients": [client] });
        let fixture = Fixture::with_provider(test, &settings, "", |issuer, folder| {
            std::fs::write(folder.join("console-secret"), "of the console\n")?;
            let policies = folder.join("policies");
            std::fs::create_dir(&policies)?;
            for name in ["approve-destructive", "deny-list"] {
                std::fs::copy(bundled(name)?, policies.join(format!("{name}.wasm")))?;
            }
            Ok(format!(
                "[policies]\ndirectory = \"policies\"\n[policy.deny-list]\nmode = \"shadow\"\n[approvals]\npeople = [\"{issuer}\"]\nreviewers = [\"dba\"]\n[record]\ndirectory = \"record\"\nindex = \"rows\"\nviewers = [\"dba\"]\n\
                 [console]\naddress = \"127.0.0.1:{port}\"\nurl = \"{url}\"\nclient_id = \"gatewright-console\"\n\
                 client_secret_file = \"console-secret\"\nadmins = [\"dba\"]\n\
                 [console.tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n"
            ))
        })?;
        let place = StoreSettings::File(fixture.stage.folder.path().join("gatewright.db"));
        let (runtime, approvals) = beside(place, fixture.provider.url(), url.clone())?;
        Ok(Stage {
            fixture,
            url,
            runtime,
            approvals,
            psql: Mutex::default(),
        })
    }

    /// Ada sends a statement with psql, which waits for its answer.
    fn psql(&self, statement: &str) -> Result<()> {
        let stage = &self.fixture.stage;
        Psql::new(&stage.direct)?.query(&format!(
            "CREATE TABLE baskets (id int); INSERT INTO baskets SELECT generate_series(1, 7); GRANT ALL ON baskets TO {}",
            stage.role
        ))?;
        success_output(self.fixture.log_in("ada", &[])?)?;
        self.spawn_psql(statement)
    }

    fn spawn_psql(&self, statement: &str) -> Result<()> {
        let stage = &self.fixture.stage;
        let port = stage.port.to_string();
        let psql = self
            .fixture
            .gatewright(&["connect", "-h", "localhost", "-p", &port, "-d", "shop"])?
            .args(["-X", "-c", statement])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        *self.psql.lock().expect("nobody panicked") = Some(psql);
        Ok(())
    }

    /// What psql has printed in the end.
    fn psql_ended(&self) -> Result<Value> {
        let psql = self.psql.lock().expect("nobody panicked").take();
        let output = psql.context("psql runs")?.wait_with_output()?;
        Ok(json!([text(&output.stdout).trim(), text(&output.stderr)]))
    }

    /// Answers a question of the browser's script.
    fn answer(&self, question: &[Value]) -> Result<Value> {
        let words: Vec<_> = question.iter().filter_map(Value::as_str).collect();
        let id = || {
            words
                .get(1)
                .context("an id")?
                .parse::<RequestId>()
                .context("an id")
        };
        match words.as_slice() {
            ["hold", statement, task, more @ ..] => {
                let draft = draft(self.fixture.provider.url(), statement, task, more);
                match self.runtime.block_on(self.approvals.submit(draft))? {
                    Submitted::Waiting { id, url, .. } => {
                        ensure!(url == format!("{}/requests/{id}", self.url), "{url}");
                        Ok(json!(id.to_string()))
                    }
                    Submitted::Claimed { .. } => bail!("nobody has approved it"),
                }
            }
            ["broken", statement, justification] => {
                let draft = Draft {
                    break_glass: Some((*justification).to_owned()),
                    ..draft(self.fixture.provider.url(), statement, "on call", &[])
                };
                match self.runtime.block_on(self.approvals.submit(draft))? {
                    Submitted::Claimed { id, .. } => {
                        self.approvals.finished(id, Finished::Executed { rows: 3 });
                        Ok(json!(id.to_string()))
                    }
                    Submitted::Waiting { .. } => bail!("it waits"),
                }
            }
            ["outcome", _] => {
                let outcome = self.runtime.block_on(self.approvals.outcome(id()?));
                Ok(match outcome {
                    Outcome::Approved(approved) => {
                        json!({ "approved": approved.by, "reason": approved.reason })
                    }
                    Outcome::Rejected { by, reason } => json!({ "rejected": by, "reason": reason }),
                    other => json!(format!("{other:?}")),
                })
            }
            ["executed", ..] => {
                let rows = question.get(2).and_then(Value::as_u64).context("rows")?;
                let how = Finished::Executed { rows };
                self.approvals.finished(id()?, how);
                Ok(Value::Null)
            }
            ["withdraw", _] => {
                self.approvals.withdraw(id()?, Withdrawal::ClientLeft);
                Ok(Value::Null)
            }
            ["psql", statement] => self.psql(statement).map(|()| Value::Null),
            ["psql again", statement] => self.spawn_psql(statement).map(|()| Value::Null),
            ["psql ended"] => self.psql_ended(),
            // A page of another site.
            ["elsewhere"] => Ok(json!(format!(
                "{}/.well-known/openid-configuration",
                self.fixture.provider.url()
            ))),
            other => bail!("{other:?}"),
        }
    }
}

fn draft(issuer: &str, statement: &str, task: &str, more: &[&str]) -> Draft {
    let text = |text: &str| Parameter {
        type_oid: 25,
        value: ParameterValue::Text(text.to_owned()),
    };
    let is_full = more == ["full"];
    let plain = approvals::draft(issuer, statement);
    Draft {
        binding: Binding {
            agent: Some("reporting-agent".to_owned()),
            parameters: match is_full {
                true => vec![text("2500.00"), text("EMEA")],
                false => Vec::new(),
            },
            search_path: vec!["shop".to_owned(), "public".to_owned()],
            settings: vec![("client_encoding".to_owned(), "UTF8".to_owned())],
            ..plain.binding
        },
        wanted: Approval {
            reason: "It changes or removes rows or tables, and nobody has agreed to that yet."
                .to_owned(),
            ..plain.wanted
        },
        shown: Shown {
            groups: vec!["staff".to_owned(), "finance".to_owned()],
            task: Some(task.to_owned()),
            application: "psql".to_owned(),
            client_address: "10.4.0.17:51544".to_owned(),
            verb: statement
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned(),
            effects: match is_full {
                true => vec!["contains UPDATE, SELECT".to_owned()],
                false => Vec::new(),
            },
            effect: is_full.then_some(Effect {
                found: EffectFound::Preview { rows: 128 },
                limited: None,
                bound: false,
                rows: Some(changed_rows()),
                rows_hidden: None,
                rows_digest: None,
            }),
            transaction: match more {
                ["commit"] => committed(),
                _ => Vec::new(),
            },
            tables: match is_full {
                true => vec!["shop.customers".to_owned(), "shop.invoices".to_owned()],
                false => Vec::new(),
            },
            ..plain.shown
        },
        ..plain
    }
}

fn committed() -> Vec<Change> {
    let change = |verb: &str, table: &str, rows, statement: &str| Change {
        verb: verb.to_owned(),
        tables: vec![table.to_owned()],
        rows,
        statement: statement.to_owned(),
    };
    vec![
        change(
            "UPDATE",
            "shop.prices",
            Some(412),
            "UPDATE prices SET amount = round(amount * 1.03, 2) WHERE list = 2027",
        ),
        change(
            "DELETE",
            "shop.discounts",
            Some(1),
            "DELETE FROM discounts WHERE ends < '2027-01-01'",
        ),
        change("CALL", "shop.log", None, "CALL publish(2027)"),
    ]
}

fn changed_rows() -> EffectRows {
    let text = |value: &str| Some(value.to_owned());
    let row = |id: &str, email: &str, was: Option<&str>, is: &str| EffectRow::Changed {
        before: Some(vec![text(id), text(email), was.map(str::to_owned)]),
        after: Some(vec![text(id), text(email), text(is)]),
    };
    EffectRows {
        columns: vec!["id".to_owned(), "email".to_owned(), "rating".to_owned()],
        rows: vec![
            row("17", "a***@example.com", Some("B"), "A"),
            row("23", "m***@example.com", None, "A"),
            row("31", "z***@example.com", Some("A"), "A"),
        ],
    }
}

#[test]
fn a_person_decides_in_a_browser() -> Result<()> {
    let stage = Stage::start("console")?;
    let pictures = locate::target_directory().join("console-pictures");
    std::fs::create_dir_all(&pictures)?;
    let mut script = Command::new(locate::node()?)
        .arg(locate::workspace().join("tests/browser/console.mjs"))
        .arg(locate::browser_driver()?)
        .arg(locate::chromium()?)
        .arg(&stage.url)
        .arg(&pictures)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut answers = script.stdin.take().context("its input")?;
    let questions = BufReader::new(script.stdout.take().context("its output")?);
    let mut is_done = false;
    for line in questions.lines() {
        let question: Vec<Value> = serde_json::from_str(&line?)?;
        is_done = question == ["done"];
        if !is_done {
            let answer = stage.answer(&question)?;
            writeln!(answers, "{answer}")?;
        }
    }
    let status = script.wait()?;
    let log = stage.fixture.stage.gateway.log()?;
    ensure!(is_done && status.success(), "{status}\n{log}");
    Ok(())
}
