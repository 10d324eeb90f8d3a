//! People decide at `gatewright serve`, with the command line, about statements that another gateway holds: this process, which
//! shares the store.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gatewright::access;
use gatewright::approvals::{
    Approvals, ApprovalsSettings, Binding, Draft, Finished, Outcome, Shown, State, Submitted,
    Withdrawal,
};
use gatewright::store::{Store, StoreSettings};
use gatewright::webhooks::{Disclosure, Format, Secret, WebhookMetrics, WebhookSettings, Webhooks};
use gatewright_contract::{Allowance, Approval, ApprovalEffect, ApprovalWait, RequestId};
use gatewright_harness::{Dsn, Psql, free_port, random_secret};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::people::fixture::{Fixture, success_output, text};
use crate::receiver::{Message, Receiver, SECRET};
use crate::world;

/// A served API, and this process as a gateway beside it.
struct Stage {
    fixture: Fixture,
    api: String,
    runtime: Handle,
    approvals: Approvals,
}

impl Stage {
    fn start(test: &str, postgres: bool) -> Result<Self> {
        Self::with_tables(test, postgres, "")
    }

    /// `more`: further tables of the configuration.
    fn with_tables(test: &str, postgres: bool, more: &str) -> Result<Self> {
        let port = free_port()?;
        let shared = postgres.then(|| store(test)).transpose()?;
        let fixture = Fixture::with_tables(test, 600, "", |issuer, folder| {
            let table = match &shared {
                None => String::new(),
                Some((dsn, password)) => {
                    std::fs::write(folder.join("store-password"), password)?;
                    let Dsn {
                        user,
                        host,
                        port,
                        database,
                        ..
                    } = dsn;
                    format!(
                        "[store]\nurl = \"postgres://{user}@{host}:{port}/{database}\"\npassword_file = \"store-password\"\n"
                    )
                }
            };
            Ok(format!(
                "[approvals]\npeople = [\"{issuer}\"]\nreviewers = [\"dba\"]\n{table}\
                 [api]\naddress = \"127.0.0.1:{port}\"\n[api.tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n{more}"
            ))
        })?;
        let place = match &shared {
            None => StoreSettings::File(fixture.stage.folder.path().join("gatewright.db")),
            Some((dsn, _)) => StoreSettings::Postgres(dsn.url().parse()?),
        };
        let (runtime, approvals) = beside(place, fixture.provider.url(), String::new())?;
        Ok(Stage {
            fixture,
            api: format!("https://localhost:{port}"),
            runtime,
            approvals,
        })
    }

    /// A statement of Ada's, held by this process.
    fn hold(&self, statement: &str) -> Result<RequestId> {
        let draft = draft(self.fixture.provider.url(), statement);
        match self.runtime.block_on(self.approvals.submit(draft))? {
            Submitted::Waiting { id, .. } => Ok(id),
            Submitted::Claimed { .. } => anyhow::bail!("nobody has approved it"),
        }
    }

    /// `gatewright approvals` as the account that is logged in.
    fn run(&self, arguments: &[&str]) -> Result<std::process::Output> {
        let authorities = self.fixture.authorities.display().to_string();
        let place = ["--api", &self.api, "--ca", &authorities];
        let words = [&["approvals"], arguments, &place].concat();
        self.fixture.run(&words)
    }
}

/// What `gatewright approvals watch --json` prints.
struct Events(mpsc::Receiver<Value>);

impl Events {
    fn of(output: ChildStdout) -> Self {
        let (seen, events) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if seen.send(event).is_err() {
                    return;
                }
            }
        });
        Events(events)
    }

    /// The next event of this request.
    fn of_request(&self, id: &str) -> Result<Value> {
        loop {
            let event = self.0.recv_timeout(Duration::from_secs(60));
            let event = event.with_context(|| format!("no event of {id}"))?;
            if event["request"] == id {
                return Ok(event);
            }
        }
    }
}

/// A role and database for the store, which is not the superuser's.
fn store(test: &str) -> Result<(Dsn, String)> {
    let direct = world::database(&format!("{test}_store"))?;
    let (role, password) = (format!("{test}_gateway"), random_secret()?);
    Psql::new(&direct)?.query(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD '{password}'; CREATE SCHEMA gatewright AUTHORIZATION {role}"
    ))?;
    Ok((direct.with_login(&role, &password), password))
}

