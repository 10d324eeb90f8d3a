//! An address whose logins fail again and again is told so late; whoever has a token that opens something does not notice.

use anyhow::{Result, anyhow};

use super::stage::{Plan, Stage};
use crate::issuer::Issuer;
use crate::world::eventually;

const LIMITS: &str =
    "[listen.limits]\nmax_handshakes = 1\nfailure_delay = \"1h\"\nfailure_delay_max = \"1h\"\n";

/// Where one that waits kept its place, nobody else would get in.
#[test]
fn refusals_that_are_held_back_hold_up_nobody_else() -> Result<()> {
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
        // The place of the connection before may not be free yet.
        let mut told = String::new();
        eventually("the refusal is told", || {
            told = stage.refusal(&bad)?;
            Ok(told.contains("audience"))
        })
    };
    for _ in 0..3 {
        refused()?;
    }
    let late = std::thread::scope(|scope| {
        let late = scope.spawn(|| {
            let mut told = String::new();
            eventually("one waits", || {
                let patient = stage.psql(&bad)?.environment("PGCONNECT_TIMEOUT", "600");
                told = patient.script("SELECT 1;")?.stderr;
                Ok(!told.contains("max_handshakes"))
            })?;
            anyhow::Ok(told)
        });
        eventually("one waits for its refusal", || {
            Ok(stage.gateway.log()?.contains("failures=4 delay=3600s"))
        })?;
        eventually("a good token opens a session meanwhile", || {
            Ok(stage.psql(&good)?.script("SELECT 1;")?.code == Some(0))
        })?;
        // Which ended the row of this address.
        refused()?;
        assert_eq!(
            stage
                .gateway
                .log()?
                .matches("error of a failed login is delayed")
                .count(),
            1
        );
        // A gateway that stops keeps nobody waiting.
        stage.gateway.process().signal("TERM")?;
        late.join().map_err(|_| anyhow!("panicked"))?
    })?;
    assert!(late.contains("audience"), "{late}");
    Ok(())
}
