//! What each role sees and may do, page by page.

use super::*;

/// A session of Ada's agent.
fn session() -> OpenSession {
    OpenSession {
        id: SessionId::generate(),
        subject: "ada<script>".to_owned(),
        issuer: "https://issuer.example.com".to_owned(),
        groups: Vec::new(),
        agent: Some("helper".to_owned()),
        task: None,
        database: "shop".to_owned(),
        role: "reader".to_owned(),
        application: "psql\u{202e}".to_owned(),
        client_address: "10.0.0.1".to_owned(),
        started_ms: 1,
    }
}

/// Somebody in each role, and their groups. Olga's others count for nothing.
const ROLES: [(&str, &[&str]); 5] = [
    ("eve", &["staff"]),
    ("carol", &["auditors"]),
    ("bob", &["dba"]),
    ("olga", &["audit", "dba", "platform"]),
    ("grace", &["platform"]),
];

/// Whether each of them sees a page, in their order.
async fn seen(stage: &Stage, path: &str) -> [bool; 5] {
    let mut seen = [false; 5];
    for (seen, (name, groups)) in seen.iter_mut().zip(ROLES) {
        let page = stage.browser(identity(name, groups)).get(path).await;
        assert!([200, 404].contains(&page.status), "{name} {path}");
        *seen = page.status == 200;
    }
    seen
}

/// How a form that each of them sends is answered, in their order.
async fn sent(stage: &Stage, path: &str) -> [u16; 5] {
    let mut answers = [0; 5];
    for (answer, (name, groups)) in answers.iter_mut().zip(ROLES) {
        let browser = stage.browser(identity(name, groups));
        let body = format!(
            "csrf={}&reason=r&expected=pending&idempotency={name}",
            browser.csrf
        );
        *answer = browser.post(path, "", &body).await.status;
    }
    answers
}

#[tokio::test]
async fn each_role_sees_its_pages() {
    let stage = Stage::start().await;
    let request = stage.hold("DELETE FROM orders").await;
    let grant = super::grants::asked(&stage).await;
    let everybody = [true; 5];
    let people = [false, true, true, true, false];
    let gateway = [false, false, false, true, true];
    for (path, expected) in [
        ("/".to_owned(), everybody),
        ("/history".to_owned(), everybody),
        ("/grants".to_owned(), everybody),
        ("/grants/new".to_owned(), everybody),
        (format!("/requests/{request}"), people),
        (grant.clone(), people),
        ("/sessions".to_owned(), gateway),
        ("/policies".to_owned(), gateway),
        ("/databases".to_owned(), gateway),
    ] {
        assert_eq!(seen(&stage, &path).await, expected, "{path}");
    }
    // Lists show what their readers may see.
    for (path, shown) in [("/", "DELETE FROM orders"), ("/grants", grant.as_str())] {
        for ((name, groups), sees) in ROLES.into_iter().zip(people) {
            let page = stage.browser(identity(name, groups)).get(path).await;
            assert_eq!(page.body.contains(shown), sees, "{name} {path}");
        }
    }
}

/// Whoever looks after the others has no part in it, whatever other groups they are in.
#[tokio::test]
async fn auditors_see_everything_and_decide_nothing() {
    let stage = Stage::start().await;
    let request = stage.hold("DELETE FROM orders").await;
    let broken = Draft {
        break_glass: Some("outage".to_owned()),
        ..draft("DELETE FROM carts", ApprovalWait::Hold)
    };
    let Submitted::Claimed { id: broken, .. } =
        stage.approvals.submit(broken).await.expect("it runs")
    else {
        panic!("it waits")
    };
    let done = Finished::Executed { rows: 1 };
    stage.approvals.finished(broken, done);
    until(&stage.approvals, broken, State::Executed).await;
    let grant = super::grants::asked(&stage).await;
    let session = session();
    let (id, place) = (session.id, stage.roster.enter(session));
    let olga = stage.browser(identity("olga", &["audit", "dba", "platform"]));
    for page in ["/", "/history", "/grants", "/sessions", "/databases"] {
        let body = olga.get(page).await.body;
        for link in ["decide=", "data-decide", "?end="] {
            assert!(!body.contains(link), "{page}: {body}");
        }
    }
    let sessions = olga.get(&format!("/sessions?end={id}")).await.body;
    assert!(sessions.contains("ada&lt;script&gt;"), "{sessions}");
    assert!(
        !sessions.contains(&format!("/sessions/{id}/end")),
        "{sessions}"
    );
    for (path, verdicts) in [
        (
            format!("/requests/{request}"),
            &["approve", "reject", "revoke"][..],
        ),
        (format!("/requests/{broken}"), &["review"]),
        (grant, &["approve", "reject", "revoke"]),
    ] {
        let page = olga.get(&path).await;
        assert!(!page.body.contains("?decide="), "{}", page.body);
        for verdict in verdicts {
            let form = olga.get(&format!("{path}?decide={verdict}")).await.body;
            assert!(!form.contains("<textarea"), "{path} {verdict}: {form}");
            let answers = sent(&stage, &format!("{path}/{verdict}")).await;
            let [nobody, viewer, _, auditor, administrator] = answers;
            assert_eq!([nobody, administrator], [404, 404], "{path} {verdict}");
            assert_eq!([viewer, auditor], [403, 403], "{path} {verdict}");
        }
    }
    let ended = sent(&stage, &format!("/sessions/{id}/end")).await;
    assert_eq!(ended, [404, 404, 404, 404, 303]);
    drop(place);
}

