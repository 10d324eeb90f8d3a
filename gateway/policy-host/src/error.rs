//! Why the host could not be built or a policy not be loaded, as one line for the operator.

use std::path::PathBuf;

use thiserror::Error;

/// Why the host could not be built.
#[derive(Debug, Error)]
pub enum HostError {
    #[error("the WebAssembly engine could not be set up: {0}")]
    Engine(String),
    #[error("the thread that watches deadlines could not be started: {0}")]
    Ticker(std::io::Error),
    #[error("the folder for compiled policies {} cannot be used: {reason}", path.display())]
    Cache { path: PathBuf, reason: String },
}

/// Why a policy could not be loaded. The text is one line for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LoadError {
    #[error("policy {policy} is {size} bytes long, more than the {limit} allowed")]
    TooLarge {
        policy: String,
        size: usize,
        limit: usize,
    },
    #[error("policy {policy} is not a complete WebAssembly file: {reason}")]
    NotWebAssembly { policy: String, reason: String },
    #[error(
        "policy {policy} imports {import}, which is not granted; a policy reaches only gatewright:policy/host{}",
        advice(import)
    )]
    NotGranted { policy: String, import: String },
    #[error(
        "policy {policy} was built for contract version {found}; this gateway speaks {supported}"
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
    #[error("policy {policy} cannot be made a component: {reason}")]
    Componentize { policy: String, reason: String },
    #[error("policy {policy} cannot be compiled: {reason}")]
    Compile { policy: String, reason: String },
    #[error("policy {policy} does not fit the contract: {reason}")]
    Link { policy: String, reason: String },
    #[error("policy {policy} cannot be started: {reason}")]
    Start { policy: String, reason: String },
    /// The policy itself turned its settings down.
    #[error("policy {policy} refuses its settings: {reason}")]
    Settings { policy: String, reason: String },
    #[error("policy {policy} registers badly: {reason}")]
    Registration { policy: String, reason: String },
}

/// Most foreign imports come from a build option; say which.
fn advice(import: &str) -> &'static str {
    if import.starts_with("wasi") {
        " (build it without WASI: for example for wasm32-unknown-unknown)"
    } else if import.starts_with("env.") {
        " (an undefined symbol, or a runtime feature such as abort, of the language it was built with)"
    } else {
        ""
    }
}
