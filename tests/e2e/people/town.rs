//! Where people live: a provider, a gateway that trusts it, and a home.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Result, ensure};
use gatewright_harness::{Gateway, GatewayCommand, Provider, locate};
use serde_json::json;
use tempfile::TempDir;

use crate::identity::stage::{Plan, Stage};
use crate::site::certificates;

/// A provider, a gateway with TLS that trusts it, and a person's home.
pub struct Town {
    pub provider: Provider,
    pub stage: Stage,
    pub authorities: PathBuf,
    pub home: TempDir,
}

impl Town {
    pub fn new(test: &str) -> Result<Self> {
        Self::with(test, 600)
    }

    /// ID tokens that last so many seconds.
    pub fn with(test: &str, seconds: u32) -> Result<Self> {
        Self::asking(test, seconds, "")
    }

    /// With keys of `[listen]`.
    pub fn asking(test: &str, seconds: u32, listen: &str) -> Result<Self> {
        let accounts = json!({ "ada": { "groups": ["staff"] }, "eve": { "groups": ["visitors"] } });
        let settings = json!({ "accounts": accounts, "idTokenSeconds": seconds });
        let provider = Provider::start_with(&settings)?;
        let folder = tempfile::tempdir()?;
        certificates(folder.path())?;
        let authorities = folder.path().join("ca.crt");
        let plan = Plan {
            issuer: provider.url(),
            issuer_keys: "clock_skew = \"0s\"",
            listen,
            listen_tables: "[listen.tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"",
            ..Plan::default()
        };
        let stage = Stage::start(test, folder, &plan)?;
        Ok(Self {
            provider,
            stage,
            authorities,
            home: tempfile::tempdir()?,
        })
    }

    /// `gatewright` as this person runs it, in a home and an environment of their own.
    pub fn gatewright(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(locate::gateway()?);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PGSSLROOTCERT", &self.authorities)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        Ok(command)
    }

    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.gatewright(arguments)?.output()?)
    }

    /// `login` with a browser that does as this account says.
    pub fn log_in(&self, account: &str, more: &[&str]) -> Result<Output> {
        let provider = ["--issuer", self.provider.url(), "--client-id", "gatewright"];
        self.log_in_again(account, &[&provider, more].concat())
    }

    /// `login` that is told no provider.
    pub fn log_in_again(&self, account: &str, arguments: &[&str]) -> Result<Output> {
        let browser = Provider::browser(account)?;
        let words: Vec<_> = std::iter::once(browser.get_program())
            .chain(browser.get_args())
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let mut command = self.gatewright(&[&["login"], arguments].concat())?;
        Ok(command.env("BROWSER", words.join(" ")).output()?)
    }

    /// psql through `connect`, to the gateway.
    pub fn connect(&self, arguments: &[&str]) -> Result<Output> {
        let port = self.stage.port.to_string();
        let place = ["-h", "localhost", "-p", &port, "-d", "shop", "-XAt"];
        let mut command = self.gatewright(&["connect"])?;
        Ok(command.args(arguments).args(place).output()?)
    }

    /// `proxy` with a login of this person's.
    pub fn proxy(&self, profile: &str) -> Result<Gateway> {
        GatewayCommand::verb("proxy")
            .arguments(["--upstream", &format!("localhost:{}", self.stage.port)])
            .arguments(["--profile", profile])
            .arguments(["--ca", &self.authorities.display().to_string()])
            .environment("HOME", &self.home.path().display().to_string())
            .environment("XDG_STATE_HOME", "")
            .environment("RUST_LOG", "trace")
            .listen("127.0.0.1:0")
            .start()
    }

    pub fn kept(&self, name: &str) -> PathBuf {
        let folder = self.home.path().join(".local/state/gatewright/logins");
        folder.join(format!("{name}.json"))
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn succeeded(output: Output) -> Result<String> {
    ensure!(output.status.success(), "{}", text(&output.stderr));
    Ok(text(&output.stdout).trim_end().to_owned())
}
