//! What a session knows of a statement that it holds.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::claim::Reason;
use crate::session::{Departure, Notice};

/// Between the session and the wait for a decision.
#[derive(Clone, Default)]
pub(in crate::gate) struct Waiting {
    notice: Rc<RefCell<Option<Notice>>>,
    /// A notice came that the relay has not heard of.
    is_news: Rc<Cell<bool>>,
    reason: Reason,
}

impl Waiting {
    /// The client is to be told this. What it was not told yet is out of date.
    pub fn tell(&self, notice: Notice) {
        *self.notice.borrow_mut() = Some(notice);
        self.is_news.set(true);
    }

    pub fn take_notice(&self) -> Option<Notice> {
        self.notice.borrow_mut().take()
    }

    /// True once for each notice.
    pub fn take_news(&self) -> bool {
        self.is_news.take()
    }

    pub fn reason(&self) -> Reason {
        Rc::clone(&self.reason)
    }

    /// Runs what leaves something for this reason.
    pub fn leaving<T>(&self, why: Departure, leave: impl FnOnce() -> T) -> T {
        self.reason.set(why);
        let left = leave();
        self.reason.set(Departure::default());
        self.notice.take();
        left
    }
}
