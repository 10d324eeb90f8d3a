//! Gatewright: a programmable gateway for PostgreSQL.
//!
//! Each room says what it does, what it refuses to know and which room comes next.

pub mod admin;
pub mod app;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod gate;
pub mod identity;
pub mod listener;
pub mod login;
pub mod proxy;
pub mod relay;
pub mod results;
pub mod session;
pub mod suggest;
pub mod upstream;

#[cfg(test)]
mod tests;
