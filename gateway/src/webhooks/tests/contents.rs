//! What leaves the gateway, and what does not.

use super::*;
use crate::approvals::{
    Effect, EffectFound, EffectRow, EffectRows, Finished, NAMED, Parameter, ParameterValue,
    Submitted,
};

/// What one webhook of each kind is told of a request that is rejected.
async fn told(format: Format, statement: Disclosure, draft: Draft) -> [String; 2] {
    let receiver = Receiver::start().await;
    let settings = WebhookSettings {
        format,
        statement,
        ..webhook("audit", &receiver.url)
    };
    let stage = Stage::start(vec![settings]).await;
    let id = stage.ask(draft).await;
    stage.decide(id, Verdict::Reject).await;
    let received = receiver.until(2).await;
    [received[0].text(), received[1].text()]
}

async fn json_of(statement: Disclosure, draft: Draft) -> Value {
    let [asked, _] = told(Format::Json, statement, draft).await;
    serde_json::from_str(&asked).expect("JSON")
}

/// Nothing that a client sent as a value, whoever might have quoted it.
#[tokio::test]
async fn no_constant_leaves_unless_the_whole_statement_may() {
    let mut quoting = returned(
        "UPDATE customers /* canary */ SET email = 'canary@example.com', vip = true -- canary\n WHERE note = $$canary$$ AND id = 4711",
    );
    quoting.wanted.reason = "It changes canary@example.com".to_owned();
    quoting.shown.effects = vec!["policies change it; it runs as: UPDATE … 'canary'".to_owned()];
    quoting.shown.application = "canary".to_owned();
    quoting
        .binding
        .settings
        .push(("at startup: app.user".to_owned(), "canary".to_owned()));
    quoting.binding.parameters.push(Parameter {
        type_oid: 25,
        value: ParameterValue::Text("canary".to_owned()),
    });
    for format in [Format::Json, Format::Slack] {
        for disclosure in [Disclosure::Redacted, Disclosure::None] {
            for text in told(format.clone(), disclosure, quoting.clone()).await {
                for value in ["canary", "4711", "true,", "checked"] {
                    let is_own = value == "true," && !text.contains("vip = true");
                    assert!(is_own || !text.contains(value), "{disclosure:?}: {text}");
                }
                assert!(!text.contains("decide=approve"), "{text}");
            }
        }
    }
    let redacted = json_of(Disclosure::Redacted, quoting.clone()).await;
    assert_eq!(
        redacted["request"]["statement"],
        serde_json::json!({
            "form": "redacted",
            "text": "UPDATE customers SET email = ?, vip = ?\nWHERE note = ? AND id = ?",
        })
    );
    assert_eq!(redacted["request"]["parameters"], 2, "{redacted}");
    let none = json_of(Disclosure::None, quoting.clone()).await;
    let withheld = serde_json::json!({ "form": "withheld", "text": null });
    assert_eq!(none["request"]["statement"], withheld);
    // Even where the whole statement may leave, parameters' values do not.
    quoting.binding.parameters[0].value = ParameterValue::Text("secret-parameter".to_owned());
    for format in [Format::Json, Format::Slack] {
        for text in told(format.clone(), Disclosure::Whole, quoting.clone()).await {
            assert!(!text.contains("secret-parameter"), "{text}");
        }
    }
}

/// Without certainty about where the constants are, there is no text.
#[tokio::test]
async fn what_cannot_be_redacted_for_certain_is_left_out() {
    let mut other_strings = returned("DELETE FROM t WHERE n = 'a\\' OR m = 'canary'");
    other_strings.binding.settings[0].1 = "off".to_owned();
    let broken = returned("DELETE FROM t WHERE n = 'canary");
    for draft in [other_strings, broken] {
        let told = json_of(Disclosure::Redacted, draft).await;
        assert_eq!(told["request"]["statement"]["form"], "withheld", "{told}");
        assert!(!told.to_string().contains("canary"), "{told}");
    }
    let named = returned(&format!(
        "EXECUTE p(1){NAMED}DELETE FROM t WHERE n = 'canary'"
    ));
    let told = json_of(Disclosure::Redacted, named).await;
    assert_eq!(
        told["request"]["statement"]["text"], "EXECUTE p(?)",
        "{told}"
    );
}

fn effect_with_rows() -> Effect {
    Effect {
        found: EffectFound::Preview { rows: 1 },
        limited: None,
        bound: false,
        rows: Some(EffectRows {
            columns: vec!["canary".to_owned()],
            rows: vec![EffectRow::Returned(vec![Some("canary".to_owned())])],
        }),
        rows_hidden: None,
        rows_digest: None,
    }
}

