//! Login back-off: an address with repeated failures gets its refusals late. A valid token is not delayed.

use anyhow::{Result, anyhow};

use super::stage::{Plan, Stage};
use crate::issuer::Issuer;
use crate::world::eventually;

const LIMITS: &str =
    "[listen.limits]\nmax_handshakes = 1\nfailure_delay = \"1h\"\nfailure_delay_max = \"1h\"\n";

/// If a delayed refusal held its handshake slot, no other client could log in.
#[test]
fn delayed_refusals_do_not_delay_other_clients() -> Result<()> {
    let issuer = Issuer::start()?;
    let plan = Plan {
        issuer: &issuer.url,
        listen_tables: LIMITS,
        ..Plan::default()
    };
    let stage = Stage::start("failures_wait", tempfile::tempdir()?, &plan)?;
    let good = issuer.token("ada", &["staff"])?;
    let bad = issuer.token_for("ada", &["staff"], "billing", 600)?;
    let refused = || {
        // The previous connection's handshake slot may not be free yet.
        let mut reported = String::new();
        eventually("the refusal arrives", || {
            reported = stage.refusal(&bad)?;
            Ok(reported.contains("audience"))
        })
    };
    for _ in 0..3 {
        refused()?;
    }
    let late = std::thread::scope(|scope| {
        let late = scope.spawn(|| {
            let mut reported = String::new();
            eventually("one refusal is delayed", || {
                let patient = stage.psql(&bad)?.environment("PGCONNECT_TIMEOUT", "600");
                reported = patient.script("SELECT 1;")?.stderr;
                Ok(!reported.contains("max_handshakes"))
            })?;
            anyhow::Ok(reported)
        });
        eventually("the refusal is delayed", || {
            Ok(stage.gateway.log()?.contains("failures=4 delay=3600s"))
        })?;
        eventually("a good token opens a session meanwhile", || {
            Ok(stage.psql(&good)?.script("SELECT 1;")?.code == Some(0))
        })?;
        // That login reset the failures of this address.
        refused()?;
        assert_eq!(
            stage
                .gateway
                .log()?
                .matches("error of a failed login is delayed")
                .count(),
            1
        );
        // A gateway that shuts down does not hold back refusals.
        stage.gateway.process().signal("TERM")?;
        late.join().map_err(|_| anyhow!("panicked"))?
    })?;
    assert!(late.contains("audience"), "{late}");
    Ok(())
}
