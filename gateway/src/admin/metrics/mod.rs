//! The metrics of the process: defined in one table, counted by the other modules, rendered for Prometheus.

mod databases;
mod definition;
mod definitions;
mod handles;
mod histograms;
mod loads;
mod policies;
mod policy_counters;
mod pools;
mod record;
mod samples;
mod statements;
mod streams;
mod text;
mod webhooks;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

use databases::Databases;
use definitions::{CONNECTIONS, CONNECTIONS_TOTAL, REFUSALS_DELAYED_TOTAL};
use histograms::Histograms;
use loads::Loads;
use policy_counters::PolicyCounters;

pub use loads::Load;
pub use samples::Sample;

/// The metrics of the process.
#[derive(Clone)]
pub struct Metrics {
    recorded: PrometheusHandle,
    policy_counters: Arc<PolicyCounters>,
    histograms: Arc<Histograms>,
    databases: Arc<Databases>,
    loads: Arc<Loads>,
}

impl Metrics {
    /// Installs the recorder. Once per process.
    ///
    /// # Errors
    /// Another recorder is installed already.
    pub fn install() -> Result<Self, BuildError> {
        let recorded = PrometheusBuilder::new().install_recorder()?;
        Ok(Metrics::described(recorded))
    }

    fn described(recorded: PrometheusHandle) -> Self {
        for definition in definitions::ALL {
            definition.describe();
        }
        Metrics {
            recorded,
            policy_counters: Arc::default(),
            histograms: Arc::default(),
            databases: Arc::default(),
            loads: Arc::default(),
        }
    }

    /// The metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        let mut text = self.recorded.render();
        self.histograms.render(&mut text);
        self.policy_counters.render(&mut text);
        text
    }
}

/// Counts one connection while it is open.
pub struct Connection(());

impl Connection {
    pub fn open() -> Self {
        CONNECTIONS.gauge(&[]).increment(1.0);
        Connection(())
    }

    /// The error of a failed login is delayed.
    pub fn delayed() {
        REFUSALS_DELAYED_TOTAL.counter(&[]).increment(1);
    }

    /// A connection ended; `outcome` is a value of the label.
    pub fn ended(outcome: &'static str) {
        CONNECTIONS_TOTAL.counter(&[outcome]).increment(1);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        CONNECTIONS.gauge(&[]).decrement(1.0);
    }
}
