//! A raw protocol client for the end-to-end tests in `tests/e2e` and for `bench-client`, which send what no driver would, and what the tests know of
//! PostgreSQL's own functions.

pub mod random;
pub mod raw;
pub mod volatile;
