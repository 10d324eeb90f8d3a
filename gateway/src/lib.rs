//! Gatewright: a programmable gateway for PostgreSQL.
//!
//! Each room says what it does, what it refuses to know and which room comes next.
pub mod cli;
pub mod config;
pub mod identity;
pub mod listener;
pub mod results;
pub mod upstream;
