//! Policies that take long. Whatever they do, only the session whose statement they are asked about waits; others of its thread go on, and its
//! client may cancel or leave. No test measures time: the deadline of these policies is minutes away, so that what is answered before it is
//! answered while they run.

use std::io::ErrorKind;

use anyhow::{Context, Result, ensure};
use gatewright_contract::{Allowance, ColumnAction, ColumnReply};
use gatewright_tests::raw::{self, Client, Message};
use tempfile::TempDir;

use crate::policy_module::{Module, constant};
use crate::served::Served;
use crate::world::{eventually, put};

/// More than one session on each of the gateway's threads.
fn busy_sessions() -> usize {
    2 * threads()
}

/// The gateway starts one per processor.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

const FOREVER: &str = "(loop $on (br $on))";

/// Allows statements without tables. `of_table`: what it does about others, after which it allows them.
fn module(of_table: &str) -> Module {
    let mut module = Module::v0_2("slow");
    let plain = module.allow(&Allowance::default());
    let planned = module.allow(&Allowance {
        plan_result: true,
        ..Allowance::default()
    });
    // The length of the list of tables.
    let tables = "(i32.load offset=104 (local.get $args))";
    module.statement(&format!(
        "(if (result i32) {tables} (then {of_table} {}) (else {}))",
        constant(planned),
        constant(plain)
    ));
    module
}

fn served(test: &str, wasm: &[u8], run: &str) -> Result<(Served, TempDir)> {
    let folder = tempfile::tempdir()?;
    put(folder.path(), "slow.wasm", wasm)?;
    // One for each session, however many processors there are.
    let instances = match run.contains("max_instances") {
        true => String::new(),
        false => format!("max_instances = {}\n", 2 * busy_sessions()),
    };
    let policies = format!(
        "[policies]\ndirectory = \"{}\"\ndeadline = \"10m\"\nwait = \"10m\"\n{instances}{run}",
        folder.path().display()
    );
    let served = Served::start(test, "", &policies)?;
    gatewright_harness::Psql::new(&served.direct)?
        .query("CREATE TABLE kept AS SELECT i FROM generate_series(1, 10) AS i")?;
    Ok((served, folder))
}

fn first_cell(messages: &[Message]) -> Option<String> {
    let row = messages.iter().find(|message| message.tag == b'D')?;
    row.cells().into_iter().next().flatten()
}

