//! Whether anything that the catalog was built from has changed since it was read, over a service connection that stays open. Questions
//! of which each costs more than the one before, and is asked only if that could not exclude a change.
//!
//! 1. Has any transaction with an id ended ([`MOMENT`])? Costs nothing, but moves with every write.
//! 2. Has the server invalidated what it keeps prepared about a group of relations ([`probe`]), or is there anything new ([`newest`])? The
//!    server analyses a prepared statement again if it names a relation that was altered (PostgreSQL's `PlanCacheRelCallback`; also by
//!    VACUUM, ANALYZE and the like), and the literal `'now'` is then read again.
//! 3. Have the objects of the groups that are suspected the stamps with which they were read ([`super::stamps`])? And every few seconds:
//!    those of all groups.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tokio::time::{Duration, Instant};

use super::rows::Row;
use super::stamps::{Grouping, Of, ROLES, Stamps, ask, written};
use crate::upstream::service::{Rows, Service};
use crate::upstream::{Target, UpstreamError};

/// Moves whenever a transaction that has an id ends. A standby does not list the transactions in progress, so there it is how much of
/// the log was replayed.
pub(super) const MOMENT: &str = "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()::pg_catalog.text \
     ELSE pg_catalog.pg_current_snapshot()::pg_catalog.text END";

/// What the second question cannot see is looked for this often, if transactions have ended since: changes of types and domains that
/// exist, and new relations after the server's OIDs have wrapped around.
const STAMPS_INTERVAL: Duration = Duration::from_secs(5);

/// What the server answered when the catalog was read.
pub(super) struct Watch {
    service: Service,
    /// As of the last look that found nothing.
    moment: Rows,
    /// As of the last time that stamps were compared.
    compared: Rows,
    newest: Option<Row>,
    /// Under which name the server keeps [`newest`] prepared.
    prepared: Option<String>,
    /// Before the last look.
    ahead: Rows,
    /// There is something new, perhaps no relation.
    is_newer: bool,
    /// By group of relations. Groups without one are suspected at every look: the server, or what is between, may not keep prepared
    /// statements.
    probes: BTreeMap<u32, Probe>,
    /// All groups that have relations.
    groups: BTreeSet<u32>,
    /// Groups of which something may have changed.
    suspects: BTreeSet<u32>,
    /// Groups of which the catalog does not show what has changed of temporary tables.
    ignored: BTreeSet<u32>,
    pub known: Option<Known>,
    serial: u64,
}

/// With which stamps the catalog was read.
pub(super) struct Known {
    /// That of the catalog.
    pub generation: u64,
    pub grouping: Grouping,
    pub relations: Stamps,
    pub functions: Stamps,
    pub others: Rows,
    /// When the stamps of everything were last seen to be these.
    pub compared: Instant,
}

struct Probe {
    name: String,
    answer: Option<String>,
}

impl Known {
    pub fn is_due(&self) -> bool {
        self.compared.elapsed() >= STAMPS_INTERVAL
    }

    /// Takes over the stamps that these objects have now; those without one are gone.
    pub fn take(&mut self, now: &Stamps, oids: &BTreeSet<u32>) {
        for oid in oids {
            match now.get(oid) {
                Some(stamp) => self.relations.insert(*oid, *stamp),
                None => self.relations.remove(oid),
            };
        }
    }

    /// Relations and composite types by group.
    fn groups(&self) -> BTreeMap<u32, Vec<u32>> {
        let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (oid, stamp) in &self.relations {
            if stamp.is_relation() {
                groups
                    .entry(self.grouping.group(*oid))
                    .or_default()
                    .push(*oid);
            }
        }
        groups
    }
}

impl Watch {
    /// Connects. The watch knows nothing before a catalog was read.
    pub async fn connect(target: &Target) -> Result<Self, UpstreamError> {
        Ok(Watch {
            service: Service::connect(target).await?,
            moment: Rows::new(),
            compared: Rows::new(),
            newest: None,
            prepared: None,
            ahead: Rows::new(),
            is_newer: true,
            probes: BTreeMap::new(),
            groups: BTreeSet::new(),
            suspects: BTreeSet::new(),
            ignored: BTreeSet::new(),
            known: None,
            serial: 0,
        })
    }

