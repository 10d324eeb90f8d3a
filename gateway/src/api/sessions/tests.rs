//! Who reads what of recorded sessions over the API, and that it is recorded.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::api::tests::Stage;
use crate::library::tests::{ADAS, Shelf};
use crate::library::{MaskedColumn, RecordMask};

struct Reader {
    url: String,
    token: SecretString,
}

impl Reader {
    fn new(stage: &Stage, subject: &str, groups: &[&str], agent: Option<&str>) -> Self {
        Reader {
            url: format!("http://{}", stage.address()),
            token: stage.token(subject, groups, agent),
        }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}/v1/sessions{path}", self.url);
        let request = reqwest::Client::new()
            .get(url)
            .bearer_auth(self.token.expose_secret());
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str(&text).expect("JSON"))
    }
}

async fn stage() -> (Shelf, Stage) {
    let shelf = Shelf::new().await;
    let stage = Stage::with(Some(shelf.library.clone())).await;
    (shelf, stage)
}

#[tokio::test]
async fn viewers_see_sessions_statements_and_results() {
    let (shelf, stage) = stage().await;
    let reader = Reader::new(&stage, "carol", &["readers"], None);
    let (status, page) = reader.get("?subject=ada&limit=1").await;
    assert_eq!(status, 200, "{page}");
    let session = &page["sessions"][0];
    assert_eq!(session["id"], shelf.ada.to_string());
    assert_eq!(
        (&session["statements"], &session["refused"]),
        (&2.into(), &1.into())
    );
    assert_eq!(page["cursor"], Value::Null);

    let path = format!("/{}/statements", shelf.ada);
    let (_, first) = reader.get(&format!("{path}?limit=2")).await;
    assert_eq!(first["statements"][1]["text"], ADAS);
    assert_eq!(first["cursor"], "2");
    let (_, second) = reader.get(&format!("{path}?limit=2&cursor=2")).await;
    assert_eq!(second["statements"][0]["decision"], "refused");
    assert_eq!(second["cursor"], Value::Null);

    let (_, shown) = reader.get(&format!("{path}/2")).await;
    assert_eq!(shown["columns"], serde_json::json!(["id", "email"]));
    assert_eq!(shown["results"][0], serde_json::json!(["id-0", "email-0"]));
    assert_eq!(shown["results"].as_array().map(Vec::len), Some(50));
    assert_eq!(
        (&shown["more_rows"], &shown["missing"]),
        (&true.into(), &Value::Null)
    );
    let (_, last) = reader.get(&format!("{path}/2?row=100")).await;
    assert_eq!(
        last["results"][19],
        serde_json::json!(["id-119", "email-119"])
    );
    assert_eq!(last["results"].as_array().map(Vec::len), Some(20));
    assert_eq!(last["more_rows"], false);
    let (_, other) = reader.get(&format!("{path}/1")).await;
    assert_eq!(other["results"], serde_json::json!([["1"]]));

    let (_, refused) = reader.get(&format!("{path}/3")).await;
    assert_eq!(refused["parameters"][0]["value"], "bound");
    let (_, found) = reader.get("/search?q=result:%22email+77%22").await;
    assert_eq!(found["found"][0]["statement"]["number"], 2);
    let (_, found) = reader.get("/search?q=drop+verdict:refused").await;
    assert_eq!(found["found"][0]["snippet"][0]["text"], "DROP");
}