/// Another gateway on the store: this process. `url`: where people decide.
pub fn beside(place: StoreSettings, issuer: &str, url: String) -> Result<(Handle, Approvals)> {
    let driven = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let runtime = driven.handle().clone();
    std::thread::spawn(move || driven.block_on(std::future::pending::<()>()));
    let rules = ApprovalsSettings::new(vec![issuer.to_owned()], vec!["dba".to_owned()], url);
    let store = runtime.block_on(Store::open(place))?;
    let _inside = runtime.enter();
    let approvals = Approvals::open(store, rules);
    Ok((runtime, approvals))
}

/// A statement of Ada's that a policy wants an approval for.
pub fn draft(issuer: &str, statement: &str) -> Draft {
    Draft {
        binding: Binding {
            subject: "ada".to_owned(),
            issuer: issuer.to_owned(),
            agent: Some("helper".to_owned()),
            database: "shop".to_owned(),
            role: "writer".to_owned(),
            statement: statement.as_bytes().to_vec(),
            parameters: Vec::new(),
            search_path: vec!["public".to_owned()],
            settings: Vec::new(),
            policies: "v1".to_owned(),
        },
        wanted: Approval {
            code: "destructive".to_owned(),
            reason: "It deletes rows.".to_owned(),
            reviewers: Vec::new(),
            approvals: 1,
            wait: ApprovalWait::Hold,
            hold_ms: 0,
            valid_ms: 0,
            effect: ApprovalEffect::None,
            above_rows: None,
            allowance: Allowance::default(),
        },
        policy: "approve-destructive".to_owned(),
        policy_version: "1.0.0".to_owned(),
        shown: Shown {
            text: statement.to_owned(),
            ..Shown::default()
        },
        break_glass: None,
    }
}

#[test]
fn a_person_decides_on_the_command_line_with_sqlite() -> Result<()> {
    a_person_decides("approvals_sqlite", false)
}

#[test]
fn a_person_decides_on_the_command_line_with_postgresql() -> Result<()> {
    a_person_decides("approvals_postgresql", true)
}

