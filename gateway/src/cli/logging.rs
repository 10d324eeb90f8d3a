//! Logs: to standard error, as text or JSON.

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// The compiler of policies says at debug and trace what it does with every instruction.
const QUIET: [&str; 4] = [
    "cranelift_codegen=info",
    "wasmtime_internal_cranelift=info",
    "regalloc2=info",
    "wit_parser=info",
];

/// Starts logging. `level` is a filter directive such as `info` or `gatewright=debug`; `RUST_LOG` wins over it.
pub(super) fn start(level: &str, format: LogFormat) {
    let mut filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    for directive in QUIET {
        // Each is a constant that parses; one that did not would only leave its crate talkative.
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    match format {
        LogFormat::Text => subscriber
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
}
