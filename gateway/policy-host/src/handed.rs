//! A call that was handed over to the threads for long calls: it waits for an instance if it has none, and goes on in slices.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::adapter::{Entered, Left};
use crate::call::Answer;
use crate::deadline;
use crate::engine::Engine;
use crate::fault::Fault;
use crate::workers::Job;

/// Says what the instance has come back with, and gives the instance back.
pub(crate) type Finish<R> = Box<dyn FnOnce(Left<R>) -> Result<R, Fault> + Send>;

/// A call with an instance.
pub(crate) struct Handed<R> {
    engine: Arc<Engine>,
    answer: Arc<Answer<R>>,
    /// `None` once it is over.
    call: Option<(Entered<R>, Finish<R>)>,
}

impl<R: Send + 'static> Handed<R> {
    pub(crate) fn job(
        engine: &Arc<Engine>,
        answer: &Arc<Answer<R>>,
        entered: Entered<R>,
        finish: Finish<R>,
    ) -> Box<dyn Job> {
        Box::new(Handed {
            engine: Arc::clone(engine),
            answer: Arc::clone(answer),
            call: Some((entered, finish)),
        })
    }
}

impl<R: Send + 'static> Job for Handed<R> {
    fn slice(mut self: Box<Self>) -> Option<Box<dyn Job>> {
        let (mut entered, finish) = self.call.take()?;
        if self.answer.is_withdrawn() {
            // The instance goes before its place is free.
            drop(entered);
            return None;
        }
        let running = self.engine.ticker.begin();
        let mut context = Context::from_waker(Waker::noop());
        let polled = deadline::slice(|| entered.as_mut().poll(&mut context));
        drop(running);
        match polled {
            Poll::Pending => {
                self.call = Some((entered, finish));
                Some(self)
            }
            Poll::Ready(left) => {
                // What it was asked about is free before its caller goes on.
                drop(entered);
                self.answer.give(finish(left));
                None
            }
        }
    }
}

impl<R> Drop for Handed<R> {
    /// Only a panic has left the call without an answer by now, or nobody waits for it.
    fn drop(&mut self) {
        self.answer
            .give(Err(Fault::Trap("the host panicked".into())));
    }
}

/// What a call does that waits for an instance, once one may be free: it goes on with that, or waits again.
pub(crate) struct Seeking(pub(crate) Box<dyn FnOnce() -> Option<Box<dyn Job>> + Send>);

impl Job for Seeking {
    fn slice(self: Box<Self>) -> Option<Box<dyn Job>> {
        (self.0)()
    }
}