#[tokio::test]
async fn whoever_may_not_see_sessions_sees_none() {
    let (shelf, stage) = stage().await;
    for (subject, groups, agent) in [
        ("dave", &[][..], None),
        ("bob", &["dba"][..], None),
        // Whoever was connected is no viewer of the record for that.
        ("ada", &["analysts"][..], None),
        ("carol", &["readers"][..], Some("assistant")),
    ] {
        let reader = Reader::new(&stage, subject, groups, agent);
        for path in ["", "/search?q=select", &format!("/{}", shelf.ada)] {
            let (status, problem) = reader.get(path).await;
            assert_eq!(
                (status, &problem["code"]),
                (403, &"not-a-viewer".into()),
                "{path}"
            );
        }
    }
    let auditor = Reader::new(&stage, "eve", &["audit"], None);
    assert_eq!(auditor.get("").await.0, 200);
    let without = Stage::start().await;
    let auditor = Reader::new(&without, "eve", &["audit"], None);
    let (status, problem) = auditor.get("").await;
    assert_eq!((status, &problem["code"]), (404, &"not-recorded".into()));
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let (shelf, stage) = stage().await;
    let reader = Reader::new(&stage, "carol", &["readers"], None);
    for path in [
        "?since=yesterday",
        "?cursor=x",
        "?limit=0",
        "?unknown=1",
        "/search?q=%22%22",
        "/search?q=verdict:maybe",
    ] {
        assert_eq!(reader.get(path).await.0, 400, "{path}");
    }
    for path in [
        "/x",
        "/0198a3c5-7d20-7abc-8def-000000000000",
        &format!("/{}/statements/9", shelf.ada),
    ] {
        assert_eq!(reader.get(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn every_viewing_is_in_the_record() {
    let (shelf, stage) = stage().await;
    let reader = Reader::new(&stage, "carol", &["readers"], None);
    reader.get(&format!("/{}", shelf.ada)).await;
    reader.get(&format!("/{}/statements/2", shelf.ada)).await;
    // The same again is the same viewing.
    reader.get(&format!("/{}/statements/2", shelf.ada)).await;
    reader.get("/search?q=email").await;
    let carols = shelf
        .indexed(|session| session.subject == "carol" && session.viewings == 3)
        .await;
    assert_eq!(carols.application, "gatewright api");
    assert_eq!(carols.client_address, "127.0.0.1");
    let (_, shown) = reader.get(&format!("/{}", shelf.ada)).await;
    let viewed = shown["viewed"].as_array().expect("viewings");
    assert_eq!(viewed.len(), 3, "{shown}");
    assert_eq!(viewed[1]["statement"], 2);
    assert!(viewed.iter().all(|viewing| viewing["subject"] == "carol"));
    shelf.library.finish().await;
    let ended = shelf.indexed(|session| session.subject == "carol" && session.ended_at.is_some());
    ended.await;
    let mut events = Vec::new();
    let segments = shelf
        .directory
        .of(carols.id.parse().expect("an id"))
        .expect("its files");
    let read = gatewright_record::session::read(&segments, &mut |event| {
        if let gatewright_record::Event::Viewed(viewed) = event {
            events.push(viewed);
        }
    });
    read.expect("the record");
    assert_eq!(events.len(), 4);
    assert_eq!(events[2].search.as_deref(), Some("email"));
    assert_eq!(events[2].sessions, [shelf.ada]);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown() {
    let (shelf, stage) = stage().await;
    let reader = Reader::new(&stage, "carol", &["readers"], None);
    let sessions = shelf.directory.root().join("sessions");
    std::fs::rename(&sessions, sessions.with_extension("away")).expect("it is moved");
    // The thread that writes notices with the first event of the viewer's session.
    let mut last = 200;
    while last == 200 {
        let (status, problem) = reader.get(&format!("/{}", shelf.ada)).await;
        last = status;
        if status != 200 {
            assert_eq!(problem["code"], "viewing-unrecorded");
        }
    }
    assert_eq!(last, 503);
}

#[tokio::test]
async fn viewers_see_and_find_only_values_that_are_not_masked_for_them() {
    let mask = RecordMask {
        columns: vec![MaskedColumn::parse("public.customers.email").expect("a column")],
        groups: vec!["dpo".to_owned()],
    };
    let shelf = Shelf::masking(vec![mask]).await;
    let stage = Stage::with(Some(shelf.library.clone())).await;
    let path = format!("/{}/statements", shelf.ada);
    let masked = serde_json::json!({ "masked": true });
    for (groups, first, unknown) in [
        (&["readers"][..], masked.clone(), masked.clone()),
        (&["readers", "dpo"][..], "email-0".into(), "1".into()),
        // An auditor is a viewer like others.
        (&["audit"][..], masked.clone(), masked),
    ] {
        let reader = Reader::new(&stage, "carol", groups, None);
        let (_, shown) = reader.get(&format!("{path}/2")).await;
        assert_eq!(
            shown["results"][0],
            serde_json::json!(["id-0", first]),
            "{groups:?}"
        );
        // Where its value comes from is not recorded.
        let (_, other) = reader.get(&format!("{path}/1")).await;
        assert_eq!(
            other["results"],
            serde_json::json!([[unknown]]),
            "{groups:?}"
        );
        for (search, count) in [("%22email+77%22", 0), ("%22id+77%22", 1)] {
            let (_, found) = reader.get(&format!("/search?q=result:{search}")).await;
            assert_eq!(
                found["found"].as_array().map(Vec::len),
                Some(count),
                "{search}"
            );
        }
    }
}
