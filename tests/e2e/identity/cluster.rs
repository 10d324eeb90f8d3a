//! Pods log in with the service-account tokens that Kubernetes projects into them.

use anyhow::Result;

use super::stage::{Plan, Stage};
use crate::issuer::Issuer;

const GROUPS: &str = r#"
[issuer.claims.attributes]
namespace = "/kubernetes.io/namespace"

[issuer.subject_groups]
"system:serviceaccount:shop:reports" = ["staff"]
"#;

#[test]
fn a_service_account_has_the_groups_of_the_configuration() -> Result<()> {
    let cluster = Issuer::cluster()?;
    let plan = Plan {
        issuer: &cluster.url,
        issuer_keys: GROUPS,
        ..Plan::default()
    };
    let stage = Stage::start("cluster", tempfile::tempdir()?, &plan)?;
    let token = cluster.pod_token("shop", "reports", "gatewright")?;
    assert_eq!(stage.role_of(&token)?, stage.role);

    // Another account, another namespace, and the token for the API server that every pod has.
    for (namespace, account) in [("shop", "web"), ("evil", "reports")] {
        let token = cluster.pod_token(namespace, account, "gatewright")?;
        let refused = stage.refusal(&token)?;
        assert!(refused.contains("no grant"), "{refused}");
    }
    let usual = cluster.pod_token("shop", "reports", "https://kubernetes.default.svc")?;
    let refused = stage.refusal(&usual)?;
    assert!(refused.contains("audience"), "{refused}");

    // A token of another cluster for an account of the same name.
    let stranger = Issuer::cluster()?;
    let refused = stage.refusal(&stranger.pod_token("shop", "reports", "gatewright")?)?;
    assert!(refused.contains("issuer"), "{refused}");
    Ok(())
}
