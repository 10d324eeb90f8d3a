//! The admin port: metrics for Prometheus, and whether the gateway is alive and ready. It reads counters and states,
//! and never reaches into a live session. What it counts comes from `gate`, `relay` and the policy host.

mod metrics;
mod server;

pub use metrics::{Connection, Load, Metrics, Sample};
pub use server::{AdminError, AdminServer, Readiness};
