mod browser;
mod device;
mod keeping;
mod provider;
mod renewal;

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret;

use super::*;
use provider::FakeProvider;

/// A folder of logins.
struct Folder {
    _folder: tempfile::TempDir,
    store: Store,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path().join("gatewright/logins"));
        Self {
            _folder: folder,
            store,
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self._folder.path().join("gatewright/logins").join(name)
    }
}

fn name(text: &str) -> ProfileName {
    text.parse().expect("a name")
}

#[test]
fn names_of_profiles_make_harmless_file_names() {
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
fn redirects_lead_to_this_machine_or_are_refused() {
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
