//! `gatewright proxy`: a loopback port whose clients need no token.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::folders;
use super::logging::{self, LogFormat};
use crate::app;
use crate::config;
use crate::login::ProfileName;
use crate::proxy::{Proxy, ProxySettings, TokenSource};
use crate::upstream::{ClientTls, Roots, TlsMode};

/// Arguments of `gatewright proxy`.
#[derive(Debug, Args)]
pub struct ProxyArguments {
    /// The gateway; several are tried in order
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        required = true,
        value_delimiter = ',',
        value_parser = gateway
    )]
    upstream: Vec<(String, u16)>,
    /// A file with a token that something else renews; it is read for every connection
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "profile",
        conflicts_with = "profile"
    )]
    token_file: Option<PathBuf>,
    /// Use the token of a login (`gatewright login --name PROFILE`), renewed when it is time
    #[arg(long, value_name = "PROFILE")]
    profile: Option<ProfileName>,
    /// Where clients connect; a loopback address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5432")]
    listen: SocketAddr,
    /// How the gateway's certificate is checked
    #[arg(long, value_name = "MODE", default_value = "verify-full")]
    tls: Verified,
    /// PEM file of the authorities that vouch for the gateway, in place of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// How log lines look
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// libpq's `sslmode`, as far as it shows the token to nobody but the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Verified {
    /// The certificate comes from a trusted authority and bears the host's name
    VerifyFull,
    /// The certificate comes from a trusted authority
    VerifyCa,
}

pub(super) fn run(arguments: ProxyArguments) -> ExitCode {
    logging::start("info", arguments.log_format);
    super::finish(app::runtime().and_then(|runtime| runtime.block_on(serve(arguments))))
}

fn gateway(text: &str) -> Result<(String, u16), String> {
    config::gateway_address(text)
        .ok_or_else(|| "a gateway is HOST or HOST:PORT, such as [::1]:6432".to_owned())
}

async fn serve(arguments: ProxyArguments) -> Result<()> {
    let mode = match arguments.tls {
        Verified::VerifyFull => TlsMode::VerifyFull,
        Verified::VerifyCa => TlsMode::VerifyCa,
    };
    let roots = arguments.ca.map_or(Roots::System, Roots::File);
    let tls = ClientTls::new(mode, &roots, None).context("--ca")?;
    let tokens = match (arguments.token_file, arguments.profile) {
        (Some(path), _) => TokenSource::File(path),
        (None, name) => TokenSource::Login {
            store: folders::store()?,
            name: name.unwrap_or_default(),
        },
    };
    let settings = ProxySettings::new(arguments.listen, arguments.upstream, tls, tokens);
    let proxy = Proxy::bind(settings).await?;
    tracing::info!(address = %proxy.address(), "the proxy takes connections");
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready postgres://{}", proxy.address())?;
    out.flush()?;
    drop(out);
    proxy.run(app::stop_signal).await;
    Ok(())
}
