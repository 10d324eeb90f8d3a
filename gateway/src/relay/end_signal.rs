//! Tells a relay that its session has to end, and costs it nothing while it does not.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::task::{Context, Waker};

use tokio::task::AbortHandle;

use super::Ending;

/// The end of one session. What decides about it is a task of its own, which is asked when something of its concern has changed, not
/// whenever bytes come.
pub struct EndSignal {
    told: Rc<Told>,
    task: Option<AbortHandle>,
}

#[derive(Default)]
struct Told {
    ending: Cell<Option<Ending>>,
    relay: RefCell<Option<Waker>>,
}

impl EndSignal {
    /// Runs `end` on the local set of the caller. Panics outside of one.
    pub fn of(end: impl Future<Output = Ending> + 'static) -> Self {
        let told: Rc<Told> = Rc::default();
        let teller = Rc::clone(&told);
        let task = tokio::task::spawn_local(async move {
            teller.ending.set(Some(end.await));
            if let Some(relay) = teller.relay.take() {
                relay.wake();
            }
        });
        EndSignal {
            told,
            task: Some(task.abort_handle()),
        }
    }

    /// A session that may go on forever.
    #[cfg(test)]
    pub fn never() -> Self {
        EndSignal {
            told: Rc::default(),
            task: None,
        }
    }

    /// The reason, once. The caller is woken when there is one.
    pub(super) fn take(&self, context: &Context<'_>) -> Option<Ending> {
        let ending = self.told.ending.take();
        if ending.is_none() {
            let mut relay = self.told.relay.borrow_mut();
            if !matches!(&*relay, Some(known) if known.will_wake(context.waker())) {
                *relay = Some(context.waker().clone());
            }
        }
        ending
    }
}

impl Drop for EndSignal {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}
