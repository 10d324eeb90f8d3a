//! libFuzzer target for the files of the record.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gatewright_fuzz_entries::record(bytes));
