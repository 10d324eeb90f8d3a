//! `gatewright connect`: psql with a person's token.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use secrecy::ExposeSecret;

use super::folders;
use crate::app;
use crate::config::Profile;
use crate::listener;
use crate::login::{self, Held, ProfileName};

/// Arguments of `gatewright connect`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct ConnectArguments {
    /// The name of the login, for those who have several
    #[arg(long, value_name = "PROFILE")]
    name: Option<ProfileName>,
    /// Another program than psql that takes its settings as libpq does, such as pg_dump
    #[arg(long, value_name = "PROGRAM", default_value = "psql")]
    program: OsString,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// Everything from the first argument that is not one of those above goes to psql
    #[arg(
        value_name = "PSQL ARGUMENTS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    rest: Vec<OsString>,
}

/// Where Linux distributions, BSDs and macOS keep the trusted authorities in one PEM file.
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
    let person = folders::person()?;
    let name = folders::profile_name(arguments.name, &person);
    let store = folders::store()?;
    let held = app::runtime()?.block_on(login::current(&store, &name))?;
    let mut command = Command::new(&arguments.program);
    command.args(&arguments.rest);
    settle(&mut command, &held, person.profiles.get(&name));
    // In place of this process: the terminal's signals and the exit code are the program's own.
    let error = command.exec();
    let program = arguments.program.to_string_lossy().into_owned();
    Err(anyhow!(error)).with_context(|| format!("{program} cannot be started"))
}

/// libpq's environment. Arguments win over it, and what the person has set wins over what is set here, but for the
/// password.
fn settle(command: &mut Command, held: &Held, profile: Option<&Profile>) {
    command.env("PGPASSWORD", held.token.expose_secret());
    // Whatever the gateway asks others for; what the person chose comes later and wins.
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
    // A gateway asks for the token in clear text inside TLS, and so would anybody who stands in between.
    if unset("PGSSLMODE") {
        command.env("PGSSLMODE", "verify-full");
    }
    // libpq looks for this file only, not for what the system trusts.
    let own = std::env::home_dir().map(|home| home.join(".postgresql/root.crt"));
    if unset("PGSSLROOTCERT") && !own.is_some_and(|path| path.exists()) {
        let bundle = BUNDLES.iter().find(|path| Path::new(path).exists());
        if let Some(path) = bundle {
            command.env("PGSSLROOTCERT", path);
        }
    }
}
