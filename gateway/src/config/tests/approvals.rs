//! `[approvals]`, `[store]`, `[api]`, `[console]` and `[[webhook]]`.

use super::*;
use crate::access;
use crate::approvals::{ApprovalsSettings, State};
use crate::store::StoreSettings;
use crate::upstream::Credential;
use crate::webhooks::{Disclosure, Format};

const APPROVALS: &str = r#"
[approvals]
people = "https://id.example.com"
reviewers = ["dba"]
"#;

const CONSOLE: &str = "
[console]
address = \"127.0.0.1:9466\"
url = \"https://console.example.com/\"
client_id = \"console\"
";

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
fn the_console_is_where_requests_lead() {
    let folder = Folder::new();
    let config = folder.load(&[LEAST, APPROVALS, API, CONSOLE].concat());
    let approvals = config
        .expect("a configuration")
        .approvals
        .expect("approvals");
    assert_eq!(approvals.settings.url, "https://console.example.com");
    let console = approvals.console.expect("a console");
    assert_eq!(console.issuer.url, "https://id.example.com");
    assert_eq!(console.hosts, ["console.example.com"]);
    assert_eq!(console.scopes, ["openid"]);
    let secret = CONSOLE.to_owned()
        + "client_secret_file = \"secrets/analyst\"\nscopes = [\"groups\"]\nhosts = [\"other.example.com\"]\n";
    let config = folder.load(&[LEAST, APPROVALS, &secret].concat());
    let config = config.expect("a configuration");
    let printed = config.to_string();
    let console = config.approvals.and_then(|approvals| approvals.console);
    let console = console.expect("a console");
    assert_eq!(console.scopes, ["openid", "groups"]);
    let secret = console.client_secret.expect("a secret");
    let secret = secrecy::ExposeSecret::expose_secret(&secret);
    assert!(!printed.contains(secret), "{printed}");
    let printed = folder.load(&printed).expect("a configuration");
    let again = printed.approvals.and_then(|approvals| approvals.console);
    assert_eq!(again.expect("a console").hosts, console.hosts);
}

