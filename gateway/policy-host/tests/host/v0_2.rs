//! What contract 0.2 adds to 0.1: 128-bit ids, approvals with conditions, labels and outcomes.

use std::sync::Arc;

use gatewright_contract::*;
use gatewright_policy_host::Fault;

use crate::module::{Module, constant};
use crate::world::{HIGH, World, column, completion, denial, facts, statement};

/// Calls a policy that denies with a message whose address and length `load` writes to a given address, and returns it.
fn echo(load: &str) -> String {
    let mut module = Module::v0_2("fixture");
    let reply = module.deny(&denial());
    let body = format!(
        "{load}
         (i32.store (i32.const {message}) (i32.load (i32.const 8)))
         (i32.store (i32.const {length}) (i32.load (i32.const 12)))
         (i32.const {reply})",
        message = reply + 16,
        length = reply + 20,
    );
    let verdict = World::new()
        .load(&module.statement(&body).wasm())
        .on_statement(&statement(), &facts())
        .wait();
    match verdict {
        Ok(Verdict::Deny(denial)) => denial.message,
        other => panic!("{load}: {other:?}"),
    }
}

fn approval() -> Approval {
    Approval {
        code: "bulk".into(),
        reason: "many rows".into(),
        reviewers: vec!["owners".into(), "grace".into()],
        approvals: 2,
        wait: ApprovalWait::ReturnId,
        hold_ms: 30_000,
        valid_ms: 60_000,
        effect: ApprovalEffect::Bound,
        above_rows: Some(1000),
        allowance: Allowance {
            plan_result: true,
            messages: Messages::OutsideCode,
            row_limit: Some(100),
            notes: vec![Attribute {
                key: "rule".into(),
                value: "7".into(),
            }],
            ..Allowance::default()
        },
    }
}

/// Calls a policy that requires this approval and registered these hooks.
fn asking(approval: &Approval, hooks: Hooks) -> Result<Verdict, Fault> {
    let mut module = Module::v0_2("fixture");
    let reply = module.approval(approval);
    let wasm = module
        .register("fixture", hooks)
        .statement(&constant(reply))
        .wasm();
    World::new()
        .load(&wasm)
        .on_statement(&statement(), &facts())
        .wait()
}

