//! Login, renewal and logout against a fake provider.

mod browser;
mod device;
mod provider;
mod renewal;
mod store;

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret;

use super::*;
use provider::FakeProvider;

/// A store in a temporary directory.
struct Directory {
    _root: tempfile::TempDir,
    store: Store,
}

impl Directory {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let store = Store::new(root.path().join("gatewright/logins"));
        Self { _root: root, store }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self._root.path().join("gatewright/logins").join(name)
    }
}

fn name(text: &str) -> ProfileName {
    text.parse().expect("a name")
}

#[test]
fn profile_names_are_safe_file_names() {
    for good in ["default", "work", "a", "prod-eu.2", "A_b", &"x".repeat(64)] {
        assert!(good.parse::<ProfileName>().is_ok(), "{good}");
    }
    for bad in [
        "",
        ".",
        "..",
        ".x",
        "-x",
        "_x",
        "a/b",
        "a b",
        "a\0",
        "ä",
        &"x".repeat(65),
    ] {
        assert!(bad.parse::<ProfileName>().is_err(), "{bad:?}");
    }
}

#[test]
fn redirect_uris_must_be_on_loopback() {
    for (given, uri) in [
        ("http://127.0.0.1/callback", "http://127.0.0.1:9/callback"),
        ("http://localhost:8400", "http://localhost:9/"),
        ("http://[::1]/a/b", "http://[::1]:9/a/b"),
    ] {
        let redirect: Redirect = given.parse().expect(given);
        assert_eq!(redirect.uri(9), uri);
        assert!(redirect.address().ip().is_loopback());
        assert_eq!(redirect.to_string().parse(), Ok(redirect));
    }
    let fixed: Redirect = "http://localhost:8400/cb".parse().expect("a redirect");
    assert_eq!(fixed.address().port(), 8400);
    for bad in [
        "https://127.0.0.1/callback",
        "http://127.0.0.2/callback",
        "http://example.com/callback",
        "http://localhost.example.com/",
        "http://user@localhost/",
        "http://localhost/?x=1",
        "http://localhost/#x",
        "localhost:8400",
        "",
    ] {
        assert_eq!(bad.parse::<Redirect>(), Err(RedirectError), "{bad}");
    }
}
