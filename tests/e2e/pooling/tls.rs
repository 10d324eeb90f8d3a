//! Server connections with TLS, which go from thread to thread.

use anyhow::Result;

use crate::site::Site;
use crate::world::eventually;

#[test]
fn a_connection_with_tls_serves_sessions_of_every_thread() -> Result<()> {
    let site = Site::start("info")?;
    site.edit(|text| {
        let pool = "ca = \"ca.crt\"\npool = \"transaction\"\npool_size = 1\n[database.catalog]";
        text.replace("ca = \"ca.crt\"\n[database.catalog]", pool)
    })?;
    site.gateway.process().signal("HUP")?;
    let token = |subject: &str| site.issuer.token(subject, &["staff"]);
    eventually("connections are pooled", || {
        site.psql(&token("ada")?)?.query("SELECT 1")?;
        Ok(site
            .admin("/metrics")?
            .1
            .contains("gatewright_pool_handed_out_total"))
    })?;
    // New sessions go to the thread that has the fewest.
    let mut sessions = (0..4)
        .map(|number| site.psql(&token(["ada", "grace"][number % 2])?)?.session())
        .collect::<Result<Vec<_>>>()?;
    let mut backends = std::collections::BTreeSet::new();
    for _ in 0..5 {
        for session in &mut sessions {
            backends.insert(session.run("SELECT 'backend ' || pg_backend_pid();")?);
        }
    }
    assert_eq!(backends.len(), 1, "{backends:?}");
    Ok(())
}
