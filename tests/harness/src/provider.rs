//! A real OpenID Connect provider, and clients and people who get tokens from it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::gateway::start_with_lines;
use crate::{Child, locate};

/// How long the provider may take for anything.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running provider (oidc-provider). Stopped on drop.
///
/// People log in there as client `gatewright`, with any password; the loopback redirects `/` and `/callback` are registered.
pub struct Provider {
    process: Child,
    lines: mpsc::Receiver<String>,
    url: String,
    _folder: tempfile::TempDir,
}

/// What a person got for logging in.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// For the client itself: audience `gatewright`, as its id is.
    pub id: String,
    /// A JWT for the resource, audience `gatewright`.
    pub access: String,
    pub refresh: String,
}

impl Provider {
    /// Starts one whose accounts have these claims in their tokens: `{"ada": {"groups": ["staff"]}}`.
    pub fn start(accounts: &Value) -> Result<Self> {
        Self::start_with(&json!({ "accounts": accounts }))
    }

    /// With any of the settings in tests/provider/provider.mjs; the same `port` is the same issuer.
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

    /// Signs with new keys from now on. The keys before stay published until the next time.
    pub fn rotate_keys(&self) -> Result<()> {
        self.process.signal("HUP")?;
        let line = self.lines.recv_timeout(START_TIMEOUT)?;
        ensure!(line == "rotated", "the provider said {line:?}");
        Ok(())
    }

    /// A JWT access token that the account gets as a client of its own: audience `gatewright`, ten minutes.
    pub fn access_token(&self, account: &str) -> Result<String> {
        field(&self.tokens(&["client", account])?, "access_token")
    }

    /// The same for another audience and lifetime in seconds.
    pub fn access_token_for(&self, account: &str, audience: &str, seconds: u32) -> Result<String> {
        let resource = format!("urn:test:{audience}:{seconds}");
        field(
            &self.tokens(&["client", account, &resource])?,
            "access_token",
        )
    }

    /// A person logs in by authorization code with PKCE.
    pub fn code_flow(&self, account: &str) -> Result<Tokens> {
        Tokens::of(&self.tokens(&["code", account])?)
    }

    /// A person logs in by device code.
    pub fn device_flow(&self, account: &str) -> Result<Tokens> {
        Tokens::of(&self.tokens(&["device", account])?)
    }

    /// A token's claims without a signature (`alg=none`), and under HMAC with each form of the provider's public key.
    pub fn forged(&self, token: &str) -> Result<Vec<(String, String)>> {
        let forged = self.tokens(&["forge", token])?;
        let forged = forged.as_object().context("no object")?;
        forged
            .iter()
            .map(|(how, token)| Ok((how.clone(), token.as_str().context("no text")?.to_owned())))
            .collect()
    }

    /// A program that acts as this person's browser: it takes a URL, follows it, fills in every form and agrees. A
    /// second argument is the user code that a device shows.
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
                "no token: {}",
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
    Ok(text.with_context(|| format!("no {name} came"))?.to_owned())
}

fn node(script: &str) -> Result<Command> {
    let mut command = Command::new(locate::node()?);
    command.arg(scripts().join(script));
    Ok(command)
}

fn scripts() -> PathBuf {
    locate::workspace().join("tests/provider")
}
