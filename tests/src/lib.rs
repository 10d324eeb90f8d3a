//! The protocol as bytes, for tests and benchmarks that no driver would let happen.
//! It knows messages and nothing of what they mean to a gateway.
//! Next: the end-to-end tests in `tests/e2e`, and `bench-client`.

pub mod raw;
