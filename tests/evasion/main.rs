//! Attacks on `mask-columns`, and what must go on working beside it.
//!
//! `tricks/` holds ways to read a protected value: each is first shown to work against PostgreSQL itself, then must show nothing
//! in any byte that the client receives through the gateway. `harmless/` holds what applications, drivers and tools send: through
//! the gateway the answer must be the same, but for masked cells. Both only grow. `corpus` says how the files are written.

mod corpus;
mod harmless;
mod play;
mod secrets;
mod stage;
mod tools;
mod tricks;
