//! Policies that trap, loop, exhaust memory or return illegal replies.

use std::time::{Duration, Instant};

use gatewright_contract::*;
use gatewright_policy_host::{Fault, HostSettings, PolicySettings};

use crate::module::{Module, constant};
use crate::world::{World, column, denial, facts, statement};

/// One of these tests keeps the machine busy, so that calls that take long have few turns.
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_trap_names_its_function_and_the_next_call_succeeds() {
    let world = World::new();
    let mut module = Module::new("fixture");
    let allow = module.allow(&Allowance::default());
    // Traps on the first call of each instance, so a second trap would mean a second instance.
    let wasm = module
        .extra("(func $deep_inside unreachable)")
        .statement(&format!(
            "(if (i32.eq (i32.load8_u {}) (i32.const 1)) (then (call $deep_inside))) {}",
            "(i32.add (local.get $args) (i32.const 40))",
            constant(allow)
        ))
        .wasm();
    let policy = world.load(&wasm);
    let trapped = policy
        .on_statement(
            &statement(),
            &Facts {
                phase: Phase::Parse,
                ..facts()
            },
        )
        .wait();
    let Err(Fault::Trap(text)) = trapped else {
        panic!("{trapped:?}")
    };
    assert!(
        text.contains("unreachable") && text.contains("deep_inside"),
        "{text}"
    );
    assert!(policy.on_statement(&statement(), &facts()).wait().is_ok());
    assert_eq!(world.observer.faults.lock().unwrap().len(), 1);
}

#[test]
fn an_endless_loop_is_stopped_at_its_deadline() {
    let world = World::new();
    let mut module = Module::new("fixture");
    let wasm = module.statement("(loop $on (br $on)) (unreachable)").wasm();
    let deadline = Duration::from_millis(20);
    let policy = world
        .host
        .load(
            "fixture",
            &wasm,
            &PolicySettings {
                deadline,
                wait: HOUR,
                ..PolicySettings::default()
            },
        )
        .unwrap();
    let started = Instant::now();
    assert_eq!(
        policy.on_statement(&statement(), &facts()).wait(),
        Err(Fault::Deadline(deadline))
    );
    assert!(started.elapsed() >= deadline);
}

