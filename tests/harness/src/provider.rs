//! A real OpenID Connect provider, with clients and users that obtain tokens from it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::gateway::start_with_lines;
use crate::{Child, locate};

/// The time limit of every operation of the provider.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running provider (oidc-provider). Stopped on drop.
///
/// Users log in as client `gatewright` with any password. The loopback redirect URIs `/` and `/callback` are
/// registered.
pub struct Provider {
    process: Child,
    lines: mpsc::Receiver<String>,
    url: String,
    _folder: tempfile::TempDir,
}

/// The tokens that a user receives at login.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The ID token, with audience `gatewright`, the client's id.
    pub id: String,
    /// The access token: a JWT for the resource with audience `gatewright`.
    pub access: String,
    pub refresh: String,
}

impl Provider {
    /// Starts a provider whose accounts have these claims in their tokens: `{"ada": {"groups": ["staff"]}}`.
    pub fn start(accounts: &Value) -> Result<Self> {
        Self::start_with(&json!({ "accounts": accounts }))
    }

    /// Starts a provider with any settings of tests/provider/provider.mjs. The same `port` means the same issuer.
    pub fn start_with(settings: &Value) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = node("provider.mjs")?;
        command
            .arg(locate::oidc_provider()?)
            .arg(settings.to_string())
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("stderr.log"))?);
        let (process, lines) = start_with_lines("the provider", &mut command, folder.path())?;
        let first = lines.recv_timeout(START_TIMEOUT);
        let url = first
            .ok()
            .and_then(|line| line.strip_prefix("ready ").map(str::to_owned))
            .with_context(|| {
                let log = std::fs::read_to_string(folder.path().join("stderr.log"));
                format!("the provider did not start: {}", log.unwrap_or_default())
            })?;
        Ok(Self {
            process,
            lines,
            url,
            _folder: folder,
        })
    }

    /// The issuer's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Signs with new keys from now on. The previous keys stay published until the next rotation.
    pub fn rotate_keys(&self) -> Result<()> {
        self.process.signal("HUP")?;
        let line = self.lines.recv_timeout(START_TIMEOUT)?;
        ensure!(line == "rotated", "the provider printed {line:?}");
        Ok(())
    }

    /// A JWT access token obtained by client credentials: audience `gatewright`, valid for ten minutes.
    pub fn access_token(&self, account: &str) -> Result<String> {
        field(&self.tokens(&["client", account])?, "access_token")
    }

    /// Like `access_token`, for another audience and a lifetime in seconds.
    pub fn access_token_for(&self, account: &str, audience: &str, seconds: u32) -> Result<String> {
        let resource = format!("urn:test:{audience}:{seconds}");
        field(
            &self.tokens(&["client", account, &resource])?,
            "access_token",
        )
    }

    /// Logs a user in by authorization code with PKCE.
    pub fn code_flow(&self, account: &str) -> Result<Tokens> {
        Tokens::of(&self.tokens(&["code", account])?)
    }

    /// Logs a user in by device code.
    pub fn device_flow(&self, account: &str) -> Result<Tokens> {
        Tokens::of(&self.tokens(&["device", account])?)
    }

    /// Forgeries of a token, by name: unsigned (`alg=none`), and signed by HMAC with each encoding of the provider's
    /// public key.
    pub fn forged(&self, token: &str) -> Result<Vec<(String, String)>> {
        let forged = self.tokens(&["forge", token])?;
        let forged = forged.as_object().context("not an object")?;
        forged
            .iter()
            .map(|(how, token)| {
                Ok((
                    how.clone(),
                    token.as_str().context("not a string")?.to_owned(),
                ))
            })
            .collect()
    }

    /// A program that acts as this user's browser: it follows a URL, fills in every form and consents. A second
    /// argument is the user code that a device shows.
    pub fn browser(account: &str) -> Result<Command> {
        let mut command = node("person.mjs")?;
        command.arg(account);
        Ok(command)
    }

    fn tokens(&self, arguments: &[&str]) -> Result<Value> {
        let output = node("tokens.mjs")?
            .arg(&self.url)
            .args(arguments)
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            bail!(
                "no token was issued: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

impl Tokens {
    fn of(answer: &Value) -> Result<Self> {
        Ok(Self {
            id: field(answer, "id_token")?,
            access: field(answer, "access_token")?,
            refresh: field(answer, "refresh_token")?,
        })
    }
}

fn field(answer: &Value, name: &str) -> Result<String> {
    let text = answer[name].as_str();
    Ok(text
        .with_context(|| format!("the response contains no {name}"))?
        .to_owned())
}

fn node(script: &str) -> Result<Command> {
    let mut command = Command::new(locate::node()?);
    command.arg(scripts().join(script));
    Ok(command)
}

fn scripts() -> PathBuf {
    locate::workspace().join("tests/provider")
}
