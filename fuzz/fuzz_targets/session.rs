//! libFuzzer target for a session.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gatewright_fuzz_entries::session(bytes));
