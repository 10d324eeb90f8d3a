//! The command line: one file a command. It reads arguments and files, hands settings to `app`, and prints.
//! It refuses to hold any logic of the rooms.
//! Next room: `app`, which builds the gateway, and `config`, which reads the file a command is given.

pub mod check;
mod connect;
mod dev;
mod explain;
mod folders;
mod logging;
mod login;
mod proxy;
mod serve;
mod suggest;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use connect::ConnectArguments;
pub use dev::DevArguments;
pub use explain::ExplainArguments;
pub use login::{LoginArguments, ProfileArgument};
pub use proxy::ProxyArguments;
pub use serve::ServeArguments;
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
    /// Run the gateway as its configuration file says
    Serve(ServeArguments),
    /// Print the resolved configuration, or every fault in it
    Check {
        /// The configuration file
        #[arg(long, value_name = "FILE", default_value = "gatewright.toml")]
        config: PathBuf,
    },
    /// Put a gateway in front of a PostgreSQL you already have, without a configuration file
    Dev(DevArguments),
    /// Show what the gateway understands of a statement
    Explain(ExplainArguments),
    /// Look at a database and draft which columns to mask
    SuggestMasking(SuggestArguments),
    /// Log in at an identity provider and keep the token
    Login(LoginArguments),
    /// Forget a login
    Logout(ProfileArgument),
    /// Print the token of a login, renewed if it is time
    Token(ProfileArgument),
    /// Run psql with the token of a login
    Connect(ConnectArguments),
    /// Listen on loopback and take clients that cannot present a token to a gateway
    Proxy(ProxyArguments),
}

impl Arguments {
    /// Runs the command to its end.
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
            Command::Proxy(arguments) => proxy::run(arguments),
        }
    }
}

/// Says why a command failed, with all that lies behind it, and turns it into an exit code.
fn finish(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gatewright: {error:#}");
            ExitCode::FAILURE
        }
    }
}
