//! Errors of building the host and of loading a policy, each one line for the operator.

use std::path::PathBuf;

use thiserror::Error;

/// Why the host could not be built.
#[derive(Debug, Error)]
pub enum HostError {
    #[error("cannot set up the WebAssembly engine: {0}")]
    Engine(String),
    #[error("cannot start the policy deadline thread: {0}")]
    Ticker(std::io::Error),
    #[error("cannot start the threads for policies that take long: {0}")]
    Workers(std::io::Error),
    #[error("the directory for compiled policies {} cannot be used: {reason}", path.display())]
    Cache { path: PathBuf, reason: String },
}

/// Why a policy could not be loaded. The message is one line for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LoadError {
    #[error("policy {policy} is {size} bytes long; the limit is {limit} bytes")]
    TooLarge {
        policy: String,
        size: u64,
        limit: u64,
    },
    #[error("policy {policy} is not a valid WebAssembly file: {reason}")]
    NotWebAssembly { policy: String, reason: String },
    #[error(
        "policy {policy} imports {import}, which is not granted; a policy may import only gatewright:policy/host{}",
        advice(import)
    )]
    NotGranted { policy: String, import: String },
    #[error(
        "policy {policy} was built for contract version {found}; this gateway supports {supported}"
    )]
    WrongVersion {
        policy: String,
        found: String,
        supported: String,
    },
    #[error(
        "policy {policy} does not export gatewright:policy/module, so it is not a policy (expected version {supported})"
    )]
    NotAPolicy { policy: String, supported: String },
    #[error("policy {policy} cannot be converted to a component: {reason}")]
    Componentize { policy: String, reason: String },
    #[error("policy {policy} cannot be compiled: {reason}")]
    Compile { policy: String, reason: String },
    #[error("policy {policy} does not match the contract: {reason}")]
    Link { policy: String, reason: String },
    #[error("policy {policy} cannot be started: {reason}")]
    Start { policy: String, reason: String },
    /// The policy's `init` rejected its settings.
    #[error("policy {policy} rejected its settings: {reason}")]
    Settings { policy: String, reason: String },
    #[error("policy {policy} returned an invalid registration: {reason}")]
    Registration { policy: String, reason: String },
}

/// Most unexpected imports come from a build option, so the message names it.
fn advice(import: &str) -> &'static str {
    if import.starts_with("wasi") {
        " (build it without WASI, for example for wasm32-unknown-unknown)"
    } else if import.starts_with("env.") {
        " (an undefined symbol, or a feature of the source language's runtime, such as abort)"
    } else {
        ""
    }
}
