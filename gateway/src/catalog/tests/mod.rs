//! The catalog against real servers: what is read of changes is what is read of everything.

mod changes;
mod random;

use std::future::Future;
use std::task::Poll;

use super::*;

#[tokio::test]
async fn a_request_from_before_the_catalog_is_kept_fresh_is_served() {
    // Nothing listens there.
    let target = "postgres://app@127.0.0.1:1/shop?sslmode=disable";
    let handle = CatalogHandle::new(target.parse().unwrap());
    let mut request = Box::pin(Arc::clone(&handle).refreshed());
    let waits =
        std::future::poll_fn(|context| Poll::Ready(request.as_mut().poll(context).is_pending()));
    assert!(waits.await);
    let fresh = tokio::spawn(Arc::clone(&handle).keep_fresh(Duration::from_secs(3600)));
    assert!(!request.await);
    assert_eq!(
        handle.reads.dealt_with(),
        1,
        "it was given up before it was served"
    );
    fresh.abort();
}
