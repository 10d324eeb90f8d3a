//! Calls that take long: they leave their caller's thread, share the threads for long calls, and can be stopped. No test measures time: a
//! call with a deadline of an hour can only end by being stopped.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use gatewright_contract::*;
use gatewright_policy_host::{
    Call, Fault, HostSettings, Isolation, Policy, PolicySettings, Running, SHORT_TEXT,
    StatementView,
};

use crate::module::{Module, constant};
use crate::world::{Statement, World, completion, facts, statement};

const HOUR: Duration = Duration::from_secs(3600);

fn world() -> World {
    World::with(HostSettings {
        total_instances: 16,
        threads: 1,
        ..HostSettings::default()
    })
}

fn patient() -> PolicySettings {
    PolicySettings {
        deadline: HOUR,
        wait: HOUR,
        ..PolicySettings::default()
    }
}

/// Loops at Parse, and allows everything else.
fn loops_at_parse() -> Vec<u8> {
    let mut module = Module::new("fixture");
    let allow = module.allow(&Allowance::default());
    // The phase follows the handle and four numbers.
    let is_parse = "(i32.eq (i32.load8_u offset=40 (local.get $args)) (i32.const 1))";
    let body = format!(
        "(if {is_parse} (then (loop $on (br $on)))) {}",
        constant(allow)
    );
    module.statement(&body).wasm()
}

/// Counts to `most` before it allows.
fn counts_to(most: u32) -> Vec<u8> {
    let mut module = Module::new("fixture");
    let allow = module.allow(&Allowance::default());
    let counted = format!(
        "(func $count (local $n i32) (loop $on (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $on (i32.lt_u (local.get $n) (i32.const {most})))))"
    );
    let body = format!("(call $count) {}", constant(allow));
    module.extra(&counted).statement(&body).wasm()
}

fn at_parse() -> Facts {
    Facts {
        phase: Phase::Parse,
        ..facts()
    }
}

fn running<R>(call: Call<R>) -> Running<R> {
    match call {
        Call::Running(running) => running,
        Call::Done(_) => panic!("it is over already"),
    }
}

fn is_done<R>(call: &Call<R>) -> bool {
    matches!(call, Call::Done(Ok(_)))
}

/// A policy that loops at Parse and has one instance.
fn with_one_instance(world: &World) -> Arc<Policy> {
    let settings = PolicySettings {
        max_instances: 1,
        ..patient()
    };
    let loaded = world.host.load("fixture", &loops_at_parse(), &settings);
    loaded.unwrap()
}

fn loop_in(policy: &Arc<Policy>) -> Running<Verdict> {
    running(policy.on_statement(&statement(), &at_parse()))
}

#[test]
fn a_call_that_takes_long_leaves_its_thread_and_others_go_on() {
    let world = world();
    let policy = world
        .host
        .load("fixture", &loops_at_parse(), &patient())
        .unwrap();
    let loops: Vec<_> = (0..4).map(|_| loop_in(&policy)).collect();
    assert_eq!(world.observer.handed_over.lock().unwrap().len(), 4);
    // On the same thread, while all of them run.
    assert!(is_done(&policy.on_statement(&statement(), &facts())));
    drop(loops);
}

#[test]
fn calls_that_take_long_share_the_threads() {
    let world = world();
    let looping = world
        .host
        .load("looping", &loops_at_parse(), &patient())
        .unwrap();
    let counting = world
        .host
        .load("counting", &counts_to(100_000_000), &patient())
        .unwrap();
    let loops: Vec<_> = (0..4).map(|_| loop_in(&looping)).collect();
    // There is one thread for all, and the loops were there first.
    let counted = running(counting.on_statement(&statement(), &facts()));
    assert!(Call::Running(counted).wait().is_ok());
    drop(loops);
}

#[test]
fn a_call_that_nobody_waits_for_is_stopped_and_its_place_is_free() {
    let world = world();
    let policy = with_one_instance(&world);
    let endless = loop_in(&policy);
    let next = running(policy.on_statement(&statement(), &facts()));
    drop(endless);
    assert!(Call::Running(next).wait().is_ok());
    // The instance in the middle of its loop was not used again.
    assert!(is_done(&policy.on_statement(&statement(), &facts())));
    assert!(world.observer.faults.lock().unwrap().is_empty());
}

#[test]
fn who_waits_for_an_instance_has_it_in_turn_and_one_who_left_is_passed_over() {
    let world = world();
    let policy = with_one_instance(&world);
    let endless = loop_in(&policy);
    let left = loop_in(&policy);
    let first = running(policy.on_statement(&statement(), &facts()));
    let second = loop_in(&policy);
    let third = running(policy.on_statement(&statement(), &facts()));
    drop(left);
    drop(endless);
    assert!(Call::Running(first).wait().is_ok());
    drop(second);
    assert!(Call::Running(third).wait().is_ok());
}

#[test]
fn who_left_the_line_leaves_nothing_in_it() {
    let world = world();
    let policy = with_one_instance(&world);
    let endless = loop_in(&policy);
    let stays = running(policy.on_statement(&statement(), &facts()));
    let view = statement();
    let mut left: Vec<_> = (0..100)
        .map(|_| running(policy.on_statement(&view, &facts())))
        .collect();
    let last = left.pop();
    // The client left, or cancelled.
    drop(left);
    assert!(Arc::strong_count(&view) <= 4, "one waits");
    assert_eq!(last.map(Running::give_up), Some(Err(Fault::Exhausted(1))));
    assert!(Arc::strong_count(&view) <= 2, "none waits");
    drop(endless);
    assert!(Call::Running(stays).wait().is_ok());
}

