//! Logging to standard error, as text or JSON.

use tracing_subscriber::EnvFilter;

/// The log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Limits the crates that compile policies, which log every instruction at debug and trace level.
const QUIET: [&str; 4] = [
    "cranelift_codegen=info",
    "wasmtime_internal_cranelift=info",
    "regalloc2=info",
    "wit_parser=info",
];

/// Initializes logging. `level` is a filter directive such as `info` or `gatewright=debug`. `RUST_LOG` takes
/// precedence.
pub(super) fn start(level: &str, format: LogFormat) {
    let mut filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    for directive in QUIET {
        // The directives are constants. An invalid one would only make its crate log more.
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
