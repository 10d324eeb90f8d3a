//! Closes idle connections whose time is over, and forgets groups that nobody uses.

use std::sync::{Arc, Weak};
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
        let Some(groups) = pools.groups_in_use() else {
            return;
        };
        drop(pools);
        for group in groups {
            lease::close_all(group.expired()).await;
        }
    }
}

impl Pools {
    /// The groups that somebody uses or that have connections; others are forgotten. `None`: there are none, and the keeper ends.
    fn groups_in_use(&self) -> Option<Vec<Arc<Group>>> {
        let mut groups = self.groups();
        // A group is found under this lock only, so what nobody has now, nobody gets.
        groups
            .by_place
            .retain(|_, group| Arc::strong_count(group) > 1 || group.has_idle());
        if groups.by_place.is_empty() {
            groups.are_kept = false;
            return None;
        }
        Some(groups.by_place.values().map(Arc::clone).collect())
    }
}
