//! What the console shows of what was counted.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::connections::Connections;
use crate::admin::{Metrics, Sample};
use crate::console::{DatabaseFigures, Figures, PolicyFigures};

/// Reads it anew each time.
pub(super) fn of(
    connections: &Arc<Connections>,
    metrics: &Metrics,
) -> Arc<dyn Fn() -> Figures + Send + Sync> {
    let (connections, metrics) = (Arc::clone(connections), metrics.clone());
    Arc::new(move || {
        let mut figures = counted(&metrics);
        let catalogs = connections.catalogs.lock();
        let catalogs = catalogs.unwrap_or_else(PoisonError::into_inner);
        let catalogs = catalogs.iter();
        figures.catalogs = catalogs
            .map(|(place, catalog)| (place.clone(), catalog.is_read()))
            .collect();
        figures
    })
}

fn counted(metrics: &Metrics) -> Figures {
    let [statements, requests, held, open, idle, waiting] = metrics.samples([
        "gatewright_statements_total",
        "gatewright_approvals_total",
        "gatewright_approvals_held",
        "gatewright_pool_connections",
        "gatewright_pool_idle_connections",
        "gatewright_pool_waiting_clients",
    ]);
    let mut figures = Figures {
        verdicts: summed(&statements, "verdict"),
        decided: summed(&requests, "outcome"),
        held: held.iter().map(whole).sum(),
        databases: by_database(metrics),
        policies: by_policy(metrics),
        ..Figures::default()
    };
    for (database, count) in summed(&open, "database") {
        figures.pools.entry(database).or_default().open = count;
    }
    for (database, count) in summed(&idle, "database") {
        figures.pools.entry(database).or_default().idle = count;
    }
    for (database, count) in summed(&waiting, "database") {
        figures.pools.entry(database).or_default().waiting = count;
    }
    figures
}

fn by_database(metrics: &Metrics) -> BTreeMap<String, DatabaseFigures> {
    let [statements, held, rows, masked, sessions] = metrics.samples([
        "gatewright_database_statements_total",
        "gatewright_database_held",
        "gatewright_database_rows_total",
        "gatewright_database_masked_cells_total",
        "gatewright_database_sessions",
    ]);
    let mut databases = BTreeMap::<String, DatabaseFigures>::new();
    for sample in &statements {
        let name = sample.label("database").unwrap_or_default();
        let figures = databases.entry(name.to_owned()).or_default();
        figures.statements += whole(sample);
        if matches!(sample.label("verdict"), Some("deny" | "refuse" | "stop")) {
            figures.refused += whole(sample);
        }
    }
    for (samples, figure) in [
        (
            &held,
            (|one| &mut one.held) as fn(&mut DatabaseFigures) -> &mut u64,
        ),
        (&rows, |one| &mut one.rows),
        (&masked, |one| &mut one.masked),
        (&sessions, |one| &mut one.sessions),
    ] {
        for (name, count) in summed(samples, "database") {
            *figure(databases.entry(name).or_default()) = count;
        }
    }
    databases
}

fn by_policy(metrics: &Metrics) -> BTreeMap<String, PolicyFigures> {
    let [calls, seconds, faults, shadows] = metrics.samples([
        "gatewright_policy_call_seconds_count",
        "gatewright_policy_call_seconds_sum",
        "gatewright_policy_faults_total",
        "gatewright_policy_shadow_verdicts_total",
    ]);
    let mut policies = BTreeMap::<String, PolicyFigures>::new();
    for (policy, count) in summed(&calls, "policy") {
        policies.entry(policy).or_default().calls = count;
    }
    for sample in &seconds {
        let policy = sample.label("policy").unwrap_or_default();
        policies.entry(policy.to_owned()).or_default().seconds += sample.value;
    }
    for (policy, count) in summed(&faults, "policy") {
        policies.entry(policy).or_default().faults = count;
    }
    let objections = shadows
        .iter()
        .filter(|sample| sample.label("verdict") != Some("allow"));
    for sample in objections {
        let policy = sample.label("policy").unwrap_or_default();
        policies.entry(policy.to_owned()).or_default().objections += whole(sample);
    }
    for (policy, load) in metrics.loads() {
        let loaded = &mut policies.entry(policy).or_default().loaded;
        *loaded = Some((load.at, load.error));
    }
    policies
}

/// The values by one of their labels.
fn summed(samples: &[Sample], label: &str) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::<String, u64>::new();
    for sample in samples {
        let name = sample.label(label).unwrap_or_default();
        *sums.entry(name.to_owned()).or_default() += whole(sample);
    }
    sums
}

/// Counts are whole numbers.
fn whole(sample: &Sample) -> u64 {
    sample.value.max(0.0).round() as u64
}