    pub fn service(&mut self) -> &mut Service {
        &mut self.service
    }

    /// Whether the catalog shows everything that was committed before this call. False: it may not.
    ///
    /// # Errors
    /// The connection is broken: nothing is known.
    pub async fn is_unchanged(&mut self) -> Result<bool, UpstreamError> {
        let moment = self.service.query(MOMENT).await?;
        if moment == self.moment && self.known.is_some() && !self.is_suspicious() {
            return Ok(true);
        }
        // Asked first: what happens from here on shows the next time.
        self.ahead = moment;
        self.look().await?;
        let Some(known) = &self.known else {
            return Ok(false);
        };
        let groups = self.groups.iter();
        let unasked = groups.filter(|group| !self.probes.contains_key(group));
        self.suspects.extend(unasked);
        let unchanged = !self.is_suspicious() && !known.is_due();
        if unchanged {
            self.moment.clone_from(&self.ahead);
        }
        Ok(unchanged)
    }

    fn is_suspicious(&self) -> bool {
        self.is_newer || !self.suspects.is_empty()
    }

    pub fn suspects(&self) -> &BTreeSet<u32> {
        &self.suspects
    }

    /// The same after the last look, with what that cannot see: changes of types, and of temporary tables, which were ignored. They count
    /// from now on.
    pub fn is_unchanged_in_everything(&mut self) -> bool {
        self.suspects.append(&mut self.ignored);
        !self.is_suspicious() && self.moment == self.compared
    }

    /// In these groups, changes of temporary tables were not read.
    pub fn ignore(&mut self, groups: &BTreeSet<u32>) {
        self.ignored.extend(groups);
    }

    /// Asks for what is newest and for the answers of all probes, in one round trip.
    async fn look(&mut self) -> Result<(), UpstreamError> {
        let mut text = match &self.prepared {
            Some(name) => format!("EXECUTE {name};"),
            None => newest() + ";",
        };
        let names = self.probes.values().map(|probe| probe.name.as_str());
        text.push_str(&each("EXECUTE", names));
        let mut answers = match self.service.query(&text).await {
            Ok(answers) if answers.len() == 1 + self.probes.len() => answers.into_iter(),
            Ok(_) | Err(UpstreamError::Server { .. }) => {
                self.probes.clear();
                self.prepared = None;
                self.service.query(&newest()).await?.into_iter()
            }
            Err(error) => return Err(error),
        };
        let newest = answers.next();
        self.is_newer |= newest.is_none() || newest != self.newest;
        self.newest = newest;
        for ((group, probe), answer) in self.probes.iter_mut().zip(answers) {
            let answer = answer.into_iter().next().flatten();
            if answer != probe.answer {
                self.suspects.insert(*group);
                // If nothing turns out to have changed, the next comparison is with this answer.
                probe.answer = answer;
            }
        }
        Ok(())
    }

    /// What was found at the last look was dealt with: the catalog shows it. The relations in `groups` are watched from now on as they are
    /// known; `None`: all.
    pub async fn settle(&mut self, groups: Option<&BTreeSet<u32>>) -> Result<(), UpstreamError> {
        self.is_newer = false;
        self.suspects.clear();
        self.moment.clone_from(&self.ahead);
        self.compared.clone_from(&self.ahead);
        self.prepare_newest().await?;
        let is_same = groups.is_some_and(BTreeSet::is_empty);
        let Some(known) = self.known.as_ref().filter(|_| !is_same) else {
            return Ok(());
        };
        let grouping = known.grouping;
        let mut relations = known.groups();
        self.groups = relations.keys().copied().collect();
        relations.retain(|group, _| groups.is_none_or(|groups| groups.contains(group)));
        let renewed = match groups {
            Some(groups) => groups.clone(),
            None => self
                .probes
                .keys()
                .chain(relations.keys())
                .copied()
                .collect(),
        };
        if renewed.is_empty() {
            return Ok(());
        }
        self.forget(&renewed).await?;
        self.prepare(&relations).await?;
        // What has changed since the snapshot and before the answers of the new statements, they cannot tell.
        if self.service.query(MOMENT).await? == self.ahead {
            return Ok(());
        }
        let question = grouping.objects(Of::Relations, Some(&renewed));
        let (now, _) = ask(&mut self.service, &question).await?;
        let Some(known) = &self.known else {
            return Ok(());
        };
        let (now, then) = (grouping.sum(&now), grouping.sum(&known.relations));
        let is_other = |group: &&u32| now.get(*group) != then.get(*group);
        self.suspects = renewed.iter().filter(is_other).copied().collect();
        Ok(())
    }