/// Whether the gateway has sent something that the client has not read.
fn has_answer(client: &Client) -> Result<bool> {
    let stream = client.stream();
    stream.set_nonblocking(true)?;
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false)?;
    match peeked {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Waits until so many calls were handed over to the threads for long calls. On a busy machine it may be more: short ones, too.
fn calls_run_long(served: &Served, calls: usize) -> Result<()> {
    let sample = "gatewright_policy_long_calls_total{policy=\"slow\"} ";
    eventually("the calls take long", || {
        let metrics = served.metrics()?;
        let counted = metrics.lines().find_map(|line| line.strip_prefix(sample));
        let counted: f64 = counted.unwrap_or("0").parse()?;
        Ok(counted >= f64::from(u32::try_from(calls)?))
    })
}

/// Sessions of every thread, whose statement the policy is asked about.
fn busy(served: &Served) -> Result<Vec<Client>> {
    let clients: Result<Vec<Client>> = (0..busy_sessions())
        .map(|_| served.client("busy"))
        .collect();
    let mut clients = clients?;
    for client in &mut clients {
        client.send(&raw::query("SELECT i FROM kept"))?;
    }
    calls_run_long(served, clients.len())?;
    Ok(clients)
}

/// While sessions of every thread wait for the policy, others are served. `begun`: how many messages each has had by then.
fn others_go_on(served: &Served, begun: usize) -> Result<Vec<Client>> {
    let mut others: Vec<Client> = (0..busy_sessions())
        .map(|_| served.client("other"))
        .collect::<Result<_>>()?;
    let mut busy = busy(served)?;
    for client in &mut others {
        let answer = client.query("SELECT 7")?;
        ensure!(first_cell(&answer).as_deref() == Some("7"), "{answer:?}");
    }
    for client in &mut busy {
        for _ in 0..begun {
            client.receive()?;
        }
        ensure!(!has_answer(client)?, "the policy answered");
    }
    Ok(busy)
}

/// A statement that waits for the policy can be cancelled.
fn is_cancelled(served: &Served, mut client: Client) -> Result<()> {
    raw::cancel(&served.dsn("busy")?, &client.key)?;
    let ended = client.until_ready()?;
    let error = raw::error(&ended).context("it was not cancelled")?;
    assert_eq!(error[&'C'], "57014", "{error:?}");
    let next = client.query("SELECT 8")?;
    assert_eq!(first_cell(&next).as_deref(), Some("8"));
    Ok(())
}

fn loops_in_batches() -> Vec<u8> {
    let mut module = module("");
    let plan = module.plan(&[ColumnAction::Inspect(String::new())]);
    let edit = module.edit(&[ColumnReply::Unchanged], None);
    module.result(&constant(plan));
    module
        .batch(&format!("{FOREVER} {}", constant(edit)))
        .wasm()
}

fn check(test: &str, wasm: &[u8], begun: usize) -> Result<()> {
    let (served, _folder) = served(test, wasm, "")?;
    let mut busy = others_go_on(&served, begun)?;
    is_cancelled(&served, busy.pop().context("a session")?)?;
    Ok(())
}

#[test]
fn a_verdict_that_takes_long_keeps_nobody_else() -> Result<()> {
    check("long_verdict", &module(FOREVER).wasm(), 0)
}

#[test]
fn a_plan_that_takes_long_keeps_nobody_else() -> Result<()> {
    let looping = format!("{FOREVER} (unreachable)");
    check("long_plan", &module("").result(&looping).wasm(), 0)
}

#[test]
fn a_batch_that_takes_long_keeps_nobody_else() -> Result<()> {
    // Its columns have been described.
    check("long_batch", &loops_in_batches(), 1)
}

#[test]
fn a_completion_that_takes_long_keeps_nobody_else() -> Result<()> {
    let mut module = Module::v0_2("slow");
    let several = "(i64.gt_u (local.get $rows) (i64.const 1))";
    let wasm = module
        .completion(&format!("(if {several} (then {FOREVER}))"))
        .wasm();
    let (served, _folder) = served("long_completion", &wasm, "")?;
    // Columns and ten rows; that the statement is complete, the client learns afterwards.
    others_go_on(&served, 11)?;
    Ok(())
}

/// More than a connection waits when it ends.
const SECONDS: &str = "(func $seconds (local $n i64)
    (loop $on (local.set $n (i64.add (local.get $n) (i64.const 1)))
      (br_if $on (i64.lt_u (local.get $n) (i64.const 6000000000)))))";

#[test]
fn no_completion_is_lost_when_its_client_leaves() -> Result<()> {
    let mut module = Module::v0_2("slow");
    let taken = module.text("taken");
    let several = "(i64.gt_u (local.get $rows) (i64.const 1))";
    let note = format!(
        "(call $seconds) (call $metric_add (i32.const {}) (i32.const {}) (f64.const 1))",
        taken.0, taken.1
    );
    let wasm = module
        .extra(SECONDS)
        .completion(&format!("(if {several} (then {note}))"))
        .wasm();
    let (served, _folder) = served("kept_completion", &wasm, "")?;
    let mut leaves = served.client("busy")?;
    leaves.send(&raw::query("SELECT i FROM kept"))?;
    calls_run_long(&served, 1)?;
    drop(leaves);
    let taken = "gatewright_policy_metric_total{policy=\"slow\",name=\"taken\"} 1\n";
    let noted = || {
        eventually("the completion is noted", || {
            Ok(served.metrics()?.contains(taken))
        })
    };
    // On a busy machine the call has few turns.
    let mut patience = 20;
    while let Err(error) = noted() {
        patience -= 1;
        ensure!(patience > 0, error);
    }
    Ok(())
}

