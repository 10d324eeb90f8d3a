//! A call that was handed over to the threads for long calls goes on in slices there.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::adapter::{Entered, Left};
use crate::call::Promise;
use crate::deadline;
use crate::engine::Engine;
use crate::fault::Fault;
use crate::workers::Job;

/// Says what the instance has come back with, and gives the instance back.
pub(crate) type Finish<R> = Box<dyn FnOnce(Left<R>) -> Result<R, Fault> + Send>;

/// A call with an instance. Dropped before it is over, it leaves the place of the instance first: that is in `finish`.
pub(crate) struct Handed<R> {
    engine: Arc<Engine>,
    entered: Entered<R>,
    finish: Finish<R>,
    promise: Promise<R>,
}

impl<R: Send + 'static> Handed<R> {
    pub(crate) fn job(
        engine: &Arc<Engine>,
        promise: Promise<R>,
        entered: Entered<R>,
        finish: Finish<R>,
    ) -> Box<dyn Job> {
        Box::new(Handed {
            engine: Arc::clone(engine),
            entered,
            finish,
            promise,
        })
    }
}

impl<R: Send + 'static> Job for Handed<R> {
    fn slice(mut self: Box<Self>) -> Option<Box<dyn Job>> {
        if self.promise.is_withdrawn() {
            return None;
        }
        let running = self.engine.ticker.begin();
        let mut context = Context::from_waker(Waker::noop());
        let polled = deadline::slice(|| self.entered.as_mut().poll(&mut context));
        drop(running);
        let Poll::Ready(left) = polled else {
            return Some(self);
        };
        let Handed {
            entered,
            finish,
            promise,
            ..
        } = *self;
        // What it was asked about is free before its caller goes on.
        drop(entered);
        promise.keep(finish(left));
        None
    }
}
