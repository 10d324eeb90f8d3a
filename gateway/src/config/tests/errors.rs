//! Every error of a file is reported, with its place.

use super::*;

/// Twenty errors.
const MANY: &str = r#"[listen]
adress = "127.0.0.1:1"
address = "nowhere"
cleartext_password = "sometimes"
[listen.limits]
max_connections = 0
max_message = "1TiB"
idle_timeout = 30
[log]
level = "loud,,="
[[issuer]]
url = "http://id.example.com"
clock_skew = "99999999d"
algorithms = ["RS256", "HS256", "none"]
[[database]]
name = "shop"
host = "a b"
tls = "verify-ful"
[[grant]]
groups = []
databases = ["shpo"]
role = "reader"
password = "hunter2"
password_file = "secrets/missing"
[polices]
directory = "policies"
"#;

#[test]
fn many_errors_come_in_one_report_with_their_places() {
    let folder = Folder::new();
    let errors = folder.errors(MANY);
    let found: Vec<_> = errors
        .iter()
        .map(|(line, column, _)| (*line, *column))
        .collect();
    for place in [
        (2, 1),
        (3, 11),
        (4, 22),
        (6, 19),
        (7, 15),
        (8, 16),
        (10, 9),
        (12, 7),
        (13, 14),
        (14, 24),
        (14, 33),
        (17, 8),
        (18, 7),
        (21, 14),
        (24, 17),
        (25, 2),
    ] {
        assert!(found.contains(&place), "{place:?} is not in {errors:#?}");
    }
    // Errors of a table as a whole: no TLS and no password, no audience, no groups, two passwords.
    for (line, word) in [
        (1, "no client could log in"),
        (11, "audience"),
        (20, "groups"),
        (19, "not 2"),
    ] {
        assert!(
            errors
                .iter()
                .any(|(at, _, message)| *at == line && message.contains(word)),
            "{line} {word} is not in {errors:#?}"
        );
    }
    assert_eq!(errors.len(), 20, "{errors:#?}");
    assert!(found.is_sorted());
    let report = folder.load(MANY).unwrap_err().to_string();
    assert!(
        report.contains("gatewright.toml:3:11: `address` must be an IP address and port"),
        "{report}"
    );
    assert!(report.ends_with("20 errors"), "{report}");
    assert!(!report.contains("hunter2"), "{report}");
}

#[test]
fn a_password_of_the_wrong_kind_is_not_repeated() {
    let message = message(&LEAST.replace("role =", "password = 271828\nrole ="));
    assert!(!message.contains("271828"), "{message}");
}

fn message(text: &str) -> String {
    let errors = Folder::new().errors(text);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors[0].2.clone()
}

#[test]
fn misspelt_names_get_a_suggestion() {
    let cases = [
        (
            LEAST.replace("cleartext_password", "cleartext_pasword"),
            "`cleartext_password`",
        ),
        (
            LEAST.replace("databases = \"*\"", "databases = \"shops\""),
            "\"shop\"",
        ),
        (
            LEAST.replace("role =", "issuers = \"https://id.exmple.com\"\nrole ="),
            "\"https://id.example.com\"",
        ),
        (
            format!("{LEAST}[policies]\ndirectory = \"policies\"\nrequired = [\"deny-lst\"]"),
            "\"deny-list\"",
        ),
    ];
    for (text, suggestion) in cases {
        let errors = Folder::new().errors(&text);
        let wanted = format!("did you mean {suggestion}?");
        assert!(
            errors.iter().any(|(_, _, m)| m.contains(&wanted)),
            "{wanted} {errors:#?}"
        );
    }
    let far = message(&format!("{LEAST}[log]\nxyzzy = 1"));
    assert!(far.contains("known keys: format, level"), "{far}");
}

#[test]
fn an_open_listener_requires_tls_or_an_explicit_key() {
    let open = "[listen]\naddress = \"0.0.0.0:6432\"";
    let refused = message(&LEAST.replace("[listen]", open));
    assert!(refused.contains("allow_plaintext = true"), "{refused}");
    let allowed = LEAST.replace("[listen]", &format!("{open}\nallow_plaintext = true"));
    assert!(Folder::new().load(&allowed).is_ok());
    let nobody = message(&LEAST.replace("\"loopback\"", "\"never\""));
    assert!(nobody.contains("no client could log in"), "{nobody}");
}

