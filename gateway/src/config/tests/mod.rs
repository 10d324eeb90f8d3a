//! Reading, checking and printing configuration files.

mod approvals;
mod arbitrary;
mod check;
mod client;
mod command;
mod documentation;
mod errors;
mod good;
mod growth;
mod keys;
mod person;
mod streams;

use std::path::{Path, PathBuf};

use super::*;

/// A folder with everything the example configuration names.
struct Folder(tempfile::TempDir);

const CERTIFICATE: &str = include_str!("certificate.pem");
const KEY: &str = include_str!("key.pem");
const OTHER_KEY: &str = include_str!("other-key.pem");

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (path, content) in [
            ("tls/gateway.crt", CERTIFICATE),
            ("tls/gateway.key", KEY),
            ("tls/other.key", OTHER_KEY),
            ("tls/cluster-ca.pem", CERTIFICATE),
            ("tls/database-ca.pem", CERTIFICATE),
            ("tls/clients-ca.pem", CERTIFICATE),
            ("secrets/gatewright", "catalog-pw\n"),
            ("secrets/analyst", "analyst-pw\n"),
            (
                "secrets/webhook",
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
            ),
            (
                "secrets/slack-url",
                "https://hooks.slack.com/services/T0/B0/canary-pw\n",
            ),
            ("secrets/slack-token", "xoxb-canary\n"),
            ("policies/deny-list.wasm", ""),
            ("policies/mask-columns.wasm", ""),
            ("policies/notes.txt", ""),
        ] {
            folder.write(path, content);
        }
        folder
    }

    fn write(&self, path: &str, content: &str) -> PathBuf {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn load(&self, text: &str) -> Result<Config, Report> {
        load(&self.write("gatewright.toml", text))
    }

    /// The errors as (line, column, message).
    fn errors(&self, text: &str) -> Vec<(usize, usize, String)> {
        let report = self.load(text).expect_err("a report");
        report
            .errors
            .into_iter()
            .map(|error| (error.line, error.column, error.message))
            .collect()
    }
}

/// The example of the documentation, with its one environment variable replaced by a file: tests
/// must not change the environment under each other.
fn example() -> String {
    let example = include_str!("../../../../docs/gatewright.example.toml");
    let replaced = example.replace(
        "password_env = \"SHOP_OWNER_PASSWORD\"",
        "password_file = \"secrets/analyst\"",
    );
    assert_ne!(example, replaced);
    replaced
}

/// The least that is a configuration.
const LEAST: &str = r#"
[listen]
cleartext_password = "loopback"
[[issuer]]
url = "https://id.example.com"
audience = "gatewright"
[[database]]
name = "shop"
host = "/run/postgresql"
[[grant]]
groups = "*"
databases = "*"
role = "reader"
"#;
