//! Resolution of grants.

use secrecy::ExposeSecret;

use super::*;
use crate::upstream::{ClientTls, Credential, Roots, SessionAttributes, Target};

pub(super) fn ada(groups: &[&str]) -> Identity {
    Identity {
        subject: "ada".into(),
        issuer: "https://id.example.com".into(),
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        agent: None,
        task: None,
        program: false,
        attributes: Vec::new(),
        expires_at: SystemTime::now(),
    }
}

pub(super) fn database(name: &str) -> Database {
    Database {
        name: name.into(),
        hosts: vec![("db.internal".into(), 5432)],
        dbname: (name != ANY).then(|| format!("{name}_v2")),
        tls: ClientTls::disabled(),
        roots: Roots::System,
        session_attributes: SessionAttributes::Any,
        connect_timeout: Duration::from_secs(10),
        max_connections: None,
        catalog_max_age: Duration::from_millis(10),
        pool: crate::pool::PoolSettings::default(),
        record: crate::recording::DatabaseRecord::default(),
        catalog: Some(CatalogLogin {
            user: "gatewright".into(),
            credential: Credential::Inline("catalog-pw".into()),
        }),
    }
}

pub(super) fn rule(groups: &[&str], databases: &[&str], role: &str) -> GrantRule {
    let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    GrantRule {
        groups: owned(groups),
        issuers: Vec::new(),
        databases: owned(databases),
        role: role.into(),
        credential: Credential::Inline("pw".into()),
    }
}

fn secret(credential: &Credential) -> &str {
    match credential {
        Credential::Inline(password) => password.expose_secret(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_matching_rule_applies() {
    let grants = Grants::new(
        vec![database("shop"), database("audit")],
        vec![
            rule(&["admins"], &["shop", "audit"], "owner"),
            rule(&["analysts", "interns"], &["shop"], "reader"),
            rule(&["analysts"], &["shop"], "never"),
        ],
    );
    let role = |groups, db| {
        grants
            .resolve(&ada(groups), db)
            .map(|g| (g.target.user, g.target.dbname))
            .ok()
    };
    assert_eq!(
        role(&["analysts"], "shop"),
        Some(("reader".into(), "shop_v2".into()))
    );
    assert_eq!(
        role(&["analysts", "admins"], "shop"),
        Some(("owner".into(), "shop_v2".into()))
    );
    assert_eq!(role(&["analysts"], "audit"), None);
    assert_eq!(role(&["Analysts"], "shop"), None);
    assert_eq!(role(&[], "shop"), None);
    let grant = grants.resolve(&ada(&["admins"]), "audit").unwrap();
    assert_eq!(secret(&grant.target.password), "pw");
}

#[test]
fn errors_reveal_only_databases_that_the_identity_is_granted() {
    let grants = Grants::new(
        vec![database("shop"), database("payroll")],
        vec![
            rule(&["hr"], &["payroll"], "r"),
            rule(&["analysts"], &["shop"], "r"),
        ],
    );
    let closed = grants.resolve(&ada(&["analysts"]), "payroll").unwrap_err();
    let absent = grants.resolve(&ada(&["analysts"]), "nothing").unwrap_err();
    assert_eq!(closed.hint(), absent.hint());
    assert_eq!(closed.hint(), "Your groups are granted: shop.");
    assert_eq!(
        closed.client_text().replace("payroll", "X"),
        absent.client_text().replace("nothing", "X")
    );
    assert!(!closed.client_text().contains("hr"));
    let nothing = grants.resolve(&ada(&[]), "shop").unwrap_err();
    assert!(!nothing.hint().contains("shop"));
    assert_eq!((nothing.sqlstate(), nothing.label()), ("28000", "no_grant"));
}

#[test]
fn a_wildcard_database_matches_every_other_name() {
    let grants = Grants::new(
        vec![database(ANY), database("shop")],
        vec![rule(&[ANY], &[ANY], "dev")],
    );
    assert_eq!(
        grants.resolve(&ada(&[]), "whatever").unwrap().target.dbname,
        "whatever"
    );
    assert_eq!(
        grants.resolve(&ada(&[]), "shop").unwrap().target.dbname,
        "shop_v2"
    );
}

#[test]
fn a_rule_can_be_restricted_to_an_issuer() {
    let mut only = rule(&["admins"], &["shop"], "owner");
    only.issuers = vec!["https://corporate.example.com".into()];
    let grants = Grants::new(vec![database("shop")], vec![only]);
    let mut identity = ada(&["admins"]);
    assert!(grants.resolve(&identity, "shop").is_err());
    identity.issuer = "https://corporate.example.com".into();
    assert!(grants.resolve(&identity, "shop").is_ok());
}

#[test]
fn everyone_grants_the_targets_role_and_password() {
    let mut target = Target::new(vec![("/run/postgresql".into(), 5432)], "ignored", "dev");
    target.password = Credential::Inline("pw".into());
    let grants = Grants::everyone(&target);
    let grant = grants.resolve(&ada(&[]), "shop").unwrap();
    assert_eq!(
        (&*grant.target.dbname, &*grant.target.user),
        ("shop", "dev")
    );
    assert_eq!(secret(&grant.target.password), "pw");
    let catalog = grant.database.catalog_target("shop").unwrap();
    assert_eq!((&*catalog.dbname, &*catalog.user), ("shop", "dev"));
}

#[test]
fn the_catalog_is_read_with_the_catalog_role() {
    let grants = Grants::new(
        vec![database("shop")],
        vec![rule(&["a"], &["shop"], "reader")],
    );
    let grant = grants.resolve(&ada(&["a"]), "shop").unwrap();
    let catalog = grant.database.catalog_target("shop").unwrap();
    assert_eq!(
        (&*catalog.dbname, &*catalog.user),
        ("shop_v2", "gatewright")
    );
    assert_eq!(secret(&catalog.password), "catalog-pw");
}
