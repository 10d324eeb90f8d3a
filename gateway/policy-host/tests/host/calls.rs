//! Calls to a policy of contract 0.1: what it receives and what it returns.

use gatewright_contract::*;
use gatewright_policy_host::{Isolation, PolicySettings};

use crate::module::{Module, constant};
use crate::world::{World, column, completion, denial, facts, statement};

/// A policy that denies with a message read from the address and length that `load` leaves on the stack.
fn echo(load: &str) -> Vec<u8> {
    let mut module = Module::new("fixture");
    let reply = module.deny(&Denial {
        hint: None,
        sqlstate: None,
        ..denial()
    });
    module.extra(&format!(
        r#"(func $echo (param $at i32) (param $length i32) (result i32)
            (i32.store (i32.const {message}) (local.get $at)) (i32.store (i32.const {length}) (local.get $length)) (i32.const {reply}))"#,
        message = reply + 16,
        length = reply + 20,
    ));
    module.statement(&format!("(call $echo {load})")).wasm()
}

fn text_at(pointer: &str) -> String {
    format!("(i32.load {pointer}) (i32.load offset=4 {pointer})")
}

fn fact(offset: u32) -> String {
    format!("(i32.add (local.get $args) (i32.const {offset}))")
}

#[test]
fn facts_are_laid_out_as_the_contract_specifies() {
    let world = World::new();
    let cases = [
        ("SELECT", text_at(&format!("(i32.load {})", fact(44)))),
        (
            "function shop.f has an unknown body",
            text_at(&format!("(i32.load {})", fact(52))),
        ),
        ("shop", text_at(&format!("(i32.load {})", fact(84)))),
        (
            "customers",
            text_at(&format!("(i32.add (i32.load {}) (i32.const 8))", fact(84))),
        ),
        (
            "ssn",
            text_at(&format!("(i32.add (i32.load {}) (i32.const 4))", fact(92))),
        ),
        (
            "pg_catalog.lower",
            text_at(&format!("(i32.load {})", fact(100))),
        ),
        ("ada", text_at(&fact(108))),
        ("https://issuer", text_at(&fact(116))),
        ("analysts", text_at(&format!("(i32.load {})", fact(124)))),
        ("robot", text_at(&fact(136))),
    ];
    for (expected, load) in cases {
        let verdict = world
            .load(&echo(&load))
            .on_statement(&statement(), &facts())
            .wait()
            .unwrap();
        let Verdict::Deny(denial) = verdict else {
            panic!("{expected}: {verdict:?}")
        };
        assert_eq!(denial.message, expected);
    }
}

#[test]
fn plain_facts_arrive_with_their_values() {
    let access = Access::SELECT | Access::LOCK;
    let checks = [
        ("i64.load", 8, "i64", 1),
        ("i64.load", 16, "i64", 7),
        ("i64.load", 24, "i64", 3),
        ("i64.load", 32, "i64", 4),
        ("i32.load8_u", 40, "i32", Phase::Simple as i64),
        ("i32.load8_u", 41, "i32", Verb::Select as i64),
        ("i32.load8_u", 60, "i32", 1),
        ("i32.load8_u", 64, "i32", 1),
        ("i64.load", 72, "i64", 10),
        ("i32.load", 80, "i32", 2),
    ];
    let mut body: String = checks
        .iter()
        .map(|(load, offset, kind, value)| {
            format!(
                "(if ({kind}.ne ({load} {}) ({kind}.const {value})) (then (unreachable)))",
                fact(*offset)
            )
        })
        .collect();
    body += &format!(
        "(if (i32.ne (i32.load8_u offset=17 (i32.load {})) (i32.const {})) (then (unreachable)))",
        fact(84),
        access.bits()
    );
    body += &format!(
        "(if (i32.ne (i32.load (i32.load {})) (i32.const -1)) (then (unreachable)))",
        fact(92)
    );
    let mut module = Module::new("fixture");
    let allow = module.allow(&Allowance::default());
    let wasm = module.statement(&(body + &constant(allow))).wasm();
    assert_eq!(
        World::new()
            .load(&wasm)
            .on_statement(&statement(), &facts())
            .wait(),
        Ok(Verdict::Allow(Allowance::default()))
    );
}

#[test]
fn a_policy_can_read_the_query_string() {
    let load = "(call $sql (i32.load (local.get $args)) (i32.const 8)) (i32.load (i32.const 8)) (i32.load (i32.const 12))";
    let verdict = World::new()
        .load(&echo(load))
        .on_statement(&statement(), &facts())
        .wait()
        .unwrap();
    assert!(
        matches!(verdict, Verdict::Deny(denial) if denial.message == "SELECT ssn FROM customers")
    );
}