fn a_person_decides(test: &str, postgres: bool) -> Result<()> {
    let stage = Stage::start(test, postgres)?;
    let id = stage.hold("DELETE FROM orders -- \u{202e}\u{1b}[2J")?;
    let name = id.to_string();
    // Nobody is logged in.
    let output = stage.run(&["list"])?;
    ensure!(!output.status.success(), "{output:?}");
    // Ada's statement was sent by her agent.
    success_output(stage.fixture.log_in("ada", &[])?)?;
    let listed = success_output(stage.run(&["list", "--state", "pending"])?)?;
    ensure!(
        listed.contains("ada (agent helper)  shop  DELETE FROM orders"),
        "{listed}"
    );
    ensure!(!listed.contains(['\u{202e}', '\u{1b}']), "{listed:?}");
    let refused = stage.run(&["approve", &name])?;
    ensure!(!refused.status.success(), "{refused:?}");
    ensure!(
        text(&refused.stderr).contains("their own statements"),
        "{refused:?}"
    );
    // Eve sees nothing of it.
    success_output(stage.fixture.log_in("eve", &[])?)?;
    ensure!(success_output(stage.run(&["list"])?)?.is_empty());
    let hidden = stage.run(&["show", &name])?;
    ensure!(
        text(&hidden.stderr).contains("no such request"),
        "{hidden:?}"
    );
    // Bob is a reviewer.
    success_output(stage.fixture.log_in("bob", &[])?)?;
    let mut watch = stage
        .fixture
        .gatewright(&["approvals", "watch", "--json"])?;
    let mut watch = watch
        .args(["--api", &stage.api, "--ca"])
        .arg(&stage.fixture.authorities)
        .stdout(Stdio::piped())
        .spawn()?;
    let events = Events::of(watch.stdout.take().context("its output")?);
    // Until the stream has begun, what happens is not shown.
    let second: RequestId = loop {
        stage.hold("DELETE FROM customers")?;
        match events.0.recv_timeout(Duration::from_secs(1)) {
            Ok(seen) => {
                ensure!(seen["state"] == "pending", "{seen}");
                break seen["request"].as_str().context("an id")?.parse()?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("it has ended: {:?}", watch.wait()?),
        }
    };
    let approved = stage.run(&["approve", &name, "--reason", "ticket 4711"])?;
    ensure!(success_output(approved)?.contains("  approved  "));
    let outcome = stage.runtime.block_on(stage.approvals.outcome(id));
    let Outcome::Approved(approved) = outcome else {
        anyhow::bail!("{outcome:?}")
    };
    ensure!(approved.by == "bob" && approved.reason.as_deref() == Some("ticket 4711"));
    for expected in ["approved", "claimed"] {
        let seen = events.of_request(&name)?;
        ensure!(seen["state"] == expected, "{seen}");
    }
    stage.approvals.finished(id, Finished::Executed { rows: 5 });
    let seen = events.of_request(&name)?;
    ensure!(seen["state"] == "executed", "{seen}");
    watch.kill()?;
    watch.wait()?;
    let rejected = stage.run(&["reject", &second.to_string(), "--reason", "no"])?;
    ensure!(success_output(rejected)?.contains("  rejected  "));
    let outcome = stage.runtime.block_on(stage.approvals.outcome(second));
    ensure!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
    let late = stage.run(&["approve", &second.to_string()])?;
    ensure!(
        text(&late.stderr).contains("the request is rejected"),
        "{late:?}"
    );
    let whole = success_output(stage.run(&["show", &name])?)?;
    for part in [
        "executed",
        "by bob: ticket 4711",
        "DELETE FROM orders",
        "why          It deletes rows.",
    ] {
        ensure!(whole.contains(part), "{part}: {whole}");
    }
    Ok(())
}

#[test]
fn a_reload_changes_who_decides() -> Result<()> {
    let stage = Stage::start("approvals_reload", false)?;
    let id = stage.hold("DELETE FROM orders")?.to_string();
    success_output(stage.fixture.log_in("bob", &[])?)?;
    success_output(stage.run(&["show", &id])?)?;
    let fixture = &stage.fixture.stage;
    fixture.edit(|text| text.replace("reviewers = [\"dba\"]", "reviewers = [\"owners\"]"))?;
    fixture.gateway.process().signal("HUP")?;
    let missing = |output: &std::process::Output| text(&output.stderr).contains("no such request");
    world::eventually("bob reviews no more", || {
        Ok(missing(&stage.run(&["show", &id])?))
    })?;
    let refused = stage.run(&["approve", &id])?;
    ensure!(
        !refused.status.success() && missing(&refused),
        "{refused:?}"
    );
    Ok(())
}

#[test]
fn what_ran_without_approval_is_reviewed_on_the_command_line() -> Result<()> {
    let stage = Stage::start("approvals_review", false)?;
    let broken = Draft {
        break_glass: Some("production is down".to_owned()),
        ..draft(stage.fixture.provider.url(), "DELETE FROM orders")
    };
    let submitted = stage.runtime.block_on(stage.approvals.submit(broken))?;
    let Submitted::Claimed { id, .. } = submitted else {
        anyhow::bail!("it waits")
    };
    stage.approvals.finished(id, Finished::Executed { rows: 1 });
    success_output(stage.fixture.log_in("bob", &[])?)?;
    let listed = || success_output(stage.run(&["list", "--to-review"])?);
    world::eventually("it is to be reviewed", || Ok(!listed()?.is_empty()))?;
    let line = listed()?;
    ensure!(line.contains("break-glass, to be reviewed"), "{line}");
    let name = id.to_string();
    let whole = success_output(stage.run(&["show", &name])?)?;
    ensure!(
        whole.contains("production is down") && whole.contains("nobody yet"),
        "{whole}"
    );
    let reviewed = stage.run(&["review", &name, "--reason", "it was"])?;
    ensure!(success_output(reviewed)?.contains("  executed  "));
    ensure!(listed()?.is_empty());
    let whole = success_output(stage.run(&["show", &name])?)?;
    ensure!(whole.contains("reviewed by  bob"), "{whole}");
    let again = stage.run(&["review", &name])?;
    ensure!(
        text(&again.stderr).contains("nothing to review"),
        "{again:?}"
    );
    Ok(())
}

/// Counts nothing.
struct Uncounted;

impl WebhookMetrics for Uncounted {
    fn attempted(&self, _webhook: &str, _outcome: gatewright::webhooks::Outcome) {}

    fn pending(&self, _webhook: &str, _count: i64) {}
}

/// Both have the same webhook, and see the same events.
#[test]
fn gateways_that_share_a_store_tell_a_webhook_once() -> Result<()> {
    let receiver = Receiver::start(0)?;
    let stage = Stage::with_tables("approvals_webhook", true, &receiver.table(""))?;
    let settings = WebhookSettings {
        name: "audit".to_owned(),
        url: receiver.url().into(),
        format: Format::Json,
        secret: Some(Secret::parse(SECRET)?),
        statement: Disclosure::Redacted,
        events: State::ALL.to_vec(),
        grant_events: access::State::ALL.to_vec(),
        timeout: Duration::from_secs(10),
        max_age: Duration::from_secs(3600),
        ca_pem: None,
    };
    let (approvals, metrics) = (stage.approvals.clone(), Arc::new(Uncounted));
    // On its own event loop, where it delivers.
    let started = stage
        .runtime
        .spawn(Webhooks::start(approvals, metrics, vec![settings]));
    let webhooks = stage.runtime.block_on(started)??;
    for number in 0..20 {
        let id = stage.hold(&format!("DELETE FROM orders WHERE id = {number}"))?;
        stage.approvals.withdraw(id, Withdrawal::ClientLeft);
    }
    receiver.taken(40)?;
    // Nothing is under way in either of them afterwards.
    stage.runtime.block_on(webhooks.stop());
    let mut fixture = stage.fixture;
    fixture.stage.gateway.process().signal("TERM")?;
    let gateway = fixture.stage.gateway.process_mut();
    gateway.wait(Duration::from_secs(30))?;
    let seen = receiver.seen();
    let mut ids: Vec<&str> = seen.iter().map(Message::id).collect::<Result<_>>()?;
    ids.sort_unstable();
    ids.dedup();
    ensure!((ids.len(), seen.len()) == (40, 40), "{seen:?}");
    Ok(())
}

/// It holds statements and parameters.
#[test]
fn the_store_is_its_owners() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::start("approvals_file", false)?;
    let file = stage.fixture.stage.folder.path().join("gatewright.db");
    let mode = |path: &Path| Ok::<_, anyhow::Error>(path.metadata()?.permissions().mode() & 0o777);
    ensure!(mode(&file)? == 0o600, "{:o}", mode(&file)?);
    Ok(())
}

