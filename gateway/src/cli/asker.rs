//! What the commands that use a gateway's API share: where it is, who asks, and how answers are printed.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use rand::RngCore;
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ProfileArgument, directories};
use crate::api::{ApiClient, ClientError, Watched};
use crate::login;

/// The pause before a stream that broke off is asked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// The environment variable with the API's URL.
const URL: &str = "GATEWRIGHT_API";

/// The environment variable with a token, in place of that of a login.
const TOKEN: &str = "GATEWRIGHT_TOKEN";

/// Where the API is, and who asks.
#[derive(Debug, Args)]
pub(super) struct Place {
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

/// The API that a person uses.
pub(super) struct Asker {
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
    pub fn new(place: Place) -> Result<Self> {
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
    pub async fn client(&self) -> Result<ApiClient> {
        let token = match &self.credential {
            Credential::Given(token) => token.clone(),
            Credential::Login { logins, name } => login::current(logins, name).await?.token,
        };
        Ok(ApiClient::new(&self.url, self.ca.as_deref(), token)?)
    }

    /// Prints what happens, until it is interrupted. `open`: the events behind the one with this id. `shown`: one as text.
    pub async fn watch<E: DeserializeOwned + Serialize>(
        &self,
        open: impl AsyncFn(&ApiClient, Option<&str>) -> Result<Watched<E>, ClientError>,
        shown: impl AsyncFn(&ApiClient, &E) -> String,
    ) -> Result<()> {
        let mut after: Option<String> = None;
        loop {
            // The token may have been renewed since the last stream.
            let client = self.client().await?;
            let mut stream = match open(&client, after.as_deref()).await {
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
                        let text = match self.json {
                            true => String::new(),
                            false => shown(&client, &event).await,
                        };
                        self.print(&event, text)?;
                    }
                    Ok(None) | Err(ClientError::Transport(_)) => break,
                    Err(error) => return Err(error.into()),
                }
            }
            after = stream.last_id().map(str::to_owned);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Prints a value as one line of JSON, or the text.
    pub fn print(&self, value: &impl Serialize, text: String) -> Result<()> {
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

/// A new key under which something is done once, however often it is sent.
pub(super) fn idempotency_key() -> String {
    let mut key = [0; 16];
    rand::rng().fill_bytes(&mut key);
    hex::encode(key)
}
