//! The services available to a policy: state, log and metrics.

use gatewright_contract::*;
use gatewright_policy_host::{PolicySettings, StatementView};
use std::sync::Arc;

use crate::module::Module;
use crate::world::{World, denial, facts, in_session, session_id, statement};

/// Denies from the third statement of a session on.
fn third_time() -> Vec<u8> {
    let mut module = Module::new("fixture");
    let (allow, deny) = (module.allow(&Allowance::default()), module.deny(&denial()));
    let key = module.text("statements");
    module
        .statement(&format!(
            "(select (i32.const {deny}) (i32.const {allow}) (i64.gt_s
               (call $counter_add (i32.const 0) (i32.const {}) (i32.const {}) (i64.const 1) (i64.const 0)) (i64.const 2)))",
            key.0, key.1
        ))
        .wasm()
}

#[test]
fn state_survives_a_reload_and_ends_with_its_session() {
    let world = World::new();
    let denied = |view: &Arc<dyn StatementView>| {
        let policy = world
            .host
            .load("fixture", &third_time(), &PolicySettings::default())
            .unwrap();
        matches!(
            policy.on_statement(view, &facts()).wait(),
            Ok(Verdict::Deny(_))
        )
    };
    let (one, two) = (in_session(1), in_session(2));
    assert_eq!(
        [denied(&one), denied(&one), denied(&one)],
        [false, false, true]
    );
    assert!(!denied(&two));
    world.host.session_ended(session_id(1));
    assert!(!denied(&one));
}

#[test]
fn log_rate_and_metric_names_are_limited() {
    let world = World::new();
    let mut module = Module::new("fixture");
    let allow = module.allow(&Allowance::default());
    let (line, good, bad) = (
        module.text("over\nhere"),
        module.text("seen_total"),
        module.text("Seen Total"),
    );
    let wasm = module
        .statement(&format!(
            "(call $log (i32.const 3) (i32.const {}) (i32.const {})) (call $metric_add (i32.const {}) (i32.const {}) (f64.const 2))
             (call $metric_add (i32.const {}) (i32.const {}) (f64.const 1)) (i32.const {allow})",
            line.0, line.1, good.0, good.1, bad.0, bad.1
        ))
        .wasm();
    let policy = world.load(&wasm);
    for _ in 0..300 {
        policy.on_statement(&statement(), &facts()).wait().unwrap();
    }
    let lines = world.observer.lines.lock().unwrap();
    assert_eq!(lines[0], (Level::Warn, "over here".into()));
    assert!(lines.len() < 300, "{}", lines.len());
    let metrics = world.observer.metrics.lock().unwrap();
    assert_eq!(metrics.len(), 300);
    assert!(
        metrics
            .iter()
            .all(|metric| *metric == ("seen_total".into(), 2.0))
    );
}
