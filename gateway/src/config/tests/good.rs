//! Valid files, their defaults and units.

use std::time::Duration;

use gatewright_policy_host::{Isolation, Mode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::*;
use crate::identity::ANY;
use crate::upstream::{Credential, SessionAttributes, TlsMode};

#[test]
fn the_example_of_the_documentation_loads() {
    let folder = Folder::new();
    let config = folder
        .load(&example())
        .unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(config.listen.address, "0.0.0.0:6432".parse().unwrap());
    assert_eq!(
        config.listen.tls.unwrap().key,
        folder.path("tls/gateway.key")
    );
    assert_eq!(config.admin.unwrap().address.port(), 9464);
    let [company, cluster] = config.issuers.as_slice() else {
        panic!("{:?}", config.issuers)
    };
    assert_eq!(company.claims.groups.to_string(), "realm_access.roles");
    assert_eq!(cluster.ca_pem.as_deref(), Some(CERTIFICATE.as_bytes()));
    assert_eq!(
        cluster.subject_groups["system:serviceaccount:shop:reports"],
        ["analysts"]
    );
    let shop = config.grants.databases().next().unwrap();
    let hosts = [
        ("db1.internal".to_owned(), 5432),
        ("db2.internal".to_owned(), 5432),
    ];
    assert_eq!(shop.hosts, hosts);
    assert_eq!(shop.dbname.as_deref(), Some("shop_production"));
    assert_eq!(shop.session_attributes, SessionAttributes::Any);
    let password = password(&config.grants.rules()[0].credential);
    assert_eq!(password.expose_secret(), "analyst-pw");
    let policies = &config.policies;
    assert_eq!(policies.order, ["deny-list", "mask-columns"]);
    let mask = &policies.policies["mask-columns"];
    assert_eq!(
        (mask.required, mask.deadline),
        (true, Duration::from_millis(100))
    );
    assert_eq!(mask.settings["columns"][0], "public.customers.email");
    assert!(policies.policies["deny-list"].required);
    let limit = &policies.policies["row-limit"];
    assert_eq!((limit.required, limit.mode), (false, Mode::Shadow));
    assert_eq!(limit.settings, json!({"rows": 10000}));
}

fn password(credential: &Credential) -> SecretString {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(credential.password()).unwrap().unwrap()
}

/// The example says what the defaults are; this keeps it honest.
#[test]
fn the_defaults_are_those_of_the_example() {
    let folder = Folder::new();
    let least = folder.load(LEAST).unwrap();
    let full = folder.load(&example()).unwrap();
    assert_eq!(least.listen.address, "127.0.0.1:6432".parse().unwrap());
    assert_eq!(least.listen.limits, full.listen.limits);
    let timeouts = |config: &Config| {
        let handshake = &config.listen.handshake;
        (
            handshake.handshake_timeout,
            handshake.authentication_timeout,
        )
    };
    assert_eq!(timeouts(&least), timeouts(&full));
    assert!(full.listen.handshake.tls.is_some());
    assert_eq!(least.log, full.log);
    assert_eq!(least.verifier, full.verifier);
    assert_eq!(least.token_grace, full.token_grace);
    let asked = |config: &Config| config.listen.handshake.authentication;
    assert_eq!(asked(&least), asked(&full));
    let told = |config: &Config| config.listen.handshake.discovery.clone().unwrap();
    assert_eq!(told(&full).scope, told(&least).scope);
    assert_eq!(told(&full).issuer, full.issuers[0].url);
    assert_eq!(least.policies.default, full.policies.default);
    let (a, b) = (&least.issuers[0], &full.issuers[0]);
    assert_eq!(a.algorithms, b.algorithms);
    assert_eq!((a.clock_skew, a.keys), (b.clock_skew, b.keys));
    assert_eq!(a.claims.subject, b.claims.subject);
    assert_eq!(a.claims.task, b.claims.task);
    let tls = |config: &Config| config.grants.databases().next().unwrap().tls.mode();
    assert_eq!(tls(&least), TlsMode::Disable, "a unix socket");
    let network = LEAST.replace(
        "\"/run/postgresql\"",
        "\"db\"\nca = \"tls/database-ca.pem\"",
    );
    let network = folder.load(&network).unwrap();
    assert_eq!(
        (tls(&network), tls(&full)),
        (TlsMode::VerifyFull, TlsMode::VerifyFull)
    );
    let wait = |config: &Config| config.grants.databases().next().unwrap().connect_timeout;
    assert_eq!(wait(&least), wait(&full));
}

#[test]
fn the_least_configuration_loads() {
    let config = Folder::new().load(LEAST).unwrap();
    let shop = config.grants.databases().next().unwrap();
    assert_eq!(shop.hosts, [("/run/postgresql".to_owned(), 5432)]);
    assert_eq!(shop.dbname.as_deref(), Some("shop"));
    let rule = &config.grants.rules()[0];
    assert_eq!(
        (&rule.groups[..], &rule.databases[..]),
        (&[ANY.to_owned()][..], &[ANY.to_owned()][..])
    );
    assert!(matches!(rule.credential, Credential::None));
    assert!(config.admin.is_none() && config.policies.directory.is_none());
    assert_eq!(config.policies.default.isolation, Isolation::Pooled);
}

#[test]
fn hosts_are_read_in_every_form() {
    let folder = Folder::new();
    let hosts = r#"ca = "tls/database-ca.pem"
hosts = ["a", "b:1", "::1", "[::1]:2", "10.0.0.1:3", "/run/pg"]
port = 7777"#;
    let config = folder
        .load(&LEAST.replace("host = \"/run/postgresql\"", hosts))
        .unwrap();
    let shop = config.grants.databases().next().unwrap();
    let read: Vec<_> = shop
        .hosts
        .iter()
        .map(|(host, port)| (host.as_str(), *port))
        .collect();
    let meant = [
        ("a", 7777),
        ("b", 1),
        ("::1", 7777),
        ("::1", 2),
        ("10.0.0.1", 3),
        ("/run/pg", 7777),
    ];
    assert_eq!(read, meant);
}

#[test]
fn an_environment_variable_can_hold_the_password() {
    let folder = Folder::new();
    // Cargo sets this one for every test.
    let text = LEAST.replace("role =", "password_env = \"CARGO_PKG_NAME\"\nrole =");
    let config = folder.load(&text).unwrap();
    let password = password(&config.grants.rules()[0].credential);
    assert_eq!(password.expose_secret(), "gatewright");
}

#[test]
fn a_settings_file_has_one_table_a_policy() {
    let folder = Folder::new();
    let path = folder.write(
        "settings.toml",
        "[mask-columns]\ncolumns = [\"a.b.c\"]\nnested = { day = 2026-01-02, ratio = 0.5, n = 0x10 }\n[deny-list]\n",
    );
    let settings = settings_file(&path).unwrap();
    assert_eq!(
        settings["mask-columns"],
        json!({
            "columns": ["a.b.c"], "nested": {"day": "2026-01-02", "ratio": 0.5, "n": 16}
        })
    );
    assert_eq!(settings["deny-list"], json!({}));
    let path = folder.write("settings.toml", "top = 1\n[p]\nx = inf\n");
    let report = settings_file(&path).unwrap_err();
    let lines: Vec<_> = report.errors.iter().map(|f| (f.line, f.column)).collect();
    assert_eq!(lines, [(1, 7), (3, 5)]);
}

/// Every key of the example, commented out or not, is explained in the documentation.
#[test]
fn the_documentation_knows_every_key() {
    let documentation = include_str!("../../../../docs/configuration.md");
    let mut keys = 0;
    for line in include_str!("../../../../docs/gatewright.example.toml").lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        if key.starts_with('"') || ["department", "namespace", "columns", "rows"].contains(&key) {
            continue;
        }
        keys += 1;
        assert!(
            documentation.contains(&format!("`{key}`")),
            "{key} is not in docs/configuration.md"
        );
    }
    assert!(keys > 45, "{keys}");
}

