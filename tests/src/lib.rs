//! A raw protocol client for the end-to-end tests in `tests/e2e` and for `bench-client`, which send what no driver would.

pub mod random;
pub mod raw;