#[tokio::test]
async fn administrators_see_sessions_and_end_them() {
    let stage = Stage::start().await;
    let session = session();
    let id = session.id;
    let place = stage.roster.enter(session);
    let bob = stage.browser(reviewer("bob"));
    for path in ["/sessions", "/policies", "/databases"] {
        assert_eq!(bob.get(path).await.status, 404);
        assert!(
            !bob.get("/")
                .await
                .body
                .contains(&format!("href=\"{path}\""))
        );
    }
    let form = |csrf: &str| format!("csrf={csrf}");
    let end = format!("/sessions/{id}/end");
    assert_eq!(bob.post(&end, "", &form(&bob.csrf)).await.status, 404);
    let grace = stage.browser(identity("grace", &["platform"]));
    let page = grace.get(&format!("/sessions?end={id}")).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("ada&lt;script&gt;"), "{}", page.body);
    assert!(
        page.body.contains("U+202E") && page.body.contains(&end),
        "{}",
        page.body
    );
    let databases = grace.get("/databases").await.body;
    for shown in [
        "&lt;crm&gt;",
        ">5<",
        ">2<",
        ">1234<",
        "break glass",
        "db.example.com:5432/shop",
        "not read",
        ">8765<",
        ">43<",
        ">9182<",
        ">5151<",
        "answers",
    ] {
        assert!(databases.contains(shown), "{shown}: {databases}");
    }
    let policies = grace.get("/policies").await;
    assert!(policies.body.contains("deny-list") && policies.body.contains("&lt;gone&gt;"));
    let broken =
        "odd cannot be loaded, and nothing is asked in its place.</b> &lt;no component&gt;";
    assert!(policies.body.contains(broken), "{}", policies.body);
    assert_eq!(grace.post(&end, "", &form(&bob.csrf)).await.status, 403);
    assert!(stage.roster.find(id).is_some());
    let ended = grace.post(&end, "", &form(&grace.csrf)).await;
    assert_eq!(ended.status, 303, "{}", ended.body);
    place.ended().await;
    drop(place);
    let late = grace.post(&end, "", &form(&grace.csrf)).await;
    assert!(late.status == 404 && late.body.contains("The session is not open"));
}

#[tokio::test]
async fn roles_are_those_of_the_approvals() {
    let stage = Stage::start().await;
    let id = stage.hold("DELETE FROM orders").await;
    let path = format!("/requests/{id}");
    for (person, sees, words) in [
        (identity("eve", &["staff"]), false, ""),
        (
            identity("carol", &["auditors"]),
            true,
            "not decide about it",
        ),
        (identity("ada", &["dba"]), true, "your own statement"),
    ] {
        let browser = stage.browser(person);
        let page = browser.get(&path).await;
        assert_eq!(page.status, if sees { 200 } else { 404 });
        assert!(page.body.contains(words), "{}", page.body);
        assert!(!page.body.contains("decide=approve"));
        let list = browser.get("/").await;
        assert_eq!(list.body.contains("DELETE FROM orders"), sees);
        let refused = browser.decide(id, "approve", "pending", "k").await;
        assert_eq!(refused.status, if sees { 403 } else { 404 });
    }
    // Somebody who was a person by an older configuration.
    let agent = Identity {
        agent: Some("helper".to_owned()),
        ..reviewer("bob")
    };
    let elsewhere = Identity {
        issuer: "https://other.example.com".to_owned(),
        ..reviewer("bob")
    };
    for nobody in [agent, elsewhere] {
        let page = stage.browser(nobody).get("/").await;
        assert_eq!(page.status, 303);
        assert!(page.head.contains("location: /login"));
    }
    let bob = stage.browser(reviewer("bob"));
    assert!(bob.get(&path).await.body.contains("decide=approve"));
}
