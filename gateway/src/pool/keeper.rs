//! Closes idle connections whose time is over.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use super::{Group, Pools, lease};

const INTERVAL: Duration = Duration::from_millis(500);

/// Runs until there are no pools any more, or no group.
pub(super) async fn run(pools: Weak<Pools>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(pools) = pools.upgrade() else {
            return;
        };
        let groups: Vec<Arc<Group>> = {
            let groups = pools.groups.lock().unwrap_or_else(PoisonError::into_inner);
            if groups.is_empty() {
                return;
            }
            groups.values().map(Arc::clone).collect()
        };
        drop(pools);
        for group in groups {
            lease::close_all(group.expired()).await;
        }
    }
}