#[test]
fn who_leaves_gives_the_instance_back() -> Result<()> {
    let run = "max_instances = 1\n";
    let (served, _folder) = served("long_leaves", &module(FOREVER).wasm(), run)?;
    let mut looping = served.client("busy")?;
    looping.send(&raw::query("SELECT 6"))?;
    eventually("there is something to read", || has_answer(&looping))?;
    looping.send(&raw::query("SELECT i FROM kept"))?;
    calls_run_long(&served, 1)?;
    let mut waits = served.client("other")?;
    waits.send(&raw::query("SELECT 7"))?;
    // A client that closes its connection may still want its statement to run; one that has not read what it got resets it.
    drop(looping);
    assert_eq!(first_cell(&waits.until_ready()?).as_deref(), Some("7"));
    Ok(())
}

#[test]
fn a_policy_that_is_removed_while_it_runs_answers_to_the_end() -> Result<()> {
    let (served, folder) = served("long_removed", &module(FOREVER).wasm(), "")?;
    let mut looping = served.client("busy")?;
    looping.send(&raw::query("SELECT i FROM kept"))?;
    calls_run_long(&served, 1)?;
    std::fs::remove_file(folder.path().join("slow.wasm"))?;
    // A statement that is sent before would be asked about, too, and wait.
    let removed = "gatewright_policy_reloads_total{policy=\"slow\",outcome=\"removed\"} 1\n";
    eventually("the policy is gone", || {
        Ok(served.metrics()?.contains(removed))
    })?;
    let mut other = served.client("other")?;
    let answer = other.query("SELECT i FROM kept LIMIT 1")?;
    ensure!(first_cell(&answer).is_some(), "{answer:?}");
    // The statement that was asked about under it waits for its answer.
    ensure!(!has_answer(&looping)?, "the policy answered");
    is_cancelled(&served, looping)
}

#[test]
fn a_gateway_that_stops_does_not_wait_for_policies_forever() -> Result<()> {
    let (served, _folder) = served("long_stop", &module(FOREVER).wasm(), "")?;
    let mut looping = served.client("busy")?;
    looping.send(&raw::query("SELECT i FROM kept"))?;
    calls_run_long(&served, 1)?;
    served.gateway.process().signal("TERM")?;
    // Without an answer the statement does not run.
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut looping.stream(), &mut rest);
    ensure!(!rest.contains(&b'D'), "rows: {rest:?}");
    Ok(())
}

#[test]
fn a_batch_that_a_policy_does_not_answer_is_logged_with_its_cause() -> Result<()> {
    let (served, _folder) = served(
        "batch_fault",
        &loops_in_batches(),
        "[policy.slow]\ndeadline = \"20ms\"\n",
    )?;
    let mut client = served.client("busy")?;
    let answer = client.query("SELECT i FROM kept")?;
    let error = raw::error(&answer).context("the result did not end")?;
    assert!(error[&'D'].contains("policy-fault-deadline"), "{error:?}");
    let log = served.gateway.log()?;
    let line = log
        .lines()
        .find(|line| line.contains("gave no reply to a batch of rows"))
        .context("it was not logged")?;
    assert!(
        line.contains("slow") && line.contains("did not answer within 20 ms of CPU time"),
        "{line}"
    );
    Ok(())
}

/// What a policy derives from a statement's text it has on a stack that is small for PostgreSQL's parser.
#[test]
fn a_policy_can_read_nested_statements_of_any_length() -> Result<()> {
    let mut module = Module::v0_2("slow");
    let allow = module.allow(&Allowance::default());
    let handle = "(i32.load (local.get $args))";
    let wasm = module
        .statement(&format!(
            "(call $normalized {handle} (i32.const 8)) (call $ast_json {handle} (i32.const 8)) {}",
            constant(allow)
        ))
        .wasm();
    let (served, _folder) = served("nested_texts", &wasm, "")?;
    let mut client = served.client("busy")?;
    for count in [1, 400, 500, 510, 700, 2000, 20_000] {
        let sql = format!("SELECT {}1", "- ".repeat(count));
        let answer = client.query(&sql)?;
        let deep = raw::error(&answer).map(|error| error[&'C'].clone());
        ensure!(
            first_cell(&answer).is_some() || deep.as_deref() == Some("54001"),
            "{count}: {answer:?}"
        );
    }
    assert_eq!(first_cell(&client.query("SELECT 7")?).as_deref(), Some("7"));
    Ok(())
}
