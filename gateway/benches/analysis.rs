//! What finding the facts of a text costs that was seen before, as a session asks for them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use divan::{Bencher, black_box};
use gatewright::catalog::CatalogHandle;
use gatewright::gate::{
    DatabaseMetrics, Gate, GateMetrics, GateSettings, People, Policies, SessionGate,
};
use gatewright::identity::Identity;
use gatewright::session::{Completion, Judge, Judged};
use gatewright_contract as contract;
use gatewright_sql::Verb;

fn main() {
    divan::main();
}

struct Uncounted;

impl GateMetrics for Uncounted {
    fn verdict(&self, _: Verb, _: &'static str) {}
    fn completed(&self, _: Verb, _: f64, _: &Completion) {}
    fn held(&self, _: bool) {}
    fn decided(&self, _: &'static str) {}
    fn shadow(&self, _: &str, _: &'static str) {}
    fn database(&self, _: &str) -> Option<Arc<dyn DatabaseMetrics>> {
        None
    }
}

fn session() -> SessionGate {
    let gate = Gate::new(
        // The role lock needs a catalog, and there is no server to read one from.
        GateSettings {
            lock_role: false,
            ..GateSettings::default()
        },
        Arc::new(Policies::none()),
        People::Nobody,
        None,
        Arc::new(Uncounted),
    );
    let target = "postgres://bench@localhost/bench".parse().expect("a DSN");
    let identity = Identity {
        subject: "bench".to_owned(),
        issuer: "https://issuer.example".to_owned(),
        groups: Vec::new(),
        agent: None,
        task: None,
        program: false,
        attributes: Vec::new(),
        expires_at: SystemTime::now() + Duration::from_secs(3600),
    };
    let mut session = gate.session(
        contract::Session::default(),
        &identity,
        CatalogHandle::new(target),
    );
    let known = session.analyze(TEXT, true, None);
    assert!(matches!(known, Judged::Ready(Ok(_))), "no facts were found");
    session
}

const TEXT: &str = "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;";

#[divan::bench]
fn the_same_text(bencher: Bencher) {
    let mut session = session();
    bencher.bench_local(move || session.analyze(black_box(TEXT), true, None));
}

/// As `pgbench -M simple` sends it: another constant each time.
#[divan::bench]
fn a_text_with_other_constants(bencher: Bencher) {
    let mut session = session();
    let mut number = 0_u32;
    bencher
        .with_inputs(move || {
            number = number.wrapping_add(7919);
            format!("SELECT abalance FROM pgbench_accounts WHERE aid = {number};")
        })
        .bench_local_refs(|text| session.analyze(black_box(text), true, None));
}
