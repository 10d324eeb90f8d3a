//! `gatewright serve`: runs the gateway with a configuration file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use gatewright_policy_host::DirectorySettings;

use super::logging::{self, LogFormat};
use crate::app::{self, Access, ConnectionSettings, Gateway, Parts, PolicySource, RunSettings};
use crate::config::{self, Config};
use crate::identity::Verifier;

/// Arguments of `gatewright serve`.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "gatewright.toml")]
    config: PathBuf,
}

pub(super) fn run(arguments: &ServeArguments) -> ExitCode {
    let config = match config::load(&arguments.config) {
        Ok(config) => config,
        Err(report) => {
            eprintln!("{report}");
            return ExitCode::FAILURE;
        }
    };
    let format = match config.log.format {
        config::LogFormat::Text => LogFormat::Text,
        config::LogFormat::Json => LogFormat::Json,
    };
    logging::start(&config.log.level, format);
    super::finish(
        app::runtime().and_then(|runtime| runtime.block_on(serve(config, &arguments.config))),
    )
}

async fn serve(config: Config, path: &Path) -> Result<()> {
    let verifier = verifier(&config).await?;
    let metrics = app::metrics()?;
    let policies = policy_source(&config).open(Arc::new(metrics.clone()))?;
    let gateway = Gateway::build(Parts {
        connections: ConnectionSettings {
            limits: config.listen.limits.clone(),
            ..ConnectionSettings::default()
        },
        handshake: config.listen.handshake.clone(),
        access: access(&config, verifier),
        policies,
        metrics,
    });
    let admin = config.admin.as_ref();
    let _admin = admin
        .map(|admin| gateway.serve_admin(admin.address, &admin.hosts))
        .transpose()?;
    gateway.settle(app::ISSUER_KEYS_TIMEOUT).await;
    let running = gateway
        .start(RunSettings::new(config.listen.address))
        .await?;
    tracing::info!(address = %running.address, "accepting connections");
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready postgres://{}", running.address)?;
    out.flush()?;
    drop(out);
    let reload = reload_on_hangup(Arc::clone(&gateway), path.to_owned());
    tokio::select! {
        () = running.run(app::stop_signal()) => {}
        never = reload => match never {},
    }
    Ok(())
}

async fn verifier(config: &Config) -> Result<Verifier> {
    Verifier::with_settings(config.issuers.clone(), config.verifier)
        .await
        .context("the token verifier could not be created")
}

fn access(config: &Config, verifier: Verifier) -> Access {
    Access {
        verifier: Arc::new(verifier),
        certificates: config.listen.certificates.clone(),
        grants: config.grants.clone(),
        token_grace: config.token_grace,
    }
}

/// Where the configuration's policies are loaded from, and with which settings.
pub(super) fn policy_source(config: &Config) -> PolicySource {
    PolicySource {
        directory: config.policies.directory.clone(),
        host: config.policies.host.clone(),
        settings: directory_settings(config),
    }
}

fn directory_settings(config: &Config) -> DirectorySettings {
    DirectorySettings {
        path: config.policies.directory.clone().unwrap_or_default(),
        policies: config.policies.policies.clone(),
        default: config.policies.default.clone(),
        order: config.policies.order.clone(),
    }
}

/// Reloads the configuration on each SIGHUP. A file with errors changes nothing.
async fn reload_on_hangup(gateway: Arc<Gateway>, path: PathBuf) -> std::convert::Infallible {
    let mut hangups = app::Hangups::listen();
    loop {
        hangups.next().await;
        match reload(&gateway, &path).await {
            Ok(()) => tracing::info!(file = %path.display(), "configuration reloaded"),
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "the configuration was not reloaded; the previous one remains in use")
            }
        }
    }
}

async fn reload(gateway: &Gateway, path: &Path) -> Result<()> {
    let config = config::load(path).map_err(|report| anyhow!("{report}"))?;
    let access = access(&config, verifier(&config).await?);
    gateway
        .replace_policy_settings(directory_settings(&config))
        .await?;
    gateway.replace_limits(config.listen.limits.clone());
    gateway.replace_access(access, config.listen.handshake);
    Ok(())
}
