//! `gatewright serve`: runs the gateway with a configuration file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use arc_swap::ArcSwap;
use clap::Args;
use gatewright_policy_host::DirectorySettings;

use super::logging::{self, LogFormat};
use crate::access::AccessGrants;
use crate::admin::{AdminServer, Metrics};
use crate::api::{ApiServer, ApiSettings};
use crate::app::{self, Access, ConnectionSettings, Gateway, Parts, PolicySource, RunSettings};
use crate::approvals::Approvals;
use crate::config::{self, Config, PortTls};
use crate::console::{ConsoleLogin, ConsoleServer, ConsoleSettings};
use crate::http::Tls;
use crate::identity::Verifier;
use crate::library::Library;
use crate::recording::Recorder;
use crate::store::{Store, StoreSettings};
use crate::streams::Streams;
use crate::traces::Traces;
use crate::webhooks::{WebhookSettings, Webhooks};

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
    // Whoever sees that it is ready may send signals at once.
    let (stopped, hangups) = (app::stop_signal(), app::Hangups::listen());
    let verifier = verifier(&config).await?;
    let metrics = app::metrics()?;
    let policies = policy_source(&config).open(Arc::new(metrics.clone()))?;
    let (approvals, access_grants) = approvals(&config).await?;
    let recorder = recorder(&config, &metrics)?;
    let library = library(&config, recorder.as_ref(), &metrics).await?;
    let gateway = Gateway::build(Parts {
        connections: ConnectionSettings {
            limits: config.listen.limits.clone(),
            ..ConnectionSettings::default()
        },
        handshake: config.listen.handshake.clone(),
        access: access(&config, verifier),
        policies,
        approvals,
        access_grants,
        recorder,
        library,
        streams: streams(&config, &metrics)?,
        traces: traces(&config, &metrics)?,
        metrics,
    });
    // Before anything can happen that they are to be told.
    let webhooks = gateway.start_webhooks(webhooks(&config)).await?;
    let ports = Ports::open(&gateway, &config).await?;
    gateway.settle(app::ISSUER_KEYS_TIMEOUT).await;
    let running = gateway
        .start(RunSettings::new(config.listen.address))
        .await?;
    tracing::info!(address = %running.address, "accepting connections");
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready postgres://{}", running.address)?;
    out.flush()?;
    drop(out);
    let reload = Reload {
        gateway: Arc::clone(&gateway),
        path: path.to_owned(),
        ports,
        webhooks: webhooks.clone(),
        at_start: fixed(&config),
    };
    tokio::select! {
        () = running.run(stopped) => {}
        never = reload.on_hangup(hangups) => match never {},
    }
    gateway.finish().await;
    if let Some(webhooks) = webhooks {
        webhooks.stop().await;
    }
    Ok(())
}

/// Opens the record, if sessions are recorded.
fn recorder(config: &Config, metrics: &Metrics) -> Result<Option<Recorder>> {
    let Some(settings) = config.record.clone() else {
        return Ok(None);
    };
    let recorder = Recorder::start(settings, Arc::new(metrics.clone()));
    Ok(Some(recorder.context("sessions cannot be recorded")?))
}

/// Opens the index of the record, if there is a record and a store.
async fn library(
    config: &Config,
    recorder: Option<&Recorder>,
    metrics: &Metrics,
) -> Result<Option<Library>> {
    let (Some(record), Some(recorder), Some(approvals)) =
        (&config.record, recorder, &config.approvals)
    else {
        return Ok(None);
    };
    let store = approvals.store.clone();
    let settings = config.library.clone();
    let library = app::library(store, record, recorder.clone(), settings, metrics);
    library.await.map(Some)
}

/// Begins the streams, if there are any.
fn streams(config: &Config, metrics: &Metrics) -> Result<Option<Streams>> {
    let Some(streams) = config.streams.clone() else {
        return Ok(None);
    };
    let streams = Streams::start(streams.settings, Arc::new(metrics.clone()));
    Ok(Some(streams.context("the streams cannot begin")?))
}

/// Begins to send spans, if statements have any.
fn traces(config: &Config, metrics: &Metrics) -> Result<Option<Traces>> {
    let Some(traces) = config.traces.clone() else {
        return Ok(None);
    };
    let traces = Traces::start(traces.settings, Arc::new(metrics.clone()));
    Ok(Some(traces.context("spans cannot be sent")?))
}

fn webhooks(config: &Config) -> Vec<WebhookSettings> {
    let configured = config.approvals.iter();
    let configured = configured.flat_map(|approvals| &approvals.webhooks);
    configured.map(|webhook| webhook.settings.clone()).collect()
}

/// The ports besides that of clients. Dropping them closes them.
struct Ports {
    _admin: Option<AdminServer>,
    _api: Option<ApiServer>,
    api_tls: Option<Tls>,
    console: Option<ConsoleServer>,
    console_tls: Option<Tls>,
}

impl Ports {
    async fn open(gateway: &Gateway, config: &Config) -> Result<Self> {
        let tls =
            |tls: Option<&PortTls>| tls.map(|tls| Tls::new(ArcSwap::new(Arc::clone(&tls.config))));
        let approvals = config.approvals.as_ref();
        let api = approvals.and_then(|approvals| approvals.api.as_ref());
        let api_tls = api.and_then(|api| tls(api.tls.as_ref()));
        let console = approvals.and_then(|approvals| approvals.console.as_ref());
        let console_tls = console.and_then(|console| tls(console.tls.as_ref()));
        let admin = config.admin.as_ref();
        Ok(Ports {
            _admin: admin
                .map(|admin| gateway.serve_admin(admin.address, &admin.hosts))
                .transpose()?,
            _api: match api {
                Some(api) => gateway.serve_api(ApiSettings {
                    address: api.address,
                    hosts: api.hosts.clone(),
                    tls: api_tls.clone(),
                })?,
                None => None,
            },
            api_tls,
            console: match console {
                Some(console) => {
                    let settings = ConsoleSettings {
                        guest: None,
                        address: console.address,
                        hosts: console.hosts.clone(),
                        tls: console_tls.clone(),
                        login: console_login(console),
                    };
                    gateway.serve_console(settings).await?
                }
                None => None,
            },
            console_tls,
        })
    }

