//! The link of a trial.

use super::*;

#[tokio::test]
async fn a_link_opens_the_console_once() {
    let stage = Stage::with_guest(settings(), Some(reviewer("bob"))).await;
    let id = stage.hold("DELETE FROM orders").await;
    let link = stage.server.link().expect("a link");
    let wrong = format!("/link/{}", "0".repeat(64));
    let refused = stage.send(&format!("GET {wrong}"), "", "").await;
    assert_eq!(refused.status, 403);
    let page = stage.send("GET /login", "", "").await;
    assert!(page.body.contains("gatewright dev"), "{}", page.body);
    // There is no provider to go to.
    for path in ["/login/start", "/callback?code=x&state=y"] {
        assert_eq!(stage.send(&format!("GET {path}"), "", "").await.status, 404);
    }
    let opened = stage.send(&format!("GET {link}"), "", "").await;
    assert_eq!(opened.status, 303, "{}", opened.body);
    assert!(opened.head.contains("httponly") && opened.head.contains("location: /\r\n"));
    let cookie = opened.head.split("set-cookie: ").nth(1);
    let cookie = cookie.and_then(|cookie| cookie.split(';').next());
    let cookie = cookie.expect("a cookie").replace("__host-", "__Host-");
    let head = format!("Cookie: {cookie}\r\n");
    let page = stage.send(&format!("GET /requests/{id}"), &head, "").await;
    assert!(page.body.contains("decide=approve"), "{}", page.body);
    let again = stage.send(&format!("GET {link}"), "", "").await;
    assert_eq!(again.status, 403);
    assert!(!again.head.contains("set-cookie"), "{}", again.head);
    assert!(again.body.contains("It works once"), "{}", again.body);
}

#[tokio::test]
async fn nobody_comes_in_by_a_link_where_people_log_in() {
    let stage = Stage::start().await;
    assert_eq!(stage.server.link(), None);
    for secret in ["", "0", &"0".repeat(64)] {
        let answer = stage.send(&format!("GET /link/{secret}"), "", "").await;
        assert_eq!(answer.status, 404);
        assert!(!answer.head.contains("set-cookie"));
    }
}