#[test]
fn facts_have_128_bit_ids_and_a_missing_table_is_none() {
    let at = |offset: u32| format!("(i32.add (local.get $args) (i32.const {offset}))");
    let same = |load: &str, from: &str, value: u64| {
        let kind = &load[..3];
        format!("(if ({kind}.ne ({load} {from}) ({kind}.const {value})) (then (unreachable)))")
    };
    let columns = format!("(i32.load {})", at(108));
    let body = [
        same("i64.load", &at(8), HIGH),
        same("i64.load", &at(16), 1),
        same("i64.load", &at(24), HIGH),
        same("i64.load", &at(32), 7),
        same("i64.load", &at(40), 3),
        same("i64.load", &at(48), 4),
        same("i32.load8_u", &at(56), Phase::Simple as u64),
        same("i32.load8_u", &columns, 0),
        same(
            "i32.load8_u",
            &format!("(i32.add {columns} (i32.const 16))"),
            Usage::Filter as u64,
        ),
    ]
    .concat();
    let mut module = Module::v0_2("fixture");
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
fn a_policy_can_read_the_id_as_text_and_the_original_sql() {
    let handle = "(i32.load (local.get $args))";
    assert_eq!(
        echo(&format!("(call $id_text {handle} (i32.const 8))")),
        "0198a3c5-7d20-7abc-0000-000000000001"
    );
    // The result is an option whose tag is at 4, so the string is where `echo` reads it.
    let original = format!(
        "(call $original_sql {handle} (i32.const 4)) (if (i32.ne (i32.load8_u (i32.const 4)) (i32.const 1)) (then (unreachable)))"
    );
    assert_eq!(echo(&original), "SELECT * FROM customers");
    assert_eq!(
        echo(&format!("(call $sql {handle} (i32.const 8))")),
        "SELECT ssn FROM customers"
    );
}

#[test]
fn a_policy_can_read_the_access_grants() {
    let check = |load: &str, value: u64| {
        let kind = &load[1..4];
        format!("(if ({kind}.ne {load} ({kind}.const {value})) (then (unreachable)))")
    };
    let grant = "(i32.load (i32.const 8))";
    let load = [
        "(call $access_grants (i32.load (local.get $args)) (i32.const 8))".to_owned(),
        check("(i32.load (i32.const 12))", 1),
        check(&format!("(i64.load {grant})"), HIGH),
        check(&format!("(i64.load offset=8 {grant})"), 5),
        check(&format!("(i32.load offset=20 {grant})"), 1),
        check(&format!("(i32.load8_u offset=24 {grant})"), 1),
        check(&format!("(i64.load offset=32 {grant})"), 17),
        check(&format!("(i64.load offset=40 {grant})"), 19),
        // Its only table, which has no name.
        format!("(i32.store (i32.const 8) (i32.load offset=16 {grant}))"),
        check(&format!("(i32.load8_u offset=8 {grant})"), 0),
        check(&format!("(i32.load8_u offset=20 {grant})"), 8 + 16),
        // Where the schema is, and how long it is.
        format!("(i32.store (i32.const 12) (i32.load offset=4 {grant}))"),
        format!("(i32.store (i32.const 8) (i32.load {grant}))"),
    ];
    assert_eq!(echo(&load.concat()), "sales");
}

#[test]
fn edits_are_returned_in_full() {
    let replaced = |value| {
        Edit::ReplaceColumn(ColumnReplacement {
            schema: "public".into(),
            table: "customers".into(),
            column: "ssn".into(),
            value,
            look_ups: 3,
        })
    };
    let allowance = Allowance {
        edits: vec![
            Edit::FilterRows(RowFilter {
                schema: "public".into(),
                table: "customers".into(),
                predicate: "tenant OPERATOR(pg_catalog.=) 7".into(),
            }),
            replaced(ReplacementValue::Null),
            replaced(ReplacementValue::Fixed("***".into())),
            replaced(ReplacementValue::Partial(PartialMask {
                first: 1,
                last: 2,
                fill: '#',
            })),
            replaced(ReplacementValue::Text("'x'".into())),
            replaced(ReplacementValue::Expression("0".into())),
            Edit::CapLimit(500),
        ],
        ..Allowance::default()
    };
    let mut module = Module::v0_2("fixture");
    let allow = module.allow(&allowance);
    let wasm = module.statement(&constant(allow)).wasm();
    assert_eq!(
        World::new()
            .load(&wasm)
            .on_statement(&statement(), &facts())
            .wait(),
        Ok(Verdict::Allow(allowance))
    );
}

#[test]
fn an_approval_is_returned_in_full() {
    assert_eq!(
        asking(&approval(), Hooks::all()),
        Ok(Verdict::RequireApproval(approval()))
    );
}

#[test]
fn invalid_approvals_are_illegal() {
    let by_nobody = Approval {
        approvals: 0,
        ..approval()
    };
    let by_too_many = Approval {
        approvals: 65,
        ..approval()
    };
    let mut without_time = approval();
    without_time.allowance.timeout_ms = Some(0);
    for wrong in [by_nobody, by_too_many, without_time] {
        let answer = asking(&wrong, Hooks::all());
        assert!(
            matches!(answer, Err(Fault::IllegalReply(_))),
            "{wrong:?}: {answer:?}"
        );
    }
    // A policy that requests a plan relies on its columns being protected.
    let answer = asking(&approval(), Hooks::STATEMENT);
    assert!(matches!(answer, Err(Fault::IllegalReply(_))), "{answer:?}");
}

#[test]
fn the_labels_of_a_plan_are_returned_in_full() {
    let mut module = Module::v0_2("fixture");
    let actions = vec![
        ColumnAction::Inspect("mail".into()),
        ColumnAction::Observe("country".into()),
        ColumnAction::Inspect(String::new()),
    ];
    let plan = module.plan(&actions);
    let policy = World::new().load(&module.result(&constant(plan)).wasm());
    assert_eq!(
        policy
            .on_result(&statement(), &vec![column(true); 3].into())
            .wait(),
        Ok(Plan::Columns(actions))
    );

    let plan = module.plan(&[ColumnAction::Inspect("x".repeat(65))]);
    let policy = World::new().load(&module.result(&constant(plan)).wasm());
    let answer = policy
        .on_result(&statement(), &[column(true)].into())
        .wait();
    assert!(matches!(answer, Err(Fault::IllegalReply(_))), "{answer:?}");
}

#[test]
fn a_batch_includes_its_labels_and_values() {
    // If the label is the expected one, replies with the received column, which follows the index and label.
    let mut module = Module::v0_2("fixture");
    let reply = module.edit(&[ColumnReply::Replaced(PackedColumn::default())], None);
    let body = format!(
        "(if (i32.ne (i32.load offset=8 (local.get $columns)) (i32.const 4)) (then (unreachable)))
         (if (i32.ne (i32.load (i32.load offset=4 (local.get $columns))) (i32.const {})) (then (unreachable)))
         (memory.copy (i32.add (i32.load (i32.const {})) (i32.const 4)) (i32.add (local.get $columns) (i32.const 12)) (i32.const 24))
         (i32.const {reply})",
        u32::from_le_bytes(*b"mail"),
        reply + 4
    );
    let policy = World::new().load(&module.batch(&body).wasm());
    let data = PackedColumn {
        offsets: vec![0, 3, 3],
        validity: vec![0b01],
        values: b"abc".to_vec(),
    };
    let batch = Batch {
        rows: 2,
        sequence: 0,
        columns: vec![BatchColumn {
            index: 2,
            label: "mail".into(),
            data: data.clone(),
        }],
    };
    let expected = BatchEdit {
        columns: vec![ColumnReply::Replaced(data)],
        keep_rows: None,
    };
    assert_eq!(
        policy.on_batch(&statement(), &batch.clone().into()).wait(),
        Ok(BatchReply::Edit(expected))
    );
}

#[test]
fn a_completion_reports_the_outcome() {
    let checks = [
        ("i64", "$high", HIGH),
        ("i64", "$id", 1),
        ("i32", "$outcome", Outcome::Suspended as u64),
        ("i64", "$rows", 2),
        ("i64", "$bytes", 3),
        ("i64", "$masked", 4),
        ("i64", "$elapsed", 5),
        ("i32", "$length", 5),
    ];
    let body: String = checks
        .iter()
        .map(|(kind, name, value)| {
            format!(
                "(if ({kind}.ne (local.get {name}) ({kind}.const {value})) (then (unreachable)))"
            )
        })
        .collect();
    let mut module = Module::v0_2("fixture");
    let policy = World::new().load(&module.completion(&body).wasm());
    for _ in 0..3 {
        assert_eq!(
            policy.on_completion(&statement(), &completion()).wait(),
            Ok(())
        );
    }
}

#[test]
fn notifications_are_passed_to_the_policy() {
    let policy = World::new().load(&Module::v0_2("fixture").wasm());
    let received = |channel: &str| Notification {
        session_id: SessionId::generate(),
        database: "shop".into(),
        channel: channel.into(),
        payload: "1".into(),
        identity: Arc::default(),
    };
    let view = statement();
    let reply = |channel| policy.on_notification(&view, &received(channel)).wait();
    assert_eq!(reply("dropped"), Ok(NotificationReply::Drop));
    assert_eq!(reply("news"), Ok(NotificationReply::Pass));
    // A policy without the hook is not asked.
    let mut module = Module::v0_2("fixture");
    let deaf = World::new().load(&module.register("fixture", Hooks::STATEMENT).wasm());
    let reply = deaf.on_notification(&view, &received("dropped")).wait();
    assert_eq!(reply, Ok(NotificationReply::Pass));
}
