//! Which grants a session has, and until when.

use super::*;

#[tokio::test]
async fn a_grant_is_active_from_its_approval_until_it_is_revoked() {
    for (place, _folder) in places() {
        let grants = open(&place).await;
        let mut session = holder(&grants, "ada", None, "shop");
        let id = asked(&grants, ask()).await;
        let before = session.active();
        assert!(before.is_empty());
        let approve = decision(id, Verdict::Approve, reviewer("bob"));
        grants.decide(approve).await.expect("approved");
        let active = session.active();
        let granted = active.for_policies();
        let [shown] = granted.as_slice() else {
            panic!("{granted:?}")
        };
        assert_eq!(shown.id, id);
        assert_eq!(
            shown.tables,
            [contract::GrantedTable::from(table(&["delete"]))]
        );
        assert!(active.hold() && before.hold());
        // The same as long as nothing happens to it, whatever happens to others.
        let mut other = ask();
        other.asker = identity("eve", &["staff"]);
        approved(&grants, other).await;
        assert!(std::sync::Arc::ptr_eq(&active, &session.active()));
        let revoke = decision(id, Verdict::Revoke, reviewer("bob"));
        grants.decide(revoke).await.expect("revoked");
        assert!(!active.hold() && session.active().is_empty());
    }
}

#[tokio::test]
async fn a_grant_is_for_one_identity_agent_and_database() {
    for (place, _folder) in places() {
        let grants = open(&place).await;
        approved(&grants, ask()).await;
        let mut agents = ask();
        agents.asker.agent = Some("helper".to_owned());
        agents.databases = vec!["shop".to_owned(), "crm".to_owned()];
        approved(&grants, agents).await;
        let mut for_agent = ask();
        for_agent.agent = Some("other".to_owned());
        approved(&grants, for_agent).await;
        for (subject, agent, database, expected) in [
            ("ada", None, "shop", 1),
            ("ada", None, "crm", 0),
            ("ada", Some("helper"), "shop", 1),
            ("ada", Some("helper"), "crm", 1),
            ("ada", Some("other"), "shop", 1),
            ("ada", Some("third"), "shop", 0),
            ("eve", None, "shop", 0),
        ] {
            let active = holder(&grants, subject, agent, database).active();
            let found = active.for_policies().len();
            assert_eq!(found, expected, "{subject} {agent:?} {database}");
        }
        let elsewhere = contract::Identity {
            subject: "ada".to_owned(),
            issuer: "https://other.example.com".to_owned(),
            ..contract::Identity::default()
        };
        assert!(grants.holder(&elsewhere, "shop").active().is_empty());
    }
}

