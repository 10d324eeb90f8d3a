//! `gatewright proxy`: a loopback port for clients that cannot present a token.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::directories;
use super::logging::{self, LogFormat};
use crate::app;
use crate::config;
use crate::login::ProfileName;
use crate::proxy::{Proxy, ProxySettings, TokenSource};
use crate::upstream::{ClientTls, Roots, TlsMode};

/// Arguments of `gatewright proxy`.
#[derive(Debug, Args)]
pub struct ProxyArguments {
    /// The gateway; several, separated by commas, are tried in order
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        required = true,
        value_delimiter = ',',
        value_parser = gateway
    )]
    upstream: Vec<(String, u16)>,
    /// A token file that is renewed externally; it is read for every connection
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "profile",
        conflicts_with = "profile"
    )]
    token_file: Option<PathBuf>,
    /// Use the token of a login (`gatewright login --name PROFILE`), renewing it if necessary
    #[arg(long, value_name = "PROFILE")]
    profile: Option<ProfileName>,
    /// The address that clients connect to; must be a loopback address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5432")]
    listen: SocketAddr,
    /// How the gateway's certificate is verified
    #[arg(long, value_name = "MODE", default_value = "verify-full")]
    tls: Verified,
    /// PEM file with the CAs for the gateway's certificate, in place of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The log format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// The modes of libpq's `sslmode` that verify the gateway's certificate before the token is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Verified {
    /// The certificate must be issued by a trusted CA and match the host name
    VerifyFull,
    /// The certificate must be issued by a trusted CA
    VerifyCa,
}

pub(super) fn run(arguments: ProxyArguments) -> ExitCode {
    logging::start("info", arguments.log_format);
    super::finish(app::runtime().and_then(|runtime| runtime.block_on(serve(arguments))))
}

fn gateway(text: &str) -> Result<(String, u16), String> {
    config::gateway_address(text)
        .ok_or_else(|| "expected HOST or HOST:PORT, such as [::1]:6432".to_owned())
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
            store: directories::store()?,
            name: name.unwrap_or_default(),
        },
    };
    let settings = ProxySettings::new(arguments.listen, arguments.upstream, tls, tokens);
    let proxy = Proxy::bind(settings).await?;
    tracing::info!(address = %proxy.address(), "accepting connections");
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready postgres://{}", proxy.address())?;
    out.flush()?;
    drop(out);
    proxy.run(app::stop_signal).await;
    Ok(())
}
