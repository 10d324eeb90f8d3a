//! What is asked for by the id of a refused statement.

use gatewright_contract::{Access, RelationKind, StatementId, TableRef};

use super::super::refused::Refusals;
use super::*;

fn sender(agent: Option<&str>) -> contract::Identity {
    contract::Identity {
        subject: "ada".to_owned(),
        issuer: ISSUER.to_owned(),
        agent: agent.map(str::to_owned),
        ..contract::Identity::default()
    }
}

fn reference(schema: &str, name: &str, kind: RelationKind, access: Access) -> TableRef {
    TableRef {
        schema: schema.to_owned(),
        name: name.to_owned(),
        kind,
        access,
    }
}

fn deleted() -> Vec<TableRef> {
    vec![
        reference("public", "orders", RelationKind::Table, Access::SELECT),
        reference("public", "orders", RelationKind::Table, Access::DELETE),
        reference(
            "pg_catalog",
            "pg_class",
            RelationKind::Catalog,
            Access::SELECT,
        ),
        reference("", "gone", RelationKind::Unresolved, Access::SELECT),
        reference("", "", RelationKind::Table, Access::empty()),
    ]
}

fn refused(agent: Option<&str>, tables: &[TableRef], opaque: bool) -> Refused {
    Refused::new(
        StatementId::generate(),
        &sender(agent),
        "shop",
        tables,
        opaque,
    )
}

#[tokio::test]
async fn tables_and_database_are_those_of_the_statement() {
    let (place, _folder) = places().remove(0);
    let grants = open(&place).await;
    let refused = refused(Some("helper"), &deleted(), false);
    let id = refused.id;
    grants.note_refused(&sender(Some("helper")), refused);
    let by_id = |asker: Identity| Ask {
        asker,
        databases: Vec::new(),
        tables: Vec::new(),
        from_statement: Some(id),
        ..ask()
    };
    let entry = grants
        .ask(by_id(identity("ada", &[])))
        .await
        .expect("asked");
    assert_eq!(entry.grant.tables, [table(&["select", "delete"])]);
    assert_eq!(entry.grant.databases, ["shop"]);
    // It was the agent that was refused.
    assert_eq!(entry.grant.agent.as_deref(), Some("helper"));
    assert_eq!(entry.grant.asked_by_agent, None);
    let with_agent = |agent: &str| Identity {
        agent: Some(agent.to_owned()),
        ..identity("ada", &[])
    };
    grants
        .ask(by_id(with_agent("helper")))
        .await
        .expect("asked");
    for other in [with_agent("other"), identity("eve", &["dba"])] {
        let unknown = grants.ask(by_id(other)).await.expect_err("refused");
        assert!(
            matches!(unknown, GrantError::UnknownStatement),
            "{unknown:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_certain_cannot_be_asked_for() {
    let (place, _folder) = places().remove(0);
    let grants = open(&place).await;
    let mut unresolved = deleted();
    unresolved.push(reference(
        "",
        "gone",
        RelationKind::Unresolved,
        Access::DELETE,
    ));
    for refused in [
        refused(None, &deleted(), true),
        refused(None, &unresolved, false),
        refused(None, &[], false),
    ] {
        let by_id = Ask {
            tables: Vec::new(),
            from_statement: Some(refused.id),
            ..ask()
        };
        grants.note_refused(&sender(None), refused);
        let wrong = grants.ask(by_id).await.expect_err("refused");
        assert!(matches!(wrong, GrantError::Invalid(_)), "{wrong:?}");
    }
}

#[test]
fn only_the_last_are_kept() {
    let refusals = Refusals::default();
    let first = refused(None, &deleted(), false);
    let id = first.id;
    refusals.note(&sender(None), first);
    let ada = identity("ada", &[]);
    assert!(refusals.find(id, &ada).is_some());
    for _ in 0..16 {
        refusals.note(&sender(None), refused(None, &deleted(), false));
    }
    assert!(refusals.find(id, &ada).is_none());
    let last = refused(None, &deleted(), false);
    let id = last.id;
    refusals.note(&sender(None), last);
    // One identity less than are kept.
    for number in 0..255 {
        let other = contract::Identity {
            subject: format!("other {number}"),
            ..sender(None)
        };
        refusals.note(&other, refused(None, &deleted(), false));
    }
    assert!(refusals.find(id, &ada).is_some());
    let one_more = contract::Identity {
        subject: "one more".to_owned(),
        ..sender(None)
    };
    let newest = refused(None, &deleted(), false);
    let its_id = newest.id;
    refusals.note(&one_more, newest);
    assert!(refusals.find(id, &ada).is_none());
    assert!(refusals.find(its_id, &identity("one more", &[])).is_some());
}