#[test]
fn verdicts_are_returned_in_full() {
    let mut module = Module::new("fixture");
    let allowance = Allowance {
        reuse: Reuse::Fingerprint,
        plan_result: true,
        messages: Messages::All,
        row_limit: Some(100),
        byte_limit: None,
        timeout_ms: Some(5000),
        notes: vec![Attribute {
            key: "rule".into(),
            value: "7".into(),
        }],
        edits: Vec::new(),
        session_rows: None,
        session_bytes: None,
    };
    let allow = module.allow(&allowance);
    let wasm = module.statement(&constant(allow)).wasm();
    assert_eq!(
        World::new()
            .load(&wasm)
            .on_statement(&statement(), &facts())
            .wait(),
        Ok(Verdict::Allow(allowance))
    );

    let deny = module.deny(&denial());
    let wasm = module.statement(&constant(deny)).wasm();
    assert_eq!(
        World::new()
            .load(&wasm)
            .on_statement(&statement(), &facts())
            .wait(),
        Ok(Verdict::Deny(denial()))
    );
}

#[test]
fn a_plan_is_returned_in_full() {
    let mut module = Module::new("fixture");
    let actions = vec![
        ColumnAction::Pass,
        ColumnAction::Nullify,
        ColumnAction::Fixed("***".into()),
        ColumnAction::Partial(PartialMask {
            first: 0,
            last: 4,
            fill: '•',
        }),
        ColumnAction::Pseudonym("id-".into()),
        ColumnAction::Inspect(String::new()),
        ColumnAction::Observe(String::new()),
    ];
    let plan = module.plan(&actions);
    let policy = World::new().load(&module.result(&constant(plan)).wasm());
    assert_eq!(
        policy
            .on_result(&statement(), &vec![column(true); 7].into())
            .wait(),
        Ok(Plan::Columns(actions))
    );
}

#[test]
fn a_batch_is_passed_and_its_reply_returned() {
    // Replies with the column it received.
    let mut module = Module::new("fixture");
    let reply = module.edit(
        &[ColumnReply::Replaced(PackedColumn::default())],
        Some(&[0b101]),
    );
    let body = format!(
        "(memory.copy (i32.add (i32.load (i32.const {})) (i32.const 4)) (i32.add (local.get $columns) (i32.const 4)) (i32.const 24)) (i32.const {reply})",
        reply + 4
    );
    let policy = World::new().load(&module.batch(&body).wasm());
    let data = PackedColumn {
        offsets: vec![0, 3, 3, 6],
        validity: vec![0b101],
        values: b"abcdef".to_vec(),
    };
    let batch = Batch {
        rows: 3,
        sequence: 0,
        columns: vec![BatchColumn {
            index: 2,
            label: "never shown to 0.1".into(),
            data: data.clone(),
        }],
    };
    let expected = BatchEdit {
        columns: vec![ColumnReply::Replaced(data)],
        keep_rows: Some(vec![0b101]),
    };
    for _ in 0..3 {
        assert_eq!(
            policy.on_batch(&statement(), &batch.clone().into()).wait(),
            Ok(BatchReply::Edit(expected.clone()))
        );
    }
}

#[test]
fn a_completion_arrives_with_the_lower_half_of_the_id() {
    let mut module = Module::new("fixture");
    let wasm = module
        .completion(
            "(if (i64.ne (local.get $id) (i64.const 1)) (then (unreachable)))
             (if (i64.ne (local.get $rows) (i64.const 2)) (then (unreachable)))
             (if (i64.ne (local.get $elapsed) (i64.const 5)) (then (unreachable)))",
        )
        .wasm();
    let policy = World::new().load(&wasm);
    assert_eq!(
        policy.on_completion(&statement(), &completion()).wait(),
        Ok(())
    );
}

#[test]
fn a_0_1_approval_requires_one_reviewer_and_maps_dry_run_to_preview() {
    let mut module = Module::new("fixture");
    let (code, reason) = (module.text("bulk"), module.text("many rows"));
    let mut words = [0; 32];
    words[0] = 2;
    words[2..6].copy_from_slice(&[code.0, code.1, reason.0, reason.1]);
    (words[8], words[10], words[12]) = (30_000, 60_000, 1);
    let reply = module.words(&words);
    let verdict = World::new()
        .load(&module.statement(&constant(reply)).wasm())
        .on_statement(&statement(), &facts())
        .wait();
    let expected = Approval {
        code: "bulk".into(),
        reason: "many rows".into(),
        reviewers: Vec::new(),
        approvals: 1,
        wait: ApprovalWait::Hold,
        hold_ms: 30_000,
        valid_ms: 60_000,
        effect: ApprovalEffect::Preview,
        above_rows: None,
        allowance: Allowance::default(),
    };
    assert_eq!(verdict, Ok(Verdict::RequireApproval(expected)));
}

