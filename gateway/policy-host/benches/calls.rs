//! The cost of a call: `cargo bench -p gatewright-policy-host`. `GATEWRIGHT_BENCH_POLICY` names a policy file to
//! measure instead of the built-in one, which answers immediately and so measures only the WebAssembly boundary.

#[path = "../tests/host/module.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod module;
#[path = "../tests/host/world.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod world;

use std::sync::Arc;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use gatewright_contract::{Batch, BatchColumn, PackedColumn};
use gatewright_policy_host::{Policy, PolicySettings};

use self::module::Module;
use self::world::{World, facts, statement};

const ROWS: u32 = 4096;

fn main() {
    divan::main();
}

fn policies(count: usize) -> Vec<Arc<Policy>> {
    let wasm = match std::env::var_os("GATEWRIGHT_BENCH_POLICY") {
        Some(path) => std::fs::read(path).expect("the policy file to measure"),
        None => Module::new("fixture").wasm(),
    };
    let world = World::new();
    (0..count)
        .map(|_| {
            world
                .host
                .load("fixture", &wasm, &PolicySettings::default())
                .expect("a policy that loads")
        })
        .collect()
}

#[divan::bench(args = [1, 3])]
fn on_statement(bencher: Bencher, count: usize) {
    let (policies, view, facts) = (policies(count), statement(), facts());
    bencher.bench_local(|| {
        for policy in &policies {
            divan::black_box(policy.on_statement(&view, &facts).wait()).expect("a verdict");
        }
    });
}

#[divan::bench]
fn batch_of_one_column(bencher: Bencher) {
    let (policies, view) = (policies(1), statement());
    let values: Vec<u8> = (0..ROWS)
        .flat_map(|row| format!("{row:019}").into_bytes())
        .collect();
    let data = PackedColumn {
        offsets: (0..=ROWS).map(|row| row * 19).collect(),
        validity: vec![0xff; ROWS as usize / 8],
        values,
    };
    let batch = Arc::new(Batch {
        rows: ROWS,
        sequence: 0,
        columns: vec![BatchColumn {
            index: 0,
            label: String::new(),
            data,
        }],
    });
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        divan::black_box(policies[0].on_batch(&view, &batch).wait()).expect("a reply")
    });
}

/// Typical prose: words, numbers, dates and punctuation, with an address in every tenth value.
fn prose(row: u32) -> String {
    let address = match row % 10 {
        0 => format!("write to user{row}@example.com, "),
        _ => "call back later, ".to_owned(),
    };
    format!(
        "Ticket {row}: the customer asked on 2024-03-{:02} why order {} of {}.{:02} EUR has not come; {address}\
         see https://example.com/orders/{row}?lang=en. Status: OPEN (priority {}), item A-{row}-B, lot 7f3a{row:04x}.",
        row % 28 + 1,
        row * 7 + 100_000,
        row % 900,
        row % 100,
        row % 5
    )
}

#[divan::bench]
fn batch_of_prose(bencher: Bencher) {
    let (policies, view) = (policies(1), statement());
    let texts: Vec<String> = (0..1024).map(prose).collect();
    let mut offsets = vec![0_u32];
    let mut values = Vec::new();
    for text in &texts {
        values.extend_from_slice(text.as_bytes());
        offsets.push(u32::try_from(values.len()).expect("less than 4 GiB"));
    }
    let bytes = values.len();
    let data = PackedColumn {
        offsets,
        validity: vec![0xff; texts.len() / 8],
        values,
    };
    let batch = Arc::new(Batch {
        rows: u32::try_from(texts.len()).expect("1,024 rows"),
        sequence: 0,
        columns: vec![BatchColumn {
            index: 0,
            label: String::new(),
            data,
        }],
    });
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        divan::black_box(policies[0].on_batch(&view, &batch).wait()).expect("a reply")
    });
}
