//! `[approvals]`, `[store]` and `[api]`.

use super::*;
use crate::approvals::ApprovalsSettings;
use crate::store::StoreSettings;
use crate::upstream::Credential;

const APPROVALS: &str = r#"
[approvals]
people = "https://id.example.com"
reviewers = ["dba"]
"#;

const API: &str = "\n[api]\naddress = \"127.0.0.1:9465\"\n";

#[test]
fn the_store_is_a_file_beside_the_configuration() {
    let folder = Folder::new();
    let config = folder.load(&[LEAST, APPROVALS, API].concat());
    let approvals = config
        .expect("a configuration")
        .approvals
        .expect("approvals");
    let StoreSettings::File(path) = &approvals.store else {
        panic!("{:?}", approvals.store)
    };
    assert_eq!(*path, folder.path("gatewright.db"));
    let defaults = ApprovalsSettings::new(
        vec!["https://id.example.com".to_owned()],
        vec!["dba".to_owned()],
        "http://127.0.0.1:9465".to_owned(),
    );
    assert_eq!(approvals.settings, defaults);
    assert!(
        folder
            .load(LEAST)
            .expect("a configuration")
            .approvals
            .is_none()
    );
}

#[test]
fn several_gateways_share_a_database() {
    let folder = Folder::new();
    let store = "\n[store]\nurl = \"postgres://gw@db:5433/approvals?sslmode=require\"\npassword_file = \"secrets/analyst\"\n";
    let text = APPROVALS.to_owned() + "url = \"https://other.example.com/\"\n";
    let config = folder.load(&[LEAST, &text, store].concat());
    let approvals = config
        .expect("a configuration")
        .approvals
        .expect("approvals");
    let StoreSettings::Postgres(target) = &approvals.store else {
        panic!("{:?}", approvals.store)
    };
    assert_eq!(target.hosts, [("db".to_owned(), 5433)]);
    assert!(matches!(target.password, Credential::File(_)));
    assert!(approvals.api.is_none());
    assert_eq!(approvals.settings.url, "https://other.example.com");
}

#[test]
fn what_would_let_nobody_or_anybody_decide_is_an_error() {
    let folder = Folder::new();
    let with = |tables: &[&str]| [&[LEAST], tables].concat().concat();
    let store = |keys: &str| with(&[APPROVALS, API, "[store]\n", keys]);
    for (text, expected) in [
        (with(&[APPROVALS]), "nobody could decide"),
        (with(&[API]), "[api] has no effect without [approvals]"),
        (
            with(&["[store]\npath = \"x\"\n"]),
            "[store] has no effect without [approvals]",
        ),
        (
            with(&["[approvals]\nreviewers = [\"dba\"]\n", API]),
            "[approvals] requires `people`",
        ),
        (
            with(&["[approvals]\npeople = \"https://id.example.com\"\n", API]),
            "[approvals] requires `reviewers`",
        ),
        (
            with(&[&APPROVALS.replace("[\"dba\"]", "[]"), API]),
            "`reviewers` must not be empty",
        ),
        (
            with(&[&APPROVALS.replace("id.example.com", "id.example.org"), API]),
            "there is no [[issuer]] \"https://id.example.org\"; did you mean \"https://id.example.com\"?",
        ),
        (
            with(&[APPROVALS, "url = \"http://gateway.example.com\"\n", API]),
            "`url` must begin with https://",
        ),
        (
            with(&[
                APPROVALS,
                &API.replace("127.0.0.1", "0.0.0.0"),
                "allow_plaintext = true\n",
            ]),
            "nobody can follow links to 0.0.0.0:",
        ),
        (
            with(&[APPROVALS, "[api]\naddress = \"127.0.0.1:0\"\n"]),
            "nobody can follow links to 127.0.0.1:0",
        ),
        (
            with(&[APPROVALS, &API.replace("127.0.0.1", "0.0.0.0")]),
            "accepts tokens from other machines without TLS",
        ),
        (
            store("path = \"x\"\nurl = \"postgres://gw@db/x\"\n"),
            "only one of `path` and `url` can be set",
        ),
        (
            store("url = \"mysql://gw@db/x\"\n"),
            "must start with postgres://",
        ),
        (
            store("url = \"postgres://gw:hunter2@db/x\"\n"),
            "`url` must not contain the password",
        ),
        (
            store("password = \"hunter2\"\n"),
            "a password has no effect without `url`",
        ),
    ] {
        let errors = folder.errors(&text);
        let found = errors
            .iter()
            .any(|(_, _, message)| message.contains(expected));
        assert!(found, "{expected}: {errors:?}");
        assert!(!format!("{errors:?}").contains("hunter2"), "{errors:?}");
    }
}
