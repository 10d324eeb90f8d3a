//! Runs the fuzz targets on the corpus, on mutations of it and on random bytes.

use std::path::Path;

use gatewright_harness::soak;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{frames, record, session};

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = std::fs::read_dir(folder.join(name)).expect("the corpus exists");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    // A seed must select the same entries on every machine.
    paths.sort_unstable();
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("the file is readable"))
        .collect()
}

#[test]
fn the_frames_corpus_passes() {
    let all = corpus("frames");
    assert!(all.len() >= 3);
    all.iter().for_each(|bytes| frames(bytes));
}

#[test]
fn the_record_corpus_passes() {
    let all = corpus("record");
    assert!(all.len() >= 3);
    all.iter().for_each(|bytes| record(bytes));
}

#[test]
fn the_session_corpus_passes() {
    let all = corpus("session");
    assert!(all.len() >= 3);
    all.iter().for_each(|bytes| session(bytes));
}

/// An entry of the corpus with some bytes changed, inserted or removed.
fn mutated(name: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<u16>(), any::<u8>(), 0..3_u8);
    let changes = proptest::collection::vec(change, 0..6);
    (proptest::sample::select(corpus(name)), changes).prop_map(|(mut bytes, changes)| {
        for (at, value, how) in changes {
            let at = usize::from(at) % (bytes.len() + 1);
            match how {
                0 => bytes.insert(at, value),
                _ if at >= bytes.len() => {}
                1 => bytes[at] = value,
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

fn random_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => Just(0_u8), 2 => 0..12_u8, 2 => proptest::sample::select(b"QPBDEHSCFXdcfTZGI123st\x00".to_vec()), 1 => any::<u8>()];
    proptest::collection::vec(byte, 0..200)
}

fn settings() -> ProptestConfig {
    ProptestConfig {
        cases: soak::cases(1000),
        rng_seed: soak::seed().map_or(RngSeed::Random, RngSeed::Fixed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn random_frames_pass(bytes in prop_oneof![random_bytes(), mutated("frames")]) {
        frames(&bytes);
    }

    #[test]
    fn random_records_pass(bytes in prop_oneof![1 => random_bytes(), 4 => mutated("record")]) {
        record(&bytes);
    }

    #[test]
    fn random_sessions_pass(bytes in prop_oneof![1 => random_bytes(), 4 => mutated("session")]) {
        session(&bytes);
    }
}