    /// What a reload changes of them.
    async fn renew(&self, approvals: &config::Approvals) -> Result<()> {
        if let Some(api) = &approvals.api {
            renew(self.api_tls.as_ref(), api.tls.as_ref());
        }
        if let (Some(server), Some(console)) = (&self.console, &approvals.console) {
            server.replace_login(console_login(console)).await?;
            renew(self.console_tls.as_ref(), console.tls.as_ref());
        }
        Ok(())
    }
}

fn renew(tls: Option<&Tls>, renewed: Option<&PortTls>) {
    if let (Some(tls), Some(renewed)) = (tls, renewed) {
        tls.store(Arc::clone(&renewed.config));
    }
}

fn console_login(console: &config::Console) -> ConsoleLogin {
    ConsoleLogin {
        url: console.url.clone(),
        issuer: console.issuer.clone(),
        client_id: console.client_id.clone(),
        client_secret: console.client_secret.clone(),
        scopes: console.scopes.clone(),
        admins: console.admins.clone(),
        idle: console.idle_timeout,
        lifetime: console.login_lifetime,
    }
}

/// Opens the store, if the configuration has approvals.
async fn approvals(config: &Config) -> Result<(Option<Approvals>, Option<AccessGrants>)> {
    let Some(approvals) = &config.approvals else {
        return Ok((None, None));
    };
    let unusable = "the store of approval requests cannot be used";
    let store = Store::open(approvals.store.clone())
        .await
        .context(unusable)?;
    let approvals = Approvals::open(store.clone(), approvals.settings.clone());
    let access_grants = AccessGrants::open(store, approvals.clone());
    Ok((Some(approvals), Some(access_grants)))
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

/// What a reload does not change: the name of the setting, and its value. Secrets are not among them.
fn fixed(config: &Config) -> Vec<(&'static str, String)> {
    let approvals = config.approvals.as_ref();
    let store = approvals.map(|approvals| match &approvals.store {
        StoreSettings::File(path) => path.display().to_string(),
        StoreSettings::Memory | StoreSettings::Postgres(_) => {
            approvals.store_url.clone().unwrap_or_default()
        }
    });
    let api = approvals.and_then(|approvals| approvals.api.as_ref());
    let api = api.map(|api| (api.address, &api.hosts, api.tls.is_some()));
    let console = approvals.and_then(|approvals| approvals.console.as_ref());
    let console = console.map(|console| {
        let has_tls = console.tls.is_some();
        (console.address, &console.hosts, has_tls)
    });
    vec![
        ("[listen] address", config.listen.address.to_string()),
        (
            "[listen.limits] max_statement",
            config.listen.limits.max_statement.to_string(),
        ),
        ("[admin]", format!("{:?}", config.admin)),
        ("[log]", format!("{:?}", config.log)),
        (
            "[policies] directory, where there was none",
            config.policies.directory.is_some().to_string(),
        ),
        ("[approvals]", approvals.is_some().to_string()),
        ("[store]", format!("{store:?}")),
        ("[api]", format!("{api:?}")),
        ("[console] address, hosts", format!("{console:?}")),
        ("[record]", format!("{:?}", config.record)),
        ("[record] index", format!("{:?}", config.library.index)),
        ("[streams], [[stream]]", format!("{:?}", config.streams)),
        ("[traces]", format!("{:?}", config.traces)),
    ]
}

/// What a reload needs.
struct Reload {
    gateway: Arc<Gateway>,
    path: PathBuf,
    ports: Ports,
    webhooks: Option<Webhooks>,
    at_start: Vec<(&'static str, String)>,
}

impl Reload {
    /// Reloads the configuration on each SIGHUP. A file with errors changes nothing.
    async fn on_hangup(self, mut hangups: app::Hangups) -> std::convert::Infallible {
        loop {
            hangups.next().await;
            match self.reload().await {
                Ok(()) => {
                    tracing::info!(file = %self.path.display(), "configuration reloaded");
                }
                Err(error) => {
                    tracing::error!(file = %self.path.display(), %error, "the configuration was not reloaded; the previous one remains in use");
                }
            }
        }
    }

    async fn reload(&self) -> Result<()> {
        let config = config::load(&self.path).map_err(|report| anyhow!("{report}"))?;
        let access = access(&config, verifier(&config).await?);
        let gateway = &self.gateway;
        gateway
            .replace_policy_settings(directory_settings(&config))
            .await?;
        gateway.replace_limits(config.listen.limits.clone());
        gateway.replace_library(config.library.clone());
        gateway.replace_access(access, config.listen.handshake.clone());
        for ((setting, now), (_, at_start)) in fixed(&config).iter().zip(&self.at_start) {
            if now != at_start {
                tracing::warn!(
                    setting,
                    "a reload does not change this setting: it takes effect when the gateway is started again"
                );
            }
        }
        if let Some(webhooks) = &self.webhooks {
            let replaced = webhooks.replace(self::webhooks(&config)).await;
            replaced.context(app::UNUSABLE_WEBHOOK)?;
        }
        if let Some(approvals) = config.approvals {
            self.ports.renew(&approvals).await?;
            gateway.replace_approvals(approvals.settings);
        }
        Ok(())
    }
}
