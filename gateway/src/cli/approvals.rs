//! `gatewright approvals`: a person sees requests for approval and decides them, with the token of a login or a given one.

mod print;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use rand::RngCore;
use secrecy::SecretString;

use super::{ProfileArgument, directories};
use crate::api::{ApiClient, ClientError, DecisionBody, RequestView};
use crate::app;
use crate::approvals::{State, Verdict};
use crate::login;

/// The environment variable with the API's URL.
const URL: &str = "GATEWRIGHT_API";

/// The environment variable with a token, in place of that of a login.
const TOKEN: &str = "GATEWRIGHT_TOKEN";

/// The pause before a stream that broke off is asked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// Arguments of `gatewright approvals`.
#[derive(Debug, Args)]
pub struct ApprovalsArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List requests, the newest first
    List {
        /// Only requests in this state, such as pending; can be repeated [default: all]
        #[arg(long, value_name = "STATE", value_parser = state)]
        state: Vec<State>,
        /// Only requests that ran without waiting for reviewers and are to be reviewed
        #[arg(long, conflicts_with = "state")]
        to_review: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Show one request: the whole statement, who sent it, and what happened to it
    Show {
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Approve a request
    Approve(Decide),
    /// Reject a request
    Reject(Decide),
    /// Take back an approval that has not been used
    Revoke(Decide),
    /// Say that you have looked at what ran without waiting for reviewers
    Review(Decide),
    /// Print what happens to requests, as it happens
    Watch {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
struct Decide {
    /// The request
    id: String,
    /// Why; the gateway may require it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The digest of the effect that you saw, where the request shows one
    #[arg(long, value_name = "DIGEST")]
    effect: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Where the API is, and who asks.
#[derive(Debug, Args)]
struct Place {
    /// The URL of the gateway's API [default: `api` of the profile, or the environment variable GATEWRIGHT_API]
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// PEM file with the CAs for the API's certificate [default: `api_ca` of the profile, or the system's]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Print JSON, one object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    profile: ProfileArgument,
}

pub(super) fn run(arguments: ApprovalsArguments) -> ExitCode {
    super::finish(app::runtime().and_then(|runtime| runtime.block_on(execute(arguments.command))))
}

async fn execute(command: Command) -> Result<()> {
    match command {
        Command::List {
            state,
            to_review,
            place,
        } => {
            let states = (!to_review).then_some(state.as_slice());
            list(states, &Asker::new(place)?).await
        }
        Command::Show { id, place } => {
            let asker = Asker::new(place)?;
            let request = asker.client().await?.show(&id).await?;
            asker.print(&request, print::whole(&request))
        }
        Command::Approve(arguments) => decide(Verdict::Approve, arguments).await,
        Command::Reject(arguments) => decide(Verdict::Reject, arguments).await,
        Command::Revoke(arguments) => decide(Verdict::Revoke, arguments).await,
        Command::Review(arguments) => decide(Verdict::Review, arguments).await,
        Command::Watch { place } => watch(&Asker::new(place)?).await,
    }
}

/// Without states: those to review.
async fn list(states: Option<&[State]>, asker: &Asker) -> Result<()> {
    let client = asker.client().await?;
    let mut cursor = None;
    loop {
        let page = match states {
            Some(states) => client.list(states, cursor.as_deref()).await?,
            None => client.list_to_review(cursor.as_deref()).await?,
        };
        for request in &page.requests {
            asker.print(request, print::line(request))?;
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

async fn decide(verdict: Verdict, arguments: Decide) -> Result<()> {
    let asker = Asker::new(arguments.place)?;
    let mut key = [0; 16];
    rand::rng().fill_bytes(&mut key);
    let body = DecisionBody {
        reason: arguments.reason,
        expected_state: verdict.state(),
        effect_digest: arguments.effect,
        idempotency_key: Some(hex::encode(key)),
    };
    let client = asker.client().await?;
    let request = client.decide(&arguments.id, verdict, &body).await?;
    asker.print(&request, print::line(&request))
}

async fn watch(asker: &Asker) -> Result<()> {
    let mut after: Option<String> = None;
    loop {
        // The token may have been renewed since the last stream.
        let client = asker.client().await?;
        let mut stream = match client.watch(after.as_deref()).await {
            Ok(stream) => stream,
            Err(ClientError::Transport(error)) if after.is_some() => {
                eprintln!("gatewright: {error}; trying again");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        loop {
            match stream.next().await {
                Ok(Some(event)) => {
                    let mut line = print::event(&event);
                    let new = event.before.is_none();
                    if new
                        && !asker.json
                        // Who wants what; a request that ended meanwhile is shown as it is now. Without an answer it is no reason to end.
                        && let Ok(request) = client.show(&event.request).await
                    {
                        line = print::line(&request);
                    }
                    asker.print(&event, line)?;
                }
                Ok(None) | Err(ClientError::Transport(_)) => break,
                Err(error) => return Err(error.into()),
            }
        }
        after = stream.last_id().map(str::to_owned);
        tokio::time::sleep(PAUSE).await;
    }
}

/// The API that a person uses.
struct Asker {
    url: String,
    ca: Option<Vec<u8>>,
    json: bool,
    credential: Credential,
}

/// What shows who asks.
enum Credential {
    Given(SecretString),
    Login {
        logins: login::Store,
        name: login::ProfileName,
    },
}

impl Asker {
    fn new(place: Place) -> Result<Self> {
        let person = directories::person()?;
        let name = place.profile.choose(&person);
        let profile = person.profiles.get(&name);
        let environment = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let url = place
            .api
            .or_else(|| environment(URL))
            .or_else(|| profile.and_then(|profile| profile.api.clone()));
        let Some(url) = url else {
            bail!(
                "the URL of the gateway's API is not known; pass --api, or set `api` in ~/.config/gatewright/login.toml"
            );
        };
        let file = place
            .ca
            .or_else(|| profile.and_then(|profile| profile.api_ca.clone()));
        let ca = file.map(|file| {
            std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))
        });
        Ok(Asker {
            url,
            ca: ca.transpose()?,
            json: place.json,
            credential: match environment(TOKEN) {
                Some(token) => Credential::Given(token.into()),
                None => Credential::Login {
                    logins: directories::store()?,
                    name,
                },
            },
        })
    }

    /// A client with the token. That of a login is renewed if necessary.
    async fn client(&self) -> Result<ApiClient> {
        let token = match &self.credential {
            Credential::Given(token) => token.clone(),
            Credential::Login { logins, name } => login::current(logins, name).await?.token,
        };
        Ok(ApiClient::new(&self.url, self.ca.as_deref(), token)?)
    }

    fn print(&self, value: &impl serde::Serialize, text: String) -> Result<()> {
        let text = match self.json {
            true => serde_json::to_string(value)?,
            false => text,
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()?;
        Ok(())
    }
}

fn state(name: &str) -> Result<State> {
    State::from_name(name).ok_or_else(|| {
        let names: Vec<_> = State::ALL.iter().map(|state| state.name()).collect();
        anyhow!("the states are {}", names.join(", "))
    })
}