#[test]
fn times_and_sizes_are_read_and_written() {
    use crate::config::units::{duration, duration_text, size, size_text};
    for (text, millis) in [
        ("250ms", 250),
        ("30s", 30_000),
        ("5m", 300_000),
        ("1h", 3_600_000),
        ("7d", 604_800_000),
        ("0s", 0),
    ] {
        assert_eq!(
            duration(text),
            Some(Duration::from_millis(millis)),
            "{text}"
        );
        assert_eq!(
            duration(&duration_text(Duration::from_millis(millis))),
            duration(text)
        );
    }
    assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
    for (text, bytes) in [
        ("512B", 512),
        ("64KiB", 65_536),
        ("16MiB", 16 << 20),
        ("1GiB", 1 << 30),
        ("2MB", 2_000_000),
        ("1kB", 1000),
    ] {
        assert_eq!(size(text), Some(bytes), "{text}");
        assert_eq!(size(&size_text(bytes)), Some(bytes));
    }
    for nonsense in [
        "",
        "s",
        "5",
        "5 s",
        "-5s",
        "5x",
        "5s!",
        "99999999999999999999s",
        "18446744073709551615d",
        "1.5h",
        "١s",
    ] {
        assert_eq!(duration(nonsense), None, "{nonsense}");
        assert_eq!(size(nonsense), None, "{nonsense}");
    }
    assert_eq!(size("18446744073709551615GiB"), None);
}