#[test]
fn an_empty_file_names_what_is_required() {
    let errors = Folder::new().errors("");
    let needed: Vec<_> = errors
        .iter()
        .map(|(_, _, message)| message.as_str())
        .collect();
    for part in ["[listen]", "[[issuer]]", "[[database]]", "[[grant]]"] {
        assert!(
            needed.iter().any(|message| message.contains(part)),
            "{part}: {needed:#?}"
        );
    }
    assert_eq!(needed.len(), 4);
}

#[test]
fn certificates_and_keys_must_be_there_and_fit() {
    let tls = |certificate: &str, key: &str| {
        let tls =
            format!("[listen.tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n[[issuer]]");
        Folder::new().load(&LEAST.replacen("[[issuer]]", &tls, 1))
    };
    assert!(tls("tls/gateway.crt", "tls/gateway.key").is_ok());
    for (certificate, key, error) in [
        ("tls/gateway.crt", "tls/other.key", "cannot be used"),
        (
            "tls/gateway.crt",
            "tls/gateway.crt",
            "contains no PEM private key",
        ),
        (
            "tls/gateway.key",
            "tls/gateway.key",
            "contains no PEM certificate",
        ),
        ("tls/absent.crt", "tls/gateway.key", "cannot be read"),
        ("tls", "tls/gateway.key", "cannot be read"),
    ] {
        let report = tls(certificate, key).unwrap_err().to_string();
        assert!(
            report.contains(error) && report.ends_with("1 error"),
            "{report}"
        );
    }
}

#[test]
fn policies_are_looked_for() {
    let with = |policies: &str| Folder::new().errors(&format!("{LEAST}{policies}"));
    let missing = with("[policies]\ndirectory = \"nowhere\"");
    assert!(missing[0].2.contains("cannot be read"), "{missing:?}");
    let required = with("[policies]\ndirectory = \"policies\"\nrequired = [\"notes\"]");
    assert!(required[0].2.contains("has no notes.wasm"), "{required:?}");
    let idle = with("[policy.x]\nmode = \"off\"");
    assert!(idle[0].2.contains("no effect"), "{idle:?}");
    let memory =
        with("[policies]\ndirectory = \"policies\"\n[policy.x]\nmemory = \"1kB\"\nsettings = 3");
    let places: Vec<_> = memory
        .iter()
        .map(|(line, column, _)| (*line, *column))
        .collect();
    assert_eq!(places, [(17, 10), (18, 12)], "{memory:?}");
}

#[test]
fn a_syntax_error_hides_no_other_error() {
    let errors = Folder::new().errors(&format!(
        "{LEAST}[log]\nformat = \"xml\"\nlevel = \n[admin]\naddress = 5"
    ));
    let lines: Vec<_> = errors.iter().map(|(line, ..)| *line).collect();
    assert!(
        lines.contains(&15) && lines.contains(&16) && lines.contains(&18),
        "{errors:#?}"
    );
}

#[test]
fn a_file_that_is_not_there_is_one_error() {
    let report = load(Path::new("/nowhere/gatewright.toml"))
        .unwrap_err()
        .to_string();
    assert!(
        report.starts_with("/nowhere/gatewright.toml: cannot be read"),
        "{report}"
    );
}

#[test]
fn columns_count_characters() {
    let errors = Folder::new().errors(&format!("{LEAST}[log]\nlevel = \"äöü\" # ä\n'ü' = {{ 1 }}"));
    assert!(errors.iter().all(|(line, ..)| *line >= 15), "{errors:?}");
    let text = LEAST.replace("name = \"shop\"", "name = \"shöp\"\n\"ö\" = 1");
    let errors = Folder::new().errors(&text);
    assert_eq!((errors[0].0, errors[0].1), (9, 1), "{errors:?}");
}

#[test]
fn there_is_one_of_each_issuer_and_database() {
    let again = format!("{LEAST}[[issuer]]\nurl = \"https://id.example.com\"\naudience = \"b\"\n");
    assert!(message(&again).contains("two entries"));
    let again = format!("{LEAST}[[database]]\nname = \"shop\"\nhost = \"/b\"\n");
    assert!(message(&again).contains("two entries"));
    let single = LEAST.replace("[[database]]", "[database]");
    assert!(message(&single).contains("[[database]]"));
}
