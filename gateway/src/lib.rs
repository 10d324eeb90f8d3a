//! Gatewright: a programmable gateway for PostgreSQL.
//!
//! Each module's documentation states its purpose and the modules it hands over to. `ARCHITECTURE.md` describes how
//! they fit together.

pub mod access;
pub mod admin;
pub mod api;
pub mod app;
pub mod approvals;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod console;
pub mod gate;
pub mod http;
pub mod identity;
pub mod library;
pub mod listener;
pub mod login;
pub mod objects;
pub mod otlp;
pub mod pool;
pub mod proxy;
pub mod recording;
pub mod relay;
pub mod results;
pub mod roster;
pub mod session;
pub mod store;
pub mod streams;
pub mod suggest;
pub mod traces;
pub mod upstream;
pub mod webhooks;

#[cfg(test)]
mod tests;
