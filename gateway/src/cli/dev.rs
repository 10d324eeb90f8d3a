//! `gatewright dev`: a gateway for an existing PostgreSQL server, with a development identity provider and without a
//! configuration file.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use super::logging::{self, LogFormat};
use crate::access::AccessGrants;
use crate::api::ApiSettings;
use crate::app::{self, Access, ConnectionSettings, Gateway, Parts, PolicySource, RunSettings};
use crate::approvals::{Approvals, ApprovalsSettings};
use crate::config;
use crate::console::{ConsoleLogin, ConsoleServer, ConsoleSettings};
use crate::identity::{ClientCertificates, DevProvider, Grants, Identity, TokenRequest, Verifier};
use crate::library::LibrarySettings;
use crate::listener::{CleartextPassword, Discovery, HandshakeSettings};
use crate::pool::{PoolMode, PoolSettings};
use crate::recording::{Keep, RecordSettings, Recorder};
use crate::store::{Store, StoreSettings};
use crate::upstream::Target;

/// The characters to percent-encode in a URI: all except the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The group of whoever decides.
const REVIEWERS: &str = "reviewers";

/// How long the printed token is valid: a working day.
const TOKEN_TTL: Duration = Duration::from_secs(12 * 3600);

/// Arguments of `gatewright dev`.
#[derive(Debug, Args)]
pub struct DevArguments {
    /// The server: postgres://user[:password]@host[:port][/database]; without a password, PGPASSWORD is used
    #[arg(long, value_name = "DSN")]
    upstream: String,
    /// The address that clients connect to
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6432")]
    listen: SocketAddr,
    /// A directory of policies (.wasm), watched for changes; without it everything is permitted
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// A TOML file with policy settings, one table per policy
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The subject of the printed token
    #[arg(long, value_name = "SUBJECT", default_value = "developer")]
    subject: String,
    /// The groups in the printed token, separated by commas
    #[arg(long, value_name = "GROUPS", value_delimiter = ',')]
    groups: Vec<String>,
    /// The address for metrics and health checks
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
    /// The address of the API for approvals; without it and --console nobody can be asked
    #[arg(long, value_name = "ADDRESS")]
    api: Option<SocketAddr>,
    /// The loopback address of the web console; a link is printed that opens it once, for whoever decides
    #[arg(long, value_name = "ADDRESS")]
    console: Option<SocketAddr>,
    /// The subject of whoever decides, in the group `reviewers`: of a second token that is printed with the API's URL, and in the console
    #[arg(long, value_name = "SUBJECT", default_value = "reviewer")]
    reviewer: String,
    /// How old what the gateway knows of tables, columns, views and functions may be when a statement is judged; 0s: the server is asked
    /// for each message
    #[arg(long, value_name = "DURATION", default_value = "10ms", value_parser = config::parse_duration)]
    catalog_max_age: Duration,
    /// For how long a server connection is one client's: none, session or transaction
    #[arg(long, value_name = "MODE", default_value = "none", value_parser = config::parse_pool)]
    pool: PoolMode,
    /// Most pooled server connections of a database
    #[arg(long, value_name = "COUNT", default_value = "20")]
    pool_size: std::num::NonZeroU16,
    /// A directory in which sessions are recorded, with the key of its log
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// The log format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

pub(super) fn run(arguments: DevArguments) -> ExitCode {
    logging::start("info", arguments.log_format);
    super::finish(app::runtime().and_then(|runtime| runtime.block_on(serve(arguments))))
}

async fn serve(arguments: DevArguments) -> Result<()> {
    let target: Target = arguments.upstream.parse().context("--upstream")?;
    let provider = DevProvider::start()
        .await
        .context("the development identity provider could not be started")?;
    let verifier = Verifier::new(vec![provider.issuer_settings()])
        .await
        .context("the token verifier could not be created")?;
    let metrics = app::metrics()?;
    let policies = policy_source(&arguments)?.open(Arc::new(metrics.clone()))?;
    let verifier = Arc::new(verifier);
    if let Some(address) = arguments
        .console
        .filter(|address| !address.ip().is_loopback())
    {
        return Err(anyhow!(
            "--console: {address} is not a loopback address; anybody who gets the link could decide"
        ));
    }
    let (approvals, access_grants) = match arguments.console.or(arguments.api) {
        Some(address) => {
            let store = Store::open(StoreSettings::Memory).await?;
            let approvals = Approvals::open(store.clone(), rules(&provider, address));
            let access_grants = AccessGrants::open(store, approvals.clone());
            (Some(approvals), Some(access_grants))
        }
        None => (None, None),
    };
    let record = arguments.record.clone().map(RecordSettings::in_directory);
    let recorder = record
        .clone()
        .map(|settings| Recorder::start(settings, Arc::new(metrics.clone())));
    let recorder = recorder.transpose().context("--record")?;
    let library = match (&record, &recorder, &approvals) {
        (Some(record), Some(recorder), Some(_)) => {
            let settings = LibrarySettings {
                viewers: vec![REVIEWERS.to_owned()],
                index: Keep::Rows,
                masks: Vec::new(),
            };
            let store = StoreSettings::Memory;
            let library = app::library(store, record, recorder.clone(), settings, &metrics);
            Some(library.await?)
        }
        _ => None,
    };
    let gateway = Gateway::build(Parts {
        connections: ConnectionSettings {
            lock_role: false,
            ..ConnectionSettings::default()
        },
        handshake: HandshakeSettings {
            cleartext_password: CleartextPassword::Loopback,
            discovery: Some(Discovery::of(&provider.issuer_settings().url)),
            ..HandshakeSettings::default()
        },
        access: Access {
            verifier: Arc::clone(&verifier),
            certificates: ClientCertificates::default(),
            grants: Grants::everyone(&target)
                .with_catalog_max_age(arguments.catalog_max_age)
                .with_pool(&PoolSettings {
                    mode: arguments.pool,
                    size: usize::from(arguments.pool_size.get()),
                    ..PoolSettings::default()
                }),
            token_grace: Duration::ZERO,
        },
        policies,
        approvals,
        recorder,
        library,
        streams: None,
        traces: None,
        access_grants,
        metrics,
    });
    let _admin = arguments
        .admin
        .map(|address| gateway.serve_admin(address, &[]))
        .transpose()?;
    let api = arguments.api.map(|address| {
        gateway.serve_api(ApiSettings {
            address,
            hosts: Vec::new(),
            tls: None,
        })
    });
    let api = api.transpose()?.flatten();
    gateway.settle(app::ISSUER_KEYS_TIMEOUT).await;
    let stopped = app::stop_signal();
    let running = gateway.start(RunSettings::new(arguments.listen)).await?;
    if let Some(api) = &api {
        // The port may have been chosen by the system.
        gateway.replace_approvals(rules(&provider, api.address()));
        let token = reviewers_token(&provider, &arguments);
        let url = format!("http://{}", api.address());
        print(format_args!(
            "approvals {url} {} {token}",
            percent_encoded(&arguments.reviewer)
        ))?;
    }
    let _console = match arguments.console {
        Some(address) => {
            let token = reviewers_token(&provider, &arguments);
            let reviewer = verifier.verify(&token).await?;
            Some(open_console(&gateway, &provider, address, reviewer).await?)
        }
        None => None,
    };
    let token = token(&provider, &arguments.subject, arguments.groups.clone());
    announce(&running.address, &arguments.subject, &token, &target.dbname)?;
    running.run(stopped).await;
    gateway.finish().await;
    Ok(())
}

fn token(provider: &DevProvider, subject: &str, groups: Vec<String>) -> String {
    provider.issue(&TokenRequest {
        subject: subject.to_owned(),
        groups,
        agent: None,
        task: None,
        ttl: TOKEN_TTL,
    })
}

fn reviewers_token(provider: &DevProvider, arguments: &DevArguments) -> String {
    token(provider, &arguments.reviewer, vec![REVIEWERS.to_owned()])
}

/// Opens the console, and prints the link by which the reviewer comes in.
async fn open_console(
    gateway: &Gateway,
    provider: &DevProvider,
    address: SocketAddr,
    reviewer: Identity,
) -> Result<Option<ConsoleServer>> {
    let settings = ConsoleSettings {
        address,
        hosts: Vec::new(),
        tls: None,
        login: ConsoleLogin {
            url: format!("http://{address}"),
            issuer: provider.issuer_settings(),
            client_id: "gatewright-console".to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            admins: vec![REVIEWERS.to_owned()],
            idle: TOKEN_TTL,
            lifetime: TOKEN_TTL,
        },
        guest: Some(reviewer),
    };
    let console = gateway.serve_console(settings).await?;
    if let Some((console, link)) = console.as_ref().and_then(|one| Some((one, one.link()?))) {
        // The port may have been chosen by the system.
        gateway.replace_approvals(rules(provider, console.address()));
        print(format_args!("console http://{}{link}", console.address()))?;
    }
    Ok(console)
}

/// Who decides, and where.
fn rules(provider: &DevProvider, address: SocketAddr) -> ApprovalsSettings {
    let people = vec![provider.issuer_url().to_owned()];
    let url = format!("http://{address}");
    ApprovalsSettings::new(people, vec![REVIEWERS.to_owned()], url)
}

fn policy_source(arguments: &DevArguments) -> Result<PolicySource> {
    if let (Some(_), None) = (&arguments.settings, &arguments.policies) {
        return Err(anyhow!("--settings has no effect without --policies"));
    }
    let tables = match &arguments.settings {
        Some(file) => config::settings_file(file).map_err(|report| anyhow!("{report}"))?,
        None => BTreeMap::new(),
    };
    Ok(PolicySource::of_directory(
        arguments.policies.clone(),
        tables,
    ))
}

/// Prints the line that tells programs that the gateway is ready.
fn announce(address: &SocketAddr, subject: &str, token: &str, database: &str) -> Result<()> {
    print(format_args!(
        "ready postgres://{}:{token}@{address}/{}",
        percent_encoded(subject),
        percent_encoded(database)
    ))
}

fn print(line: std::fmt::Arguments<'_>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

fn percent_encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}
