//! The command line, with one file per command. Reads arguments and files, passes settings to other modules, and prints
//! the results. It contains no other logic.
//! Next: `config` reads the configuration file, and `app` builds the gateway.

mod approvals;
mod asker;
mod backtest;
pub mod check;
mod connect;
mod dev;
mod directories;
mod explain;
mod export;
mod grants;
mod logging;
mod login;
mod policy;
mod proxy;
mod record;
mod replay;
mod serve;
mod sessions;
mod suggest;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use approvals::ApprovalsArguments;
pub use backtest::BacktestArguments;
pub use connect::ConnectArguments;
pub use dev::DevArguments;
pub use explain::ExplainArguments;
pub use export::ExportArguments;
pub use grants::GrantsArguments;
pub use login::{LoginArguments, ProfileArgument};
pub use policy::PolicyArguments;
pub use proxy::ProxyArguments;
pub use record::RecordArguments;
pub use replay::ReplayArguments;
pub use serve::ServeArguments;
pub use sessions::SessionsArguments;
pub use suggest::SuggestArguments;

/// Gatewright: a programmable gateway for PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "gatewright", version, about, long_about = None)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway with a configuration file
    Serve(ServeArguments),
    /// Print the resolved configuration, or every error in it
    Check {
        /// The configuration file
        #[arg(long, value_name = "FILE", default_value = "gatewright.toml")]
        config: PathBuf,
    },
    /// Run a gateway for an existing PostgreSQL server, without a configuration file
    Dev(DevArguments),
    /// Show how the gateway analyses and judges a statement
    Explain(ExplainArguments),
    /// Examine a database and draft settings for the columns to mask
    SuggestMasking(SuggestArguments),
    /// Log in with an identity provider and store the token
    Login(LoginArguments),
    /// Delete a login
    Logout(ProfileArgument),
    /// Print the token of a login, renewing it if necessary
    Token(ProfileArgument),
    /// Run psql with the token of a login
    Connect(ConnectArguments),
    /// See requests for approval, and decide them
    Approvals(ApprovalsArguments),
    /// Ask for access for a time, see who has asked, and decide
    Grants(GrantsArguments),
    /// Listen on loopback for clients that cannot present a token, and log them in to a gateway
    Proxy(ProxyArguments),
    /// See what was recorded of sessions
    Sessions(SessionsArguments),
    /// Show a recorded session again, as its client saw it
    Replay(ReplayArguments),
    /// Write sessions in a form that other programs read
    Export(ExportArguments),
    /// Verify the record
    Record(RecordArguments),
    /// Show what a policy would have decided about recorded statements
    Backtest(BacktestArguments),
    /// For authors of policies
    Policy(PolicyArguments),
}

impl Arguments {
    /// Runs the command and returns its exit status.
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Serve(arguments) => serve::run(&arguments),
            Command::Check { config } => {
                check::run(&config, &mut io::stdout().lock()).unwrap_or(ExitCode::FAILURE)
            }
            Command::Dev(arguments) => dev::run(arguments),
            Command::Explain(arguments) => explain::run(&arguments),
            Command::SuggestMasking(arguments) => suggest::run(&arguments),
            Command::Login(arguments) => login::log_in(arguments),
            Command::Logout(profile) => login::log_out(profile),
            Command::Token(profile) => login::print_token(profile),
            Command::Connect(arguments) => connect::run(arguments),
            Command::Approvals(arguments) => approvals::run(arguments),
            Command::Grants(arguments) => grants::run(arguments),
            Command::Proxy(arguments) => proxy::run(arguments),
            Command::Sessions(arguments) => sessions::run(&arguments),
            Command::Replay(arguments) => replay::run(&arguments),
            Command::Export(arguments) => export::run(&arguments),
            Command::Record(arguments) => record::run(&arguments),
            Command::Backtest(arguments) => backtest::run(&arguments),
            Command::Policy(arguments) => policy::run(&arguments),
        }
    }
}

/// Prints the error of a failed command with its causes, and converts the result to an exit status.
fn finish(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gatewright: {error:#}");
            ExitCode::FAILURE
        }
    }
}