/// What is changed, and how.
type Change = (&'static str, fn(&mut Draft));

#[tokio::test]
async fn approve_is_offered_where_the_message_hides_nothing() {
    let changes: [Change; 14] = [
        ("what a transaction has changed", |draft| {
            draft.shown.transaction = vec![crate::approvals::Change {
                verb: "DELETE".into(),
                tables: Vec::new(),
                rows: Some(1),
                statement: "canary".into(),
            }];
        }),
        ("rows that change", |draft| {
            draft.shown.effect = Some(effect_with_rows());
        }),
        ("a parameter", |draft| {
            draft.binding.parameters = returned("x").binding.parameters;
        }),
        ("a setting that is not plain", |draft| {
            draft
                .binding
                .settings
                .push(("at startup: a".into(), "\u{200b}".into()));
        }),
        ("many settings", |draft| {
            draft
                .binding
                .settings
                .extend(vec![("at startup: a".into(), "b".into()); 8]);
        }),
        ("strings are read otherwise", |draft| {
            draft.binding.settings[0].1 = "off".into();
        }),
        ("an invisible character", |draft| {
            draft.shown.text.push('\u{200b}')
        }),
        ("a reordering", |draft| draft.shown.text.push('\u{202e}')),
        ("a letter that looks like another", |draft| {
            draft.shown.text.push('\u{43e}')
        }),
        ("a backtick", |draft| draft.shown.text.push('`')),
        ("a reason that is not plain", |draft| {
            draft.wanted.reason.push('\u{202e}')
        }),
        ("an effect that is cut", |draft| {
            draft.shown.effects.push("it runs as: …".into())
        }),
        ("many effects", |draft| {
            draft.shown.effects = vec!["calls f".into(); 11]
        }),
        ("a schema that is not plain", |draft| {
            draft.binding.search_path.push("a\u{200b}".into())
        }),
    ];
    let approve = "/requests/";
    for format in [Format::Json, Format::Slack] {
        let mut shown = plain("DELETE FROM orders");
        let encoding = (
            "at startup: client_encoding".to_owned(),
            "LATIN1".to_owned(),
        );
        shown.binding.settings.push(encoding);
        let [asked, rejected] = told(format.clone(), Disclosure::Whole, shown).await;
        assert!(asked.contains("LATIN1"), "{asked}");
        assert!(
            asked.contains("DELETE FROM orders") && asked.contains("?decide=approve"),
            "{asked}"
        );
        assert!(
            !rejected.contains("?decide=approve") && rejected.contains(approve),
            "{rejected}"
        );
        for (what, change) in changes {
            let mut draft = plain("DELETE FROM orders");
            change(&mut draft);
            let [asked, _] = told(format.clone(), Disclosure::Whole, draft).await;
            assert!(!asked.contains("?decide=approve"), "{what}: {asked}");
            assert!(!asked.contains("canary"), "{what}: {asked}");
            assert!(asked.contains(approve), "{what}: {asked}");
        }
        for disclosure in [Disclosure::Redacted, Disclosure::None] {
            let [asked, _] = told(format.clone(), disclosure, plain("DELETE FROM orders")).await;
            assert!(!asked.contains("?decide=approve"), "{asked}");
        }
    }
    // A program gets all of a long statement; a chat does not show it.
    let long = plain(&format!(
        "DELETE FROM orders WHERE id IN (1{})",
        ", 1".repeat(2000)
    ));
    let [program, _] = told(Format::Json, Disclosure::Whole, long.clone()).await;
    assert!(program.contains("?decide=approve"));
    let [chat, _] = told(Format::Slack, Disclosure::Whole, long).await;
    assert!(
        !chat.contains("?decide=approve") && chat.contains("longer than this"),
        "{chat}"
    );
}

#[tokio::test]
async fn a_statement_cannot_leave_its_block_or_ping_people() {
    let hostile = "DELETE FROM t ``` <!channel> <@U1> @here <https://evil.example.com|Approve> & \u{202e}x\u{200b}";
    let mut draft = returned(hostile);
    draft.shown.verb = "` <!here> *DELETE*".to_owned();
    draft.shown.tables = vec!["t`\n<!everyone>".to_owned()];
    draft.binding.subject = "ada` <!channel>\n@channel".to_owned();
    draft.binding.database = "<!here|x>`".to_owned();
    for text in told(Format::Slack, Disclosure::Whole, draft).await {
        let body: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            (&body["parse"], &body["link_names"]),
            (&"none".into(), &false.into())
        );
        let mut texts = vec![body["text"].clone()];
        let blocks = body["blocks"].as_array().expect("blocks");
        texts.extend(blocks.iter().map(|block| block["text"]["text"].clone()));
        for shown in texts.iter().filter_map(Value::as_str) {
            assert!(
                !shown.contains(['<', '>', '\u{202e}', '\u{200b}']),
                "{shown}"
            );
            assert!(shown.chars().count() <= 3000, "{shown}");
            // Outside of code there is nothing that somebody else wrote.
            let outside = match shown.starts_with("```") {
                true => shown.split("```").step_by(2).collect::<String>(),
                false => shown.split('`').step_by(2).collect::<String>(),
            };
            assert_eq!(shown.matches('`').count() % 2, 0, "{shown}");
            for foreign in ["channel", "!here", "everyone", "evil", "U1", "@"] {
                assert!(!outside.contains(foreign), "{foreign}: {outside}");
            }
        }
    }
}