#[test]
fn access_is_asked_for_and_granted_on_the_command_line() -> Result<()> {
    let stage = Stage::start("approvals_grants", false)?;
    let authorities = stage.fixture.authorities.display().to_string();
    let run = |arguments: &[&str]| {
        let place = ["--api", &stage.api, "--ca", &authorities];
        stage
            .fixture
            .run(&[&["grants"], arguments, &place].concat())
    };
    success_output(stage.fixture.log_in("ada", &[])?)?;
    let request = [
        "request",
        "--table",
        "public.orders",
        "--table",
        "crm.*",
        "--verb",
        "delete",
        "--verb",
        "update",
        "--database",
        "shop",
        "--for",
        "2h",
        "--rows",
        "100",
        "--reason",
        "ticket 4711",
    ];
    let asked = success_output(run(&request)?)?;
    ensure!(
        asked.ends_with("  pending  ada  shop  update, delete on public.orders; update, delete on crm.*  for 7200 s"),
        "{asked}"
    );
    let id = asked.split(' ').next().context("an id")?;
    let refused = run(&["approve", id])?;
    ensure!(
        text(&refused.stderr).contains("nobody decides about access for themselves"),
        "{refused:?}"
    );
    for (wrong, expected) in [
        (&["request", "--for", "1h", "--reason", "r"][..], "--table"),
        (
            &[
                "request",
                "--table",
                "orders",
                "--verb",
                "delete",
                "--database",
                "shop",
                "--for",
                "1h",
                "--reason",
                "r",
            ],
            "write the schema too",
        ),
        (
            &[
                "request",
                "--table",
                "a.b",
                "--verb",
                "drop",
                "--database",
                "shop",
                "--for",
                "1h",
                "--reason",
                "r",
            ],
            "the verbs are select",
        ),
        (
            &[
                "request",
                "--table",
                "a.b",
                "--verb",
                "ddl",
                "--database",
                "shop",
                "--for",
                "9h",
                "--reason",
                "r",
            ],
            "max_grant",
        ),
        (&["list", "--state", "active"], "the states are pending"),
    ] {
        let output = run(wrong)?;
        ensure!(
            !output.status.success() && text(&output.stderr).contains(expected),
            "{wrong:?}: {output:?}"
        );
    }
    success_output(stage.fixture.log_in("bob", &[])?)?;
    ensure!(success_output(run(&["list", "--state", "pending"])?)?.contains(id));
    let approved = success_output(run(&["approve", id, "--reason", "for today"])?)?;
    ensure!(
        approved.contains("  approved  ") && approved.contains("  from 20"),
        "{approved}"
    );
    let whole = success_output(run(&["show", id])?)?;
    for part in [
        "access       update, delete on crm.*",
        "rows         0 of 100 used",
        "why          ticket 4711",
        "approved by bob: for today",
    ] {
        ensure!(whole.contains(part), "{part}: {whole}");
    }
    let revoked = success_output(run(&["revoke", id, "--json"])?)?;
    let revoked: Value = serde_json::from_str(&revoked)?;
    ensure!(revoked["state"] == "revoked", "{revoked}");
    let late = run(&["revoke", id])?;
    ensure!(
        text(&late.stderr).contains("the access grant is revoked"),
        "{late:?}"
    );
    Ok(())
}
