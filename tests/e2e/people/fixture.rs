//! A provider, a gateway that trusts it, and a user's home directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Result, ensure};
use gatewright_harness::{Gateway, GatewayCommand, Provider, certificates, locate};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::identity::stage::{Plan, Stage};

/// A provider, a gateway with TLS that trusts it, and a user's home directory.
pub struct Fixture {
    pub provider: Provider,
    pub stage: Stage,
    pub authorities: PathBuf,
    pub home: TempDir,
}

impl Fixture {
    pub fn new(test: &str) -> Result<Self> {
        Self::with_token_lifetime(test, 600)
    }

    /// The provider's ID tokens are valid for `seconds`.
    pub fn with_token_lifetime(test: &str, seconds: u32) -> Result<Self> {
        Self::with_listen(test, seconds, "")
    }

    /// `listen`: keys of `[listen]`.
    pub fn with_listen(test: &str, seconds: u32, listen: &str) -> Result<Self> {
        Self::with_tables(test, seconds, listen, |_, _| Ok(String::new()))
    }

    /// `tables`: further tables of the configuration, with the provider's URL and the folder of the configuration.
    pub fn with_tables(
        test: &str,
        seconds: u32,
        listen: &str,
        tables: impl Fn(&str, &Path) -> Result<String>,
    ) -> Result<Self> {
        let settings = json!({ "idTokenSeconds": seconds });
        Self::with_provider(test, &settings, listen, tables)
    }

    /// `settings`: those of the provider besides its accounts.
    pub fn with_provider(
        test: &str,
        settings: &Value,
        listen: &str,
        tables: impl Fn(&str, &Path) -> Result<String>,
    ) -> Result<Self> {
        let accounts = json!({
            "ada": { "groups": ["staff"] },
            "bob": { "groups": ["staff", "dba"] },
            "eve": { "groups": ["visitors"] },
            "robot": { "groups": ["dba"], "agent": "helper" },
        });
        let mut settings = settings.clone();
        settings["accounts"] = accounts;
        let provider = Provider::start_with(&settings)?;
        let folder = tempfile::tempdir()?;
        certificates(folder.path())?;
        let authorities = folder.path().join("ca.crt");
        let more = tables(provider.url(), folder.path())?;
        let plan = Plan {
            issuer: provider.url(),
            issuer_keys: "clock_skew = \"0s\"",
            listen,
            listen_tables: "[listen.tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"",
            more: &more,
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

    /// `gatewright` as run by this user, with their own home and environment.
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

    /// Runs `login` with a simulated browser that logs in as `account`.
    pub fn log_in(&self, account: &str, more: &[&str]) -> Result<Output> {
        let provider = ["--issuer", self.provider.url(), "--client-id", "gatewright"];
        self.log_in_again(account, &[&provider, more].concat())
    }

    /// Runs `login` without naming a provider.
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

    /// `proxy` with this user's login.
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

    pub fn login_file(&self, name: &str) -> PathBuf {
        let folder = self.home.path().join(".local/state/gatewright/logins");
        folder.join(format!("{name}.json"))
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn success_output(output: Output) -> Result<String> {
    ensure!(output.status.success(), "{}", text(&output.stderr));
    Ok(text(&output.stdout).trim_end().to_owned())
}
