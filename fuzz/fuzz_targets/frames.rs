//! libFuzzer target for message decoding.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gatewright_fuzz_entries::frames(bytes));
