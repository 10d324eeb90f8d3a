//! A person's login file.

use secrecy::ExposeSecret;

use super::*;
use crate::login::{ProfileName, TokenKind};

fn load_person(folder: &Folder, text: &str) -> Result<Person, Report> {
    person(&folder.write("login.toml", text))
}

#[test]
fn a_persons_file_has_profiles_with_defaults() {
    let folder = Folder::new();
    let text = r#"
default = "work"
[profile.work]
issuer = "https://id.example.com"
client_id = "cli"
client_secret = "shh"
scopes = ["openid", "groups"]
redirect_uri = "http://localhost:8400/cb"
ca = "tls/cluster-ca.pem"
device = true
gateway = "gw.example.com:5433"
database = "shop"
[profile.home]
issuer = "http://127.0.0.1:8080"
client_id = "cli"
resource = "urn:gateway"
gateway = "::1"
"#;
    let person = load_person(&folder, text).unwrap();
    assert_eq!(person.default.as_str(), "work");
    let profile = |name: &str| &person.profiles[&name.parse::<ProfileName>().unwrap()];
    let work = profile("work");
    assert!(work.device);
    assert_eq!(work.gateway, Some(("gw.example.com".to_owned(), 5433)));
    assert_eq!(work.database.as_deref(), Some("shop"));
    assert_eq!(work.login.scopes, ["openid", "groups"]);
    assert_eq!(work.login.token, TokenKind::Id);
    assert_eq!(work.login.ca, Some(folder.path("tls/cluster-ca.pem")));
    assert_eq!(work.login.redirect.to_string(), "http://localhost:8400/cb");
    let secret = work.login.client_secret.as_ref().unwrap();
    assert_eq!(secret.expose_secret(), "shh");
    let home = profile("home");
    assert_eq!(home.login.token, TokenKind::Access, "a target was named");
    assert_eq!(home.gateway, Some(("::1".to_owned(), 6432)));
}

#[test]
fn the_only_profile_is_the_default_one_and_no_file_is_no_error() {
    let folder = Folder::new();
    let only = "[profile.x]\nissuer = \"https://id.example.com\"\nclient_id = \"cli\"\n";
    assert_eq!(load_person(&folder, only).unwrap().default.as_str(), "x");
    let none = person(&folder.path("none.toml")).unwrap();
    assert!(none.profiles.is_empty());
    assert_eq!(none.default, ProfileName::default());
}

#[test]
fn every_error_of_a_persons_file_is_reported() {
    let folder = Folder::new();
    let text = r#"
default = "wrok"
[profile.work]
issuer = "http://id.example.com"
clientid = "cli"
client_secret = 7
token = "refresh"
redirect_uri = "https://example.com/"
gateway = "a:b:c"
[profile."no/name"]
issuer = "https://id.example.com"
client_id = "cli"
"#;
    let report = load_person(&folder, text).unwrap_err().to_string();
    for expected in [
        "2:11: there is no [profile.wrok]; did you mean \"work\"?",
        "`issuer` must begin with https://",
        "[profile.work] requires `client_id`",
        "did you mean `client_id`?",
        "`client_secret` must be a string in quotes, not this",
        "`token` must be one of \"id\", \"access\"",
        "a redirect URI must be http:// with the host 127.0.0.1",
        "a gateway is a name or an IP address",
        "a profile name must have 1 to 64",
    ] {
        assert!(report.contains(expected), "{expected} is not in:\n{report}");
    }
}

#[test]
fn addresses_of_gateways_are_read_or_refused() {
    for (text, host, port) in [
        ("gw.example.com", "gw.example.com", 6432),
        ("gw.example.com:5433", "gw.example.com", 5433),
        ("10.0.0.1:1", "10.0.0.1", 1),
        ("::1", "::1", 6432),
        ("[::1]", "::1", 6432),
        ("[fe80::1]:65535", "fe80::1", 65535),
    ] {
        let read = gateway_address(text);
        assert_eq!(read, Some((host.to_owned(), port)), "{text}");
    }
    for text in [
        "", ":5432", "[::1", "[::1]5", "h:", "h:0", "h:70000", "a b:1", "[]:1", "/run",
    ] {
        assert_eq!(gateway_address(text), None, "{text}");
    }
}
