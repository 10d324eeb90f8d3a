//! The page about databases: who is connected to each, its pools, what is known of its catalog, and what statements have come to.

use std::collections::BTreeMap;
use std::time::SystemTime;

use axum::Extension;
use axum::extract::State as Shares;
use axum::http::StatusCode;
use axum::response::Response;

use super::headers::Nonce;
use super::pages::{DatabasesPage, Frame, html};
use super::person::Person;
use super::server::Shared;
use super::trouble::Trouble;
use super::visible::Visible;
use crate::identity::ANY;

/// What the gateway has counted, as far as the page shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// By the names that clients use.
    pub pools: BTreeMap<String, PoolFigures>,
    /// Server and database, and whether the catalog has been read.
    pub catalogs: BTreeMap<String, bool>,
    /// Verdicts on statements since the start.
    pub verdicts: BTreeMap<String, u64>,
    /// Requests for approval since the start, by what became of them.
    pub decided: BTreeMap<String, u64>,
    /// Statements that are held now.
    pub held: u64,
    /// By the names in the configuration.
    pub databases: BTreeMap<String, DatabaseFigures>,
    /// By name.
    pub policies: BTreeMap<String, PolicyFigures>,
}

/// What was counted in the sessions of one database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatabaseFigures {
    pub sessions: u64,
    pub statements: u64,
    /// Denied, refused by the gateway, or stopped.
    pub refused: u64,
    /// Held now.
    pub held: u64,
    pub rows: u64,
    /// Values that were masked in results.
    pub masked: u64,
}

/// What was counted of one policy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyFigures {
    pub calls: u64,
    /// What they took in all.
    pub seconds: f64,
    /// Traps, and other calls without a usable answer.
    pub faults: u64,
    /// In shadow mode: statements that it would not simply have allowed.
    pub objections: u64,
    /// When it was loaded last, and why that failed.
    pub loaded: Option<(SystemTime, Option<String>)>,
}

/// The pooled connections of one database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolFigures {
    pub open: u64,
    pub idle: u64,
    pub waiting: u64,
}

/// A database as the page shows it.
pub(super) struct DatabaseRow {
    pub name: Visible,
    pub sessions: usize,
    pub agents: usize,
    pub pool: Option<PoolFigures>,
    /// Of those that the configuration names.
    pub figures: Option<DatabaseFigures>,
}

/// A name and what was counted.
pub(super) struct Count {
    pub name: Visible,
    pub count: u64,
}

pub(super) struct CatalogRow {
    pub place: Visible,
    pub is_read: bool,
}

/// `GET /databases`
pub(super) async fn databases(
    Shares(shared): Shares<Shared>,
    person: Person,
    Extension(nonce): Extension<Nonce>,
) -> Result<Response, Trouble> {
    shared.require_overview(&person)?;
    let figures = (shared.overview.figures)();
    let store = shared.approvals.check_store().await;
    let page = DatabasesPage {
        frame: Frame {
            open: "databases",
            refresh: Some("/databases?refresh"),
            ..shared.frame(&person, &nonce, "Databases")
        },
        rows: shared.databases(&figures),
        catalogs: figures
            .catalogs
            .iter()
            .map(|(place, is_read)| CatalogRow {
                place: Visible::line(place),
                is_read: *is_read,
            })
            .collect(),
        verdicts: counts(&figures.verdicts),
        decided: counts(&figures.decided),
        held: figures.held,
        store: store.err().map(|error| Visible::line(&error.to_string())),
    };
    Ok(html(StatusCode::OK, &page))
}

impl Shared {
    /// Every database that is configured, that somebody is connected to, or that has pooled connections.
    fn databases(&self, figures: &Figures) -> Vec<DatabaseRow> {
        let mut rows: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let open = self.overview.roster.list();
        for session in &open {
            let (sessions, agents) = rows.entry(&session.database).or_default();
            *sessions += 1;
            *agents += usize::from(session.agent.is_some());
        }
        for name in figures.pools.keys().chain(figures.databases.keys()) {
            rows.entry(name).or_default();
        }
        let rows = rows
            .into_iter()
            .map(|(name, (sessions, agents))| DatabaseRow {
                name: Visible::line(match name {
                    ANY => "every other name",
                    name => name,
                }),
                sessions,
                agents,
                pool: figures.pools.get(name).copied(),
                figures: figures.databases.get(name).copied(),
            });
        rows.collect()
    }
}

fn counts(counted: &BTreeMap<String, u64>) -> Vec<Count> {
    let counts = counted.iter().map(|(name, count)| Count {
        name: Visible::line(&name.replace('_', " ")),
        count: *count,
    });
    counts.collect()
}
