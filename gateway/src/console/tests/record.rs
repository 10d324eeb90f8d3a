//! The pages of recorded sessions.

use super::*;
use crate::library::tests::Shelf;

async fn stage() -> (Shelf, Stage) {
    let shelf = Shelf::new().await;
    let library = Some(shelf.library.clone());
    let stage = Stage::with_library(settings(), None, library).await;
    (shelf, stage)
}

#[tokio::test]
async fn viewers_and_auditors_see_the_record() {
    let (shelf, stage) = stage().await;
    let paths = [
        "/record".to_owned(),
        format!("/record/{}", shelf.ada),
        format!("/record/{}/2", shelf.ada),
    ];
    for path in &paths {
        for (groups, status) in [
            (&["staff"][..], 404),
            (&["dba"][..], 404),
            (&["platform"][..], 404),
            (&["readers"][..], 200),
            (&["audit"][..], 200),
        ] {
            let browser = stage.browser(identity("carol", groups));
            let page = browser.get(path).await;
            assert_eq!(page.status, status, "{path} {groups:?}");
            assert_eq!(
                browser.get("/").await.body.contains("href=\"/record\""),
                status == 200
            );
        }
        let page = stage.send(&format!("GET {path}"), "", "").await;
        assert_eq!(page.status, 303, "{path}");
    }
}

#[tokio::test]
async fn a_session_is_shown_statement_by_statement() {
    let (shelf, stage) = stage().await;
    let carol = stage.browser(identity("carol", &["readers"]));
    let list = carol.get("/record").await.body;
    let address = format!("/record/{}", shelf.ada);
    assert!(
        list.contains(&address) && list.contains("1 refused"),
        "{list}"
    );
    let page = carol.get(&address).await.body;
    for shown in [
        "SELECT 1",
        "DROP TABLE customers",
        "access is not allowed",
        "3 in all",
        "Ended",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let page = carol.get(&format!("{address}/2")).await.body;
    for shown in [
        "email-0",
        "email-49",
        "Rows 1 to 50 of 120",
        "allowed it",
        "?row=50",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("email-50"));
    let page = carol.get(&format!("{address}/2?row=100")).await.body;
    assert!(page.contains("email-119") && page.contains("Rows 101 to 120 of 120"));
    let page = carol.get(&format!("{address}/1?play=2")).await.body;
    assert!(
        page.contains(&format!("data-next=\"{address}/2?play=2\"")),
        "{page}"
    );
    let refused = carol.get(&format!("{address}/3")).await.body;
    assert!(refused.contains("Refused with 42501"), "{refused}");
    let jump = carol.get(&format!("{address}?number=3")).await;
    assert!(jump.head.contains(&format!("location: {address}/3")));
    for path in [
        "/record/x",
        &format!("{address}/9"),
        &format!("{address}/x"),
    ] {
        assert_eq!(carol.get(path).await.status, 404, "{path}");
    }
    // Whoever comes next sees who has looked.
    shelf
        .indexed(|session| session.subject == "carol" && session.viewings == 5)
        .await;
    let eve = stage.browser(identity("eve", &["audit"]));
    let page = eve.get(&address).await.body;
    assert!(
        page.contains("carol") && page.contains("console from 127.0.0.1"),
        "{page}"
    );
}

#[tokio::test]
async fn statements_are_found_and_what_is_typed_stays_text() {
    let (shelf, stage) = stage().await;
    let carol = stage.browser(identity("carol", &["readers"]));
    let page = carol.get("/record?q=%22from+customers%22").await.body;
    assert!(page.contains("<mark>FROM customers</mark>"), "{page}");
    assert!(page.contains(&format!("/record/{}/2", shelf.ada)));
    let page = carol.get("/record?q=result:email&subject=ada").await.body;
    assert!(page.contains("found in names or results"), "{page}");
    let page = carol.get("/record?q=result:email&subject=etl").await.body;
    assert!(page.contains("Nothing was found"), "{page}");
    let page = carol.get("/record?q=customers&refused=1").await.body;
    assert!(
        page.contains("DROP TABLE") && !page.contains("SELECT id"),
        "{page}"
    );
    let other = gatewright_contract::SessionId::generate();
    let page = carol
        .get(&format!("/record?q=select&within={other}"))
        .await
        .body;
    assert!(page.contains("Nothing was found"), "{page}");
    let page = carol.get("/record?q=%22%3E%3Cscript%3E").await.body;
    assert!(
        !page.contains("<script>") && page.contains("Nothing was found"),
        "{page}"
    );
    let page = carol.get("/record?q=verdict:no").await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("is one of permitted"), "{}", page.body);
    let page = carol.get("/record?subject=nobody").await.body;
    assert!(page.contains("There are none"), "{page}");
}