#[tokio::test]
async fn a_grant_ends_by_itself() {
    for (place, _folder) in places() {
        let grants = open(&place).await;
        let mut brief = ask();
        brief.duration = Duration::from_secs(1);
        let id = approved(&grants, brief).await;
        let mut session = holder(&grants, "ada", None, "shop");
        until(async || entry(&grants, id).await.grant.state == State::Expired).await;
        let ended = entry(&grants, id).await.grant.ended;
        assert_eq!(ended.as_deref(), Some("its time is over"));
        until(async || session.active().is_empty()).await;
        let late = decision(id, Verdict::Revoke, reviewer("bob"));
        let refused = grants.decide(late).await.expect_err("refused");
        assert!(
            matches!(
                refused,
                GrantError::State {
                    state: State::Expired
                }
            ),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_grant_that_nobody_decides_expires() {
    for (place, _folder) in places() {
        let short = ApprovalsSettings {
            pending_ttl: Duration::from_millis(50),
            ..settings()
        };
        let grants = open_with(&place, short).await;
        let id = asked(&grants, ask()).await;
        until(async || entry(&grants, id).await.grant.state == State::Expired).await;
        let late = decision(id, Verdict::Approve, reviewer("bob"));
        let refused = grants.decide(late).await.expect_err("refused");
        assert!(
            matches!(
                refused,
                GrantError::State {
                    state: State::Expired
                }
            ),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_grant_may_begin_later() {
    for (place, _folder) in places() {
        let grants = open(&place).await;
        let mut session = holder(&grants, "ada", None, "shop");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = i64::try_from(now.expect("after 1970").as_millis()).expect("a time");
        let mut later = ask();
        later.not_before = Some(now + 3_600_000);
        approved(&grants, later.clone()).await;
        assert!(session.active().is_empty());
        later.not_before = Some(now + 1000);
        let id = approved(&grants, later).await;
        until(async || !session.active().is_empty()).await;
        let active = session.active().for_policies();
        assert_eq!(
            active.iter().map(|grant| grant.id).collect::<Vec<_>>(),
            [id]
        );
        let stored = entry(&grants, id).await.grant;
        let lasts = stored.active_until.zip(stored.active_from);
        assert_eq!(lasts.map(|(until, from)| until - from), Some(3_600_000));
    }
}

#[tokio::test]
async fn other_gateways_learn_of_it() {
    for (place, _folder) in places() {
        let (here, there) = (open(&place).await, open(&place).await);
        let mut session = holder(&there, "ada", None, "shop");
        let id = approved(&here, ask()).await;
        until(async || !session.active().is_empty()).await;
        let active = session.active();
        let revoke = decision(id, Verdict::Revoke, reviewer("bob"));
        here.decide(revoke).await.expect("revoked");
        until(async || !active.hold()).await;
        assert!(session.active().is_empty());
    }
}

#[tokio::test]
async fn a_grant_whose_rows_are_used_up_ends() {
    for (place, _folder) in places() {
        let (here, there) = (open(&place).await, open(&place).await);
        let mut budget = ask();
        budget.row_budget = Some(10);
        let id = approved(&here, budget).await;
        let mut session = holder(&here, "ada", None, "shop");
        let mut elsewhere = holder(&there, "ada", None, "shop");
        until(async || !elsewhere.active().is_empty()).await;
        let active = session.active();
        let deletes = |schema: &str, access| contract::TableRef {
            schema: schema.to_owned(),
            name: "orders".to_owned(),
            kind: contract::RelationKind::Table,
            access,
        };
        // It has nothing to do with this grant.
        here.spend(
            &active,
            Some(&[deletes("crm", contract::Access::DELETE)]),
            100,
        );
        here.spend(
            &active,
            Some(&[deletes("public", contract::Access::SELECT)]),
            100,
        );
        here.spend(
            &active,
            Some(&[deletes("public", contract::Access::DELETE)]),
            7,
        );
        assert_eq!(active.for_policies()[0].rows_left, Some(3));
        until(async || entry(&here, id).await.grant.rows_used == 7).await;
        until(async || elsewhere.active().for_policies()[0].rows_left == Some(3)).await;
        // Of a call nothing is known but that it ran.
        here.spend(&active, None, 5);
        assert!(!active.hold() && session.active().is_empty());
        here.stop().await;
        let stored = entry(&here, id).await.grant;
        assert_eq!((stored.state, stored.rows_used), (State::Expired, 12));
        assert_eq!(stored.ended.as_deref(), Some("its rows are used up"));
        until(async || elsewhere.active().is_empty()).await;
    }
}

#[tokio::test]
async fn what_ended_long_ago_is_deleted() {
    for (place, _folder) in places() {
        let grants = open(&place).await;
        let kept = approved(&grants, ask()).await;
        let id = asked(&grants, ask()).await;
        let reject = decision(id, Verdict::Reject, reviewer("bob"));
        grants.decide(reject).await.expect("rejected");
        let store = &grants.shared.store;
        let deleted = store.run::<_, crate::store::StoreError, _>(|transaction| {
            super::super::keeping::delete(transaction, i64::MAX)
        });
        deleted.await.expect("deleted");
        let viewer = identity("carol", &["auditors"]);
        assert_eq!(grants.grant(id, &viewer).await.expect("an answer"), None);
        assert_eq!(entry(&grants, kept).await.grant.state, State::Approved);
    }
}
