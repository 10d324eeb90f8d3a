//! Whether anything that the catalog was built from has changed since it was read, over a service connection that stays open. Three
//! questions, each asked only if the one before could not exclude a change.
//!
//! 1. Has any transaction with an id ended ([`MOMENT`])? Costs nothing, but moves with every write.
//! 2. Has the server invalidated what it keeps prepared about one of the relations, or is there anything new ([`probe`])? The server
//!    analyses a prepared statement again if it names a relation that was altered (PostgreSQL's `PlanCacheRelCallback`; also by VACUUM,
//!    ANALYZE and the like), and the literal `'now'` is then read again. Costs the same for five tables and for five thousand.
//! 3. Are the rows of the system catalogs still those that were read ([`contents`])? Reads them all.

use std::fmt::Write as _;

use tokio::time::{Duration, Instant};

use super::queries;
use crate::upstream::service::Service;
use crate::upstream::{Target, UpstreamError};

/// Moves whenever a transaction that has an id ends. A standby does not list the transactions in progress, so there it is how much of
/// the log was replayed.
pub(super) const MOMENT: &str = "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()::pg_catalog.text \
     ELSE pg_catalog.pg_current_snapshot()::pg_catalog.text END";

/// OIDs below this are assigned by PostgreSQL itself (`FirstNormalObjectId`).
const FIRST_OWN_OID: u32 = 16_384;

/// What the second question cannot see is looked for this often, if transactions have ended since: changes of types and domains that
/// exist, and new relations after the server's OIDs have wrapped around.
const CONTENTS_INTERVAL: Duration = Duration::from_secs(5);

type Answer = Vec<Vec<Option<String>>>;

/// What the server answered when the catalog was read.
pub(super) struct Watch {
    service: Service,
    /// `None`: the server, or what is between, does not keep prepared statements.
    probe: Option<Probe>,
    moment: Answer,
    contents: Answer,
    contents_at: Instant,
}

struct Probe {
    execute: String,
    answer: Answer,
}

impl Watch {
    /// Connects. The watch knows nothing before [`Watch::begin`] and [`Watch::arm`].
    pub async fn connect(target: &Target) -> Result<Self, UpstreamError> {
        Ok(Watch {
            service: Service::connect(target).await?,
            probe: None,
            moment: Answer::new(),
            contents: Answer::new(),
            contents_at: Instant::now(),
        })
    }

    pub fn service(&mut self) -> &mut Service {
        &mut self.service
    }

    /// Before the snapshot is taken in which the catalog is read: what changes from here on is noticed.
    pub async fn begin(&mut self) -> Result<(), UpstreamError> {
        self.moment = self.service.query(MOMENT).await?;
        Ok(())
    }

    /// In that snapshot.
    pub async fn note_contents(&mut self) -> Result<(), UpstreamError> {
        self.has_same_contents().await.map(drop)
    }

    /// After the catalog was read, with its relations. Returns false if something has changed since the snapshot: read it again.
    pub async fn arm(
        &mut self,
        generation: u64,
        relations: impl Iterator<Item = u32>,
    ) -> Result<bool, UpstreamError> {
        let last = self.probe.take();
        let prepared = self.prepare(generation, relations).await;
        match prepared {
            Ok(probe) => self.probe = Some(probe),
            Err(UpstreamError::Server { .. }) => {}
            Err(error) => return Err(error),
        }
        if let Some(last) = last {
            let name = last.execute.trim_start_matches("EXECUTE ");
            match self.service.query(&format!("DEALLOCATE {name}")).await {
                Ok(_) | Err(UpstreamError::Server { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let moment = self.service.query(MOMENT).await?;
        if moment == self.moment {
            return Ok(true);
        }
        self.moment = moment;
        self.has_same_contents().await
    }

    async fn prepare(
        &mut self,
        generation: u64,
        relations: impl Iterator<Item = u32>,
    ) -> Result<Probe, UpstreamError> {
        // A pooler may give the connection to others, who must not find a statement of this name that is not theirs.
        let name = format!("gatewright_{}_{generation}", self.service.key().pid);
        self.service.query(&probe(&name, relations)).await?;
        let execute = format!("EXECUTE {name}");
        let answer = self.service.query(&execute).await?;
        Ok(Probe { execute, answer })
    }

    /// Whether the catalog shows everything that was committed before this call.
    ///
    /// # Errors
    /// The connection is broken: nothing is known.
    pub async fn is_unchanged(&mut self) -> Result<bool, UpstreamError> {
        let moment = self.service.query(MOMENT).await?;
        if moment == self.moment {
            return Ok(true);
        }
        let unchanged = self.probe_is_unchanged().await?
            && self.contents_at.elapsed() < CONTENTS_INTERVAL
            || self.has_same_contents().await?;
        // Asked first: what has happened meanwhile shows the next time.
        self.moment = moment;
        Ok(unchanged)
    }

    async fn probe_is_unchanged(&mut self) -> Result<bool, UpstreamError> {
        let Some(probe) = &mut self.probe else {
            return Ok(false);
        };
        match self.service.query(&probe.execute).await {
            Ok(answer) => {
                let unchanged = answer == probe.answer;
                // If the contents turn out to be the same, the next comparison is with this answer.
                probe.answer = answer;
                Ok(unchanged)
            }
            Err(UpstreamError::Server { .. }) => {
                self.probe = None;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn has_same_contents(&mut self) -> Result<bool, UpstreamError> {
        let at = Instant::now();
        let contents = self.service.query(&contents()).await?;
        let same = contents == self.contents;
        self.contents = contents;
        self.contents_at = at;
        Ok(same)
    }

    pub async fn close(self) {
        self.service.close().await;
    }
}

/// The statement that is prepared. A constant of type regclass counts as a use of the relation and requires no privilege on it. Changes
/// of schemas and operators invalidate every prepared statement.
fn probe(name: &str, relations: impl Iterator<Item = u32>) -> String {
    let mut text = format!(
        "PREPARE {name} AS SELECT 'now'::pg_catalog.timestamptz, {} WHERE ARRAY['0'::pg_catalog.regclass",
        queries::NEWEST
    );
    for relation in relations.filter(|oid| *oid >= FIRST_OWN_OID) {
        // Each must be a constant of its own: within the text of an array the server does not see them.
        let _ = write!(text, ",'{relation}'::pg_catalog.regclass");
    }
    text.push_str("] IS NOT NULL");
    text
}

/// A number of rows and a sum over them for each system catalog that is read.
fn contents() -> String {
    let mut text = String::from("SELECT ");
    for (index, (catalog, condition)) in queries::CATALOGS.iter().enumerate() {
        let separator = if index > 0 { ", " } else { "" };
        let _ = write!(
            text,
            "{separator}(SELECT ROW(pg_catalog.count(*), pg_catalog.sum({})) FROM pg_catalog.{catalog} c WHERE {condition})",
            queries::WRITTEN_BY
        );
    }
    let _ = write!(text, ", ({})", queries::NAMES);
    text
}