    async fn forget(&mut self, groups: &BTreeSet<u32>) -> Result<(), UpstreamError> {
        let gone = groups.iter().filter_map(|group| self.probes.remove(group));
        let names: Vec<String> = gone.map(|probe| probe.name).collect();
        if names.is_empty() {
            return Ok(());
        }
        let names = names.iter().map(String::as_str);
        match self.service.query(&each("DEALLOCATE", names)).await {
            Ok(_) | Err(UpstreamError::Server { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn prepare_newest(&mut self) -> Result<(), UpstreamError> {
        if self.prepared.is_some() {
            return Ok(());
        }
        let name = self.new_name();
        let prepare = format!("PREPARE {name} AS {}", newest());
        match self.service.query(&prepare).await {
            Ok(_) => self.prepared = Some(name),
            Err(UpstreamError::Server { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// A pooler may give the connection to others, who must not find a statement of this name that is not theirs.
    fn new_name(&mut self) -> String {
        self.serial += 1;
        format!("gatewright_{}_{}", self.service.key().pid, self.serial)
    }

    async fn prepare(&mut self, groups: &BTreeMap<u32, Vec<u32>>) -> Result<(), UpstreamError> {
        for (group, relations) in groups {
            let name = self.new_name();
            let prepare = probe(&name, relations);
            let text = format!("{prepare}; EXECUTE {name}");
            match self.service.query(&text).await {
                Ok(answer) => {
                    let answer = answer
                        .into_iter()
                        .next()
                        .and_then(|row| row.into_iter().next());
                    let answer = answer.flatten();
                    self.probes.insert(*group, Probe { name, answer });
                }
                Err(UpstreamError::Server { .. }) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub async fn close(self) {
        self.service.close().await;
    }
}

fn each<'n>(command: &str, names: impl Iterator<Item = &'n str>) -> String {
    let mut text = String::new();
    for name in names {
        let _ = write!(text, "{command} {name};");
    }
    text
}

/// Asks what is newest of each kind, and for everything small enough to be summed up each time.
fn newest() -> String {
    let newest = ["pg_class", "pg_type", "pg_constraint"]
        .map(|catalog| format!("(SELECT pg_catalog.max(oid) FROM pg_catalog.{catalog})"));
    let small = [
        ("pg_proc", "c.oid >= 16384"),
        ("pg_cast", "c.oid >= 16384"),
        ("pg_auth_members", "true"),
        ("pg_event_trigger", "true"),
    ]
    .map(|(catalog, condition)| written(catalog, condition));
    format!(
        "SELECT {}, {}, ({ROLES})",
        newest.join(", "),
        small.join(", ")
    )
}

/// The probe of a group. A constant of type regclass counts as a use of the relation and requires no privilege on it. Changes
/// of schemas and operators invalidate every prepared statement.
fn probe(name: &str, relations: &[u32]) -> String {
    let mut text = format!(
        "PREPARE {name} AS SELECT 'now'::pg_catalog.timestamptz WHERE ARRAY['0'::pg_catalog.regclass"
    );
    for relation in relations {
        // Each must be a constant of its own: within the text of an array the server does not see them.
        let _ = write!(text, ",'{relation}'::pg_catalog.regclass");
    }
    text.push_str("] IS NOT NULL");
    text
}