/// Runs while it lives.
struct Load(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl Load {
    /// Threads that want all of the machine's CPU, this many for each processor.
    fn per_processor(count: usize) -> Load {
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..count * processors {
            let stop = std::sync::Arc::clone(&stop);
            std::thread::spawn(move || {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Load(stop)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn time_that_a_busy_machine_takes_does_not_count() {
    let world = World::new();
    let mut module = Module::new("fixture");
    let allow = module.allow(&Allowance::default());
    let count = "(local.set $n (i32.add (local.get $n) (i32.const 1)))";
    let wasm = module
        .extra(&format!(
            "(func $count (local $n i32) (loop $on {count} (br_if $on (i32.lt_u (local.get $n) (i32.const 60000000)))))"
        ))
        .statement(&format!("(call $count) {}", constant(allow)))
        .wasm();
    let of = |deadline| PolicySettings {
        deadline,
        wait: HOUR,
        ..PolicySettings::default()
    };
    let patient = of(Duration::from_secs(60));
    let policy = world.host.load("fixture", &wasm, &patient).unwrap();
    let alone = (0..3).map(|_| {
        let started = Instant::now();
        assert!(policy.on_statement(&statement(), &facts()).wait().is_ok());
        started.elapsed()
    });
    // Beside others it needs more CPU, too, but by far not as much as time passes.
    let deadline = alone.min().unwrap_or_default() * 5;
    let policy = world.host.load("fixture", &wasm, &of(deadline)).unwrap();
    let load = Load::per_processor(24);
    let started = Instant::now();
    let answer = policy.on_statement(&statement(), &facts()).wait();
    let took = started.elapsed();
    drop(load);
    assert!(answer.is_ok(), "{answer:?} after {took:?} of {deadline:?}");
    assert!(took > deadline, "the machine was not busy: {took:?}");
}

#[test]
fn an_endless_init_does_not_load() {
    let world = World::new();
    let mut module = Module::new("fixture");
    let wasm = module.init("(loop $on (br $on)) (unreachable)").wasm();
    let settings = PolicySettings {
        init_deadline: Duration::from_millis(20),
        ..PolicySettings::default()
    };
    let error = world
        .host
        .load("fixture", &wasm, &settings)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("cannot be started: did not answer within 20 ms"),
        "{error}"
    );
}

#[test]
fn memory_is_limited() {
    let world = World::new();
    let mut module = Module::new("fixture");
    let wasm = module.statement("(loop $on (br_if $on (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)").wasm();
    let settings = PolicySettings {
        memory_bytes: 4 << 20,
        ..PolicySettings::default()
    };
    let policy = world.host.load("fixture", &wasm, &settings).unwrap();
    assert_eq!(
        policy.on_statement(&statement(), &facts()).wait(),
        Err(Fault::Memory(4 << 20))
    );
}

#[test]
fn runaway_recursion_is_a_trap() {
    let mut module = Module::new("fixture");
    let wasm = module
        .extra("(func $down (call $down) (call $down))")
        .statement("(call $down) (unreachable)")
        .wasm();
    let fault = World::new()
        .load(&wasm)
        .on_statement(&statement(), &facts())
        .wait();
    assert!(
        matches!(&fault, Err(Fault::Trap(text)) if text.contains("call stack exhausted")),
        "{fault:?}"
    );
}

#[test]
fn replies_that_cannot_be_decoded_are_illegal() {
    let world = World::new();
    let mut module = Module::new("fixture");
    let beyond = module.words(&[
        1,
        0,
        0x7fff_0000,
        10,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    ]);
    let unknown_case = module.words(&[9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // One string of 60 KiB, referenced 60,000 times: 3.6 GB if the host copied all of it.
    let text = module.text(&"x".repeat(60_000));
    let list = module.words(&[text.0, text.1].repeat(60_000));
    let amplified = module.words(&[
        2, 0, text.0, 1, text.0, 1, list, 60_000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    for reply in [beyond, unknown_case, amplified] {
        let fault = world
            .load(&module.statement(&constant(reply)).wasm())
            .on_statement(&statement(), &facts())
            .wait();
        assert!(matches!(fault, Err(Fault::IllegalReply(_))), "{fault:?}");
    }
}

#[test]
fn invalid_verdicts_are_illegal() {
    let world = World::new();
    for denial in [
        Denial {
            message: " ".into(),
            ..denial()
        },
        Denial {
            code: String::new(),
            ..denial()
        },
        Denial {
            sqlstate: Some("00000".into()),
            ..denial()
        },
        Denial {
            sqlstate: Some("4250a".into()),
            ..denial()
        },
        Denial {
            message: "a\0b".into(),
            ..denial()
        },
        Denial {
            hint: Some("x".repeat(5000)),
            ..denial()
        },
    ] {
        let mut module = Module::new("fixture");
        let reply = module.deny(&denial);
        let fault = world
            .load(&module.statement(&constant(reply)).wasm())
            .on_statement(&statement(), &facts())
            .wait();
        assert!(
            matches!(fault, Err(Fault::IllegalReply(_))),
            "{denial:?}: {fault:?}"
        );
    }
}

#[test]
fn a_plan_with_a_wrong_column_count_is_illegal() {
    let mut module = Module::new("fixture");
    let plan = module.plan(&[ColumnAction::Pass]);
    let policy = World::new().load(&module.result(&constant(plan)).wasm());
    assert!(
        policy
            .on_result(&statement(), &[column(true)].into())
            .wait()
            .is_ok()
    );
    let fault = policy
        .on_result(&statement(), &[column(true), column(true)].into())
        .wait();
    assert_eq!(
        fault,
        Err(Fault::IllegalReply(
            "a plan for 1 columns; the result has 2".into()
        ))
    );
}

#[test]
fn calls_beyond_the_instance_limit_wait_and_fail() {
    let world = World::with(HostSettings {
        total_instances: 4,
        ..HostSettings::default()
    });
    let mut module = Module::new("fixture");
    let wasm = module.statement("(loop $on (br $on)) (unreachable)").wasm();
    let settings = PolicySettings {
        deadline: Duration::from_millis(300),
        wait: HOUR,
        max_instances: 1,
        ..PolicySettings::default()
    };
    let slow = world.host.load("fixture", &wasm, &settings).unwrap();
    let busy = std::thread::spawn({
        let slow = slow.clone();
        move || slow.on_statement(&statement(), &facts()).wait()
    });
    std::thread::sleep(Duration::from_millis(50));
    let second = slow.on_statement(&statement(), &facts()).wait();
    assert!(
        matches!(second, Err(Fault::Exhausted(1) | Fault::Deadline(_))),
        "{second:?}"
    );
    assert!(matches!(busy.join().unwrap(), Err(Fault::Deadline(_))));
}

#[test]
fn the_instances_of_the_whole_host_are_limited_too() {
    let world = World::with(HostSettings {
        total_instances: 1,
        ..HostSettings::default()
    });
    let wasm = Module::new("fixture").wasm();
    let first = world.load(&wasm);
    let second = world.host.load("second", &wasm, &PolicySettings::default());
    assert!(second.is_err_and(|error| error.to_string().contains("busy")));
    assert!(first.on_statement(&statement(), &facts()).wait().is_ok());
}

#[test]
fn keys_are_limited_and_scopes_require_a_statement() {
    let world = World::new();
    let mut module = Module::new("fixture");
    let key = module.text(&"k".repeat(600));
    let body = format!(
        "(drop (call $counter_add (i32.const 3) (i32.const {}) (i32.const {}) (i64.const 1) (i64.const 0))) (unreachable)",
        key.0, key.1
    );
    let fault = world
        .load(&module.statement(&body).wasm())
        .on_statement(&statement(), &facts())
        .wait();
    assert!(
        matches!(&fault, Err(Fault::Trap(text)) if text.contains("600 bytes")),
        "{fault:?}"
    );

    let mut module = Module::new("fixture");
    let body = format!(
        "(drop (call $counter_add (i32.const 0) (i32.const {}) (i32.const 1) (i64.const 1) (i64.const 0))) (unreachable)",
        key.0
    );
    let error = world
        .host
        .load(
            "fixture",
            &module.init(&body).wasm(),
            &PolicySettings::default(),
        )
        .unwrap_err();
    assert!(
        error.to_string().contains("without a current statement"),
        "{error}"
    );
}