#[test]
fn a_defect_of_the_host_is_a_fault_of_the_call_and_takes_no_place() {
    let world = world();
    let settings = PolicySettings {
        max_instances: 1,
        ..patient()
    };
    let mut module = Module::new("fixture");
    let allow = module.allow(&Allowance::default());
    // Loops at Parse, and asks for the normalized text otherwise.
    let is_parse = "(i32.eq (i32.load8_u offset=40 (local.get $args)) (i32.const 1))";
    let ask = "(call $normalized (i32.load (local.get $args)) (i32.const 8))";
    let body = format!(
        "(if {is_parse} (then (loop $on (br $on)))) {ask} {}",
        constant(allow)
    );
    let wasm = module.statement(&body).wasm();
    let policy = world.host.load("fixture", &wasm, &settings).unwrap();
    let endless = loop_in(&policy);
    let view: Arc<dyn StatementView> = Arc::new(Statement {
        panics: true,
        ..Statement::default()
    });
    let call = running(policy.on_statement(&view, &facts()));
    drop(endless);
    let fault = Fault::Trap("the host panicked".into());
    assert_eq!(Call::Running(call).wait(), Err(fault.clone()));
    assert_eq!(*world.observer.faults.lock().unwrap(), [fault]);
    assert!(is_done(&policy.on_statement(&statement(), &facts())));
}

#[test]
fn a_call_that_waits_in_vain_is_a_fault_that_says_for_what() {
    let world = world();
    let settings = PolicySettings {
        max_instances: 1,
        wait: Duration::from_secs(7),
        ..patient()
    };
    let policy = world
        .host
        .load("fixture", &loops_at_parse(), &settings)
        .unwrap();
    let endless = loop_in(&policy);
    let waits = running(policy.on_statement(&statement(), &facts()));
    assert_eq!(waits.patience(), HOUR + settings.wait);
    assert_eq!(waits.give_up(), Err(Fault::Exhausted(1)));
    assert_eq!(endless.give_up(), Err(Fault::Overloaded(settings.wait)));
    let faults = world.observer.faults.lock().unwrap().clone();
    assert_eq!(
        faults,
        [Fault::Exhausted(1), Fault::Overloaded(settings.wait)]
    );
}

#[test]
fn the_deadline_counts_all_turns_of_a_call() {
    let world = world();
    let looping = world
        .host
        .load("looping", &loops_at_parse(), &patient())
        .unwrap();
    let deadline = Duration::from_millis(30);
    let settings = PolicySettings {
        deadline,
        ..patient()
    };
    let stopped = world
        .host
        .load("stopped", &loops_at_parse(), &settings)
        .unwrap();
    // Each turn is about a millisecond, and the others have theirs in between.
    let loops: Vec<_> = (0..3).map(|_| loop_in(&looping)).collect();
    let answer = Call::Running(loop_in(&stopped)).wait();
    assert_eq!(answer, Err(Fault::Deadline(deadline)));
    drop(loops);
}

#[test]
fn an_instance_that_starts_slowly_leaves_the_thread_too() {
    let world = world();
    let mut module = Module::new("fixture");
    let registration = module.registration("fixture", Hooks::STATEMENT);
    let wasm = module
        .extra("(func $count (local $n i32) (loop $on (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $on (i32.lt_u (local.get $n) (i32.const 20000000)))))")
        .init(&format!("(call $count) {}", constant(registration)))
        .wasm();
    let settings = PolicySettings {
        isolation: Isolation::Statement,
        init_deadline: HOUR,
        ..patient()
    };
    let policy = world.host.load("fixture", &wasm, &settings).unwrap();
    let call = running(policy.on_statement(&statement(), &facts()));
    assert!(Call::Running(call).wait().is_ok());
}

#[test]
fn calls_outlive_their_host() {
    let world = world();
    let policy = world
        .host
        .load("fixture", &counts_to(50_000_000), &patient())
        .unwrap();
    let call = running(policy.on_statement(&statement(), &facts()));
    drop((policy, world));
    assert!(Call::Running(call).wait().is_ok());
}

#[test]
fn a_completion_goes_on_elsewhere_too() {
    let world = world();
    let mut module = Module::v0_2("fixture");
    let wasm = module.completion("(loop $on (br $on))").wasm();
    let policy = world.host.load("fixture", &wasm, &patient()).unwrap();
    drop(running(policy.on_completion(&statement(), &completion())));
    assert!(is_done(&policy.on_statement(&statement(), &facts())));
}

#[test]
fn what_takes_long_to_derive_from_a_text_is_derived_elsewhere() {
    let derived_on = |method: &str, length: usize| {
        let world = world();
        let mut module = Module::new("fixture");
        let allow = module.allow(&Allowance::default());
        let ask = format!("(call ${method} (i32.load (local.get $args)) (i32.const 8))");
        let wasm = module
            .statement(&format!("{ask} {}", constant(allow)))
            .wasm();
        let policy = world.host.load("fixture", &wasm, &patient()).unwrap();
        let text = Arc::new(Statement {
            length,
            ..Statement::default()
        });
        let view: Arc<dyn StatementView> = text.clone();
        assert!(policy.on_statement(&view, &facts()).wait().is_ok());
        let derived_on = text.derived_on.lock().unwrap().clone();
        assert_eq!(derived_on.len(), 1);
        derived_on[0]
    };
    let here = thread::current().id();
    assert_eq!(derived_on("normalized", SHORT_TEXT), here);
    assert_ne!(derived_on("normalized", SHORT_TEXT + 1), here);
    assert_ne!(derived_on("ast_json", 1), here);
}