#[test]
fn what_would_expose_the_console_is_an_error() {
    let folder = Folder::new();
    let with = |from: &str, to: &str| {
        let changed = CONSOLE.replace(from, to);
        assert_ne!(changed, CONSOLE);
        [LEAST, APPROVALS, &changed].concat()
    };
    for (text, expected) in [
        (
            [LEAST, CONSOLE].concat(),
            "[console] has no effect without [approvals]",
        ),
        (
            with("127.0.0.1", "0.0.0.0"),
            "accepts logins from other machines without TLS",
        ),
        (
            with("https://", "http://"),
            "`url` must begin with https://, or with http:// on a loopback address",
        ),
        (with(".com/", ".com/gatewright"), "`url` must have no path"),
        (with(".com/", ".com/?a"), "`url` must have no path"),
        (
            with("client_id", "cliend_id"),
            "[console] requires `client_id`",
        ),
        (
            with(
                "client_id",
                "issuer = \"https://id.example.org\"\nclient_id",
            ),
            "`issuer` must be one of `people` in [approvals]; did you mean \"https://id.example.com\"?",
        ),
        (
            with("client_id", "client_secret_file = \"nowhere\"\nclient_id"),
            "nowhere",
        ),
        (
            with("\"console\"", "\"gatewright\""),
            "`client_id` must not be an `audience` of the issuer",
        ),
        (
            with("client_id", "idle_timeout = \"0s\"\nclient_id"),
            "`idle_timeout` must be greater than zero",
        ),
    ] {
        let errors = folder.errors(&text);
        let found = errors
            .iter()
            .any(|(_, _, message)| message.contains(expected));
        assert!(found, "{expected}: {errors:?}");
    }
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
            with(&[APPROVALS, "hours = \"weekdays\"\n", API]),
            "`hours` must be days and times, such as \"Mon-Fri 08:00-18:00\"",
        ),
        (
            with(&[APPROVALS, "hours = \"Mon-Fri 18:00-08:00\"\n", API]),
            "`hours` must begin before they end",
        ),
        (
            with(&[APPROVALS, "hours = []\n", API]),
            "`hours` must not be empty",
        ),
        (
            with(&[
                APPROVALS,
                "hours = \"Mon 08:00-18:00\"\ntime_zone = \"Mars\"\n",
                API,
            ]),
            "there is no time zone \"Mars\"",
        ),
        (
            with(&[APPROVALS, "time_zone = \"UTC\"\n", API]),
            "`time_zone` has no effect without `hours`",
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

const WEBHOOK: &str = "
[[webhook]]
name = \"audit\"
url = \"https://audit.example.com/hook?key=hunter2\"
secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"
";

#[test]
fn webhooks_hide_constants_unless_they_are_told_otherwise() {
    let folder = Folder::new();
    let chat = "[[webhook]]\nname = \"chat\"\nurl_file = \"secrets/slack-url\"\nformat = \"slack\"\nstatement = \"whole\"\nevents = \"pending\"\n";
    let config = folder.load(&[LEAST, APPROVALS, API, WEBHOOK, chat].concat());
    let config = config.expect("a configuration");
    let printed = config.to_string();
    for secret in ["hunter2", "canary", "MfKQ"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(
        printed.contains("url = \"https://audit.example.com/(hidden)\""),
        "{printed}"
    );
    let webhooks = config.approvals.expect("approvals").webhooks;
    let [audit, chat] = webhooks.as_slice() else {
        panic!("{webhooks:?}")
    };
    assert_eq!(audit.settings.statement, Disclosure::Redacted);
    assert!(matches!(audit.settings.format, Format::Json));
    assert_eq!(audit.settings.events, State::ALL);
    assert_eq!(chat.settings.statement, Disclosure::Whole);
    assert_eq!(chat.settings.events, [State::Pending]);
    assert_eq!(audit.settings.grant_events, access::State::ALL);
    assert_eq!(chat.settings.grant_events, [access::State::Pending]);
    assert!(chat.settings.secret.is_none());
    let url = secrecy::ExposeSecret::expose_secret(&chat.settings.url);
    assert_eq!(url, "https://hooks.slack.com/services/T0/B0/canary-pw");
}

const BOT: &str = "
[[webhook]]
name = \"chat\"
format = \"slack-api\"
token_file = \"secrets/slack-token\"
channel = \"C1\"
grant_events = []
";

#[test]
fn a_bot_of_slack_has_a_token_and_a_channel() {
    let folder = Folder::new();
    let config = folder.load(&[LEAST, APPROVALS, API, BOT].concat());
    let config = config.expect("a configuration");
    let printed = config.to_string();
    assert!(!printed.contains("canary"), "{printed}");
    assert!(printed.contains("channel = \"C1\""), "{printed}");
    let webhooks = config.approvals.expect("approvals").webhooks;
    let settings = &webhooks[0].settings;
    let Format::SlackApi(bot) = &settings.format else {
        panic!("{settings:?}")
    };
    let token = secrecy::ExposeSecret::expose_secret(&bot.token);
    assert_eq!((token, bot.channel.as_str()), ("xoxb-canary", "C1"));
    let url = secrecy::ExposeSecret::expose_secret(&settings.url);
    assert_eq!(url, "https://slack.com/api");
    assert!(settings.grant_events.is_empty() && settings.events == State::ALL);
    folder.write("secrets/odd-token", "xoxb canary\n");
    for (from, to, expected) in [
        (
            "token_file = \"secrets/slack-token\"\n",
            "",
            "requires `token_file`",
        ),
        ("channel = \"C1\"\n", "", "requires `channel`"),
        (
            "secrets/slack-token",
            "secrets/odd-token",
            "no token of Slack's",
        ),
        ("slack-api", "slack", "require `format = \"slack-api\"`"),
        (
            "channel",
            "secret_file = \"secrets/webhook\"\nchannel",
            "a secret has no effect",
        ),
        ("[]", "[\"executed\"]", "`grant_events` can contain pending"),
        ("grant_events", "events", "`events` must not be empty"),
    ] {
        let changed = BOT.replace(from, to);
        assert_ne!(changed, BOT);
        let errors = folder.errors(&[LEAST, APPROVALS, API, &changed].concat());
        let found = errors
            .iter()
            .any(|(_, _, message)| message.contains(expected));
        assert!(found, "{expected}: {errors:?}");
        assert!(!format!("{errors:?}").contains("canary"), "{errors:?}");
    }
}

#[test]
fn a_webhook_that_would_reach_anybody_or_prove_nothing_is_an_error() {
    let folder = Folder::new();
    let with = |from: &str, to: &str| {
        let changed = WEBHOOK.replace(from, to);
        assert_ne!(changed, WEBHOOK);
        [LEAST, APPROVALS, API, &changed].concat()
    };
    for (text, expected) in [
        (
            [LEAST, WEBHOOK].concat(),
            "[[webhook]] has no effect without [approvals]",
        ),
        (
            with("https://", "http://"),
            "the URL must begin with https://",
        ),
        (with("name =", "nam ="), "[[webhook]] requires `name`"),
        (
            with("url =", "secret_file = \"secrets/webhook\"\nurl ="),
            "only one of `secret` and `secret_file`",
        ),
        (
            with("url = \"https://audit.example.com/hook?key=hunter2\"\n", ""),
            "requires `url` or `url_file`",
        ),
        (
            with("secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n", ""),
            "requires `secret` or `secret_file`",
        ),
        (
            with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_hunter2"),
            "the secret must be `whsec_`",
        ),
        (
            with(
                "\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"",
                "[\"hunter2\"]",
            ),
            "`secret` must be a string in quotes, not this",
        ),
        (
            with("secret =", "url_file = \"secrets/slack-url\"\nsecret ="),
            "only one of `url` and `url_file`",
        ),
        (
            with("url =", "events = [\"aproved\"]\nurl ="),
            "did you mean \"approved\"?",
        ),
        (
            with("url =", "events = []\nurl ="),
            "`events` must not be empty",
        ),
        (
            with("url =", "timeout = \"2m\"\nurl ="),
            "`timeout` must not be longer than a minute",
        ),
        (
            with("url =", "max_age = \"91d\"\nurl ="),
            "`max_age` must not be longer than `keep`",
        ),
        (
            [LEAST, APPROVALS, API, WEBHOOK, WEBHOOK].concat(),
            "there are two webhooks with the name \"audit\"",
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
