//! `gatewright connect`: runs psql with the token of a login.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use secrecy::ExposeSecret;

use super::directories;
use crate::app;
use crate::config::Profile;
use crate::listener;
use crate::login::{self, ProfileName, StoredLogin};

/// Arguments of `gatewright connect`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct ConnectArguments {
    /// The profile name of the login
    #[arg(long, value_name = "PROFILE")]
    name: Option<ProfileName>,
    /// The program to run: psql or another program that uses libpq, such as pg_dump
    #[arg(long, value_name = "PROGRAM", default_value = "psql")]
    program: OsString,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// All arguments after the options above are passed to psql
    #[arg(
        value_name = "PSQL ARGUMENTS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    rest: Vec<OsString>,
}

/// Files with the system's trusted CAs on Linux distributions, BSDs and macOS.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

pub(super) fn run(arguments: ConnectArguments) -> ExitCode {
    super::finish(connect(arguments))
}

fn connect(arguments: ConnectArguments) -> Result<()> {
    let person = directories::person()?;
    let name = directories::profile_name(arguments.name, &person);
    let store = directories::store()?;
    let stored = app::runtime()?.block_on(login::current(&store, &name))?;
    let mut command = Command::new(&arguments.program);
    command.args(&arguments.rest);
    set_environment(&mut command, &stored, person.profiles.get(&name));
    // Replaces this process, so that the program receives the terminal's signals and its exit status is returned.
    let error = command.exec();
    let program = arguments.program.to_string_lossy().into_owned();
    Err(anyhow!(error)).with_context(|| format!("cannot run {program}"))
}

/// Sets libpq's environment variables. Except for the password, variables that are already set are not changed. Command
/// line arguments take precedence over the environment.
fn set_environment(command: &mut Command, login: &StoredLogin, profile: Option<&Profile>) {
    command.env("PGPASSWORD", login.token.expose_secret());
    // Selects password authentication even if the gateway's default is OAUTHBEARER. The person's own options come last
    // and therefore take precedence.
    let mut options = OsString::from(format!("-c {}=password", listener::CHOICE));
    if let Some(own) = std::env::var_os("PGOPTIONS") {
        options.push(" ");
        options.push(own);
    }
    command.env("PGOPTIONS", options);
    let unset = |name: &str| std::env::var_os(name).is_none();
    if let Some((host, port)) = profile.and_then(|profile| profile.gateway.as_ref())
        && unset("PGHOST")
        && unset("PGHOSTADDR")
    {
        command.env("PGHOST", host).env("PGPORT", port.to_string());
    }
    if let Some(database) = profile.and_then(|profile| profile.database.as_ref())
        && unset("PGDATABASE")
    {
        command.env("PGDATABASE", database);
    }
    // The token is sent in cleartext inside TLS, so the gateway's certificate must be verified.
    if unset("PGSSLMODE") {
        command.env("PGSSLMODE", "verify-full");
    }
    // By default libpq trusts only the CAs in this file, not the system's.
    let own = std::env::home_dir().map(|home| home.join(".postgresql/root.crt"));
    if unset("PGSSLROOTCERT") && !own.is_some_and(|path| path.exists()) {
        let bundle = BUNDLES.iter().find(|path| Path::new(path).exists());
        if let Some(path) = bundle {
            command.env("PGSSLROOTCERT", path);
        }
    }
}
