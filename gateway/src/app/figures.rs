//! What the console shows of what was counted.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::connections::Connections;
use crate::admin::{Metrics, Sample};
use crate::console::Figures;

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
