//! Attacks on `mask-columns`, and statements that must keep working with it.
//!
//! `attacks/` contains ways to read a protected value. Each must first work on PostgreSQL itself, then reveal nothing in
//! any byte that the client receives through the gateway. `harmless/` contains what applications, drivers and tools send:
//! the replies through the gateway must be the same, except for masked cells. Entries are only ever added. `corpus`
//! documents the file format.

mod attacks;
mod corpus;
mod harmless;
mod play;
mod secrets;
mod stage;
mod tools;