/// The longest names and texts still make a message that Slack takes.
#[tokio::test]
async fn long_texts_make_no_message_that_is_too_long() {
    let long = "<".repeat(5000);
    let mut draft = returned(&long);
    draft.shown.verb = long.clone();
    draft.shown.tables = vec![long.clone(); 100];
    draft.shown.effects = vec![long.clone(); 50];
    draft.binding.search_path = vec![long.clone(); 50];
    draft.binding.agent = Some(long.clone());
    for part in [
        &mut draft.binding.subject,
        &mut draft.binding.database,
        &mut draft.binding.role,
    ] {
        *part = long.clone();
    }
    for part in [
        &mut draft.policy,
        &mut draft.wanted.code,
        &mut draft.wanted.reason,
    ] {
        *part = long.clone();
    }
    draft.shown.effects.truncate(12);
    for text in told(Format::Slack, Disclosure::Whole, draft).await {
        let body: Value = serde_json::from_str(&text).expect("JSON");
        for block in body["blocks"].as_array().expect("blocks") {
            let shown = block["text"]["text"].as_str().unwrap_or_default();
            assert!(shown.chars().count() <= 3000, "{}", shown.len());
        }
    }
}

#[tokio::test]
async fn a_chat_is_told_who_decided() {
    let [asked, rejected] = told(
        Format::Slack,
        Disclosure::Redacted,
        returned("DELETE FROM orders WHERE id = 7"),
    )
    .await;
    let asked: Value = serde_json::from_str(&asked).expect("JSON");
    assert_eq!(
        asked["text"],
        "*Approval wanted:* `ada` wants to run `DELETE` on `shop` as `writer`."
    );
    let statement = asked["blocks"][1]["text"]["text"].as_str().expect("a text");
    assert!(
        statement.starts_with("```\nDELETE FROM orders WHERE id = ?\n```"),
        "{statement}"
    );
    let rejected: Value = serde_json::from_str(&rejected).expect("JSON");
    assert_eq!(
        rejected["text"],
        "*Rejected* by `bob`: `DELETE` on `shop` as `writer`, sent by `ada`."
    );
    let links = rejected["blocks"]
        .as_array()
        .expect("blocks")
        .last()
        .expect("links");
    let url = links["elements"][0]["url"].as_str().expect("a link");
    assert!(
        url.starts_with("https://gateway.example.com/requests/"),
        "{url}"
    );
}

/// Loud, and with the justification where what people write may leave.
#[tokio::test]
async fn a_broken_glass_is_told_as_one() {
    for (format, statement) in [
        (Format::Json, Disclosure::Redacted),
        (Format::Json, Disclosure::Whole),
        (Format::Slack, Disclosure::Redacted),
        (Format::Slack, Disclosure::Whole),
    ] {
        let receiver = Receiver::start().await;
        let settings = WebhookSettings {
            format: format.clone(),
            statement,
            ..webhook("audit", &receiver.url)
        };
        let stage = Stage::start(vec![settings]).await;
        let broken = Draft {
            break_glass: Some("production is down".to_owned()),
            ..plain("DELETE FROM orders")
        };
        let submitted = stage.approvals.submit(broken).await.expect("it runs");
        let Submitted::Claimed { id, .. } = submitted else {
            panic!("it waits")
        };
        stage.approvals.finished(id, Finished::Executed { rows: 1 });
        receiver.until(4).await;
        stage.decide(id, Verdict::Review).await;
        let told: Vec<_> = receiver
            .until(5)
            .await
            .iter()
            .map(|one| one.json())
            .collect();
        let all = serde_json::to_string(&told).expect("JSON");
        let may_say = statement == Disclosure::Whole;
        assert_eq!(all.contains("production is down"), may_say, "{all}");
        assert!(
            !all.contains("decide=approve") && !all.contains("Approval wanted"),
            "{all}"
        );
        let is_json = matches!(format, Format::Json);
        let (key, expected) = match is_json {
            true => (
                "type",
                [
                    "approval.requested",
                    "approval.break_glass",
                    "approval.reviewed",
                ],
            ),
            false => (
                "text",
                [
                    "*Break-glass:* `ada` runs",
                    "*Break-glass, approved* by `ada` themselves",
                    "*Reviewed* by `bob`",
                ],
            ),
        };
        for (message, expected) in [&told[0], &told[1], &told[4]].into_iter().zip(expected) {
            let text = message[key].as_str().expect("a text");
            assert!(text.starts_with(expected), "{text}");
        }
        if is_json {
            assert!(
                told.iter()
                    .all(|message| message["request"]["break_glass"] == true),
                "{all}"
            );
        }
    }
}
