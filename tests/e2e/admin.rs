//! The admin port: health, readiness and metrics.

use anyhow::Result;

use crate::site::Site;
use crate::world::eventually;

#[test]
fn metrics_count_statements_verdicts_masks_and_calls() -> Result<()> {
    let site = Site::start("info")?;
    assert_eq!(site.admin("/healthz")?.0, 200);
    // Nobody has logged in yet: a load balancer sends no connections to a gateway that is not ready.
    eventually("the gateway is ready", || {
        Ok(site.admin("/readyz")?.0 == 200)
    })?;
    let mut session = site
        .psql(&site.issuer.token("ada", &["staff"])?)?
        .session()?;
    session.run("SELECT id, email FROM customers;")?;
    session.run("DROP TABLE customers;")?;
    // An invalid module: the failed load must be counted.
    std::fs::write(site.folder.path().join("policies/noise.wasm"), b"noise")?;
    eventually("the failed load is counted", || {
        Ok(site.admin("/metrics")?.1.contains("outcome=\"failed\""))
    })?;
    let (status, metrics) = site.admin("/metrics")?;
    assert_eq!(status, 200);
    for wanted in [
        "gatewright_connections ",
        "gatewright_statements_total{",
        "gatewright_masked_cells_total",
        "gatewright_policy_call_seconds_bucket{",
        "gatewright_policy_reloads_total{",
    ] {
        assert!(metrics.contains(wanted), "no {wanted} in\n{metrics}");
    }
    assert_eq!(
        total(&metrics, "gatewright_masked_cells_total"),
        2.0,
        "{metrics}"
    );
    let denied = metrics.lines().any(|line| {
        line.starts_with("gatewright_statements_total{")
            && line.contains("verdict=\"deny\"")
            && line.ends_with(" 1")
    });
    assert!(denied, "no denied statement is counted in\n{metrics}");
    assert!(
        !metrics.contains("canary") && !metrics.contains("customers"),
        "the metrics contain data"
    );
    Ok(())
}

#[test]
fn unknown_admin_paths_are_rejected() -> Result<()> {
    let site = Site::start("info")?;
    assert_eq!(site.admin("/")?.0, 404);
    assert_eq!(site.admin("/config")?.0, 404);
    Ok(())
}

/// The sum of all samples of the metrics whose name contains `name`.
fn total(metrics: &str, name: &str) -> f64 {
    let samples = metrics
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains(name));
    samples
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}