#[test]
fn hooks_that_were_not_registered_are_not_called() {
    let world = World::new();
    let mut module = Module::new("fixture");
    let wasm = module
        .register("fixture", Hooks::empty())
        .statement("(unreachable)")
        .result("(unreachable)")
        .batch("(unreachable)")
        .completion("(unreachable)")
        .wasm();
    let policy = world.load(&wasm);
    assert_eq!(
        policy.on_statement(&statement(), &facts()).wait(),
        Ok(Verdict::Allow(Allowance::default()))
    );
    assert_eq!(
        policy
            .on_result(&statement(), &[column(true)].into())
            .wait(),
        Ok(Plan::Columns(vec![ColumnAction::Pass]))
    );
    let batch = Batch {
        rows: 0,
        sequence: 0,
        columns: Vec::new(),
    };
    assert_eq!(
        policy.on_batch(&statement(), &batch.clone().into()).wait(),
        Ok(BatchReply::Edit(BatchEdit {
            columns: Vec::new(),
            keep_rows: None
        }))
    );
    let done = completion();
    assert_eq!(policy.on_completion(&statement(), &done).wait(), Ok(()));
    assert!(world.observer.calls.lock().unwrap().is_empty());
}

#[test]
fn each_phase_calls_the_policies_registered_for_it() {
    let world = World::new();
    let deny = |hooks: Hooks| {
        let mut module = Module::new("fixture");
        let reply = module.deny(&denial());
        world.load(
            &module
                .register("fixture", hooks)
                .statement(&constant(reply))
                .wasm(),
        )
    };
    let cases = [
        (Phase::Parse, true, false),
        (Phase::Execute, true, true),
        (Phase::Simple, true, true),
        (Phase::FunctionCall, true, true),
    ];
    let (statements, parameters) = (deny(Hooks::STATEMENT), deny(Hooks::PARAMETERS));
    for (phase, by_statement, by_parameters) in cases {
        let facts = Facts { phase, ..facts() };
        for (policy, asked) in [(&statements, by_statement), (&parameters, by_parameters)] {
            let denied = matches!(
                policy.on_statement(&statement(), &facts).wait(),
                Ok(Verdict::Deny(_))
            );
            assert_eq!(denied, asked, "{phase:?} {:?}", policy.hooks());
        }
    }
}

/// Allows the first statement of an instance and denies the rest.
fn remembers() -> Vec<u8> {
    let mut module = Module::new("fixture");
    let (allow, deny) = (module.allow(&Allowance::default()), module.deny(&denial()));
    module
        .extra("(global $calls (mut i32) (i32.const 0))")
        .statement(&format!(
            "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
             (select (i32.const {allow}) (i32.const {deny}) (i32.eq (global.get $calls) (i32.const 1)))"
        ))
        .wasm()
}

#[test]
fn an_instance_is_reused_unless_isolated() {
    let world = World::new();
    let pooled = world.load(&remembers());
    assert!(matches!(
        pooled.on_statement(&statement(), &facts()).wait(),
        Ok(Verdict::Allow(_))
    ));
    assert!(matches!(
        pooled.on_statement(&statement(), &facts()).wait(),
        Ok(Verdict::Deny(_))
    ));

    let settings = PolicySettings {
        isolation: Isolation::Statement,
        ..PolicySettings::default()
    };
    let isolated = world.host.load("fixture", &remembers(), &settings).unwrap();
    for _ in 0..40 {
        assert!(matches!(
            isolated.on_statement(&statement(), &facts()).wait(),
            Ok(Verdict::Allow(_))
        ));
    }
}

#[test]
fn the_registration_is_exposed() {
    let wasm = Module::new("fixture").wasm();
    let policy = World::new().load(&wasm);
    assert_eq!(
        (policy.name(), policy.version(), policy.description()),
        ("fixture", "1.2.3", "made in memory")
    );
    // Contract 0.1 knows no notifications.
    assert_eq!(policy.hooks(), Hooks::all() - Hooks::NOTIFICATION);
    assert_eq!(policy.digest().len(), 64);
}
