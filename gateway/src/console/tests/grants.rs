//! The pages of access grants.

use gatewright_contract as contract;

use super::*;

const FORM: &str = "idempotency=k1&tables=public.orders%0D%0A%22My+Schema%22.*&delete=on&update=on&databases=shop%2C+crm&minutes=60\
                    &rows=100&agent=&reason=ticket+4711&statement=";

/// Whether Ada has access to something in the database.
fn has_access(stage: &Stage) -> bool {
    let ada = contract::Identity {
        subject: "ada".to_owned(),
        issuer: ISSUER.to_owned(),
        ..contract::Identity::default()
    };
    !stage.grants.holder(&ada, "shop").active().is_empty()
}

/// Ada asks. Returns the path of the page.
pub(super) async fn asked(stage: &Stage) -> String {
    let ada = stage.browser(identity("ada", &["staff"]));
    let body = format!("csrf={}&{FORM}", ada.csrf);
    let answer = ada.post("/grants", "", &body).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    page_of(&answer)
}

/// Where what was asked for is shown.
fn page_of(answer: &Answer) -> String {
    let (_, rest) = answer.head.split_once("location: ").expect("a location");
    let path = rest.lines().next().unwrap_or_default();
    path.trim_end_matches("?done").to_owned()
}

async fn decide(browser: &Browser<'_>, path: &str, verdict: &str, expected: &str) -> Answer {
    let csrf = &browser.csrf;
    let body = format!("csrf={csrf}&reason=fine&expected={expected}&idempotency={verdict}");
    browser.post(&format!("{path}/{verdict}"), "", &body).await
}

#[tokio::test]
async fn somebody_asks_and_a_reviewer_decides() {
    let stage = Stage::start().await;
    let path = asked(&stage).await;
    let bob = stage.browser(reviewer("bob"));
    let list = bob.get("/grants").await;
    assert!(
        list.body.contains("update, delete on public.orders")
            && list
                .body
                .contains("update, delete on &quot;My Schema&quot;.*"),
        "{}",
        list.body
    );
    assert!(list.body.contains(&format!("data-decide href=\"{path}\"")));
    let page = bob.get(&format!("{path}?decide=approve")).await;
    assert!(page.body.contains("Approve this access?") && page.body.contains("ticket 4711"));
    assert!(!has_access(&stage));
    let done = decide(&bob, &path, "approve", "pending").await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(has_access(&stage));
    let page = bob.get(&format!("{path}?done")).await;
    assert!(page.body.contains("It is recorded") && page.body.contains("ends in"));
    assert!(page.body.contains("decide=revoke") && !page.body.contains("decide=withdraw"));
    let late = decide(&bob, &path, "reject", "pending").await;
    assert_eq!(late.status, 409);
    assert!(late.body.contains("the access grant is approved"));
    let done = decide(&bob, &path, "revoke", "approved").await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(!has_access(&stage));
    assert!(bob.get("/grants").await.body.contains("Revoked"));
}

#[tokio::test]
async fn access_can_begin_later() {
    let stage = Stage::start().await;
    let ada = stage.browser(identity("ada", &["staff"]));
    let begins = chrono::Utc::now() + chrono::Duration::days(2);
    let begins = begins.format("%Y-%m-%dT%H:%M").to_string();
    let body = format!(
        "csrf={}&{FORM}&begins={}",
        ada.csrf,
        begins.replace(':', "%3A")
    );
    let asked = ada.post("/grants", "", &body).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    let page = ada.get(&page_of(&asked)).await;
    let shown = begins.replace('T', " ");
    assert!(page.body.contains(&shown), "{shown}: {}", page.body);
}

#[tokio::test]
async fn nobody_decides_for_themselves() {
    let stage = Stage::start().await;
    let path = asked(&stage).await;
    for (person, sees, words) in [
        (identity("eve", &["staff"]), false, ""),
        (
            identity("carol", &["auditors"]),
            true,
            "not decide about it",
        ),
        (identity("ada", &["dba"]), true, "access of your own"),
    ] {
        let browser = stage.browser(person);
        let page = browser.get(&path).await;
        assert_eq!(page.status, if sees { 200 } else { 404 });
        assert!(page.body.contains(words), "{}", page.body);
        assert!(!page.body.contains("decide=approve"));
        assert_eq!(browser.get("/grants").await.body.contains(&path), sees);
        let refused = decide(&browser, &path, "approve", "pending").await;
        assert_eq!(refused.status, if sees { 403 } else { 404 });
    }
    let ada = stage.browser(identity("ada", &["staff"]));
    assert!(ada.get(&path).await.body.contains("decide=withdraw"));
    let done = decide(&ada, &path, "withdraw", "pending").await;
    assert_eq!(done.status, 303, "{}", done.body);
}

#[tokio::test]
async fn forms_are_checked() {
    let stage = Stage::start().await;
    let ada = stage.browser(identity("ada", &["staff"]));
    let page = ada.get("/grants/new?statement=%3Cscript%3E").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(&ada.csrf) && !page.body.contains("<script>"));
    let forged = ada.post("/grants", "", &format!("csrf=0&{FORM}")).await;
    assert_eq!(forged.status, 403);
    let sites = "Sec-Fetch-Site: cross-site\r\n";
    let body = format!("csrf={}&{FORM}", ada.csrf);
    assert_eq!(ada.post("/grants", sites, &body).await.status, 403);
    for (change, with, words) in [
        ("minutes=60", "minutes=x", "for how many minutes"),
        ("minutes=60", "minutes=600", "max_grant"),
        ("rows=100", "rows=many", "rows are a number"),
        ("rows=100", "rows=100&begins=soon", "when it begins"),
        ("rows=100", "rows=100&begins=2099-01-01T00:00", "30 days"),
        ("public.orders", "orders", "write the schema too"),
        ("&delete=on&update=on", "", "a table has no verbs"),
        ("statement=", "statement=x", "not the id of a statement"),
        ("databases=shop%2C+crm", "databases=", "databases"),
    ] {
        let body = body.replace(change, with);
        let refused = ada.post("/grants", "", &body).await;
        assert_eq!(refused.status, 422, "{with}");
        assert!(
            refused.body.contains("Nothing was asked") && refused.body.contains(words),
            "{with}: {}",
            refused.body
        );
        // What was filled in is still there.
        assert!(refused.body.contains("ticket 4711"));
    }
    assert!(!ada.get("/grants").await.body.contains("ticket 4711"));
    let path = asked(&stage).await;
    let bob = stage.browser(reviewer("bob"));
    let forged = "csrf=0&reason=&expected=pending&idempotency=k";
    let answer = bob.post(&format!("{path}/approve"), "", forged).await;
    assert_eq!(answer.status, 403);
    assert!(!has_access(&stage));
}
